package s3store_test

import (
	"bytes"
	"net/http"
	"strings"
	"sync"
	"sync/atomic"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/gennaker/gennaker/internal/testkit"
)

// lockedBuffer takes a log that is read while it is written.
type lockedBuffer struct {
	mu sync.Mutex
	b  bytes.Buffer
}

func (l *lockedBuffer) Write(p []byte) (int, error) {
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.b.Write(p)
}

func (l *lockedBuffer) String() string {
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.b.String()
}

// TestConditionsThatAreNotHeeded: an object store that takes every write, whatever its
// conditions, is found out at the start. Nothing relies on them then.
func TestConditionsThatAreNotHeeded(t *testing.T) {
	t.Parallel()
	server := testkit.SharedMinIO(t)
	front := newAnswers(t, server.Endpoint)
	var conditions atomic.Int64
	front.set(func(w http.ResponseWriter, r *http.Request, _ http.Handler) bool {
		if r.Method != http.MethodPut {
			return false
		}
		if strings.Contains(r.URL.Path, "/conditions/") {
			w.Header().Set("ETag", `"99914b932bd37a50b983c5e7c90ae93b"`)
			return true
		}
		if r.Header.Get("If-Match")+r.Header.Get("If-None-Match") != "" {
			conditions.Add(1)
		}
		return false
	})
	c := config(t, server)
	c.ObjectStore.Endpoint = front.address
	var log lockedBuffer
	s := openLogging(t, c, &log)
	require.Contains(t, log.String(), "passes over the conditions")
	other := open(t, config(t, server))
	for name, err := range everyWrite(t, s, "1") {
		require.NoError(t, err, name)
	}
	require.Zero(t, conditions.Load())
	all, err := other.Pipelines(t.Context(), "shop")
	require.NoError(t, err)
	require.Len(t, all, 1)

	// A real one is not taken for such a store, and keeps nothing of the question.
	var quiet lockedBuffer
	openLogging(t, config(t, server), &quiet)
	require.NotContains(t, quiet.String(), "conditions")
	for _, key := range byHand(t, server).keys() {
		require.NotContains(t, key, "conditions")
	}
}
