package workflowstest

import (
	"time"

	"go.temporal.io/sdk/workflow"

	"github.com/gennaker/gennaker/activities"
	"github.com/gennaker/gennaker/pipeline"
	"github.com/gennaker/gennaker/workflows"
)

// Scripted is a stage type that does what its context says, so that the
// engine's rules can be tested apart from those of real stages. Its keys, all
// optional:
//
//	takes    seconds that its first task waits
//	calls    its first task calls front50.readPipeline with this ID
//	cloud    its first task calls clouddriver.cleanupArtifacts for this account
//	allowed  the first task's timeout in seconds
//	ends     the first task's status, RUNNING meaning none
//	code     the first task fails with an error of this code
//	outputs  a map of outputs
//	before, after, onFailure  lists of contexts of synthetic stages; key waitsFor
//	         in one names places of its list
//	redirects  how often its second task goes back to the first
//	skippable  a person may skip it
//
// A second task, "second", does nothing. The clean-up counts itself under
// "cleaned".
type Scripted struct{}

var (
	_ workflows.StageType = Scripted{}
	_ workflows.Canceller = Scripted{}
	_ workflows.Aliased   = Scripted{}

	_ workflows.BeforePlanner  = Scripted{}
	_ workflows.AfterPlanner   = Scripted{}
	_ workflows.FailurePlanner = Scripted{}
	_ workflows.Restarter      = Scripted{}
	_ workflows.Skippable      = Scripted{}
)

// Type implements workflows.StageType.
func (Scripted) Type() string { return "scripted" }

// Aliases implements workflows.Aliased.
func (Scripted) Aliases() []string { return []string{"scriptedToo"} }

// Tasks implements workflows.StageType.
func (Scripted) Tasks(s *pipeline.Stage) []workflows.Task {
	if s.Context.Bool("noTasks") {
		return nil
	}
	allowed, _ := s.Context.Int("allowed")
	return []workflows.Task{
		{Name: "first", Timeout: time.Duration(allowed) * time.Second, Run: first, LoopStart: true},
		{Name: "second", Run: second, LoopEnd: true},
	}
}

// Before implements workflows.BeforePlanner.
func (Scripted) Before(_ *pipeline.Execution, s *pipeline.Stage) ([]workflows.Synthetic, error) {
	return synthetics(s, "before")
}

// After implements workflows.AfterPlanner.
func (Scripted) After(_ *pipeline.Execution, s *pipeline.Stage) ([]workflows.Synthetic, error) {
	return synthetics(s, "after")
}

// OnFailure implements workflows.FailurePlanner.
func (Scripted) OnFailure(_ *pipeline.Execution, s *pipeline.Stage) ([]workflows.Synthetic, error) {
	return synthetics(s, "onFailure")
}

func synthetics(s *pipeline.Stage, key string) ([]workflows.Synthetic, error) {
	if s.Context.String(key) == "fails" {
		return nil, pipeline.Errorf(pipeline.CodeInvalid, "There are no stages %s.", key)
	}
	var out []workflows.Synthetic
	for _, e := range s.Context.List(key) {
		m := pipeline.AsMap(e)
		add := workflows.Synthetic{Type: "scripted", Name: m.String("name"), Context: m}
		for _, place := range m.List("waitsFor") {
			n, _ := place.(int64)
			add.After = append(add.After, int(n))
		}
		out = append(out, add)
	}
	return out, nil
}

// PrepareRestart implements workflows.Restarter.
func (Scripted) PrepareRestart(s *pipeline.Stage, details pipeline.Map) {
	if s.Context.Bool("healsByRestart") {
		delete(s.Context, "code")
	}
	details["forgot"] = s.Context.String("name")
}

// CanSkip implements workflows.Skippable.
func (Scripted) CanSkip(s *pipeline.Stage) bool { return s.Context.Bool("skippable") }

// second does nothing, or goes back as often as redirects says.
func second(_ workflow.Context, t *workflows.TaskRun) (workflows.Outcome, error) {
	done, _ := t.Stage.Context.Int("redirected")
	if want, _ := t.Stage.Context.Int("redirects"); done < want {
		return workflows.Outcome{Status: pipeline.Redirect, Context: pipeline.Map{"redirected": done + 1}}, nil
	}
	return workflows.Outcome{}, nil
}

func first(ctx workflow.Context, t *workflows.TaskRun) (workflows.Outcome, error) {
	c := t.Stage.Context
	started, _ := c.Int("started")
	t.Progress(pipeline.Map{"started": started + 1, "user": t.Scope().User})
	if takes, _ := c.Int("takes"); takes > 0 {
		if err := t.AwaitFor(ctx, time.Duration(takes)*time.Second, "script", func() bool { return c.Bool("go") }); err != nil {
			return workflows.Outcome{}, err
		}
	}
	if c.Bool("forever") {
		if err := t.Await(ctx, "script", func() bool { return c.Bool("go") }); err != nil {
			return workflows.Outcome{}, err
		}
	}
	if id := c.String("calls"); id != "" {
		if _, err := workflows.Call(ctx, t, activities.ReadPipeline, activities.ReadPipelineInput{Scope: t.Scope(), ID: id}); err != nil {
			return workflows.Outcome{}, err
		}
	}
	if account := c.String("cloud"); account != "" {
		if _, err := workflows.Call(ctx, t, activities.CleanupArtifacts, activities.CleanupArtifactsInput{Scope: t.Scope(), Account: account}); err != nil {
			return workflows.Outcome{}, err
		}
	}
	outcome := workflows.Outcome{Status: pipeline.Status(c.String("ends")), Outputs: c.Map("outputs"), Context: c.Map("leaves")}
	if reads := c.String("reads"); reads != "" {
		outcome.Context = pipeline.Map{"read": t.Value(reads), "all": t.AncestorOutputs(reads)}
	}
	if code := c.String("code"); code != "" {
		return outcome, &pipeline.Error{Code: pipeline.Code(code), Message: t.Stage.Name + " went wrong.", Details: []string{"the first detail"}}
	}
	return outcome, nil
}

// Cancel implements workflows.Canceller.
func (Scripted) Cancel(_ workflow.Context, t *workflows.TaskRun) (workflows.Outcome, error) {
	n, _ := t.Stage.Context.Int("cleaned")
	outcome := workflows.Outcome{Context: pipeline.Map{"cleaned": n + 1}, Outputs: pipeline.Map{"left": "over"}}
	if t.Stage.Context.Bool("cleanUpFails") {
		return outcome, pipeline.Errorf(pipeline.CodeUnavailable, "The clean-up went wrong.")
	}
	return outcome, nil
}
