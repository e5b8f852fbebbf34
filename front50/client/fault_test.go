package client_test

import (
	"context"
	"net"
	"net/http"
	"net/http/httptest"
	"strings"
	"sync/atomic"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/gennaker/gennaker/front50"
	"github.com/gennaker/gennaker/front50/client"
	"github.com/gennaker/gennaker/front50/memstore"
	"github.com/gennaker/gennaker/front50/server"
	"github.com/gennaker/gennaker/front50/storetest"
	"github.com/gennaker/gennaker/pipeline"
)

// lossy is a Front50 that carries requests out and then loses every second
// answer.
type lossy struct {
	next http.Handler
	n    atomic.Int64
}

func (l *lossy) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	if l.n.Add(1)%2 == 0 {
		l.next.ServeHTTP(w, r)
		return
	}
	l.next.ServeHTTP(httptest.NewRecorder(), r)
	panic(http.ErrAbortHandler) //nolint:forbidigo // net/http's own way to cut the connection
}

// TestLostAnswers makes every write where each second answer is lost after its
// request was carried out: the caller sees one success, the store one change.
func TestLostAnswers(t *testing.T) {
	t.Parallel()
	h := &lossy{next: server.New(memstore.New(nil), server.Options{}).Handler()}
	c := serve(t, h, client.Options{Attempts: 6})
	ctx := t.Context()
	for range 4 { // both parities of lost answers for every call
		previous, app, err := c.WriteApplication(ctx, pipeline.Application{"name": "shop", "email": "a@b.c"}, front50.ApplicationOptions{By: "me", MustNotExist: true})
		require.NoError(t, err)
		require.Nil(t, previous)
		require.Equal(t, "SHOP", app.Name())
		_, app, err = c.SaveApplication(ctx, pipeline.Application{"name": "shop", "description": "d"}, "me")
		require.NoError(t, err)
		require.Equal(t, "d", app["description"])
		p, err := c.SavePipeline(ctx, pipeline.Pipeline{"name": "Deploy", "application": "shop", "triggers": []any{map[string]any{"type": "cron"}}}, front50.SaveOptions{By: "me"})
		require.NoError(t, err)
		p["v"] = int64(2)
		p, err = c.SavePipeline(ctx, p, front50.SaveOptions{StaleCheck: true, MustExist: true})
		require.NoError(t, err)
		require.Equal(t, int64(2), p["v"])
		list, err := c.Pipelines(ctx, "shop")
		require.NoError(t, err)
		require.Len(t, list, 1)
		require.NoError(t, c.DeletePipeline(ctx, p.ID(), "me"))
		_, err = c.DeleteApplication(ctx, "shop", "me")
		require.NoError(t, err)
		doc, err := c.SaveDocument(ctx, front50.KindProject, pipeline.Map{"name": "Shop"}, front50.DocumentOptions{By: "me", MustNotExist: true})
		require.NoError(t, err)
		doc["email"] = "new"
		doc, err = c.SaveDocument(ctx, front50.KindProject, doc, front50.DocumentOptions{StaleCheck: true, MustExist: true})
		require.NoError(t, err)
		tags, err := front50.UpsertEntityTags(ctx, c, pipeline.Map{"id": "x", "tags": []any{map[string]any{"name": "a"}}}, true, "me")
		require.NoError(t, err)
		require.Len(t, tags.List("tags"), 1)
		require.NoError(t, front50.RemoveEntityTags(ctx, c, "x", nil, "me"))
		projects, err := c.Documents(ctx, front50.KindProject)
		require.NoError(t, err)
		require.Equal(t, []pipeline.Map{doc}, projects)
		require.NoError(t, c.DeleteDocument(ctx, front50.KindProject, doc.String("id"), "me"))
		_, err = c.Applications(ctx) // shifts the parity
		require.NoError(t, err)
	}
}

// TestBusyServer answers "try later" before each real answer.
func TestBusyServer(t *testing.T) {
	t.Parallel()
	storetest.Run(t, func(t *testing.T) front50.Store {
		var n atomic.Int64
		next := server.New(memstore.New(nil), server.Options{}).Handler()
		return serve(t, http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
			switch n.Add(1) % 50 {
			case 7:
				w.WriteHeader(http.StatusServiceUnavailable)
			case 23:
				w.WriteHeader(http.StatusTooManyRequests)
			case 41:
				w.WriteHeader(http.StatusBadGateway)
			default:
				next.ServeHTTP(w, r)
			}
		}), client.Options{Attempts: 8})
	})
}

func TestFaults(t *testing.T) {
	t.Parallel()
	nobody, err := net.Listen("tcp", "127.0.0.1:0")
	require.NoError(t, err)
	closed := "http://" + nobody.Addr().String()
	require.NoError(t, nobody.Close())

	answer := func(status int, body string) http.HandlerFunc {
		return func(w http.ResponseWriter, _ *http.Request) {
			w.WriteHeader(status)
			_, _ = w.Write([]byte(body))
		}
	}
	tests := map[string]struct {
		handler http.Handler
		code    pipeline.Code
		tells   string
		tries   int64
	}{
		"nobody listens":       {nil, pipeline.CodeUnavailable, "does not answer: start it", 0},
		"never answers":        {http.HandlerFunc(func(_ http.ResponseWriter, r *http.Request) { <-r.Context().Done() }), pipeline.CodeUnavailable, "does not answer", 2},
		"unavailable":          {answer(503, `{"message":"Later."}`), pipeline.CodeUnavailable, "Later.", 2},
		"internal":             {answer(500, `{"message":"Ouch."}`), pipeline.CodeInternal, "Ouch.", 1},
		"forbidden":            {answer(403, `{"message":"Access is denied"}`), pipeline.CodeForbidden, "Access is denied", 1},
		"a page of a proxy":    {answer(502, `<html>`), pipeline.CodeUnavailable, "502 Bad Gateway", 2},
		"not JSON":             {answer(200, `<html>`), pipeline.CodeUnavailable, "something else", 1},
		"too much":             {answer(200, `["`+strings.Repeat("x", 2000)+`"]`), pipeline.CodeTooLarge, "1000 bytes", 1},
		"details are told too": {answer(400, `{"message":"No.","errors":["a","b"]}`), pipeline.CodeInvalid, "No.", 1},
	}
	for name, tt := range tests {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			var tries atomic.Int64
			address := closed
			if tt.handler != nil {
				live := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
					tries.Add(1)
					tt.handler.ServeHTTP(w, r)
				}))
				t.Cleanup(live.Close)
				address = live.URL
			}
			c, err := client.New(address, client.Options{Attempts: 2, Timeout: 200 * time.Millisecond, MaxBody: 1000})
			require.NoError(t, err)
			_, err = c.Applications(t.Context())
			require.Error(t, err)
			require.Equal(t, tt.code, pipeline.CodeOf(err), "%v", err)
			require.ErrorContains(t, err, tt.tells)
			require.Equal(t, tt.tries, tries.Load())
			if name == "details are told too" {
				require.Equal(t, []string{"a", "b"}, pipeline.DetailsOf(err))
			}
		})
	}
}

func TestCallerGoesAway(t *testing.T) {
	t.Parallel()
	asked := make(chan struct{})
	c := serve(t, http.HandlerFunc(func(_ http.ResponseWriter, r *http.Request) {
		close(asked)
		<-r.Context().Done()
	}), client.Options{})
	ctx, cancel := context.WithCancel(t.Context())
	go func() {
		<-asked
		cancel()
	}()
	_, err := c.Pipelines(ctx, "shop")
	require.ErrorIs(t, err, context.Canceled)
}

func TestAddress(t *testing.T) {
	t.Parallel()
	for _, bad := range []string{"", "front50:8080", "ftp://front50", "http://", ":"} {
		_, err := client.New(bad, client.Options{})
		require.ErrorContains(t, err, "http://host:port", bad)
	}
	h := server.New(memstore.New(nil), server.Options{}).Handler()
	live := httptest.NewServer(http.StripPrefix("/below", h))
	t.Cleanup(live.Close)
	c, err := client.New(live.URL+"/below/", client.Options{})
	require.NoError(t, err)
	require.NoError(t, c.Health(t.Context()))
}

// TestSpinnakersFront50 is a Front50 that answers as Spinnaker's does where
// ours says more.
func TestSpinnakersFront50(t *testing.T) {
	t.Parallel()
	c := serve(t, http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		switch r.URL.Path {
		case "/pipelines/none/history":
			_, _ = w.Write([]byte(`[]`))
		default:
			w.WriteHeader(http.StatusNotFound)
			_, _ = w.Write([]byte(`{"timestamp":"2026-01-01T00:00:00.000+00:00","status":404,"error":"Not Found","exception":"com.netflix.spinnaker.kork.web.exceptions.NotFoundException","message":"Object not found (key: none)"}`))
		}
	}), client.Options{})
	_, err := c.PipelineHistory(t.Context(), "none", 0)
	require.ErrorContains(t, err, "Pipeline not found (id: none)")
	_, err = c.Pipeline(t.Context(), "none")
	require.ErrorContains(t, err, "Pipeline not found (id: none)")
	_, err = c.Application(t.Context(), "none")
	require.ErrorContains(t, err, "Application not found (id: none)")
	previous, err := c.DeleteApplication(t.Context(), "none", "")
	require.NoError(t, err)
	require.Nil(t, previous)
}
