package workflows

import (
	"hash/fnv"
	"reflect"
	"strconv"
	"strings"
	"time"

	"go.temporal.io/sdk/workflow"

	"github.com/gennaker/gennaker/activities"
	"github.com/gennaker/gennaker/pipeline"
	"github.com/gennaker/gennaker/pipeline/expr"
)

// Bounds of one evaluation.
const (
	// maxFetchRounds is how often an evaluation may ask for more from outside:
	// what one helper fetched may name what the next one fetches.
	maxFetchRounds = 20
	// fetchTimeout bounds the fetching with all its retries.
	fetchTimeout = 10 * time.Minute
)

// evaluateContext replaces the expressions in the stage's context by their
// values, as Orca does before a stage and before each of its tasks (reference:
// expressions section 7). The error is Temporal's CanceledError, or that of a
// fetch that never came through.
func (r *run) evaluateContext(ctx workflow.Context, s *pipeline.Stage) error {
	if !holdsExpression(map[string]any(s.Context)) {
		return nil
	}
	opt := expr.Options{Exclude: r.received(ctx, s)}
	return r.fetching(ctx, s, func(env *expr.Env) error {
		evaluated, _, err := expr.EvaluateStage(env, opt)
		if err == nil {
			s.Context = evaluated
		}
		return err
	})
}

// evaluate replaces the expressions in a value that a stage uses.
func (r *run) evaluate(ctx workflow.Context, s *pipeline.Stage, value any) (any, *expr.Summary, error) {
	var out any
	var summary *expr.Summary
	err := r.fetching(ctx, s, func(env *expr.Env) (err error) {
		out, summary, err = expr.Evaluate(env, value, expr.Options{})
		return err
	})
	return out, summary, err
}

// fetching evaluates, fetches what the evaluation says it lacks, and evaluates
// again.
func (r *run) fetching(ctx workflow.Context, s *pipeline.Stage, evaluate func(*expr.Env) error) error {
	fetched := map[string]expr.Answer{}
	r.evaluations++
	seed := r.seed(ctx, s)
	for range maxFetchRounds {
		env := expr.NewEnv(r.exec, s)
		env.Share(r.stageGraph())
		env.Now = workflow.Now(ctx)
		env.Seed = seed
		env.User = r.user(s)
		env.Fetched = fetched
		err := evaluate(env)
		needs := expr.AsNeedsFetch(err)
		if needs == nil {
			return err
		}
		t := &TaskRun{run: r, Stage: s, task: &pipeline.Task{Name: "evaluateExpressions", StartTime: r.now(ctx)}, timeout: fetchTimeout}
		got, err := Call(ctx, t, activities.FetchExpressions, activities.FetchExpressionsInput{Scope: t.Scope(), Requests: needs.Requests})
		if err != nil {
			return err
		}
		for _, request := range needs.Requests {
			answer, ok := got.Answers[request.Key()]
			if !ok {
				answer.Error = "The answer of " + string(request.Kind) + " is missing."
			}
			fetched[request.Key()] = answer
		}
	}
	return pipeline.Errorf(pipeline.CodeTooLarge, "The expressions of the stage '%s' fetch from outside more than %d times, one after another: fetch less.", s.Name, maxFetchRounds)
}

// seed is where the random numbers of one evaluation start.
func (r *run) seed(ctx workflow.Context, s *pipeline.Stage) uint64 {
	h := fnv.New64a()
	// Writing to a hash never fails.
	_, _ = h.Write([]byte(workflow.GetInfo(ctx).WorkflowExecution.RunID + "\x00" + s.ID + "\x00" + strconv.Itoa(r.evaluations)))
	return h.Sum64()
}

// evaluateConfig is the pass over the whole configuration at the start of a
// pipeline: without the stages under evaluator v4, with them before (reference:
// expressions section 7). What cannot be known yet stays text.
func (r *run) evaluateConfig(ctx workflow.Context) {
	if r.exec.Type != pipeline.TypePipeline {
		return
	}
	env := r.configEnv(ctx)
	evaluated := func(value any) any {
		if !holdsExpression(value) {
			return value
		}
		out, _, err := expr.Evaluate(env, value, expr.Options{})
		if err != nil {
			return value // what must be fetched is known when the stage starts
		}
		return out
	}
	text := func(s string) string {
		if out, ok := evaluated(s).(string); ok {
			return out
		}
		return s
	}
	if m := pipeline.AsMap(evaluated(map[string]any(r.exec.TemplateVariables))); len(m) > 0 {
		r.exec.TemplateVariables = m
		env = r.configEnv(ctx)
	}
	r.evaluateDefaults(evaluated)
	r.exec.Name = text(r.exec.Name)
	for i, n := range r.exec.Notifications {
		if m := pipeline.AsMap(evaluated(map[string]any(n))); m != nil {
			r.exec.Notifications[i] = m
		}
	}
	if !expr.EvaluatesAtStart(r.exec.SpelEvaluator) {
		return
	}
	for _, s := range r.exec.Stages {
		s.Name = text(s.Name)
		if m := pipeline.AsMap(evaluated(map[string]any(s.Context))); m != nil {
			s.Context = m
		}
	}
}

// evaluateDefaults evaluates the expected artifacts that were resolved to their
// defaults, which the pipeline's author wrote. What came with the trigger was
// written by others and stays as it came.
func (r *run) evaluateDefaults(evaluated func(any) any) {
	t := &r.exec.Trigger
	for i, e := range t.ResolvedExpectedArtifacts {
		if e.BoundArtifact == nil || e.DefaultArtifact == nil || !reflect.DeepEqual(e.BoundArtifact, e.DefaultArtifact) {
			continue
		}
		value, err := pipeline.ToValue(e.DefaultArtifact)
		if err != nil || !holdsExpression(value) {
			continue
		}
		var bound pipeline.Artifact
		if pipeline.Bind(evaluated(value), &bound) != nil {
			continue // an expression gave what no artifact can hold: it stays text
		}
		for k, a := range t.Artifacts {
			if reflect.DeepEqual(a, *e.BoundArtifact) {
				t.Artifacts[k] = bound
			}
		}
		t.ResolvedExpectedArtifacts[i].BoundArtifact = &bound
	}
}

// configEnv holds the names of the pass over the configuration.
func (r *run) configEnv(ctx workflow.Context) *expr.Env {
	env := expr.NewConfigEnv(r.exec.Trigger, r.exec.TemplateVariables)
	env.Now = workflow.Now(ctx)
	env.SpelEvaluator = r.exec.SpelEvaluator
	return env
}

// holdsExpression reports whether a value holds text that may be an expression,
// in the keys of maps too.
func holdsExpression(v any) bool {
	switch v := v.(type) {
	case string:
		return strings.Contains(v, "${")
	case map[string]any:
		for k, e := range v {
			if strings.Contains(k, "${") || holdsExpression(e) {
				return true
			}
		}
	case pipeline.Map:
		return holdsExpression(map[string]any(v))
	case []any:
		for _, e := range v {
			if holdsExpression(e) {
				return true
			}
		}
	}
	return false
}
