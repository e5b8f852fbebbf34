package s3store_test

import (
	"fmt"
	"log/slog"
	"net/http"
	"os"
	"path/filepath"
	"strings"
	"sync"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/gennaker/gennaker/front50"
	"github.com/gennaker/gennaker/front50/s3store"
	"github.com/gennaker/gennaker/internal/objectstore"
	"github.com/gennaker/gennaker/internal/testkit"
	"github.com/gennaker/gennaker/pipeline"
)

// TestListsHoldWhatWasSaved is the promise that people see across Gates: a list that
// begins after a save was answered holds it, whichever process saved. Both stores
// save and list all the time, so that markers of both are written in the same
// moments; there is no waiting, and no moment at which a list may be behind.
func TestListsHoldWhatWasSaved(t *testing.T) {
	t.Parallel()
	server := testkit.SharedMinIO(t)
	stores := []front50.Store{open(t, config(t, server)), open(t, config(t, server))}
	const writers, saves = 4, 12
	var all sync.WaitGroup
	for w := range 2 * writers {
		saver, reader := stores[w%2], stores[(w+1)%2]
		all.Go(func() {
			for i := range saves {
				id := fmt.Sprintf("w%d-%d", w, i)
				saved, err := saver.SavePipeline(t.Context(), pipeline.Pipeline{"id": id, "name": id, "application": "shop"}, front50.SaveOptions{By: "me"})
				if err != nil {
					t.Errorf("save %s: %v", id, err)
					return
				}
				for name, s := range map[string]front50.Store{"the other process": reader, "its own": saver} {
					list, err := s.Pipelines(t.Context(), "shop")
					if err != nil {
						t.Errorf("list: %v", err)
						return
					}
					if !holds(list, saved) {
						t.Errorf("%s lists %d pipelines without %s, which was saved before", name, len(list), id)
					}
				}
			}
		})
	}
	all.Wait()

	// The same for everything else that is listed.
	saveApp(t, stores[0], `{"name":"shop","email":"a@b.c"}`)
	apps, err := stores[1].Applications(t.Context())
	require.NoError(t, err)
	require.Len(t, apps, 1)
	for _, k := range front50.Kinds() {
		for i, s := range stores {
			_, err := s.Documents(t.Context(), k) // loads what is lazy
			require.NoError(t, err)
			doc := sample(t, k)
			if i == 1 {
				doc["lastModifiedBy"] = "ignored"
			}
			saved, err := s.SaveDocument(t.Context(), k, doc, front50.DocumentOptions{By: front50.Author(fmt.Sprint(i))})
			require.NoError(t, err)
			list, err := stores[1-i].Documents(t.Context(), k)
			require.NoError(t, err)
			require.Equal(t, []pipeline.Map{saved}, list, k.Name)
		}
	}
}

func holds(list []pipeline.Pipeline, saved pipeline.Pipeline) bool {
	for _, p := range list {
		if p.ID() == saved.ID() && p["updateTs"] == saved["updateTs"] {
			return true
		}
	}
	return false
}

// TestMarkersOnlyGrow writes markers of two processes of which each takes the other's
// for one from the future, as clocks that differ make it.
func TestMarkersOnlyGrow(t *testing.T) {
	t.Parallel()
	server := testkit.SharedMinIO(t)
	h, s := byHand(t, server), open(t, config(t, server))
	const key = "front50/pipelines/last-modified.json"
	const future = `{"lastModified":4000000000000}`
	h.put(key, future)
	save(t, s, `{"id":"a","name":"a","application":"shop"}`)
	first := markerTime(t, h.get(key))
	require.Greater(t, first, int64(4000000000000), "a Spinnaker that saw the one before sees this one")
	save(t, s, `{"id":"b","name":"b","application":"shop"}`)
	require.Greater(t, markerTime(t, h.get(key)), first)
	// One that is no marker is replaced.
	h.put(key, `what?`)
	save(t, s, `{"id":"c","name":"c","application":"shop"}`)
	markerTime(t, h.get(key))
}

// BenchmarkLists tells what a list of a hundred pipelines costs with its look at the
// marker, alone and in a crowd.
func BenchmarkLists(b *testing.B) {
	server := testkit.SharedMinIO(b)
	s, err := s3store.Open(b.Context(), s3store.Config{
		ObjectStore: objectstore.Config{
			Endpoint: server.Endpoint, Bucket: server.Bucket, Region: "us-east-1", CreateBucket: true,
			AccessKey: keyFile(b, server.AccessKey), SecretKey: keyFile(b, server.SecretKey),
		},
	}, slog.New(slog.DiscardHandler))
	require.NoError(b, err)
	b.Cleanup(func() { require.NoError(b, s.Close()) })
	for i := range 100 {
		_, err := s.SavePipeline(b.Context(), pipeline.Pipeline{"name": fmt.Sprint(i), "application": "shop"}, front50.SaveOptions{})
		require.NoError(b, err)
	}
	list := func(b *testing.B) {
		if _, err := s.Pipelines(b.Context(), "shop"); err != nil {
			b.Error(err)
		}
	}
	b.Run("alone", func(b *testing.B) {
		for b.Loop() {
			list(b)
		}
	})
	b.Run("crowd", func(b *testing.B) {
		b.SetParallelism(100)
		b.RunParallel(func(pb *testing.PB) {
			for pb.Next() {
				list(b)
			}
		})
	})
}

func keyFile(b *testing.B, value string) string {
	b.Helper()
	name := filepath.Join(b.TempDir(), "key")
	require.NoError(b, os.WriteFile(name, []byte(value+"\n"), 0o600))
	return "file:" + name
}

// TestOneSaveIsReadAlone counts what another process asks the object store for to see
// a save among many pipelines: the marker and the one document, not all of them.
func TestOneSaveIsReadAlone(t *testing.T) {
	t.Parallel()
	server := testkit.SharedMinIO(t)
	saver := open(t, config(t, server))
	for i := range 40 {
		save(t, saver, fmt.Sprintf(`{"id":"p%d","name":"p%d","application":"shop"}`, i, i))
	}
	wire := newWire(t, server.Endpoint)
	c := config(t, server)
	c.ObjectStore.Endpoint = wire.address
	reader := open(t, c)
	list := func() int {
		all, err := reader.Pipelines(t.Context(), "shop")
		require.NoError(t, err)
		return len(all)
	}
	require.Equal(t, 40, list())

	wire.forget()
	save(t, saver, `{"id":"late ü","name":"late","application":"shop"}`)
	require.Equal(t, 41, list())
	require.LessOrEqual(t, wire.requests(""), 2, "the marker and the document")

	// Several saves between two looks, and one of the reader's own, are still named.
	wire.forget()
	for i := range 5 {
		save(t, saver, fmt.Sprintf(`{"id":"more%d","name":"more%d","application":"shop"}`, i, i))
	}
	require.Equal(t, 46, list())
	require.LessOrEqual(t, wire.requests(""), 6)
	save(t, reader, `{"id":"own","name":"own","application":"shop"}`)
	wire.forget()
	require.Equal(t, 47, list())
	require.LessOrEqual(t, wire.requests(""), 1, "one's own save is known")

	// A deletion is named by the save that follows it.
	require.NoError(t, saver.DeletePipeline(t.Context(), "p3", "me"))
	save(t, saver, `{"id":"after","name":"after","application":"shop"}`)
	require.Equal(t, 47, list())

	// More than a marker can name, and a marker that a Spinnaker wrote, cause a
	// comparison.
	for i := range 60 {
		save(t, saver, fmt.Sprintf(`{"id":"flood%d","name":"flood%d","application":"shop"}`, i, i))
	}
	require.Equal(t, 107, list())
	h := byHand(t, server)
	h.put("front50/pipelines/theirs/pipeline-metadata.json", `{"id":"theirs","name":"theirs","application":"shop","updateTs":"1"}`)
	h.put("front50/pipelines/last-modified.json", `{"lastModified":4000000000000}`)
	require.Equal(t, 108, list())
	save(t, saver, `{"id":"last","name":"last","application":"shop"}`)
	require.Equal(t, 109, list())
}

// TestANameThatOthersFreedIsFree: no marker tells of a deletion, and still nobody is
// refused a name that another process has freed.
func TestANameThatOthersFreedIsFree(t *testing.T) {
	t.Parallel()
	server := testkit.SharedMinIO(t)
	one, two := open(t, config(t, server)), open(t, config(t, server))
	save(t, one, `{"id":"a","name":"Ship","application":"shop"}`)
	list, err := two.Pipelines(t.Context(), "shop")
	require.NoError(t, err)
	require.Len(t, list, 1)
	require.NoError(t, one.DeletePipeline(t.Context(), "a", "me"))
	save(t, two, `{"id":"b","name":"ship","application":"Shop"}`)
	_, err = one.SavePipeline(t.Context(), pipeline.Pipeline{"id": "c", "name": "Ship", "application": "shop"}, front50.SaveOptions{})
	require.Equal(t, pipeline.CodeInvalid, pipeline.CodeOf(err), "%v", err)
}

// TestRestrictedApplicationsAreNeverHalfRead: an application whose permissions could
// not be read does not seem open, not even while the object store is away afterwards.
func TestRestrictedApplicationsAreNeverHalfRead(t *testing.T) {
	t.Parallel()
	server := testkit.SharedMinIO(t)
	front := newAnswers(t, server.Endpoint)
	c := config(t, server)
	c.ObjectStore.Endpoint = front.address
	reader, saver := open(t, c), open(t, config(t, server))
	saveApp(t, saver, `{"name":"shop","email":"a@b.c","permissions":{"READ":["dev"]}}`)
	for _, fails := range []string{"application-permission.json", ""} {
		front.set(func(w http.ResponseWriter, r *http.Request, _ http.Handler) bool {
			if !strings.Contains(r.URL.Path, fails) {
				return false
			}
			busy(w)
			return true
		})
		_, err := reader.Application(t.Context(), "shop")
		require.Equal(t, pipeline.CodeUnavailable, pipeline.CodeOf(err), "%v", err)
		list, err := reader.Applications(t.Context())
		if err == nil {
			require.Empty(t, list, "what memory held before")
		}
	}
	front.set(nil)
	app, err := reader.Application(t.Context(), "shop")
	require.NoError(t, err)
	require.NotNil(t, app["permissions"])
}
