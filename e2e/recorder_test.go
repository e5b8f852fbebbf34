package e2e

import (
	"encoding/json"
	"fmt"
	"hash/fnv"
	"io"
	"maps"
	"net/http"
	"net/http/httptest"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"
)

// recorder is an outside service that counts what it was asked to do: each
// effect by the key that tells a repetition from a second effect. It counts a
// call when it comes and answers later, so that callers die in between.
//
// What a path ends in says how it is answered: "/refused" with 400, anything
// else with the address of a job's status. Jobs are DONE after a while, those
// of "/endless" never.
type recorder struct {
	*httptest.Server
	// slow is the longest time until an answer, lasts the time that jobs take.
	slow, lasts time.Duration
	over        chan struct{}

	mu    sync.Mutex
	keys  map[string]map[string]int // by path, then by key
	first map[string]time.Time      // by path, when it was first called
}

func newRecorder(t *testing.T, slow, lasts time.Duration) *recorder {
	t.Helper()
	r := &recorder{slow: slow, lasts: lasts, over: make(chan struct{}), keys: map[string]map[string]int{}, first: map[string]time.Time{}}
	mux := http.NewServeMux()
	mux.HandleFunc("GET /", r.status)
	mux.HandleFunc("POST /", r.effect)
	mux.HandleFunc("PUT /", r.effect)
	r.Server = httptest.NewServer(mux)
	t.Cleanup(func() {
		close(r.over)
		r.Close()
	})
	return r
}

func (r *recorder) effect(w http.ResponseWriter, req *http.Request) {
	_, _ = io.Copy(io.Discard, req.Body) // what is sent does not matter
	path := req.URL.Path
	r.mu.Lock()
	if r.keys[path] == nil {
		r.keys[path] = map[string]int{}
		r.first[path] = time.Now()
	}
	r.keys[path][req.Header.Get("Idempotency-Key")]++
	r.mu.Unlock()
	select {
	case <-time.After(r.delay(path)):
	case <-req.Context().Done():
		return
	case <-r.over:
		return
	}
	if strings.HasSuffix(path, "/refused") {
		w.WriteHeader(http.StatusBadRequest)
		return
	}
	w.Header().Set("Content-Type", "application/json")
	_, _ = fmt.Fprintf(w, `{"status":%q}`, path)
}

// delay is the time until a path's answers, anything from a tenth of the
// longest.
func (r *recorder) delay(path string) time.Duration {
	sum := fnv.New32a()
	_, _ = sum.Write([]byte(path))
	return r.slow/10 + r.slow*9/10*time.Duration(sum.Sum32()%1000)/1000
}

func (r *recorder) status(w http.ResponseWriter, req *http.Request) {
	state := "RUNNING"
	r.mu.Lock()
	if first, begun := r.first[req.URL.Path]; begun && time.Since(first) >= r.lasts && !strings.HasSuffix(req.URL.Path, "/endless") {
		state = "DONE"
	}
	r.mu.Unlock()
	w.Header().Set("Content-Type", "application/json")
	_, _ = fmt.Fprintf(w, `{"state":%q}`, state)
}

// repeated returns how many calls came beyond the first of each effect.
func (r *recorder) repeated() int {
	r.mu.Lock()
	defer r.mu.Unlock()
	n := 0
	for _, keys := range r.keys {
		for _, calls := range keys {
			n += calls - 1
		}
	}
	return n
}

// faults compares what was done with what is wanted, which holds paths without
// the host, each to be done once. It returns a line for each difference.
func (r *recorder) faults(want map[string]bool) []string {
	r.mu.Lock()
	defer r.mu.Unlock()
	var out []string
	for _, path := range slices.Sorted(maps.Keys(want)) {
		if len(r.keys[path]) == 0 {
			out = append(out, fmt.Sprintf("effect %s never happened", path))
		}
	}
	for _, path := range slices.Sorted(maps.Keys(r.keys)) {
		keys := r.keys[path]
		text, _ := json.Marshal(keys) // numbers by text can be written
		switch {
		case !want[path]:
			out = append(out, fmt.Sprintf("effect %s was not to happen; calls by key: %s", path, text))
		case len(keys) != 1:
			out = append(out, fmt.Sprintf("effect %s happened %d times; calls by key: %s", path, len(keys), text))
		case keys[""] > 0:
			out = append(out, fmt.Sprintf("effect %s was asked for %d times without a key", path, keys[""]))
		}
	}
	return out
}
