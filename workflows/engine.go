package workflows

import (
	"fmt"
	"maps"
	"slices"
	"strings"
	"time"

	"go.temporal.io/sdk/workflow"

	"github.com/gennaker/gennaker/activities"
	"github.com/gennaker/gennaker/pipeline"
)

// Engine runs pipelines. It is built once for each worker.
type Engine struct {
	types     map[string]StageType
	publisher Publisher
	// queueTimeout replaces that of calls which have one; 0 is their own.
	queueTimeout time.Duration
}

// NewEngine returns an engine that knows the given stage types. Two types that
// answer to one name are a mistake of the program and an error.
func NewEngine(types []StageType, publisher Publisher) (*Engine, error) {
	e := &Engine{types: make(map[string]StageType, len(types)), publisher: publisher}
	for _, t := range types {
		names := []string{t.Type()}
		if a, ok := t.(Aliased); ok {
			names = append(names, a.Aliases()...)
		}
		for _, name := range names {
			if _, taken := e.types[name]; taken {
				return nil, fmt.Errorf("two stage types answer to the name %q", name)
			}
			e.types[name] = t
		}
	}
	return e, nil
}

// WithQueueTimeout returns an engine whose calls wait so long for a worker of
// their task queue; 0 is what each call has by itself.
func (e *Engine) WithQueueTimeout(d time.Duration) *Engine {
	other := *e
	other.queueTimeout = d
	return &other
}

// Registry is the part of a Temporal worker that takes workflows.
type Registry interface {
	RegisterWorkflowWithOptions(w any, options workflow.RegisterOptions)
}

// Register registers the engine's workflows. Executions stay with the build that
// started them; limits and accounts, which may never end, go on with the newest.
func (e *Engine) Register(r Registry) {
	r.RegisterWorkflowWithOptions(e.Run, workflow.RegisterOptions{
		Name:               PipelineWorkflow,
		VersioningBehavior: workflow.VersioningBehaviorPinned,
	})
	r.RegisterWorkflowWithOptions(TakeEvent, workflow.RegisterOptions{
		Name:               EventWorkflow,
		VersioningBehavior: workflow.VersioningBehaviorPinned,
	})
	r.RegisterWorkflowWithOptions(Limit, workflow.RegisterOptions{
		Name:               activities.LimitWorkflow,
		VersioningBehavior: workflow.VersioningBehaviorAutoUpgrade,
	})
	r.RegisterWorkflowWithOptions(Account, workflow.RegisterOptions{
		Name:               activities.AccountWorkflow,
		VersioningBehavior: workflow.VersioningBehaviorAutoUpgrade,
	})
}

// Run is the workflow: it takes an execution from NOT_STARTED to its end. It
// fails with an application error of type "TERMINAL" whose details hold the
// [Result] when the execution failed, and ends as cancelled when the execution
// was, so that Temporal's own lists tell the same story as Spinnaker's.
func (e *Engine) Run(ctx workflow.Context, in Input) (Result, error) {
	r, err := e.setup(ctx, in)
	if err != nil {
		return Result{}, err
	}
	r.run(r.ctx)
	if !r.ended {
		return Result{}, workflow.NewContinueAsNewError(ctx, PipelineWorkflow, r.next())
	}
	r.finish(r.ctx)
	return r.result()
}

// typeOf finds the stage type for a stage: by alias when it has one, else by
// type.
func (e *Engine) typeOf(s *pipeline.Stage) (StageType, error) {
	name := s.Context.String("alias")
	if name == "" {
		name = s.Type
	}
	if t, ok := e.types[name]; ok {
		return t, nil
	}
	// A UI type such as runJobManifest keeps its own name beside the alias.
	if t, ok := e.types[s.Type]; ok {
		return t, nil
	}
	err := pipeline.Errorf(pipeline.CodeInvalid, "The stage '%s' has the type '%s', which Gennaker does not know: change the type or remove the stage.", s.Name, name)
	err.Details = []string{"Known types: " + strings.Join(e.offered(), ", ") + "."}
	return nil, err
}

// offered lists the names of the types that a pipeline can use.
func (e *Engine) offered() []string {
	return slices.DeleteFunc(slices.Sorted(maps.Keys(e.types)), func(name string) bool {
		o, ok := e.types[name].(Offered)
		return ok && !o.Offered()
	})
}
