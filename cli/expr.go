package cli

import (
	"bufio"
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"strings"
	"time"

	"github.com/gennaker/gennaker/pipeline"
	"github.com/gennaker/gennaker/pipeline/expr"
)

// errExpressionFailed is the end of a run whose expression failed; what it has
// to say is printed already.
var errExpressionFailed = errors.New("the expression could not be evaluated")

// exprCommand evaluates expressions as a stage's context would hold them
// (reference: expressions sections 1 to 8).
type exprCommand struct {
	Flags
	Expression string `arg:"" optional:"" help:"Text with expressions, for example 'v$${trigger.buildNumber}'."`

	Execution string `help:"ID of an execution whose values the expression sees." placeholder:"ID"`
	Stage     string `help:"Stage of the execution that evaluates: its ID, refId or name." placeholder:"STAGE"`
	Context   string `help:"File with the values, JSON or YAML, that the expression sees; a key execution holds an execution for functions such as #stage. '-' is standard input." placeholder:"FILE"`
	Batch     bool   `help:"Read JSON lines {\"context\": {…}, \"expr\": \"…\"} from standard input and answer each with {\"result\": …} or {\"error\": \"…\", \"result\": …}."`
	List      bool   `help:"List the helper functions."`
}

// Run implements the command.
func (c *exprCommand) Run(p *Process) error {
	switch {
	case c.List:
		for _, f := range expr.Functions() {
			_, _ = fmt.Fprintf(p.Stdout, "%-60s %s\n", f.Signature(), f.Doc)
		}
		return nil
	case c.Batch:
		return evaluateBatch(p.Ctx, p.Stdin, p.Stdout)
	case c.Expression == "":
		return usagef("give the text to evaluate, for example: gennaker expr '${1 + 1}'")
	}
	env, err := c.environment(p)
	if err != nil {
		return err
	}
	result, summary, err := evaluateText(env, c.Expression)
	if err != nil {
		return err
	}
	if err := printJSON(p.Stdout, result); err != nil {
		return err
	}
	if !summary.Failed() {
		return nil
	}
	for _, text := range summary.Expressions() {
		for _, r := range summary.Results(text) {
			_, _ = fmt.Fprintln(p.Stderr, r.Description)
			if r.Caret != "" {
				_, _ = fmt.Fprintln(p.Stderr, r.Caret)
			}
			if r.Hint != "" && !strings.Contains(r.Description, r.Hint) {
				_, _ = fmt.Fprintln(p.Stderr, r.Hint)
			}
		}
	}
	return errExpressionFailed
}

// environment builds the names that the expression sees.
func (c *exprCommand) environment(p *Process) (*expr.Env, error) {
	switch {
	case c.Execution != "":
		gate, err := p.gate()
		if err != nil {
			return nil, err
		}
		execution, _, err := gate.Execution(p.Ctx, c.Execution)
		if err != nil {
			return nil, err
		}
		return environmentOf(execution, c.Stage)
	case c.Context != "":
		m, err := p.readFile(c.Context, "the context")
		if err != nil {
			return nil, err
		}
		return contextEnvironment(m, c.Stage)
	}
	return contextEnvironment(pipeline.Map{}, "")
}

// environmentOf lets a stage of an execution evaluate: the named one, else the
// last that has started.
func environmentOf(execution *pipeline.Execution, stage string) (*expr.Env, error) {
	var at *pipeline.Stage
	for _, s := range execution.Stages {
		if stage == "" && s.StartTime != 0 && s.ParentStageID == "" || stage != "" && (s.ID == stage || s.RefID == stage || s.Name == stage) {
			at = s
			if stage != "" {
				break
			}
		}
	}
	if stage != "" && at == nil {
		return nil, fmt.Errorf("the execution %s has no stage with the ID, refId or name %q", execution.ID, stage)
	}
	return stamped(expr.NewEnv(execution, at)), nil
}

// contextEnvironment sees a context on its own. Under execution it may hold an
// execution, for the functions that look into one.
func contextEnvironment(m pipeline.Map, stage string) (*expr.Env, error) {
	env := expr.NewEnv(nil, nil)
	if held := m.Map("execution"); held != nil {
		var execution pipeline.Execution
		err := pipeline.Bind(map[string]any(held), &execution)
		if err != nil {
			return nil, fmt.Errorf("the context's execution cannot be read: %w", err)
		}
		if execution.Type == "" {
			execution.Type = pipeline.TypePipeline
		}
		if env, err = environmentOf(&execution, stage); err != nil {
			return nil, err
		}
	}
	env.Context = m
	return stamped(env), nil
}

func stamped(env *expr.Env) *expr.Env {
	env.Now = time.Now()
	env.Seed = uint64(env.Now.UnixNano())
	return env
}

// evaluateText evaluates; what would have to be fetched from outside is a
// failure that says so.
func evaluateText(env *expr.Env, text string) (any, *expr.Summary, error) {
	env.Fetched = map[string]expr.Answer{}
	for {
		result, summary, err := expr.Evaluate(env, text, expr.Options{})
		needs := expr.AsNeedsFetch(err)
		if needs == nil {
			return result, summary, err
		}
		for _, r := range needs.Requests {
			env.Fetched[r.Key()] = expr.Answer{Error: "The command line fetches nothing from outside (" + string(r.Kind) + "): evaluate on a running execution."}
		}
	}
}

// batchRequest is one line of --batch.
type batchRequest struct {
	Context pipeline.Map `json:"context"`
	Expr    *string      `json:"expr"`
	Stage   string       `json:"stage"`
}

// evaluateBatch answers every line, in order; a line that cannot be read is
// answered with an error and the rest goes on.
func evaluateBatch(ctx context.Context, in io.Reader, out io.Writer) error {
	lines := bufio.NewScanner(in)
	lines.Buffer(make([]byte, 0, 64<<10), maxDocument)
	w := bufio.NewWriter(out)
	for lines.Scan() && ctx.Err() == nil {
		line := bytes.TrimSpace(lines.Bytes())
		if len(line) == 0 {
			continue
		}
		if err := printJSON(w, answerLine(line)); err != nil {
			return err
		}
		// Somebody may wait for each answer before the next question.
		if err := w.Flush(); err != nil {
			return err
		}
	}
	return errors.Join(lines.Err(), ctx.Err())
}

func answerLine(line []byte) map[string]any {
	failed := func(err error) map[string]any { return map[string]any{"error": err.Error(), "result": nil} }
	var request batchRequest
	if err := json.Unmarshal(line, &request); err != nil {
		return failed(fmt.Errorf("the line is no request: %w", err))
	}
	if request.Expr == nil {
		return failed(errors.New(`the line has no "expr"`))
	}
	if request.Context == nil {
		request.Context = pipeline.Map{}
	}
	env, err := contextEnvironment(request.Context, request.Stage)
	if err != nil {
		return failed(err)
	}
	result, summary, err := evaluateText(env, *request.Expr)
	switch {
	case err != nil:
		return failed(err)
	case summary.Failed():
		return map[string]any{"error": strings.Join(summary.Descriptions(), "\n"), "result": result}
	}
	return map[string]any{"result": result}
}

func printJSON(w io.Writer, v any) error {
	text, err := pipeline.EncodeValue(v)
	if err != nil {
		return err
	}
	_, err = w.Write(append(text, '\n'))
	return err
}
