package engine_test

import (
	"context"
	"log/slog"
	"sync"
	"testing"
	"time"

	"github.com/stretchr/testify/require"
	"go.temporal.io/sdk/client"
	sdktemporal "go.temporal.io/sdk/temporal"
	"go.temporal.io/sdk/worker"

	"github.com/gennaker/gennaker/activities"
	"github.com/gennaker/gennaker/activities/archive"
	"github.com/gennaker/gennaker/activities/limits"
	"github.com/gennaker/gennaker/executions"
	"github.com/gennaker/gennaker/executions/memarchive"
	"github.com/gennaker/gennaker/executions/redismodel"
	"github.com/gennaker/gennaker/gate/engine"
	"github.com/gennaker/gennaker/internal/ids"
	"github.com/gennaker/gennaker/internal/temporal"
	"github.com/gennaker/gennaker/internal/testkit"
	"github.com/gennaker/gennaker/pipeline"
	"github.com/gennaker/gennaker/workflows"
	"github.com/gennaker/gennaker/workflows/stages"
)

const (
	patience = 30 * time.Second
	glance   = 20 * time.Millisecond
)

// publisher hands the states of workflows to the read model.
type publisher struct{ *executions.Publisher }

func (p publisher) Publish(s workflows.Snapshot) {
	p.Publisher.Publish(executions.Record{Execution: s.Execution, Sequence: s.Sequence, PublishedAt: pipeline.ToMillis(time.Now())})
}

// rig is a real Temporal with a worker of the orca role, and everything that
// readers of executions ask.
type rig struct {
	*engine.Engine
	t         *testing.T
	client    client.Client
	namespace string
	model     *redismodel.Model
	kept      *store
	service   *executions.Service
	log       *slog.Logger
	// stop stops the worker.
	stop func()
}

// store is an archive that can be away.
type store struct {
	executions.Archive
	mu   sync.Mutex
	down bool
}

func (s *store) setDown(down bool) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.down = down
}

func (s *store) Save(ctx context.Context, r executions.Record) error {
	s.mu.Lock()
	down := s.down
	s.mu.Unlock()
	if down {
		return pipeline.Errorf(pipeline.CodeUnavailable, "The archive does not answer.")
	}
	return s.Archive.Save(ctx, r)
}

func newRig(t *testing.T) *rig {
	t.Helper()
	server := testkit.Temporal(t)
	r := &rig{t: t, namespace: server.Namespace, kept: &store{Archive: memarchive.New()}, log: slog.New(slog.DiscardHandler)}
	var err error
	r.client, err = temporal.Open(t.Context(), temporal.Config{Address: server.Address, Namespace: server.Namespace}, r.log)
	require.NoError(t, err)
	t.Cleanup(r.client.Close)
	r.Engine = engine.New(r.client, server.Namespace)
	r.model = r.newModel()
	r.service = executions.NewService(r.model, r.kept, r.Engine, r.log, nil)
	r.stop = r.startWorker()
	return r
}

// startWorker starts a worker that stops with the test, or before.
func (r *rig) startWorker() (stop func()) {
	r.t.Helper()
	p := executions.NewPublisher(r.model, r.log)
	orca, err := workflows.NewEngine(stages.All(), publisher{p})
	require.NoError(r.t, err)
	w := worker.New(r.client, workflows.OrcaQueue, worker.Options{})
	orca.Register(w)
	activities.RegisterArchive(w, archive.New(r.kept, r.model, r.log))
	activities.RegisterLimits(w, limits.New(r.client))
	require.NoError(r.t, w.Start())
	stop = sync.OnceFunc(func() {
		w.Stop()
		_ = p.Close(r.t.Context()) // the model may be gone by then
	})
	r.t.Cleanup(stop)
	return stop
}

func (r *rig) newModel() *redismodel.Model {
	r.t.Helper()
	m, err := redismodel.Open(r.t.Context(), redismodel.Config{Address: redismodel.EmbeddedAddress, Timeout: 10 * time.Second}, r.log)
	require.NoError(r.t, err)
	r.t.Cleanup(func() { _ = m.Close() })
	return m
}

// stage writes a stage without requisites; pairs are keys and values of its
// context.
func stage(ref, kind string, pairs ...any) map[string]any {
	out := map[string]any{"refId": ref, "type": kind, "name": "Stage " + ref, "requisiteStageRefIds": []any{}}
	for i := 0; i+1 < len(pairs); i += 2 {
		out[pairs[i].(string)] = pairs[i+1]
	}
	return out
}

// build makes an execution whose stages have their refIds as IDs.
func (r *rig) build(keys pipeline.Map, list ...map[string]any) *pipeline.Execution {
	r.t.Helper()
	config := pipeline.Pipeline{"id": "config", "application": "app", "name": "deploy"}
	for k, v := range keys {
		config[k] = v
	}
	all := make([]any, len(list))
	for i, s := range list {
		all[i] = s
	}
	config["stages"] = all
	e, err := pipeline.NewExecution(config, pipeline.Launch{
		ID: ids.NewExecutionID(time.Now()), Now: time.Now(), StageID: func(ref string) string { return ref },
		Trigger: pipeline.Trigger{CorrelationID: pipeline.Map(config).String("correlation")},
	})
	require.NoError(r.t, err)
	return e
}

// run starts an execution and returns its ID.
func (r *rig) run(list ...map[string]any) string {
	r.t.Helper()
	e := r.build(nil, list...)
	require.NoError(r.t, r.Start(r.t.Context(), e))
	return e.ID
}

// reach waits until an execution has a status, as readers see it.
func (r *rig) reach(s *executions.Service, id string, status pipeline.Status) executions.Record {
	r.t.Helper()
	var got executions.Record
	require.Eventually(r.t, func() bool {
		var err error
		got, err = s.Get(r.t.Context(), id)
		return err == nil && got.Execution.Status == status
	}, patience, glance, "%s %s", id, status)
	return got
}

// end waits until an execution has its end and its workflow has closed.
func (r *rig) end(id string, status pipeline.Status) executions.Record {
	r.t.Helper()
	require.NoError(r.t, r.AwaitEnd(r.t.Context(), id))
	var got executions.Record
	require.Eventually(r.t, func() bool {
		var err error
		got, err = r.service.Get(r.t.Context(), id)
		return err == nil && got.Final && got.Execution.Status == status
	}, patience, glance, "%s %s", id, status)
	return got
}

// stageReaches waits until a stage has a status, as its workflow says.
func (r *rig) stageReaches(id, ref string, status pipeline.Status) {
	r.t.Helper()
	require.Eventually(r.t, func() bool {
		own, err := r.Load(r.t.Context(), id)
		return err == nil && own.Execution.Stage(ref).Status == status
	}, patience, glance, "%s of %s %s", ref, id, status)
}

func (r *rig) judge(id, ref, verdict string) {
	r.t.Helper()
	_, err := r.PatchStage(r.t.Context(), id, workflows.PatchStageInput{StageID: ref, User: "judge", Patch: pipeline.Map{"judgmentStatus": verdict}})
	require.NoError(r.t, err)
}

func requireCode(t *testing.T, code pipeline.Code, err error) {
	t.Helper()
	require.Error(t, err)
	require.Equal(t, code, pipeline.CodeOf(err), "%v", err)
}

var statusAttribute = sdktemporal.NewSearchAttributeKeyKeyword(workflows.ExecutionStatusAttribute)
