package e2e

import (
	"io"
	"net/http"
	"net/http/httptest"
	"slices"
	"sync"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/gennaker/gennaker/pipeline"
)

// receiver is a service that runs what webhooks ask for: the first call gets no
// answer as long as it is held, the run is done after some polls.
type receiver struct {
	*httptest.Server
	held chan struct{}

	mu    sync.Mutex
	keys  []string
	polls int
}

func newReceiver(t *testing.T) *receiver {
	t.Helper()
	r := &receiver{held: make(chan struct{})}
	mux := http.NewServeMux()
	mux.HandleFunc("POST /runs", func(w http.ResponseWriter, q *http.Request) {
		_, _ = io.Copy(io.Discard, q.Body)
		r.mu.Lock()
		r.keys = append(r.keys, q.Header.Get("Idempotency-Key"))
		first := len(r.keys) == 1
		r.mu.Unlock()
		if first {
			select {
			case <-r.held:
			case <-q.Context().Done():
			}
		}
		w.Header().Set("Content-Type", "application/json")
		w.WriteHeader(http.StatusAccepted)
		_, _ = io.WriteString(w, `{"id":7,"status":"/runs/7"}`)
	})
	mux.HandleFunc("GET /runs/7", func(w http.ResponseWriter, _ *http.Request) {
		r.mu.Lock()
		r.polls++
		state := "RUNNING"
		if r.polls > 2 {
			state = "DONE"
		}
		r.mu.Unlock()
		w.Header().Set("Content-Type", "application/json")
		_, _ = io.WriteString(w, `{"state":"`+state+`"}`)
	})
	r.Server = httptest.NewServer(mux)
	t.Cleanup(func() {
		r.CloseClientConnections()
		r.Close()
	})
	return r
}

func (r *receiver) got() []string {
	r.mu.Lock()
	defer r.mu.Unlock()
	return slices.Clone(r.keys)
}

// TestWebhookOfAKilledWorker: the workers die after a webhook was sent and
// before it was answered. It is sent again, with a key that tells so, and the
// stage goes on to poll; a stage downstream reads what was answered.
func TestWebhookOfAKilledWorker(t *testing.T) {
	ctx := within(t, crashPatience)
	w := newWorld(t, ctx)
	r := newReceiver(t)
	_, err := w.Gate.Save(ctx, pipeline.Map{
		"application": w.Application, "name": "call", "spelEvaluator": "v4",
		"stages": []any{
			map[string]any{
				"type": "webhook", "refId": "1", "name": "Call", "url": r.URL + "/runs", "method": "POST", "payload": map[string]any{"suite": "smoke"},
				"waitForCompletion": true, "statusUrlResolution": "webhookResponse", "statusUrlJsonPath": "$.status",
				"statusJsonPath": "$.state", "successStatuses": "done", "terminalStatuses": "failed",
			},
			map[string]any{
				"type": "evaluateVariables", "refId": "2", "requisiteStageRefIds": []any{"1"}, "name": "Read",
				"variables": []any{map[string]any{"key": "run", "value": "${#stage('Call')['context']['webhook']['body']['id']}"}},
			},
		},
	})
	require.NoError(t, err)
	id, err := w.Gate.Start(ctx, w.Application, "call", pipeline.Map{"type": "manual"})
	require.NoError(t, err)
	require.Eventually(t, func() bool { return len(r.got()) == 1 }, eventually, moment)
	killed(t, w.Workers...)
	restart(t, ctx, w.Workers...)
	e, err := w.Gate.AwaitEnd(ctx, id)
	require.NoError(t, err)
	require.Equal(t, pipeline.Succeeded, e.Status)
	keys := r.got()
	require.Len(t, keys, 2)
	require.Equal(t, keys[0], keys[1], "the receiver can tell that it is the same call")
	require.Contains(t, keys[0], id)
	hook := e.StageByRef("1").Context.Map("webhook")
	require.Equal(t, int64(202), hook["statusCodeValue"])
	require.Equal(t, r.URL+"/runs/7", hook["statusEndpoint"])
	require.Equal(t, map[string]any{"state": "DONE"}, hook.Map("monitor")["body"])
	require.Equal(t, int64(7), e.StageByRef("2").Outputs["run"])
	require.Less(t, e.EndTime.Time().Sub(e.StartTime.Time()), time.Minute)
}
