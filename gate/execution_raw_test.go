package gate_test

import (
	"bytes"
	"compress/gzip"
	"context"
	"io"
	"net/http"
	"net/http/httptest"
	"strconv"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/gennaker/gennaker/executions"
	"github.com/gennaker/gennaker/gate"
	"github.com/gennaker/gennaker/internal/httpjson"
	"github.com/gennaker/gennaker/internal/packed"
	"github.com/gennaker/gennaker/pipeline"
)

func (m *memory) Document(ctx context.Context, id string, use func(executions.Document) error) error {
	r, err := m.Get(ctx, id)
	if err != nil {
		return err
	}
	e := r.Execution
	p, err := packed.Pack(e)
	if err != nil {
		return err
	}
	r.Execution = nil
	return use(executions.Document{Record: r, ID: id, Type: e.Type, Application: e.Application, Status: e.Status, Packed: string(p)})
}

// altered changes every document on its way.
type altered struct {
	gate.Executions
	change func(*executions.Document) error
}

func (a *altered) Document(ctx context.Context, id string, use func(executions.Document) error) error {
	return a.Executions.Document(ctx, id, func(d executions.Document) error {
		if err := a.change(&d); err != nil {
			return err
		}
		return use(d)
	})
}

// sized returns an execution with about that many bytes of JSON.
func sized(id string, size int) *pipeline.Execution {
	return &pipeline.Execution{
		ID: id, Type: pipeline.TypePipeline, Application: "shop", Status: pipeline.Succeeded,
		Stages: []*pipeline.Stage{{ID: "s", RefID: "1", Context: pipeline.Map{"ratio": 5.0, "text": strings.Repeat("<&>", size/3)}}},
	}
}

func TestStoredExecutionsArePassedOn(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	for name, size := range map[string]int{"tiny": 10, "small": 4 << 10, "large": 3 << 20} {
		e := sized(name, size)
		w.memory.Put(t.Context(), executions.Record{Execution: e, Sequence: 1})
		want, err := httpjson.Encode(e)
		require.NoError(t, err)

		out := w.do("GET", "/pipelines/"+name, "")
		require.Equal(t, http.StatusOK, out.Code)
		require.Empty(t, out.Header().Get("Content-Encoding"))
		require.Equal(t, "application/json", out.Header().Get("Content-Type"))
		require.Equal(t, string(want), out.Body.String(), name)
		if name != "large" {
			require.Equal(t, strconv.Itoa(len(want)), out.Header().Get("Content-Length"))
		}

		out = w.do("GET", "/pipelines/"+name, "", "Accept-Encoding", "gzip, br")
		require.Equal(t, http.StatusOK, out.Code)
		body := io.Reader(out.Body)
		if name != "tiny" {
			require.Equal(t, "gzip", out.Header().Get("Content-Encoding"))
			require.Contains(t, out.Header().Values("Vary"), "Accept-Encoding")
			require.Equal(t, strconv.Itoa(out.Body.Len()), out.Header().Get("Content-Length"))
			body, err = gzip.NewReader(out.Body)
			require.NoError(t, err)
		}
		got, err := io.ReadAll(body)
		require.NoError(t, err)
		require.Equal(t, string(want), string(got), name)
	}
	out := w.do("GET", "/pipelines/small", "", "Accept", "application/x-yaml")
	require.Equal(t, "application/x-yaml", out.Header().Get("Content-Type"))
	require.Contains(t, out.Body.String(), "application: shop\n")
}

func TestExecutionsThatAreNotStoredPackedAreEncoded(t *testing.T) {
	t.Parallel()
	e := sized("x", 100)
	w := newWorld(t, func(d *gate.Dependencies, _ *gate.Config) {
		d.Executions = &altered{d.Executions, func(d *executions.Document) error {
			d.Packed, d.Execution = "", e
			return nil
		}}
	})
	w.memory.Put(t.Context(), executions.Record{Execution: e, Sequence: 1})
	want, err := httpjson.Encode(e)
	require.NoError(t, err)
	require.Equal(t, string(want), w.do("GET", "/pipelines/x", "").Body.String())
}

func TestReadsOfExecutionsThatFail(t *testing.T) {
	t.Parallel()
	var change func(*executions.Document) error
	w := newWorld(t, func(d *gate.Dependencies, _ *gate.Config) {
		d.Executions = &altered{d.Executions, func(d *executions.Document) error { return change(d) }}
	})
	for name, size := range map[string]int{"small": 4 << 10, "large": 3 << 20} {
		w.memory.Put(t.Context(), executions.Record{Execution: sized(name, size), Sequence: 1})
	}
	change = func(*executions.Document) error { return pipeline.Errorf(pipeline.CodeThrottled, "Too many.") }
	require.Equal(t, http.StatusTooManyRequests, w.do("GET", "/pipelines/small", "").Code)
	change = func(d *executions.Document) error { d.Type = pipeline.TypeOrchestration; return nil }
	out := w.do("GET", "/pipelines/small", "")
	require.Equal(t, http.StatusNotFound, out.Code)
	require.Contains(t, w.object(out).String("message"), "Pipeline not found (id: small)")

	change = func(d *executions.Document) error {
		b := bytes.Clone([]byte(d.Packed))
		b[len(b)/2] ^= 0xff
		d.Packed = string(b)
		return nil
	}
	require.Equal(t, http.StatusInternalServerError, w.do("GET", "/pipelines/small", "").Code)
	server := httptest.NewServer(w.server.Handler())
	defer server.Close()
	req, err := http.NewRequestWithContext(t.Context(), http.MethodGet, server.URL+"/pipelines/large", nil)
	require.NoError(t, err)
	client := &http.Client{Transport: &http.Transport{DisableCompression: true}}
	resp, err := client.Do(req)
	if err == nil {
		_, err = io.Copy(io.Discard, resp.Body)
		require.NoError(t, resp.Body.Close())
	}
	require.Error(t, err, "a client must not take a cut answer for a whole one")
}
