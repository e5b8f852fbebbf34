package executions_test

import (
	"bytes"
	"errors"
	"math/rand/v2"
	"strings"
	"sync"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/gennaker/gennaker/executions"
	"github.com/gennaker/gennaker/executions/executionstest"
	"github.com/gennaker/gennaker/executions/redismodel"
	"github.com/gennaker/gennaker/internal/httpjson"
	"github.com/gennaker/gennaker/internal/packed"
	"github.com/gennaker/gennaker/pipeline"
)

// document returns a document and the JSON of its execution.
func (w *world) document(id string) (d executions.Document, text string) {
	w.t.Helper()
	require.NoError(w.t, w.Document(w.t.Context(), id, func(found executions.Document) error {
		d = found
		if d.Packed == "" {
			b, err := httpjson.Encode(d.Execution)
			text = string(b)
			return err
		}
		var b bytes.Buffer
		err := packed.Write(&b, d.Packed)
		text = b.String()
		return err
	}))
	return d, text
}

func encoded(t *testing.T, e *pipeline.Execution) string {
	t.Helper()
	b, err := httpjson.Encode(e)
	require.NoError(t, err)
	return string(b)
}

func TestDocumentsArePassedOnPacked(t *testing.T) {
	t.Parallel()
	w := newWorld(t, redismodel.Config{})
	running := w.run("config", true)
	ended := w.finish(w.run("config", true), pipeline.Succeeded, 9, true)
	for _, e := range []*pipeline.Execution{running, ended} {
		d, text := w.document(e.ID)
		require.NotEmpty(t, d.Packed)
		require.Equal(t, encoded(t, e), text)
		require.Equal(t, []any{e.ID, e.Type, e.Application, e.Status}, []any{d.ID, d.Type, d.Application, d.Status})
		require.Equal(t, e.Status.Complete(), d.Final)
		require.Zero(t, w.workflows.asked(e.ID))
	}
	err := w.Document(t.Context(), "unknown", func(executions.Document) error { return errors.New("it was called") })
	requireCode(t, pipeline.CodeNotFound, err)
	gone := errors.New("the client went away")
	require.ErrorIs(t, w.Document(t.Context(), ended.ID, func(executions.Document) error { return gone }), gone)
}

func TestDocumentsAreCheckedWithTheirOwnersAsRecordsAre(t *testing.T) {
	t.Parallel()
	w := newWorld(t, redismodel.Config{})
	e := w.run("config", true)
	w.workflows.set(w.record(e, 7))
	w.pass(executions.StaleAfter)
	d, text := w.document(e.ID)
	require.Equal(t, int64(7), d.Sequence, "an old record is checked with its workflow")
	require.NotEmpty(t, d.Packed, "the model has it packed then")
	require.Equal(t, encoded(t, e), text)
	require.Equal(t, 1, w.workflows.asked(e.ID))

	w.workflows.setDown(true)
	w.pass(2 * executions.StaleAfter)
	d, _ = w.document(e.ID)
	require.Equal(t, int64(7), d.Sequence, "the last known state is shown")
	w.workflows.setDown(false)

	unheard := w.run("config", false)
	_, text = w.document(unheard.ID)
	require.Equal(t, encoded(t, unheard), text)

	archived := w.finish(w.run("config", false), pipeline.Terminal, 9, false)
	w.workflows.forget(archived.ID)
	d, text = w.document(archived.ID)
	require.True(t, d.Final)
	require.Equal(t, encoded(t, archived), text)

	require.NoError(t, w.Delete(t.Context(), archived.ID))
	requireCode(t, pipeline.CodeNotFound, w.Document(t.Context(), archived.ID, func(executions.Document) error { return nil }))
}

func TestDocumentsComeFromOwnersWhileTheModelIsAway(t *testing.T) {
	t.Parallel()
	w := newWorld(t, redismodel.Config{Address: "127.0.0.1:1"})
	running := w.run("config", false)
	archived := w.finish(w.run("config", false), pipeline.Succeeded, 9, false)
	w.workflows.forget(archived.ID)
	for _, e := range []*pipeline.Execution{running, archived} {
		d, text := w.document(e.ID)
		require.Empty(t, d.Packed)
		require.Equal(t, encoded(t, e), text)
		require.Equal(t, []any{e.ID, e.Type, e.Application, e.Status}, []any{d.ID, d.Type, d.Application, d.Status})
	}
}

// size is that of a large document, about.
const size = 200 << 10

// noise is what does not pack well.
func noise() pipeline.Map {
	random := rand.NewChaCha8([32]byte{})
	var text strings.Builder
	for text.Len() < size {
		text.WriteByte('0' + byte(random.Uint64()%40))
	}
	return pipeline.Map{"noise": text.String()}
}

func TestLargeDocumentsThatTheModelLetGoComeFromTheArchive(t *testing.T) {
	t.Parallel()
	for name, address := range map[string]string{"the model is there": "", "the model is away": "127.0.0.1:1"} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			w := newWorld(t, redismodel.Config{Address: address})
			e := w.run("config", false)
			e.Stages[0].Outputs = noise()
			archived := w.finish(e, pipeline.Succeeded, 9, false)
			other := w.run("config", false)
			other.Stages[0].Outputs = noise()
			other = w.finish(other, pipeline.Terminal, 9, false)
			w.workflows.forget(other.ID)
			d, text := w.document(other.ID)
			require.True(t, d.Final)
			require.NotEmpty(t, d.Packed)
			require.Equal(t, []any{other.ID, other.Type, other.Application, other.Status}, []any{d.ID, d.Type, d.Application, d.Status})
			require.Equal(t, encoded(t, other), text)
			w.workflows.setDown(true)
			_, text = w.document(other.ID)
			require.Equal(t, encoded(t, other), text, "what the archive has is right as a rule")
			w.workflows.setDown(false)
			require.NoError(t, w.archive.Delete(t.Context(), other.ID))
			requireCode(t, pipeline.CodeNotFound, w.Document(t.Context(), other.ID, func(executions.Document) error { return nil }))
			_, err := w.model.Get(t.Context(), other.ID)
			require.Error(t, err, "it was not decoded on the way")

			// Its workflow is known and has been restarted since.
			again := executionstest.With(archived, pipeline.Running)
			w.workflows.set(w.record(again, 20))
			d, text = w.document(e.ID)
			require.Equal(t, int64(20), d.Sequence)
			require.Equal(t, encoded(t, again), text)
		})
	}
}

func TestLargeDocumentsShareABound(t *testing.T) {
	t.Parallel()
	w := newWorld(t, redismodel.Config{})
	w.BoundDocuments(5 * size)
	e := w.execution("config", pipeline.Running)
	e.Stages[0].Outputs = noise()
	w.put(w.record(e, 1))
	small := w.run("config", true)

	release := make(chan struct{})
	var wg sync.WaitGroup
	refused := 0
	for range 12 {
		held := make(chan error, 1)
		wg.Go(func() {
			err := w.Document(t.Context(), e.ID, func(executions.Document) error {
				held <- nil
				<-release
				return nil
			})
			if err != nil {
				held <- err
			}
		})
		if err := <-held; err != nil {
			requireCode(t, pipeline.CodeThrottled, err)
			refused++
		}
	}
	require.NotZero(t, refused)
	require.Less(t, refused, 12)
	w.document(small.ID) // is read all the same
	close(release)
	wg.Wait()
	w.document(e.ID)
}
