package main

import (
	"encoding/json"
	"io"
	"net/http"
	"net/http/httptest"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/gennaker/gennaker/pipeline"
)

// flaky is a Gate that hears every kind of request but loses the first answer,
// in one of the ways in which a Gate that dies does.
type flaky struct {
	lose func(w http.ResponseWriter)

	mu       sync.Mutex
	lost     map[string]bool
	tasks    map[string]bool
	starts   map[string]bool
	saved    []pipeline.Map
	approved bool
}

func (f *flaky) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	f.mu.Lock()
	defer f.mu.Unlock()
	raw, _ := io.ReadAll(r.Body)
	status, answer := f.answer(r, raw)
	if key := r.Method + " " + r.URL.Path; !f.lost[key] {
		f.lost[key] = true
		f.lose(w)
		return
	}
	w.WriteHeader(status)
	_ = json.NewEncoder(w).Encode(answer)
}

func (f *flaky) answer(r *http.Request, raw []byte) (int, any) {
	var body struct {
		CorrelationID string `json:"correlationId"`
		Trigger       struct {
			CorrelationID string `json:"correlationId"`
		} `json:"trigger"`
	}
	_ = json.Unmarshal(raw, &body)
	switch r.Method + " " + r.URL.Path {
	case "POST /tasks":
		f.tasks[body.Trigger.CorrelationID] = true
		return http.StatusOK, ref{Ref: "/tasks/t1"}
	case "GET /tasks/t1":
		return http.StatusOK, map[string]any{"status": "SUCCEEDED"}
	case "GET /applications/sample/pipelineConfigs/Demo":
		if len(f.saved) == 0 {
			return http.StatusNotFound, nil
		}
		return http.StatusOK, f.saved[0]
	case "POST /pipelines":
		var p pipeline.Map
		_ = p.UnmarshalJSON(raw)
		if p.String("id") == "" {
			p["id"] = "p1"
			f.saved = append(f.saved, p)
		}
		return http.StatusOK, nil
	case "POST /pipelines/sample/Demo":
		f.starts[body.CorrelationID] = true
		return http.StatusOK, ref{Ref: "/pipelines/e1"}
	case "PATCH /pipelines/e1/stages/s1":
		if f.approved {
			return http.StatusConflict, map[string]any{"message": "The stage does not wait."}
		}
		f.approved = true
		return http.StatusOK, nil
	case "GET /pipelines/e1":
		status := "RUNNING"
		if f.approved && f.lost["seen"] {
			status = "SUCCEEDED"
		}
		f.lost["seen"] = f.approved // the first look after the judgment shows the state before it
		return http.StatusOK, map[string]any{"id": "e1", "status": status, "stages": []any{
			map[string]any{"id": "s1", "type": "manualJudgment", "name": "Go?", "status": status},
		}}
	}
	return http.StatusNotFound, nil
}

func TestTheDemoGoesOnWhenGateDies(t *testing.T) {
	t.Parallel()
	for name, lose := range map[string]func(http.ResponseWriter){
		"the connection breaks": func(w http.ResponseWriter) {
			if connection, _, err := http.NewResponseController(w).Hijack(); err == nil {
				_ = connection.Close()
			}
		},
		"it answers 503": func(w http.ResponseWriter) { w.WriteHeader(http.StatusServiceUnavailable) },
		"the answer breaks off": func(w http.ResponseWriter) {
			w.Header().Set("Content-Length", "100")
			_, _ = io.WriteString(w, "{")
		},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			f := &flaky{lose: lose, lost: map[string]bool{}, tasks: map[string]bool{}, starts: map[string]bool{}}
			server := httptest.NewServer(f)
			t.Cleanup(server.Close)
			waits := 0
			d := &demo{began: time.Now()}
			d.gate = newGate(server.URL, func(error) { waits++ })
			p := pipeline.Pipeline{"application": "sample", "name": "Demo"}
			require.NoError(t, d.prepare(t.Context(), p))
			e, err := d.follow(t.Context(), p)
			require.NoError(t, err)
			require.Equal(t, pipeline.Succeeded, e.Status)
			require.Positive(t, waits)
			f.mu.Lock()
			defer f.mu.Unlock()
			require.Len(t, f.tasks, 1, "one application is created")
			require.Len(t, f.saved, 1, "one pipeline is saved")
			require.Len(t, f.starts, 1, "one execution is started")
		})
	}
}

func TestTheDemoGivesUp(t *testing.T) {
	t.Parallel()
	server := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if strings.HasSuffix(r.URL.Path, "refused") {
			w.WriteHeader(http.StatusBadRequest)
			_, _ = io.WriteString(w, `{"message":"No."}`)
			return
		}
		w.WriteHeader(http.StatusServiceUnavailable)
	}))
	t.Cleanup(server.Close)
	waits := 0
	g := newGate(server.URL, func(error) { waits++ })
	g.patience = 500 * time.Millisecond
	require.ErrorContains(t, g.call(t.Context(), http.MethodGet, "/refused", nil, nil), "No.")
	require.Zero(t, waits, "a refusal is final")
	require.ErrorContains(t, g.call(t.Context(), http.MethodGet, "/down", nil, nil), "503")
	require.Equal(t, 1, waits, "one line says that it waits")
	server.Close()
	require.ErrorContains(t, g.call(t.Context(), http.MethodGet, "/gone", nil, nil), "is `make up` running?")
}
