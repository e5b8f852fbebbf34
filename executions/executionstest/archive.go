package executionstest

import (
	"math/rand/v2"
	"slices"
	"sync"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/gennaker/gennaker/executions"
	"github.com/gennaker/gennaker/pipeline"
)

// Archive tests that an archive keeps its contract. Open returns it; it may
// hold executions of others.
func Archive(t *testing.T, open func(t *testing.T) executions.Archive) {
	for name, test := range map[string]func(*testing.T, executions.Archive){
		"whole records come back":         archiveRoundTrip,
		"saving again replaces":           archiveSaveAgain,
		"concurrent saves keep one":       archiveConcurrentSaves,
		"lists agree with the definition": archiveQueries,
		"deleted executions stay away":    archiveDelete,
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			test(t, open(t))
		})
	}
}

func finished() []pipeline.Status {
	return slices.DeleteFunc(pipeline.Statuses(), func(s pipeline.Status) bool { return !s.Complete() })
}

func archiveRoundTrip(t *testing.T, a executions.Archive) {
	for _, e := range []*pipeline.Execution{
		Execution(Name("App"), Name("config"), pipeline.Succeeded, Now),
		Execution(Name("app"), Name("a/b c.%"), pipeline.Terminal, Now),
		Execution(Name("app"), "", pipeline.Canceled, Now),
		{ID: Name("bare"), Type: pipeline.TypePipeline, Application: Name("app"), Status: pipeline.Succeeded},
	} {
		_, err := a.Load(t.Context(), e.ID)
		require.Equal(t, pipeline.CodeNotFound, pipeline.CodeOf(err), "%v", err)
		require.NotErrorIs(t, err, executions.ErrDeleted)
		_, err = a.Document(t.Context(), e.ID)
		require.Equal(t, pipeline.CodeNotFound, pipeline.CodeOf(err), "%v", err)
		require.NoError(t, a.Save(t.Context(), executions.Record{Execution: e, Sequence: 12, PublishedAt: 99}))
		r, err := a.Load(t.Context(), e.ID)
		require.NoError(t, err)
		RequireSame(t, e, r.Execution)
		require.Equal(t, int64(12), r.Sequence)
		require.Equal(t, pipeline.Millis(99), r.PublishedAt)
		require.True(t, r.Final)
		requireDocument(t, a, r)
		for _, summary := range []bool{false, true} {
			list, err := a.List(t.Context(), executions.Query{Application: e.Application, Summary: summary})
			require.NoError(t, err)
			require.Len(t, list, 1)
			want := e
			if summary {
				want = e.Summary()
			}
			RequireSame(t, want, list[0].Execution)
			require.Equal(t, int64(12), list[0].Sequence)
			require.True(t, list[0].Final)
		}
	}
}

func archiveSaveAgain(t *testing.T, a executions.Archive) {
	application, config := Name("app"), Name("config")
	e := Execution(application, config, pipeline.Terminal, Now)
	for _, s := range []struct {
		status   pipeline.Status
		sequence int64
		want     pipeline.Status
	}{
		{pipeline.Terminal, 9, pipeline.Terminal},
		{pipeline.Terminal, 9, pipeline.Terminal},    // the same
		{pipeline.Succeeded, 10, pipeline.Succeeded}, // after a restart
		{pipeline.Terminal, 9, pipeline.Succeeded},   // late
	} {
		require.NoError(t, a.Save(t.Context(), Record(With(e, s.status), s.sequence)))
		r, err := a.Load(t.Context(), e.ID)
		require.NoError(t, err)
		require.Equal(t, s.want, r.Execution.Status)
		requireDocument(t, a, r)
		for _, q := range []executions.Query{{Application: application}, {PipelineConfigIDs: []string{config}}, {Application: application, LimitPerConfig: 5}} {
			for _, q.Summary = range []bool{false, true} {
				q.Statuses = nil
				list, err := a.List(t.Context(), q)
				require.NoError(t, err)
				require.Len(t, list, 1)
				require.Equal(t, s.want, list[0].Execution.Status)
				for _, status := range finished() {
					q.Statuses = []pipeline.Status{status}
					list, err := a.List(t.Context(), q)
					require.NoError(t, err)
					require.Equal(t, status == s.want, len(list) == 1)
				}
			}
		}
	}
}

func archiveConcurrentSaves(t *testing.T, a executions.Archive) {
	const writers = 20
	e := Execution(Name("app"), Name("config"), pipeline.Succeeded, Now)
	var wg sync.WaitGroup
	errs := make(chan error, writers)
	for range writers {
		wg.Go(func() { errs <- a.Save(t.Context(), Record(e, 4)) })
	}
	wg.Wait()
	close(errs)
	for err := range errs {
		require.NoError(t, err)
	}
	list, err := a.List(t.Context(), executions.Query{Application: e.Application})
	require.NoError(t, err)
	require.Len(t, list, 1)
	RequireSame(t, e, list[0].Execution)
}

func archiveQueries(t *testing.T, a executions.Archive) {
	random := rand.New(rand.NewPCG(3, 4))
	p := populate(random, finished())
	var wg sync.WaitGroup
	errs := make(chan error, len(p.records))
	for chunk := range slices.Chunk(p.records, 15) {
		wg.Go(func() {
			for _, r := range chunk {
				errs <- a.Save(t.Context(), r)
			}
		})
	}
	wg.Wait()
	close(errs)
	for err := range errs {
		require.NoError(t, err)
	}
	for range 100 {
		q := p.query(random)
		want := q.Apply(p.records)
		got, err := a.List(t.Context(), q)
		require.NoError(t, err)
		require.Equal(t, IDs(want), IDs(got), "%+v", q)
	}
}

func archiveDelete(t *testing.T, a executions.Archive) {
	e := Execution(Name("app"), Name("config"), pipeline.Succeeded, Now)
	require.NoError(t, a.Delete(t.Context(), Name("unknown")))
	require.NoError(t, a.Save(t.Context(), Record(e, 2)))
	require.NoError(t, a.Delete(t.Context(), e.ID))
	require.NoError(t, a.Delete(t.Context(), e.ID), "deleting again")
	require.NoError(t, a.Save(t.Context(), Record(e, 3)), "a late save is no failure")
	_, err := a.Load(t.Context(), e.ID)
	require.Equal(t, pipeline.CodeNotFound, pipeline.CodeOf(err), "%v", err)
	require.ErrorIs(t, err, executions.ErrDeleted)
	_, err = a.Document(t.Context(), e.ID)
	require.ErrorIs(t, err, executions.ErrDeleted)
	for _, q := range []executions.Query{{Application: e.Application}, {PipelineConfigIDs: []string{e.PipelineConfigID}}, {Application: e.Application, LimitPerConfig: 1, Summary: true}} {
		list, err := a.List(t.Context(), q)
		require.NoError(t, err)
		require.Empty(t, list)
	}
}
