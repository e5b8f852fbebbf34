package s3store_test

import (
	"net/http"
	"strings"
	"sync/atomic"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/gennaker/gennaker/internal/testkit"
)

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
	log := &lines{}
	s := openLogging(t, c, log)
	require.Equal(t, 1, log.count("passes over the conditions"))
	other := open(t, config(t, server))
	for name, err := range everyWrite(t, s, "1") {
		require.NoError(t, err, name)
	}
	require.Zero(t, conditions.Load())
	all, err := other.Pipelines(t.Context(), "shop")
	require.NoError(t, err)
	require.Len(t, all, 1)

	// A real one is not taken for such a store, and keeps nothing of the question.
	quiet := &lines{}
	openLogging(t, config(t, server), quiet)
	require.Zero(t, quiet.count("conditions"))
	for _, key := range byHand(t, server).keys() {
		require.NotContains(t, key, "conditions")
	}
}
