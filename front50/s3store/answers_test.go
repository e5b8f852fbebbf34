package s3store_test

import (
	"io"
	"log/slog"
	"net/http"
	"net/http/httptest"
	"net/http/httputil"
	"net/url"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/minio/minio-go/v7"
	"github.com/stretchr/testify/require"

	"github.com/gennaker/gennaker/front50"
	"github.com/gennaker/gennaker/front50/s3store"
	"github.com/gennaker/gennaker/internal/testkit"
	"github.com/gennaker/gennaker/pipeline"
)

// answers stands before an object store and may change what comes back from it.
type answers struct {
	address string
	// change, when set, may answer in the object store's place; it returns false to
	// pass the request on. It is set and read under mu.
	mu     sync.Mutex
	change func(w http.ResponseWriter, r *http.Request, pass http.Handler) bool
}

func newAnswers(t *testing.T, target string) *answers {
	t.Helper()
	a := &answers{}
	proxy := httputil.NewSingleHostReverseProxy(&url.URL{Scheme: "http", Host: target})
	proxy.ErrorLog = slog.NewLogLogger(slog.DiscardHandler, slog.LevelError)
	front := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		a.mu.Lock()
		change := a.change
		a.mu.Unlock()
		if change == nil || !change(w, r, proxy) {
			proxy.ServeHTTP(w, r)
		}
	}))
	t.Cleanup(front.Close)
	a.address = front.Listener.Addr().String()
	return a
}

func (a *answers) set(change func(w http.ResponseWriter, r *http.Request, pass http.Handler) bool) {
	a.mu.Lock()
	defer a.mu.Unlock()
	a.change = change
}

// busy answers as an object store does that is asked too much.
func busy(w http.ResponseWriter) {
	w.Header().Set("Content-Type", "application/xml")
	w.WriteHeader(http.StatusServiceUnavailable)
	_, _ = io.WriteString(w, `<?xml version="1.0" encoding="UTF-8"?><Error><Code>SlowDown</Code><Message>Please reduce your request rate.</Message></Error>`)
}

// everyWrite makes one write of each sort to a store and returns what they came to.
func everyWrite(t *testing.T, s front50.Store, n string) map[string]error {
	t.Helper()
	out := map[string]error{}
	_, _, out["application"] = s.WriteApplication(t.Context(), pipeline.Application{"name": "app" + n, "email": "a@b.c", "permissions": map[string]any{"READ": []any{"dev"}}}, front50.ApplicationOptions{By: "me", MustNotExist: true})
	_, out["pipeline"] = s.SavePipeline(t.Context(), pipeline.Pipeline{"id": "p" + n, "name": "p" + n, "application": "shop"}, front50.SaveOptions{By: "me"})
	_, out["project"] = s.SaveDocument(t.Context(), front50.KindProject, pipeline.Map{"id": "j" + n, "name": "j" + n}, front50.DocumentOptions{By: "me", MustNotExist: true})
	_, out["service account"] = s.SaveDocument(t.Context(), front50.KindServiceAccount, pipeline.Map{"name": "s" + n}, front50.DocumentOptions{By: "me", MustNotExist: true})
	return out
}

// requireAll requires what everyWrite wrote to be there, or to be absent.
func requireAll(t *testing.T, s front50.Store, n string, there bool) {
	t.Helper()
	_, appErr := s.Application(t.Context(), "app"+n)
	_, pipelineErr := s.Pipeline(t.Context(), "p"+n)
	_, projectErr := s.Document(t.Context(), front50.KindProject, "j"+n)
	_, accountErr := s.Document(t.Context(), front50.KindServiceAccount, "s"+n)
	for what, err := range map[string]error{"application": appErr, "pipeline": pipelineErr, "project": projectErr, "service account": accountErr} {
		if there {
			require.NoError(t, err, what)
		} else {
			require.Equal(t, pipeline.CodeNotFound, pipeline.CodeOf(err), "%s: %v", what, err)
		}
	}
}

// TestSlowObjectStore delays every answer: what is saved is saved, and lists that
// come together do not queue for their looks at the marker.
func TestSlowObjectStore(t *testing.T) {
	t.Parallel()
	server := testkit.SharedMinIO(t)
	network := newAnswers(t, server.Endpoint)
	c := config(t, server)
	c.ObjectStore.Endpoint = network.address
	s := open(t, c)
	var looks atomic.Int64
	network.set(func(_ http.ResponseWriter, r *http.Request, _ http.Handler) bool {
		if r.Method == http.MethodGet && strings.HasSuffix(r.URL.Path, "pipelines/last-modified.json") {
			looks.Add(1)
		}
		select {
		case <-time.After(150 * time.Millisecond):
		case <-r.Context().Done():
		}
		return false
	})
	for what, err := range everyWrite(t, s, "1") {
		require.NoError(t, err, what)
	}
	looks.Store(0)
	var all sync.WaitGroup
	for range 200 {
		all.Go(func() {
			if list, err := s.Pipelines(t.Context(), "shop"); err != nil || len(list) != 1 {
				t.Errorf("%d pipelines, %v", len(list), err)
			}
		})
	}
	all.Wait()
	require.Less(t, looks.Load(), int64(20), "200 lists at once")
	requireAll(t, open(t, config(t, server)), "1", true)
}

// TestBusyObjectStore answers 503: some of the time, which costs time and nothing
// else, and all of the time, upon which writes are refused and absent, and reads go on.
func TestBusyObjectStore(t *testing.T) {
	t.Parallel()
	server := testkit.SharedMinIO(t)
	network := newAnswers(t, server.Endpoint)
	c := config(t, server)
	c.ObjectStore.Endpoint = network.address
	s := open(t, c)
	var n atomic.Int64
	network.set(func(w http.ResponseWriter, _ *http.Request, _ http.Handler) bool {
		if n.Add(1)%2 == 0 {
			return false
		}
		busy(w)
		return true
	})
	for what, err := range everyWrite(t, s, "1") {
		require.NoError(t, err, what)
	}
	network.set(func(w http.ResponseWriter, _ *http.Request, _ http.Handler) bool { busy(w); return true })
	for what, err := range everyWrite(t, s, "2") {
		require.Equal(t, pipeline.CodeUnavailable, pipeline.CodeOf(err), "%s: %v", what, err)
	}
	require.Equal(t, pipeline.CodeUnavailable, pipeline.CodeOf(s.Health(t.Context())))
	requireAll(t, s, "1", true)
	projects, err := s.Documents(t.Context(), front50.KindProject)
	require.NoError(t, err)
	require.Len(t, projects, 1)
	_, err = s.Documents(t.Context(), front50.KindEntityTags)
	require.Equal(t, pipeline.CodeUnavailable, pipeline.CodeOf(err), "what was never loaded is not taken for empty: %v", err)
	network.set(nil)
	require.Eventually(t, func() bool { return s.Health(t.Context()) == nil }, patience, 50*time.Millisecond)
	requireAll(t, open(t, config(t, server)), "2", false)
}

// TestLostAnswersOfWrites carries the first attempt of every write out and cuts the
// connection before its answer: the caller sees a success, once.
func TestLostAnswersOfWrites(t *testing.T) {
	t.Parallel()
	server := testkit.SharedMinIO(t)
	network := newAnswers(t, server.Endpoint)
	c := config(t, server)
	c.ObjectStore.Endpoint = network.address
	s := open(t, c)
	var (
		mu   sync.Mutex
		seen = map[string]int{}
		lost int
	)
	network.set(func(w http.ResponseWriter, r *http.Request, pass http.Handler) bool {
		if r.Method != http.MethodPut {
			return false
		}
		mu.Lock()
		seen[r.URL.Path]++
		first := seen[r.URL.Path]%2 == 1
		if first {
			lost++
		}
		mu.Unlock()
		if !first {
			return false
		}
		pass.ServeHTTP(httptest.NewRecorder(), r)
		panic(http.ErrAbortHandler) //nolint:forbidigo // net/http's own way to cut the connection
	})
	for what, err := range everyWrite(t, s, "1") {
		require.NoError(t, err, "%s was created, once", what)
	}
	project, err := s.Document(t.Context(), front50.KindProject, "j1")
	require.NoError(t, err)
	project["email"] = "new"
	project, err = s.SaveDocument(t.Context(), front50.KindProject, project, front50.DocumentOptions{By: "me", StaleCheck: true, MustExist: true})
	require.NoError(t, err)
	versions, err := s.DocumentHistory(t.Context(), front50.KindProject, "j1", 0)
	require.NoError(t, err)
	require.Len(t, versions, 2, "a write that is sent again is not made again")
	require.Equal(t, project, versions[0])
	require.Greater(t, lost, 5)
	network.set(nil)
	for what, err := range everyWrite(t, s, "1") {
		if what != "pipeline" {
			require.Equal(t, pipeline.CodeInvalid, pipeline.CodeOf(err), "%s is there: %v", what, err)
		}
	}
	requireAll(t, open(t, config(t, server)), "1", true)
}

// TestBucketGoesMissing removes the bucket under a store: reads go on, writes say
// what is missing, and go on when it is there again.
func TestBucketGoesMissing(t *testing.T) {
	t.Parallel()
	server := testkit.SharedMinIO(t)
	c, h := config(t, server), byHand(t, server)
	c.ObjectStore.Bucket = server.Bucket + "-lost"
	h.bucket = c.ObjectStore.Bucket
	s := open(t, c)
	for what, err := range everyWrite(t, s, "1") {
		require.NoError(t, err, what)
	}
	require.NoError(t, h.client.RemoveBucketWithOptions(t.Context(), h.bucket, minio.RemoveBucketOptions{ForceDelete: true}))
	for what, err := range everyWrite(t, s, "2") {
		require.Equal(t, pipeline.CodeUnavailable, pipeline.CodeOf(err), "%s: %v", what, err)
		require.ErrorContains(t, err, "The bucket "+h.bucket+" does not exist")
	}
	list, err := s.Pipelines(t.Context(), "shop")
	require.NoError(t, err)
	require.Len(t, list, 1)
	requireAll(t, s, "1", true)
	require.NoError(t, h.client.MakeBucket(t.Context(), h.bucket, minio.MakeBucketOptions{}))
	for what, err := range everyWrite(t, s, "3") {
		require.NoError(t, err, what)
	}
	h.requireWellFormed("front50")
	requireAll(t, open(t, c), "3", true)
}

// TestVersioningOff keeps what is current and has no history to show.
func TestVersioningOff(t *testing.T) {
	t.Parallel()
	server := testkit.SharedMinIO(t)
	c, h := config(t, server), byHand(t, server)
	c.ObjectStore.Bucket = server.Bucket + "-unversioned"
	require.NoError(t, h.client.MakeBucket(t.Context(), c.ObjectStore.Bucket, minio.MakeBucketOptions{}))
	s := open(t, c)
	for _, k := range front50.Kinds() {
		doc := sample(t, k)
		for range 2 {
			_, err := s.SaveDocument(t.Context(), k, doc, front50.DocumentOptions{By: "me"})
			require.NoError(t, err)
		}
		versions, err := s.DocumentHistory(t.Context(), k, k.ID(doc), 0)
		require.NoError(t, err)
		require.Len(t, versions, 1, k.Name)
		require.NoError(t, s.DeleteDocument(t.Context(), k, k.ID(doc), "me"))
		_, err = s.DocumentHistory(t.Context(), k, k.ID(doc), 0)
		require.Equal(t, pipeline.CodeNotFound, pipeline.CodeOf(err))
	}
}

// TestClocksThatDiffer lets processes whose clocks are ten minutes apart, which object
// stores bear, write one document in turn: each sees the other's stamps as they were
// answered, stamps only grow, and nobody's save seems stale.
func TestClocksThatDiffer(t *testing.T) {
	t.Parallel()
	server := testkit.SharedMinIO(t)
	openAt := func(offset time.Duration) front50.Store {
		s, err := s3store.OpenWithClock(t.Context(), config(t, server), slog.New(slog.DiscardHandler), func() time.Time { return time.Now().Add(offset) })
		require.NoError(t, err)
		t.Cleanup(func() { require.NoError(t, s.Close()) })
		return s
	}
	stores := []front50.Store{openAt(-10 * time.Minute), openAt(10 * time.Minute), openAt(0)}
	doc := pipeline.Map{"id": "x", "name": "x"}
	p := pipeline.Pipeline{"id": "x", "name": "x", "application": "shop"}
	last := int64(0)
	for i := range 6 {
		var err error
		doc["email"], p["email"] = i, i
		doc, err = stores[i%3].SaveDocument(t.Context(), front50.KindProject, doc, front50.DocumentOptions{StaleCheck: true})
		require.NoError(t, err, "round %d", i)
		p, err = stores[i%3].SavePipeline(t.Context(), p, front50.SaveOptions{StaleCheck: true})
		require.NoError(t, err, "round %d", i)
		updated, _ := doc.Int("updateTs")
		require.Greater(t, updated, last)
		last = updated
		for _, s := range stores {
			read, err := s.Document(t.Context(), front50.KindProject, "x")
			require.NoError(t, err)
			require.Equal(t, doc["updateTs"], read["updateTs"])
			readPipeline, err := s.Pipeline(t.Context(), "x")
			require.NoError(t, err)
			require.Equal(t, p["updateTs"], readPipeline["updateTs"])
		}
	}
}

// TestClockTooFarOff is a machine whose requests the object store refuses: it says
// so, and what to do.
func TestClockTooFarOff(t *testing.T) {
	t.Parallel()
	server := testkit.SharedMinIO(t)
	network := newAnswers(t, server.Endpoint)
	c := config(t, server)
	c.ObjectStore.Endpoint = network.address
	s := open(t, c)
	network.set(func(_ http.ResponseWriter, r *http.Request, _ http.Handler) bool {
		r.Header.Set("X-Amz-Date", time.Now().Add(-20*time.Minute).UTC().Format("20060102T150405Z"))
		return false
	})
	_, err := s.SavePipeline(t.Context(), pipeline.Pipeline{"id": "x", "name": "x", "application": "shop"}, front50.SaveOptions{})
	require.Equal(t, pipeline.CodeUnavailable, pipeline.CodeOf(err), "%v", err)
	require.ErrorContains(t, err, "set the clocks")
	network.set(nil)
	_, err = s.Pipeline(t.Context(), "x")
	require.Equal(t, pipeline.CodeNotFound, pipeline.CodeOf(err), "%v", err)
}
