// Package workflowstest is the outside world of workflow tests: one [World]
// serves every activity contract from memory and keeps what it was asked, what
// was published and what was archived. Tests script its answers with [On].
package workflowstest

import (
	"context"
	"maps"
	"slices"
	"strings"
	"sync"
	"time"

	"go.temporal.io/sdk/activity"

	"github.com/gennaker/gennaker/activities"
	"github.com/gennaker/gennaker/pipeline"
	"github.com/gennaker/gennaker/pipeline/expr"
	"github.com/gennaker/gennaker/workflows"
)

// World implements every activity contract and the publisher. Its zero value is
// not usable; see [NewWorld].
type World struct {
	mu        sync.Mutex
	scripts   map[string]any
	calls     []Asked
	published []workflows.Snapshot
	archived  []activities.ArchiveExecutionInput

	// Account is the one cloud account that exists.
	Account string

	// pipelines and applications are what Front50 holds.
	pipelines    map[string]pipeline.Pipeline
	applications map[string]pipeline.Application
}

// Asked is one call that the world got.
type Asked struct {
	// Name is the call's name, Input the activity's input.
	Name  string
	Input any
}

var (
	_ activities.Accounts      = (*World)(nil)
	_ activities.Archive       = (*World)(nil)
	_ activities.Artifacts     = (*World)(nil)
	_ activities.Clouddriver   = (*World)(nil)
	_ activities.Configuration = (*World)(nil)
	_ activities.Executions    = (*World)(nil)
	_ activities.Fetch         = (*World)(nil)
	_ activities.History       = (*World)(nil)
	_ activities.Limits        = (*World)(nil)
	_ activities.Rosco         = (*World)(nil)
	_ workflows.Publisher      = (*World)(nil)
)

// NewWorld returns a world with the account "prod", in which everything works
// at once. Front50 holds the given pipelines.
func NewWorld(pipelines ...pipeline.Pipeline) *World {
	w := &World{Account: "prod", scripts: map[string]any{}, pipelines: map[string]pipeline.Pipeline{}, applications: map[string]pipeline.Application{}}
	for _, p := range pipelines {
		w.pipelines[p.ID()] = p
	}
	return w
}

// On makes answer serve a call from now on.
func On[In, Out any](w *World, call activities.Call[In, Out], answer func(context.Context, In) (Out, error)) {
	w.mu.Lock()
	defer w.mu.Unlock()
	w.scripts[call.Name] = answer
}

// Register registers the world's activities.
func (w *World) Register(r activities.Registry) {
	activities.RegisterAccounts(r, w)
	activities.RegisterArchive(r, w)
	activities.RegisterArtifacts(r, w)
	activities.RegisterClouddriver(r, w)
	activities.RegisterConfiguration(r, w)
	activities.RegisterExecutions(r, w)
	activities.RegisterFetch(r, w)
	activities.RegisterWebhook(r, w)
	activities.RegisterHistory(r, w)
	activities.RegisterLimits(r, w)
	activities.RegisterRosco(r, w)
}

// Asked returns the inputs that a call got, in order.
func (w *World) Asked(name string) []any {
	w.mu.Lock()
	defer w.mu.Unlock()
	var out []any
	for _, c := range w.calls {
		if c.Name == name {
			out = append(out, c.Input)
		}
	}
	return out
}

// Published returns what was published of an execution, in order.
func (w *World) Published(id string) []workflows.Snapshot {
	w.mu.Lock()
	defer w.mu.Unlock()
	return slices.DeleteFunc(slices.Clone(w.published), func(s workflows.Snapshot) bool { return s.Execution.ID != id })
}

// Archived returns the archived states of an execution, in order.
func (w *World) Archived(id string) []activities.ArchiveExecutionInput {
	w.mu.Lock()
	defer w.mu.Unlock()
	return slices.DeleteFunc(slices.Clone(w.archived), func(a activities.ArchiveExecutionInput) bool { return a.Execution.ID != id })
}

// Publish implements workflows.Publisher.
func (w *World) Publish(s workflows.Snapshot) {
	w.mu.Lock()
	defer w.mu.Unlock()
	w.published = append(w.published, s)
}

// ask notes a call and answers it by script, or else by default.
func ask[In, Out any](ctx context.Context, w *World, call activities.Call[In, Out], in In, otherwise func() (Out, error)) (Out, error) {
	w.mu.Lock()
	w.calls = append(w.calls, Asked{Name: call.Name, Input: in})
	script, scripted := w.scripts[call.Name].(func(context.Context, In) (Out, error))
	w.mu.Unlock()
	if scripted {
		return script(ctx, in)
	}
	w.mu.Lock()
	defer w.mu.Unlock()
	return otherwise()
}

// FindAccount implements activities.Accounts.
func (w *World) FindAccount(ctx context.Context, in activities.FindAccountInput) (activities.FindAccountOutput, error) {
	return ask(ctx, w, activities.FindAccount, in, func() (activities.FindAccountOutput, error) {
		if in.Account != w.Account {
			return activities.FindAccountOutput{}, pipeline.Errorf(pipeline.CodeNotFound, "The account '%s' does not exist: use %s.", in.Account, w.Account)
		}
		return activities.FindAccountOutput{Account: in.Account, CloudProvider: "kubernetes"}, nil
	})
}

// FindWorkers implements activities.Accounts: somebody polls every queue.
func (w *World) FindWorkers(ctx context.Context, in activities.FindWorkersInput) (activities.FindWorkersOutput, error) {
	return ask(ctx, w, activities.FindWorkers, in, func() (activities.FindWorkersOutput, error) {
		return activities.FindWorkersOutput{Workers: []string{"test"}}, nil
	})
}

// FetchExpressions implements activities.Fetch: there is nothing to be had.
func (w *World) FetchExpressions(ctx context.Context, in activities.FetchExpressionsInput) (activities.FetchExpressionsOutput, error) {
	return ask(ctx, w, activities.FetchExpressions, in, func() (activities.FetchExpressionsOutput, error) {
		out := activities.FetchExpressionsOutput{Answers: map[string]expr.Answer{}}
		for _, r := range in.Requests {
			out.Answers[r.Key()] = expr.Answer{Error: "404 Not Found"}
		}
		return out, nil
	})
}

// ArchiveExecution implements activities.Archive: it shows the execution, too,
// also while it is not taken.
func (w *World) ArchiveExecution(ctx context.Context, in activities.ArchiveExecutionInput) (activities.Done, error) {
	done, err := ask(ctx, w, activities.ArchiveExecution, in, func() (activities.Done, error) {
		w.archived = append(w.archived, in)
		w.show(in)
		return activities.Done{}, nil
	})
	w.mu.Lock()
	defer w.mu.Unlock()
	w.show(in)
	return done, err
}

// show publishes an end, once. The lock is held.
func (w *World) show(in activities.ArchiveExecutionInput) {
	for _, s := range w.published {
		if s.Execution.ID == in.Execution.ID && s.Sequence >= in.Sequence {
			return
		}
	}
	w.published = append(w.published, workflows.Snapshot{Execution: in.Execution.Clone(), Sequence: in.Sequence})
}

// FindEnd implements activities.Archive over what was archived.
func (w *World) FindEnd(ctx context.Context, in activities.FindEndInput) (activities.FindEndOutput, error) {
	return ask(ctx, w, activities.FindEnd, in, func() (activities.FindEndOutput, error) {
		for _, a := range slices.Backward(w.archived) {
			if a.Execution.ID == in.Execution {
				return activities.FindEndOutput{Status: in.End(a.Execution, a.Sequence)}, nil
			}
		}
		return activities.FindEndOutput{}, nil
	})
}

// UseLimits makes the limits of pipelines real. Without them messages to limits
// come to nothing, and a test plays their part by signals.
func (w *World) UseLimits(limits activities.Limits) {
	On(w, activities.TellLimit, limits.TellLimit)
	On(w, activities.AnswerPermits, limits.AnswerPermits)
	On(w, activities.FindEnded, limits.FindEnded)
}

// TellLimit implements activities.Limits.
func (w *World) TellLimit(ctx context.Context, in activities.TellLimitInput) (activities.Done, error) {
	return ask(ctx, w, activities.TellLimit, in, func() (activities.Done, error) { return activities.Done{}, nil })
}

// AnswerPermits implements activities.Limits.
func (w *World) AnswerPermits(ctx context.Context, in activities.AnswerPermitsInput) (activities.AnswerPermitsOutput, error) {
	return ask(ctx, w, activities.AnswerPermits, in, func() (activities.AnswerPermitsOutput, error) {
		return activities.AnswerPermitsOutput{}, nil
	})
}

// FindEnded implements activities.Limits.
func (w *World) FindEnded(ctx context.Context, in activities.FindEndedInput) (activities.FindEndedOutput, error) {
	return ask(ctx, w, activities.FindEnded, in, func() (activities.FindEndedOutput, error) {
		return activities.FindEndedOutput{}, nil
	})
}

// Keep archives an execution, for scripts that fail for a while.
func (w *World) Keep(in activities.ArchiveExecutionInput) error {
	w.mu.Lock()
	defer w.mu.Unlock()
	w.archived = append(w.archived, in)
	return nil
}

// DeployManifest implements activities.Clouddriver.
func (w *World) DeployManifest(ctx context.Context, in activities.DeployManifestInput) (activities.DeployManifestOutput, error) {
	return ask(ctx, w, activities.DeployManifest, in, func() (activities.DeployManifestOutput, error) {
		return Deployed(in.Manifests...), nil
	})
}

// Deployed is the answer to a deploy of manifests into the namespace "shop".
func Deployed(manifests ...pipeline.Map) activities.DeployManifestOutput {
	out := activities.DeployManifestOutput{
		Manifests: manifests, ManifestNamesByNamespace: map[string][]string{},
		CreatedArtifacts: []pipeline.Artifact{}, BoundArtifacts: []pipeline.Artifact{},
	}
	for _, m := range manifests {
		name := strings.ToLower(m.String("kind")) + " " + m.Map("metadata").String("name")
		out.ManifestNamesByNamespace["shop"] = append(out.ManifestNamesByNamespace["shop"], name)
		out.CreatedArtifacts = append(out.CreatedArtifacts, pipeline.Artifact{
			Type: "kubernetes/" + strings.ToLower(m.String("kind")), Name: m.Map("metadata").String("name"), Location: "shop",
		})
	}
	return out
}

// AwaitStable implements activities.Clouddriver.
func (w *World) AwaitStable(ctx context.Context, in activities.AwaitStableInput) (activities.AwaitStableOutput, error) {
	return ask(ctx, w, activities.AwaitStable, in, func() (activities.AwaitStableOutput, error) {
		out := activities.AwaitStableOutput{Done: true}
		for _, ns := range slices.Sorted(maps.Keys(in.Manifests)) {
			for _, name := range in.Manifests[ns] {
				out.Statuses = append(out.Statuses, activities.ManifestStatus{Namespace: ns, Name: name, Stable: true})
			}
		}
		return out, nil
	})
}

// DeleteManifest implements activities.Clouddriver.
func (w *World) DeleteManifest(ctx context.Context, in activities.DeleteManifestInput) (activities.DeleteManifestOutput, error) {
	return ask(ctx, w, activities.DeleteManifest, in, func() (activities.DeleteManifestOutput, error) {
		return activities.DeleteManifestOutput{ManifestNamesByNamespace: map[string][]string{in.Location: {in.ManifestName}}}, nil
	})
}

// CleanupArtifacts implements activities.Clouddriver.
func (w *World) CleanupArtifacts(ctx context.Context, in activities.CleanupArtifactsInput) (activities.Done, error) {
	return ask(ctx, w, activities.CleanupArtifacts, in, func() (activities.Done, error) { return activities.Done{}, nil })
}

// RunJob implements activities.Clouddriver.
func (w *World) RunJob(ctx context.Context, in activities.RunJobInput) (activities.RunJobOutput, error) {
	return ask(ctx, w, activities.RunJob, in, func() (activities.RunJobOutput, error) {
		return activities.RunJobOutput{
			DeployManifestOutput: Deployed(in.Manifest), Namespace: "shop", Name: in.Manifest.Map("metadata").String("name"), UID: "uid-of-" + in.Manifest.Map("metadata").String("name"),
		}, nil
	})
}

// AwaitJob implements activities.Clouddriver.
func (w *World) AwaitJob(ctx context.Context, in activities.AwaitJobInput) (activities.AwaitJobOutput, error) {
	return ask(ctx, w, activities.AwaitJob, in, func() (activities.AwaitJobOutput, error) {
		return activities.AwaitJobOutput{Succeeded: true, Status: pipeline.Map{"name": in.Name, "jobState": "Succeeded"}}, nil
	})
}

// ReadPipeline implements activities.Configuration.
func (w *World) ReadPipeline(ctx context.Context, in activities.ReadPipelineInput) (activities.ReadPipelineOutput, error) {
	return ask(ctx, w, activities.ReadPipeline, in, func() (activities.ReadPipelineOutput, error) {
		p, ok := w.pipelines[in.ID]
		if !ok {
			return activities.ReadPipelineOutput{}, pipeline.Errorf(pipeline.CodeNotFound, "There is no pipeline '%s'.", in.ID)
		}
		return activities.ReadPipelineOutput{Pipeline: p.Clone()}, nil
	})
}

// UpsertApplication implements activities.Configuration.
func (w *World) UpsertApplication(ctx context.Context, in activities.UpsertApplicationInput) (activities.UpsertApplicationOutput, error) {
	return ask(ctx, w, activities.UpsertApplication, in, func() (activities.UpsertApplicationOutput, error) {
		previous := w.applications[in.Application.Name()]
		w.applications[in.Application.Name()] = in.Application
		return activities.UpsertApplicationOutput{Previous: previous, Current: in.Application}, nil
	})
}

// DeleteApplication implements activities.Configuration.
func (w *World) DeleteApplication(ctx context.Context, in activities.DeleteApplicationInput) (activities.DeleteApplicationOutput, error) {
	return ask(ctx, w, activities.DeleteApplication, in, func() (activities.DeleteApplicationOutput, error) {
		previous := w.applications[in.Name]
		delete(w.applications, in.Name)
		return activities.DeleteApplicationOutput{Previous: previous}, nil
	})
}

// SavePipeline implements activities.Configuration.
func (w *World) SavePipeline(ctx context.Context, in activities.SavePipelineInput) (activities.SavePipelineOutput, error) {
	return ask(ctx, w, activities.SavePipeline, in, func() (activities.SavePipelineOutput, error) {
		p := in.Pipeline.Clone()
		if p.ID() == "" {
			p["id"] = "saved-" + p.Name()
		}
		w.pipelines[p.ID()] = p
		return activities.SavePipelineOutput{Pipeline: p}, nil
	})
}

// DeletePipeline implements activities.Configuration.
func (w *World) DeletePipeline(ctx context.Context, in activities.DeletePipelineInput) (activities.Done, error) {
	return ask(ctx, w, activities.DeletePipeline, in, func() (activities.Done, error) {
		delete(w.pipelines, in.ID)
		return activities.Done{}, nil
	})
}

// lingering is how long a cancelled activity goes on in the test environment.
const lingering = 250 * time.Millisecond

// testNamespace is the namespace of the test environment.
const testNamespace = "default-test-namespace"

// UntilCanceled is an activity that goes on, beating, until it is cancelled.
// The test environment ends a cancelled activity's future without telling the
// activity, so there it ends soon by itself.
func UntilCanceled(ctx context.Context) error {
	beat := time.NewTicker(10 * time.Millisecond)
	defer beat.Stop()
	var end <-chan time.Time
	if activity.GetInfo(ctx).Namespace == testNamespace {
		end = time.After(lingering)
	}
	for {
		select {
		case <-ctx.Done():
			return ctx.Err()
		case <-end:
			return context.Canceled
		case <-beat.C:
			activity.RecordHeartbeat(ctx)
		}
	}
}
