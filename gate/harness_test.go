package gate_test

import (
	"bytes"
	"context"
	"io"
	"log/slog"
	"net/http"
	"net/http/httptest"
	"slices"
	"strconv"
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

// memory is an execution service in memory, by the rules of gate.Executions.
type memory struct {
	mu       sync.Mutex
	records  map[string]executions.Record
	deleted  map[string]bool
	watchers map[chan executions.Event]executions.Topic
	fail     error
	// changes is every change so far; a position is the number of those before it.
	changes []executions.Change
	// oldest is the first position that is still known.
	oldest int
}

func newMemory() *memory {
	return &memory{records: map[string]executions.Record{}, deleted: map[string]bool{}, watchers: map[chan executions.Event]executions.Topic{}}
}

func (m *memory) Get(_ context.Context, id string) (executions.Record, error) {
	m.mu.Lock()
	defer m.mu.Unlock()
	if m.fail != nil {
		return executions.Record{}, m.fail
	}
	if m.deleted[id] {
		return executions.Record{}, pipeline.Wrap(pipeline.CodeNotFound, executions.ErrDeleted, "The execution %s was deleted.", id)
	}
	r, ok := m.records[id]
	if !ok {
		return r, pipeline.Errorf(pipeline.CodeNotFound, "no execution %s", id)
	}
	return r, nil
}

func (m *memory) List(_ context.Context, q executions.Query) ([]*pipeline.Execution, error) {
	m.mu.Lock()
	defer m.mu.Unlock()
	if m.fail != nil {
		return nil, m.fail
	}
	var all []executions.Record
	for _, r := range m.records {
		all = append(all, r)
	}
	out := []*pipeline.Execution{}
	for _, r := range q.Apply(all) {
		out = append(out, r.Execution)
	}
	return out, nil
}

func (m *memory) Put(_ context.Context, r executions.Record) {
	m.mu.Lock()
	defer m.mu.Unlock()
	whole(r.Execution)
	if old, ok := m.records[r.Execution.ID]; m.fail != nil || ok && old.Sequence > r.Sequence {
		return
	}
	m.records[r.Execution.ID] = r
	m.tell(r.Execution.Application, executions.Event{Record: r, ID: r.Execution.ID})
}

func (m *memory) Delete(_ context.Context, id string) error {
	m.mu.Lock()
	defer m.mu.Unlock()
	if r, ok := m.records[id]; ok {
		delete(m.records, id)
		m.deleted[id] = true
		m.tell(r.Execution.Application, executions.Event{Deleted: true, ID: id})
	}
	return nil
}

func (m *memory) tell(application string, e executions.Event) {
	m.changes = append(m.changes, executions.Change{ID: e.ID, Application: application, Deleted: e.Deleted})
	e.Application, e.Position = application, m.position()
	for ch, t := range m.watchers {
		if concerns(t, e.ID, application) {
			if t.Summary && e.Record.Execution != nil {
				e.Record.Execution = e.Record.Execution.Summary()
			}
			ch <- e
		}
	}
}

// position is the present one. The lock is held.
func (m *memory) position() string { return "1-" + strconv.Itoa(len(m.changes)) }

func concerns(t executions.Topic, id, application string) bool {
	return t.All || t.Execution == id || strings.EqualFold(t.Application, application)
}

func (m *memory) Since(_ context.Context, t executions.Topic, after string) ([]executions.Event, bool, error) {
	m.mu.Lock()
	defer m.mu.Unlock()
	if m.fail != nil {
		return nil, false, m.fail
	}
	number, found := strings.CutPrefix(after, "1-")
	from, err := strconv.Atoi(number)
	if !found || err != nil || from < m.oldest || from > len(m.changes) {
		return nil, false, nil
	}
	var out []executions.Event
	for i, c := range m.changes[from:] {
		again := slices.ContainsFunc(m.changes[from+i+1:], func(o executions.Change) bool { return o.ID == c.ID })
		if again || !concerns(t, c.ID, c.Application) {
			continue
		}
		e := executions.Event{ID: c.ID, Application: c.Application, Deleted: c.Deleted}
		if r, ok := m.records[c.ID]; ok && !c.Deleted {
			e.Record = r
			if t.Summary {
				e.Record.Execution = r.Execution.Summary()
			}
		} else {
			e.Deleted = true
		}
		out = append(out, e)
	}
	return append(out, executions.Event{Synced: true, Position: m.position()}), true, nil
}

func (m *memory) Watch(ctx context.Context, t executions.Topic) (<-chan executions.Event, error) {
	m.mu.Lock()
	defer m.mu.Unlock()
	if m.fail != nil {
		return nil, m.fail
	}
	ch := make(chan executions.Event, 100)
	m.watchers[ch] = t
	for id, r := range m.records {
		if id == t.Execution || t.Execution == "" && concerns(t, id, r.Execution.Application) && !r.Execution.Status.Complete() {
			if t.Summary {
				r.Execution = r.Execution.Summary()
			}
			ch <- executions.Event{Record: r, ID: id, Application: r.Execution.Application}
		}
	}
	if t.Positions {
		ch <- executions.Event{Synced: true, Position: m.position()}
	}
	context.AfterFunc(ctx, func() {
		m.mu.Lock()
		defer m.mu.Unlock()
		delete(m.watchers, ch)
		close(ch)
	})
	return ch, nil
}

func (m *memory) watching() int {
	m.mu.Lock()
	defer m.mu.Unlock()
	return len(m.watchers)
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

// whole gives an execution the lists and words that every real one has.
func whole(x *pipeline.Execution) {
	if x.Stages == nil {
		x.Stages = []*pipeline.Stage{}
	}
	if x.Notifications == nil {
		x.Notifications = []pipeline.Map{}
	}
	if x.SystemNotifications == nil {
		x.SystemNotifications = []pipeline.Map{}
	}
	if x.Authentication.AllowedAccounts == nil {
		x.Authentication.AllowedAccounts = []string{}
	}
	for _, s := range x.Stages {
		if s.Status == "" {
			s.Status = pipeline.NotStarted
		}
		if s.RequisiteStageRefIDs == nil {
			s.RequisiteStageRefIDs = []string{}
		}
		if s.Tasks == nil {
			s.Tasks = []*pipeline.Task{}
		}
		for _, t := range s.Tasks {
			if t.Status == "" {
				t.Status = pipeline.NotStarted
			}
		}
	}
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
