package executionstest

import (
	"bytes"
	"context"
	"fmt"
	"math/rand/v2"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/gennaker/gennaker/executions"
	"github.com/gennaker/gennaker/internal/httpjson"
	"github.com/gennaker/gennaker/internal/packed"
	"github.com/gennaker/gennaker/pipeline"
)

// patience is how long a watch may take to tell.
const patience = 10 * time.Second

// ReadModel tests that a read model keeps its contract. Open returns it; it may
// hold executions of others.
func ReadModel(t *testing.T, open func(t *testing.T) executions.ReadModel) {
	for name, test := range map[string]func(*testing.T, executions.ReadModel){
		"whole records come back":             modelRoundTrip,
		"the highest sequence stays":          modelSequences,
		"concurrent puts keep the latest":     modelConcurrentPuts,
		"lists agree with the definition":     modelQueries,
		"a change of status moves an entry":   modelStatusMoves,
		"deleted executions stay away":        modelDelete,
		"coverage begins empty and grows":     modelCoverage,
		"watching one execution":              modelWatchExecution,
		"watching an application":             modelWatchApplication,
		"a slow reader gets the latest state": modelSlowReader,
		"watching all applications":           modelWatchAll,
		"telling what was missed":             modelChanges,
		"topics must name something":          modelEmptyTopic,
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			test(t, open(t))
		})
	}
}

func modelRoundTrip(t *testing.T, m executions.ReadModel) {
	for _, e := range []*pipeline.Execution{
		Execution(Name("App"), Name("config"), pipeline.Running, Now),
		Execution(Name("app"), "", pipeline.Succeeded, Now),
		{ID: Name("bare"), Type: pipeline.TypePipeline, Application: Name("app"), Status: pipeline.NotStarted},
	} {
		_, err := m.Get(t.Context(), e.ID)
		require.Equal(t, pipeline.CodeNotFound, pipeline.CodeOf(err), "%v", err)
		_, err = m.Document(t.Context(), e.ID)
		require.Equal(t, pipeline.CodeNotFound, pipeline.CodeOf(err), "%v", err)
		stored, err := m.Put(t.Context(), executions.Record{Execution: e, Sequence: 7, PublishedAt: 123, Final: e.Status.Complete()})
		require.NoError(t, err)
		require.True(t, stored)
		r, err := m.Get(t.Context(), e.ID)
		require.NoError(t, err)
		RequireSame(t, e, r.Execution)
		require.Equal(t, int64(7), r.Sequence)
		require.Equal(t, pipeline.Millis(123), r.PublishedAt)
		require.Equal(t, e.Status.Complete(), r.Final)
		requireDocument(t, m, r)

		list, err := m.List(t.Context(), executions.Query{Application: e.Application})
		require.NoError(t, err)
		require.Len(t, list, 1)
		RequireSame(t, e, list[0].Execution)
		list, err = m.List(t.Context(), executions.Query{Application: e.Application, Summary: true})
		require.NoError(t, err)
		require.Len(t, list, 1)
		RequireSame(t, e.Summary(), list[0].Execution)
		require.Equal(t, int64(7), list[0].Sequence)
	}
}

// documents is what read models and archives have in common.
type documents interface {
	Document(ctx context.Context, id string) (executions.Document, error)
}

// requireDocument fails unless the store's document says what r says.
func requireDocument(t *testing.T, m documents, r executions.Record) {
	t.Helper()
	e := r.Execution
	d, err := m.Document(t.Context(), e.ID)
	require.NoError(t, err)
	require.Nil(t, d.Execution)
	require.Equal(t, []any{e.ID, e.Type, e.Application, e.Status}, []any{d.ID, d.Type, d.Application, d.Status})
	require.Equal(t, []any{r.Sequence, r.PublishedAt, r.Final}, []any{d.Sequence, d.PublishedAt, d.Final})
	want, err := httpjson.Encode(e)
	require.NoError(t, err)
	var got bytes.Buffer
	require.NoError(t, packed.Write(&got, d.Packed))
	require.Equal(t, string(want), got.String(), "what is packed is what would be encoded")
}

func modelSequences(t *testing.T, m executions.ReadModel) {
	e := Execution(Name("app"), Name("config"), pipeline.NotStarted, Now)
	steps := []struct {
		what     string
		record   executions.Record
		stored   bool
		status   pipeline.Status
		sequence int64
		final    bool
	}{
		{"the first", Record(e, 0), true, pipeline.NotStarted, 0, false},
		{"a later one", Record(With(e, pipeline.Running), 5), true, pipeline.Running, 5, false},
		{"an earlier one", Record(With(e, pipeline.Paused), 4), false, pipeline.Running, 5, false},
		{"an equal one", Record(With(e, pipeline.Suspended), 5), true, pipeline.Suspended, 5, false},
		{"the same again", Record(With(e, pipeline.Suspended), 5), true, pipeline.Suspended, 5, false},
		{"the end", Record(With(e, pipeline.Succeeded), 6), true, pipeline.Succeeded, 6, false},
		{"the archived end", Final(With(e, pipeline.Succeeded), 6), true, pipeline.Succeeded, 6, true},
		{"the end, late", Record(With(e, pipeline.Succeeded), 6), false, pipeline.Succeeded, 6, true},
		{"a restart", Record(With(e, pipeline.Running), 7), true, pipeline.Running, 7, false},
		{"ten is more than nine", Record(With(e, pipeline.Paused), 10), true, pipeline.Paused, 10, false},
	}
	for _, s := range steps {
		stored, err := m.Put(t.Context(), s.record)
		require.NoError(t, err, s.what)
		require.Equal(t, s.stored, stored, s.what)
		r, err := m.Get(t.Context(), e.ID)
		require.NoError(t, err, s.what)
		require.Equal(t, s.status, r.Execution.Status, s.what)
		require.Equal(t, s.sequence, r.Sequence, s.what)
		require.Equal(t, s.final, r.Final, s.what)
		requireDocument(t, m, r)
	}
}

func modelConcurrentPuts(t *testing.T, m executions.ReadModel) {
	const writers, states = 20, 10
	e := Execution(Name("app"), Name("config"), pipeline.Running, Now)
	var wg sync.WaitGroup
	errs := make(chan error, writers*states)
	for w := range writers {
		wg.Go(func() {
			for i := range states {
				state := e.Clone()
				sequence := int64(i*writers + w)
				state.Description = fmt.Sprint(sequence)
				_, err := m.Put(t.Context(), Record(state, sequence))
				errs <- err
			}
		})
	}
	wg.Wait()
	close(errs)
	for err := range errs {
		require.NoError(t, err)
	}
	r, err := m.Get(t.Context(), e.ID)
	require.NoError(t, err)
	require.Equal(t, int64(writers*states-1), r.Sequence)
	require.Equal(t, fmt.Sprint(writers*states-1), r.Execution.Description)
	list, err := m.List(t.Context(), executions.Query{Application: e.Application, Statuses: []pipeline.Status{pipeline.Running}})
	require.NoError(t, err)
	require.Len(t, list, 1)
}

func modelQueries(t *testing.T, m executions.ReadModel) {
	random := rand.New(rand.NewPCG(1, 2))
	p := populate(random, pipeline.Statuses())
	for _, r := range p.records {
		_, err := m.Put(t.Context(), r)
		require.NoError(t, err)
	}
	for range 150 {
		q := p.query(random)
		want := q.Apply(p.records)
		got, err := m.List(t.Context(), q)
		require.NoError(t, err)
		require.Equal(t, IDs(want), IDs(got), "%+v", q)
		for i := range want {
			require.Equal(t, want[i].Sequence, got[i].Sequence)
		}
	}
}

func modelStatusMoves(t *testing.T, m executions.ReadModel) {
	application, config := Name("app"), Name("config")
	e := Execution(application, config, pipeline.NotStarted, Now)
	sequence := int64(0)
	for _, status := range []pipeline.Status{pipeline.NotStarted, pipeline.Running, pipeline.Paused, pipeline.Running, pipeline.Terminal} {
		_, err := m.Put(t.Context(), Record(With(e, status), sequence))
		require.NoError(t, err)
		sequence++
		for _, listed := range pipeline.Statuses() {
			for _, q := range []executions.Query{
				{Application: application, Statuses: []pipeline.Status{listed}},
				{PipelineConfigIDs: []string{config}, Statuses: []pipeline.Status{listed}},
				{Application: application, LimitPerConfig: 3, Statuses: []pipeline.Status{listed}},
			} {
				got, err := m.List(t.Context(), q)
				require.NoError(t, err)
				require.Equal(t, listed == status, len(got) == 1, "status %s listed under %s", status, listed)
			}
		}
	}
}

func modelDelete(t *testing.T, m executions.ReadModel) {
	e := Execution(Name("app"), Name("config"), pipeline.Succeeded, Now)
	require.NoError(t, m.Delete(t.Context(), Name("unknown")))
	_, err := m.Put(t.Context(), Final(e, 3))
	require.NoError(t, err)
	require.NoError(t, m.Delete(t.Context(), e.ID))
	require.NoError(t, m.Delete(t.Context(), e.ID), "deleting again")
	_, err = m.Get(t.Context(), e.ID)
	require.Equal(t, pipeline.CodeNotFound, pipeline.CodeOf(err), "%v", err)
	_, err = m.Document(t.Context(), e.ID)
	require.Equal(t, pipeline.CodeNotFound, pipeline.CodeOf(err), "%v", err)
	stored, err := m.Put(t.Context(), Record(e, 9))
	require.NoError(t, err)
	require.False(t, stored, "a late state of a deleted execution")
	for _, q := range []executions.Query{
		{Application: e.Application}, {PipelineConfigIDs: []string{e.PipelineConfigID}}, {Application: e.Application, LimitPerConfig: 1},
		{Application: e.Application, Statuses: []pipeline.Status{pipeline.Succeeded}},
	} {
		list, err := m.List(t.Context(), q)
		require.NoError(t, err)
		require.Empty(t, list)
	}
}

func modelCoverage(t *testing.T, m executions.ReadModel) {
	application := Name("App")
	c, err := m.Coverage(t.Context(), application)
	require.NoError(t, err)
	require.False(t, c.Complete)
	require.Empty(t, c.LetGo)

	require.NoError(t, m.Cover(t.Context(), application, executions.Coverage{
		Complete: true, LetGo: map[string]pipeline.Millis{"PIPELINE:a": 50, executions.EveryGroup: 5},
	}))
	require.NoError(t, m.Cover(t.Context(), application, executions.Coverage{
		Complete: true, LetGo: map[string]pipeline.Millis{"PIPELINE:a": 40, "PIPELINE:b": 7},
	}))
	c, err = m.Coverage(t.Context(), application)
	require.NoError(t, err)
	require.True(t, c.Complete)
	require.Equal(t, map[string]pipeline.Millis{"PIPELINE:a": 50, "PIPELINE:b": 7, executions.EveryGroup: 5}, c.LetGo)

	c, err = m.Coverage(t.Context(), Name("other"))
	require.NoError(t, err)
	require.False(t, c.Complete)
}

// Next returns the next event, failing the test when none comes in time.
func Next(t testing.TB, events <-chan executions.Event) executions.Event {
	t.Helper()
	select {
	case e, open := <-events:
		require.True(t, open, "the watch ended")
		return e
	case <-time.After(patience):
		require.FailNow(t, "no event came")
		return executions.Event{}
	}
}

// NextWhere returns the first event that fulfils the condition, passing over
// others.
func NextWhere(t testing.TB, events <-chan executions.Event, condition func(executions.Event) bool) executions.Event {
	t.Helper()
	for {
		if e := Next(t, events); condition(e) {
			return e
		}
	}
}

func modelWatchExecution(t *testing.T, m executions.ReadModel) {
	ctx, cancel := context.WithCancel(t.Context())
	defer cancel()
	e := Execution(Name("app"), Name("config"), pipeline.Running, Now)
	_, err := m.Put(t.Context(), Record(e, 1))
	require.NoError(t, err)
	events, err := m.Watch(ctx, executions.Topic{Execution: e.ID})
	require.NoError(t, err)
	first := Next(t, events)
	require.Equal(t, e.ID, first.ID)
	RequireSame(t, e, first.Record.Execution)

	_, err = m.Put(t.Context(), Record(Execution(e.Application, e.PipelineConfigID, pipeline.Running, Now), 1))
	require.NoError(t, err)
	_, err = m.Put(t.Context(), Final(With(e, pipeline.Succeeded), 2))
	require.NoError(t, err)
	second := Next(t, events)
	require.Equal(t, e.ID, second.ID, "other executions are not told")
	require.Equal(t, int64(2), second.Record.Sequence)
	require.True(t, second.Record.Final)

	require.NoError(t, m.Delete(t.Context(), e.ID))
	third := Next(t, events)
	require.True(t, third.Deleted)
	require.Equal(t, e.ID, third.ID)

	cancel()
	require.Eventually(t, func() bool {
		select {
		case _, open := <-events:
			return !open
		default:
			return false
		}
	}, patience, time.Millisecond, "the channel closes with its context")
}

func modelWatchApplication(t *testing.T, m executions.ReadModel) {
	application := Name("App")
	running := Execution(application, Name("config"), pipeline.Running, Now)
	ended := Execution(application, Name("config"), pipeline.Succeeded, Now+1)
	for _, e := range []*pipeline.Execution{running, ended} {
		_, err := m.Put(t.Context(), Record(e, 1))
		require.NoError(t, err)
	}
	events, err := m.Watch(t.Context(), executions.Topic{Application: application, Summary: true})
	require.NoError(t, err)
	first := Next(t, events)
	RequireSame(t, running.Summary(), first.Record.Execution)

	elsewhere := Execution(Name("other"), Name("config"), pipeline.Running, Now)
	begun := Execution(application, "", pipeline.NotStarted, Now+2)
	for _, e := range []*pipeline.Execution{elsewhere, begun} {
		_, err = m.Put(t.Context(), Record(e, 0))
		require.NoError(t, err)
	}
	RequireSame(t, begun.Summary(), Next(t, events).Record.Execution)
	require.NoError(t, m.Delete(t.Context(), ended.ID))
	gone := Next(t, events)
	require.True(t, gone.Deleted)
	require.Equal(t, ended.ID, gone.ID)
}

func modelSlowReader(t *testing.T, m executions.ReadModel) {
	const states, others = 200, 5
	application := Name("app")
	events, err := m.Watch(t.Context(), executions.Topic{Application: application})
	require.NoError(t, err)
	latest := map[string]int64{}
	for range others {
		e := Execution(application, Name("config"), pipeline.Running, Now)
		for s := range states / others {
			state := e.Clone()
			state.Description = fmt.Sprint(s)
			_, err := m.Put(t.Context(), Record(state, int64(s)))
			require.NoError(t, err)
			latest[e.ID] = int64(s)
		}
	}
	// Nobody has read until now.
	last := map[string]int64{}
	for received := 0; len(latest) > 0; received++ {
		e := Next(t, events)
		id, sequence := e.ID, e.Record.Sequence
		require.GreaterOrEqual(t, sequence, last[id], "states of one execution come in order")
		last[id] = sequence
		if sequence == latest[id] {
			delete(latest, id)
		}
		require.Less(t, received, states+1)
	}
}

func modelEmptyTopic(t *testing.T, m executions.ReadModel) {
	_, err := m.Watch(t.Context(), executions.Topic{})
	require.Equal(t, pipeline.CodeInvalid, pipeline.CodeOf(err))
}

// modelWatchAll: a watch of all applications tells of each, with positions to go on
// from.
func modelWatchAll(t *testing.T, m executions.ReadModel) {
	events, err := m.Watch(t.Context(), executions.Topic{All: true, Summary: true})
	require.NoError(t, err)
	one := Execution(Name("App"), Name("config"), pipeline.Running, Now)
	other := Execution(Name("other"), "", pipeline.Running, Now)
	var positions []string
	for _, e := range []*pipeline.Execution{one, other} {
		_, err := m.Put(t.Context(), Record(e, 1))
		require.NoError(t, err)
		got := NextWhere(t, events, func(got executions.Event) bool { return got.ID == e.ID })
		require.Equal(t, e.Application, got.Application)
		if got.Position != "" { // the watch may have seen it before it was told
			positions = append(positions, got.Position)
		}
	}
	require.NoError(t, m.Delete(t.Context(), one.ID))
	gone := NextWhere(t, events, func(got executions.Event) bool { return got.ID == one.ID && got.Deleted })
	require.Equal(t, strings.ToLower(one.Application), gone.Application)
	positions = append(positions, gone.Position)
	for _, position := range positions {
		c, err := m.Changes(t.Context(), executions.Topic{All: true}, position)
		require.NoError(t, err)
		require.True(t, c.Known, position)
	}
}

// modelChanges: whoever names a position learns what changed since, once each, and
// nothing about other topics; a position that is not known is not guessed at.
func modelChanges(t *testing.T, m executions.ReadModel) {
	application := Name("App")
	topic := executions.Topic{Application: application}
	now, err := m.Changes(t.Context(), topic, "")
	require.NoError(t, err)
	require.NotEmpty(t, now.Position)
	require.Empty(t, now.List)
	c, err := m.Changes(t.Context(), topic, now.Position)
	require.NoError(t, err)
	require.True(t, c.Known)
	require.Empty(t, c.List)

	first := Execution(application, Name("config"), pipeline.Running, Now)
	second := Execution(application, Name("config"), pipeline.Running, Now)
	elsewhere := Execution(Name("other"), Name("config"), pipeline.Running, Now)
	for sequence, e := range []*pipeline.Execution{first, second, elsewhere, first} {
		_, err := m.Put(t.Context(), Record(e, int64(sequence)))
		require.NoError(t, err)
	}
	require.NoError(t, m.Delete(t.Context(), second.ID))
	c, err = m.Changes(t.Context(), topic, now.Position)
	require.NoError(t, err)
	require.True(t, c.Known)
	name := strings.ToLower(application)
	require.Equal(t, []executions.Change{{ID: first.ID, Application: name}, {ID: second.ID, Application: name, Deleted: true}}, c.List)
	again, err := m.Changes(t.Context(), executions.Topic{Execution: second.ID}, now.Position)
	require.NoError(t, err)
	require.Equal(t, []executions.Change{{ID: second.ID, Application: name, Deleted: true}}, again.List)
	last, err := m.Changes(t.Context(), topic, c.Position)
	require.NoError(t, err)
	require.True(t, last.Known)
	require.Empty(t, last.List)
	for _, unknown := range []string{"1-1", "99999999999999-0", "x", "0", "-", "+", "(1-1", "17"} {
		c, err := m.Changes(t.Context(), topic, unknown)
		require.NoError(t, err)
		require.False(t, c.Known, unknown)
	}
}
