package gate

import (
	"bytes"
	"mime"
	"net/http"
	"slices"
	"strings"
	"unicode"

	"github.com/gennaker/gennaker/activities"
	"github.com/gennaker/gennaker/pipeline"
	"github.com/gennaker/gennaker/pipeline/expr"
)

const (
	// maxVariables bounds the variables of one request.
	maxVariables = 1000
	// maxFetchRounds is how often an evaluation may ask for more from outside:
	// what one helper fetched may name what the next one fetches.
	maxFetchRounds = 20
)

// evaluation is the outcome of evaluating: what came out, and what failed, by
// expression (reference: gate section 3).
type evaluation struct {
	Result any          `json:"result"`
	Detail pipeline.Map `json:"detail,omitempty"`
}

// evaluateExpression evaluates the text in the query.
func evaluateExpression(r *request) error {
	text, err := r.expression()
	if err != nil {
		return err
	}
	return r.evaluate(text, "")
}

// evaluateExpressionBody evaluates the text in the body.
func evaluateExpressionBody(r *request) error {
	media, _, err := mime.ParseMediaType(r.Request.Header.Get("Content-Type"))
	if err == nil && media == "text/plain" {
		text, err := r.body()
		if err != nil {
			return err
		}
		if len(bytes.TrimSpace(text)) == 0 {
			return pipeline.Errorf(pipeline.CodeInvalid, "The request has no body: send the text to evaluate.")
		}
		return r.evaluate(string(text), "")
	}
	body, err := r.object(false)
	if err != nil {
		return err
	}
	text, isText := body["expression"].(string)
	if !isText {
		return pipeline.Errorf(pipeline.CodeInvalid, "The body's expression is %s: set it to the text to evaluate.", kind(body["expression"]))
	}
	return r.evaluate(text, "")
}

// evaluateExpressionAtStage evaluates the text in the query as a stage sees it.
func evaluateExpressionAtStage(r *request) error {
	text, err := r.expression()
	if err != nil {
		return err
	}
	return r.evaluate(text, r.param("stageId"))
}

func (r *request) expression() (string, error) {
	if !r.query.Has("expression") {
		return "", pipeline.Errorf(pipeline.CodeInvalid, "The query has no expression: set it to the text to evaluate.")
	}
	return strings.Join(r.query["expression"], ","), nil
}

// evaluate answers what a text means to an execution, or to one of its stages.
func (r *request) evaluate(text, stageID string) error {
	record, err := r.find(pipeline.TypePipeline)
	if err != nil {
		return err
	}
	x := record.Execution
	var stage *pipeline.Stage
	if stageID != "" {
		if stage = x.Stage(stageID); stage == nil {
			return pipeline.Errorf(pipeline.CodeNotFound, "Stage %s not found in execution %s", stageID, x.ID)
		}
	}
	var result any
	var summary *expr.Summary
	err = r.fetching(expr.NewEnv(x, stage), func(env *expr.Env) error {
		var err error
		result, summary, err = expr.Evaluate(env, map[string]any{"expression": text}, expr.Options{})
		return err
	})
	if err != nil {
		return err
	}
	out := evaluation{Result: pipeline.AsMap(result)["expression"]}
	if summary.Failed() {
		out.Detail = summary.Value()
	}
	return r.answer(http.StatusOK, out)
}

// adHocStage is the refId of the stage that [evaluateVariables] adds in thought.
const adHocStage = "_AD_HOC_EVALUATE_VARIABLES_STAGE_"

// evaluateVariables answers what an Evaluate Variables stage would make of the
// variables in the body, behind the stages that the query names.
func evaluateVariables(r *request) error {
	variables, err := r.variables()
	if err != nil {
		return err
	}
	version := r.text("spelVersion")
	if version != "" && !slices.Contains([]string{"v2", "v3", "v4"}, strings.ToLower(version)) {
		return pipeline.Errorf(pipeline.CodeInvalid, "SpEL evaluator version %s is not supported", version)
	}
	if id := r.text("executionId"); id != "" {
		r.values["id"] = id
	}
	record, err := r.find(pipeline.TypePipeline)
	if err != nil {
		return err
	}
	stage := &pipeline.Stage{
		RefID: adHocStage, Type: "evaluateVariables", Status: pipeline.Running,
		Context: pipeline.Map{"variables": variables}, Outputs: pipeline.Map{},
		RequisiteStageRefIDs: strings.FieldsFunc(r.text("requisiteStageRefIds"), func(c rune) bool {
			return c == ',' || c == ';' || unicode.IsSpace(c)
		}),
	}
	env := expr.NewEnv(record.Execution, stage)
	env.SpelEvaluator = version
	var context pipeline.Map
	var summary *expr.Summary
	err = r.fetching(env, func(env *expr.Env) error {
		var err error
		context, summary, err = expr.EvaluateStage(env, expr.Options{})
		return err
	})
	if err != nil {
		return err
	}
	out := evaluation{Result: context.List("variables")}
	if summary.Failed() {
		out.Detail = summary.Value()
	}
	return r.answer(http.StatusOK, out)
}

// variables reads the body as a list of variables.
func (r *request) variables() ([]any, error) {
	data, err := r.body()
	if err != nil {
		return nil, err
	}
	if err := checkContentType(r.Request.Header.Get("Content-Type")); err != nil {
		return nil, err
	}
	v, err := pipeline.DecodeValue(data)
	if err != nil {
		return nil, pipeline.Errorf(pipeline.CodeInvalid, "The request body is not JSON: %s.", explain(data, err))
	}
	list, isList := v.([]any)
	if !isList {
		return nil, pipeline.Errorf(pipeline.CodeInvalid, "The request body is %s: send a list of objects with key and value.", kind(v))
	}
	if len(list) > maxVariables {
		return nil, pipeline.Errorf(pipeline.CodeInvalid, "The request has %d variables: send at most %d.", len(list), maxVariables)
	}
	for i, e := range list {
		if pipeline.AsMap(e) == nil {
			return nil, pipeline.Errorf(pipeline.CodeInvalid, "Variable %d is %s: send an object with key and value.", i+1, kind(e))
		}
	}
	return list, nil
}

// fetching evaluates, fetches what the evaluation says it lacks, and evaluates
// again.
func (r *request) fetching(env *expr.Env, evaluate func(*expr.Env) error) error {
	env.Now = r.server.now()
	env.Seed = uint64(env.Now.UnixNano())
	env.User = r.caller.User
	env.Fetched = map[string]expr.Answer{}
	for range maxFetchRounds {
		err := evaluate(env)
		needs := expr.AsNeedsFetch(err)
		if needs == nil {
			return err
		}
		answers, err := r.fetch(env, needs.Requests)
		if err != nil {
			return err
		}
		for _, request := range needs.Requests {
			answer, ok := answers[request.Key()]
			if !ok {
				answer.Error = "The answer of " + string(request.Kind) + " is missing."
			}
			env.Fetched[request.Key()] = answer
		}
	}
	return pipeline.Errorf(pipeline.CodeTooLarge, "The expressions fetch from outside more than %d times, one after another: fetch less.", maxFetchRounds)
}

// fetch answers what helpers ask for, or says that nothing here can.
func (r *request) fetch(env *expr.Env, requests []expr.Request) (map[string]expr.Answer, error) {
	if r.server.fetcher == nil {
		out := map[string]expr.Answer{}
		for _, q := range requests {
			out[q.Key()] = expr.Answer{Error: "Gate fetches nothing from outside (" + string(q.Kind) + "): evaluate in a stage of a running execution."}
		}
		return out, nil
	}
	scope := activities.Scope{Application: env.Execution.Application, Execution: env.Execution.ID, Task: "evaluate", User: r.caller.User}
	if env.Stage != nil {
		scope.Stage, scope.StageName = env.Stage.ID, env.Stage.Name
	}
	out, err := r.server.fetcher.FetchExpressions(r.ctx(), activities.FetchExpressionsInput{Scope: scope, Requests: requests})
	return out.Answers, err
}
