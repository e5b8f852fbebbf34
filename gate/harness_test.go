package gate_test

import (
	"bytes"
	"context"
	"io"
	"log/slog"
	"net/http"
	"net/http/httptest"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/gennaker/gennaker/executions"
	"github.com/gennaker/gennaker/fiat"
	"github.com/gennaker/gennaker/fiat/stored"
	"github.com/gennaker/gennaker/front50"
	"github.com/gennaker/gennaker/front50/memstore"
	"github.com/gennaker/gennaker/gate"
	"github.com/gennaker/gennaker/pipeline"
	"github.com/gennaker/gennaker/workflows"
)

// noon is the moment at which the tests' clock stands.
var noon = time.Date(2026, 3, 4, 12, 0, 0, 0, time.UTC)

// engine records what Gate asks of the workflows and keeps the executions it
// started. Its rules are those of gate.Engine.
type engine struct {
	mu        sync.Mutex
	started   []*pipeline.Execution
	cancelled map[string]workflows.CancelInput
	patched   []workflows.PatchStageInput
	paused    map[string]workflows.PauseInput
	resumed   map[string]workflows.PauseInput
	restarted []restart
	failed    []failure
	events    []workflows.Event
	deleted   []string
	// silent is set when no worker answers after a change took.
	silent bool
	// fail, when set, is what every call answers with.
	fail error
	// waiting lists the stages that take a judgment.
	waiting map[string]bool
	// memory is where states are seen.
	memory *memory
}

// restart is one restart that took.
type restart struct {
	known executions.Record
	in    workflows.RestartInput
}

// failure is one recorded start failure.
type failure struct {
	execution *pipeline.Execution
	why       workflows.StartFailure
}

func (e *engine) Start(_ context.Context, x *pipeline.Execution) error {
	e.mu.Lock()
	defer e.mu.Unlock()
	if e.fail != nil {
		return e.fail
	}
	if e.find(x.ID) != nil {
		return pipeline.Errorf(pipeline.CodeConflict, "The execution %s exists already.", x.ID)
	}
	e.started = append(e.started, x.Clone())
	return nil
}

func (e *engine) Fail(_ context.Context, x *pipeline.Execution, why workflows.StartFailure) error {
	e.mu.Lock()
	defer e.mu.Unlock()
	if e.fail != nil {
		return e.fail
	}
	e.failed = append(e.failed, failure{x.Clone(), why})
	return nil
}

func (e *engine) Accept(_ context.Context, event workflows.Event) error {
	e.mu.Lock()
	defer e.mu.Unlock()
	if e.fail != nil {
		return e.fail
	}
	e.events = append(e.events, event)
	return nil
}

// find returns a started execution. The lock is held.
func (e *engine) find(id string) *pipeline.Execution {
	for _, x := range e.started {
		if x.ID == id {
			return x
		}
	}
	return nil
}

func (e *engine) Runs(_ context.Context, id string) (bool, error) {
	e.mu.Lock()
	defer e.mu.Unlock()
	x := e.find(id)
	return x != nil && !x.Status.Complete(), e.fail
}

// Correlated knows nothing: Temporal's lists are late.
func (e *engine) Correlated(context.Context, string) ([]string, error) {
	e.mu.Lock()
	defer e.mu.Unlock()
	return nil, e.fail
}

func (e *engine) Pause(ctx context.Context, id string, in workflows.PauseInput) (workflows.Snapshot, error) {
	return e.hold(ctx, id, e.paused, in, pipeline.Running, pipeline.Paused)
}

func (e *engine) Resume(ctx context.Context, id string, in workflows.PauseInput) (workflows.Snapshot, error) {
	return e.hold(ctx, id, e.resumed, in, pipeline.Paused, pipeline.Running)
}

func (e *engine) hold(ctx context.Context, id string, log map[string]workflows.PauseInput, in workflows.PauseInput, from, to pipeline.Status) (workflows.Snapshot, error) {
	e.mu.Lock()
	defer e.mu.Unlock()
	if e.fail != nil {
		return workflows.Snapshot{}, e.fail
	}
	record, err := e.memory.Get(ctx, id)
	if err != nil {
		return workflows.Snapshot{}, err
	}
	x := record.Execution.Clone()
	if x.Status != from {
		return workflows.Snapshot{}, pipeline.Errorf(pipeline.CodeConflict, "The execution %s is %s: only one that is %s can.", id, x.Status, from)
	}
	log[id] = in
	x.Status = to
	return e.answer(x, record.Sequence+1), nil
}

// answer is what the workflow answers after a change, if a worker does.
func (e *engine) answer(x *pipeline.Execution, sequence int64) workflows.Snapshot {
	if e.silent {
		return workflows.Snapshot{}
	}
	return workflows.Snapshot{Execution: x, Sequence: sequence}
}

func (e *engine) Restart(_ context.Context, known executions.Record, in workflows.RestartInput) (workflows.Snapshot, error) {
	e.mu.Lock()
	defer e.mu.Unlock()
	if e.fail != nil {
		return workflows.Snapshot{}, e.fail
	}
	x := known.Execution.Clone()
	s := x.Stage(in.StageID)
	if s == nil {
		return workflows.Snapshot{}, pipeline.Errorf(pipeline.CodeNotFound, "The execution %s has no stage with the id '%s'.", x.ID, in.StageID)
	}
	if s.Status == pipeline.Running {
		return workflows.Snapshot{}, pipeline.Errorf(pipeline.CodeConflict, "The stage '%s' is RUNNING: only a stage that has ended can be restarted.", s.Name)
	}
	e.restarted = append(e.restarted, restart{known, in})
	x.Status, s.Status, x.EndTime = pipeline.Running, pipeline.NotStarted, 0
	s.Attempt++
	return e.answer(x, known.Sequence+1000), nil
}

func (e *engine) Delete(_ context.Context, id string) error {
	e.mu.Lock()
	defer e.mu.Unlock()
	if e.fail != nil {
		return e.fail
	}
	e.deleted = append(e.deleted, id)
	return nil
}

// AwaitEnd ends what was cancelled, as the workflow does.
func (e *engine) AwaitEnd(ctx context.Context, id string) error {
	e.mu.Lock()
	defer e.mu.Unlock()
	if e.fail != nil {
		return e.fail
	}
	if _, cancelled := e.cancelled[id]; !cancelled {
		return pipeline.Errorf(pipeline.CodeUnavailable, "The execution %s has not ended yet.", id)
	}
	record, err := e.memory.Get(ctx, id)
	if err != nil {
		return err
	}
	x := record.Execution.Clone()
	x.Status = pipeline.Canceled
	e.memory.Put(ctx, executions.Record{Execution: x, Sequence: record.Sequence + 1, Final: true})
	return nil
}

func (e *engine) Cancel(_ context.Context, id string, in workflows.CancelInput) error {
	e.mu.Lock()
	defer e.mu.Unlock()
	if e.fail != nil {
		return e.fail
	}
	e.cancelled[id] = in
	return nil
}

func (e *engine) PatchStage(ctx context.Context, id string, in workflows.PatchStageInput) (workflows.Snapshot, error) {
	e.mu.Lock()
	defer e.mu.Unlock()
	if e.fail != nil {
		return workflows.Snapshot{}, e.fail
	}
	record, err := e.memory.Get(ctx, id)
	if err != nil {
		return workflows.Snapshot{}, err
	}
	x := record.Execution.Clone()
	s := x.Stage(in.StageID)
	if s == nil {
		return workflows.Snapshot{}, pipeline.Errorf(pipeline.CodeNotFound, "The execution %s has no stage with the id '%s'.", id, in.StageID)
	}
	if in.Patch.Bool("manualSkip") && !s.Context.Bool("skippable") {
		return workflows.Snapshot{}, pipeline.Errorf(pipeline.CodeNotAllowed, "The stage '%s' of type '%s' cannot be skipped by hand.", s.Name, s.Type)
	}
	if !e.waiting[in.StageID] && !in.Patch.Bool("manualSkip") {
		return workflows.Snapshot{}, pipeline.Errorf(pipeline.CodeConflict, "The stage '%s' is %s and does not wait for a judgment.", s.Name, s.Status)
	}
	e.patched = append(e.patched, in)
	for k, v := range in.Patch {
		s.Context[k] = v
	}
	return workflows.Snapshot{Execution: x, Sequence: record.Sequence + 1}, nil
}

// world is a gateway with everything behind it.
type world struct {
	t      *testing.T
	store  front50.Store
	engine *engine
	memory *memory
	server *gate.Server
	log    *bytes.Buffer
}

// change adjusts a world before its server is made.
type change func(*gate.Dependencies, *gate.Config)

func newWorld(t *testing.T, changes ...change) *world {
	t.Helper()
	m := newMemory()
	w := &world{t: t, memory: m, store: memstore.New(func() time.Time { return noon }), log: &bytes.Buffer{},
		engine: &engine{memory: m, cancelled: map[string]workflows.CancelInput{}, waiting: map[string]bool{},
			paused: map[string]workflows.PauseInput{}, resumed: map[string]workflows.PauseInput{}}}
	d := gate.Dependencies{
		Engine: w.engine, Front50: w.store, Executions: m, Version: "1.2.3", Now: func() time.Time { return noon },
		Accounts: accountList{
			{Name: "kubernetes", Type: "kubernetes", CloudProvider: "kubernetes", Environment: "test", AccountType: "main", Namespaces: []string{"default"}, SpinnakerKindMap: map[string]string{"deployment": "serverGroupManagers"}},
			{Name: "prod", Type: "kubernetes", CloudProvider: "kubernetes"},
		},
		Logger: slog.New(slog.NewJSONHandler(&lockedWriter{w: w.log}, nil)),
	}
	d.Permissions = permissionsOver(t, fiat.DefaultConfig(), w.store, nil)
	c := gate.DefaultConfig()
	for _, change := range changes {
		change(&d, &c)
	}
	var err error
	w.server, err = gate.New(d, c)
	require.NoError(t, err)
	return w
}

// ownName gives everybody the role that bears the own name.
type ownName struct{}

func (ownName) Roles(_ context.Context, user string) ([]string, error) { return []string{user}, nil }

// permissionsOver enforces what a store says of applications.
func permissionsOver(t *testing.T, c fiat.Config, store front50.Store, accounts stored.ServiceAccount) *fiat.Authorizer {
	t.Helper()
	out, err := fiat.New(c, stored.New(store, accounts), ownName{})
	require.NoError(t, err)
	return out
}

type lockedWriter struct {
	mu sync.Mutex
	w  io.Writer
}

func (l *lockedWriter) Write(p []byte) (int, error) {
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.w.Write(p)
}

// do sends one request and holds the answer against the OpenAPI document. Target is the raw request target, body "" is none;
// headers come in pairs.
func (w *world) do(method, target, body string, headers ...string) *httptest.ResponseRecorder {
	w.t.Helper()
	var reader io.Reader
	if body != "" {
		reader = strings.NewReader(body)
	}
	r := httptest.NewRequestWithContext(w.t.Context(), method, "http://localhost:8084/", reader)
	// The target goes in as a client sends it, spaces and all.
	parsed, err := r.URL.Parse(target)
	require.NoError(w.t, err)
	r.URL, r.RequestURI = parsed, parsed.RequestURI()
	if body != "" {
		r.Header.Set("Content-Type", "application/json")
	}
	for i := 0; i+1 < len(headers); i += 2 {
		r.Header.Set(headers[i], headers[i+1])
	}
	out := httptest.NewRecorder()
	w.server.Handler().ServeHTTP(out, r)
	requireDocumented(w.t, method, parsed, out)
	return out
}

// get sends a GET that must succeed and decodes its JSON.
func (w *world) get(target string) any {
	w.t.Helper()
	out := w.do("GET", target, "")
	require.Equal(w.t, http.StatusOK, out.Code, out.Body.String())
	return w.json(out)
}

func (w *world) json(out *httptest.ResponseRecorder) any {
	w.t.Helper()
	require.Equal(w.t, "application/json", out.Header().Get("Content-Type"))
	v, err := pipeline.DecodeValue(out.Body.Bytes())
	require.NoError(w.t, err)
	return v
}

func (w *world) object(out *httptest.ResponseRecorder) pipeline.Map {
	w.t.Helper()
	m := pipeline.AsMap(w.json(out))
	require.NotNil(w.t, m)
	return m
}

// application saves an application.
func (w *world) application(attributes pipeline.Application) {
	w.t.Helper()
	_, _, err := w.store.SaveApplication(w.t.Context(), attributes, "")
	require.NoError(w.t, err)
}

// pipeline saves a pipeline from JSON and returns its ID.
func (w *world) pipeline(document string) string {
	w.t.Helper()
	var p pipeline.Pipeline
	require.NoError(w.t, p.UnmarshalJSON([]byte(document)))
	saved, err := w.store.SavePipeline(w.t.Context(), p, front50.SaveOptions{})
	require.NoError(w.t, err)
	return saved.ID()
}

// execution makes an execution visible.
func (w *world) execution(x *pipeline.Execution) *pipeline.Execution {
	w.t.Helper()
	if x.Type == "" {
		x.Type = pipeline.TypePipeline
	}
	w.memory.Put(w.t.Context(), executions.Record{Execution: x, Sequence: 1})
	return x
}

// names returns one key of each object of a list.
func names(t *testing.T, v any, key string) []string {
	t.Helper()
	list, ok := v.([]any)
	require.True(t, ok, "%v is no list", v)
	out := []string{}
	for _, e := range list {
		out = append(out, pipeline.AsMap(e).String(key))
	}
	return out
}

func sorted(list []string) []string {
	slices.Sort(list)
	return list
}
