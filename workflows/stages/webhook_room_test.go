package stages_test

import (
	"encoding/json"
	"io"
	"net/http"
	"net/http/httptest"
	"strings"
	"sync/atomic"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/gennaker/gennaker/activities"
	"github.com/gennaker/gennaker/activities/webhook"
	"github.com/gennaker/gennaker/internal/outbound"
	"github.com/gennaker/gennaker/pipeline"
	"github.com/gennaker/gennaker/workflows"
	"github.com/gennaker/gennaker/workflows/stages"
	"github.com/gennaker/gennaker/workflows/workflowstest"
)

// useRoom lets the real room make the calls of a world.
func useRoom(t *testing.T, w *workflowstest.World, c webhook.Config, allowed ...string) {
	t.Helper()
	client, err := outbound.New(outbound.Config{
		Allowed: allowed, ConnectTimeout: 5 * time.Second, Timeout: 10 * time.Second, MaxRedirects: 5, MaxResponse: 1 << 20, MaxHeader: 64 << 10, UserAgent: "gennaker",
	}, nil)
	require.NoError(t, err)
	c.MaxResponse = 1 << 20
	room, err := webhook.New(client, c)
	require.NoError(t, err)
	workflowstest.On(w, activities.CallWebhook, room.CallWebhook)
	workflowstest.On(w, activities.PollWebhook, room.PollWebhook)
}

// A webhook stage and a server that builds: called with credentials, polled
// until it is done, and told when the stage is cancelled.
func TestWebhookAgainstAServer(t *testing.T) {
	t.Setenv("CI_TOKEN", "s3cret")
	var polls, cancels atomic.Int64
	var key atomic.Value
	mux := http.NewServeMux()
	mux.HandleFunc("POST /runs", func(w http.ResponseWriter, r *http.Request) {
		body, _ := io.ReadAll(r.Body)
		if r.Header.Get("Authorization") != "Bearer s3cret" || string(body) != `{"suite":"smoke"}` {
			w.WriteHeader(http.StatusForbidden)
			return
		}
		key.Store(r.Header.Get("Idempotency-Key"))
		w.Header().Set("Location", "/runs/7")
		w.WriteHeader(http.StatusAccepted)
	})
	mux.HandleFunc("GET /runs/7", func(w http.ResponseWriter, _ *http.Request) {
		w.Header().Set("Content-Type", "application/json")
		state := "RUNNING"
		switch n := polls.Add(1); {
		case n == 2:
			w.WriteHeader(http.StatusServiceUnavailable)
		case n > 3:
			state = "PASSED"
		}
		_, _ = io.WriteString(w, `{"state":"`+state+`","percent":`+strings.Repeat("9", 2)+`}`)
	})
	mux.HandleFunc("PUT /runs/7/cancel", func(http.ResponseWriter, *http.Request) { cancels.Add(1) })
	server := httptest.NewServer(mux)
	t.Cleanup(server.Close)
	config := webhook.Config{Accounts: []webhook.Account{
		{Name: "ci", Hosts: []string{"127.0.0.1"}, Header: &webhook.HeaderCredentials{Name: "Authorization", Prefix: "Bearer ", Value: "env:CI_TOKEN"}},
	}}
	run := func(w *workflowstest.World, success string) *workflowstest.Run {
		return newRun(t, w, `{"stages":[{"type":"webhook","refId":"1","name":"Test","url":"`+server.URL+`/runs","payload":{"suite":"smoke"},"account":"ci",
			"waitForCompletion":true,"statusUrlResolution":"locationHeader","statusJsonPath":"$.state","successStatuses":"`+success+`",
			"cancelEndpoint":"`+server.URL+`/runs/7/cancel","cancelMethod":"PUT"}]}`)
	}

	w := workflowstest.NewWorld()
	useRoom(t, w, config, "127.0.0.1")
	e := run(w, "PASSED").Done()
	require.Equal(t, pipeline.Succeeded, e.Status, workflowstest.Errors(e, "1"))
	require.EqualValues(t, 4, polls.Load())
	require.Equal(t, server.URL+"/runs/7", hook(e)["statusEndpoint"])
	monitor := hook(e).Map("monitor")
	require.Equal(t, map[string]any{"state": "PASSED", "percent": int64(99)}, monitor["body"])
	require.Equal(t, []any{int64(503)}, monitor["pastStatusCodes"])
	require.Equal(t, "application/json", monitor.Map("headers")["Content-Type"])
	require.Equal(t, e.ID+"."+stage(e).ID+".createWebhook.0", key.Load())
	require.Zero(t, cancels.Load())
	text, err := json.Marshal(w.Published(e.ID))
	require.NoError(t, err)
	require.NotContains(t, string(text), "s3cret")

	w = workflowstest.NewWorld()
	useRoom(t, w, config, "127.0.0.1")
	r := run(w, "NEVER")
	r.CancelAt(5*time.Second, workflows.CancelInput{User: "ines"})
	e = r.Done()
	require.Equal(t, pipeline.Canceled, e.Status)
	require.EqualValues(t, 1, cancels.Load())

	w = workflowstest.NewWorld()
	useRoom(t, w, config)
	e = run(w, "PASSED").Done()
	require.Equal(t, pipeline.Terminal, e.Status)
	require.Contains(t, workflowstest.Errors(e, "1")[0], "outbound-allowed")
}

// A preconfigured webhook with a header that only the worker knows.
func TestPreconfiguredWebhookAgainstAServer(t *testing.T) {
	t.Setenv("CHAT_TOKEN", "t0ken")
	var got atomic.Value
	server := httptest.NewServer(http.HandlerFunc(func(_ http.ResponseWriter, r *http.Request) {
		body, _ := io.ReadAll(r.Body)
		got.Store(r.URL.Path + " " + r.Header.Get("X-Token") + " " + r.Header.Get("Content-Type") + " " + string(body))
	}))
	t.Cleanup(server.Close)
	own := pipeline.PreconfiguredWebhook{
		"type": "tell", "url": server.URL + "/rooms/${parameterValues['room']}", "sensitiveHeaders": map[string]any{"X-Token": "env:CHAT_TOKEN"},
		"customHeaders": map[string]any{"Content-Type": "application/json"}, "payload": `{"text":"${execution.name} deployed"}`,
		"parameters": []any{map[string]any{"name": "room", "defaultValue": "general"}},
	}
	w := workflowstest.NewWorld()
	useRoom(t, w, webhook.Config{Preconfigured: []pipeline.PreconfiguredWebhook{own}}, "127.0.0.1")
	types := stages.Configured(stages.Options{Preconfigured: []pipeline.PreconfiguredWebhook{own}})
	e := workflowstest.NewRun(t, w, types, `{"name":"Shop","stages":[{"type":"tell","alias":"preconfiguredWebhook","refId":"1"}]}`).Done()
	require.Equal(t, pipeline.Succeeded, e.Status, workflowstest.Errors(e, "1"))
	require.Equal(t, `/rooms/general t0ken application/json {"text":"Shop deployed"}`, got.Load())
	text, err := json.Marshal(w.Published(e.ID))
	require.NoError(t, err)
	require.NotContains(t, string(text), "CHAT_TOKEN")
	require.NotContains(t, string(text), "t0ken")
}
