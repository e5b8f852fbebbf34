package gate_test

import (
	"net/http"
	"sync"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/gennaker/gennaker/gate"
	"github.com/gennaker/gennaker/pipeline"
)

const waiting = `{"application":"shop","name":"p","id":"1","stages":[{"refId":"1","type":"wait"}]}`

// TestCorrelatedStarts: an execution that has not ended is answered in place of
// another one with its correlation ID; ended ones make room for the next.
func TestCorrelatedStarts(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	w.pipeline(waiting)
	start := func(target, body string) string {
		t.Helper()
		out := w.do("POST", target, body)
		require.Less(t, out.Code, 300, out.Body.String())
		return w.object(out).String("ref")
	}
	end := func(ref string) {
		t.Helper()
		x := w.engine.find(ref[len("/pipelines/"):])
		require.NotNil(t, x)
		x.Status = pipeline.Succeeded
		w.execution(x)
	}
	first := start("/pipelines/shop/p", `{"correlationId":"build-7"}`)
	require.Equal(t, first, start("/pipelines/v2/shop/p", `{"correlationId":"build-7"}`))
	require.Equal(t, first, start("/pipelines/start", `{"application":"shop","name":"p","id":"1","stages":[],"trigger":{"correlationId":"build-7"}}`))
	require.Len(t, w.engine.started, 1)
	require.NotEqual(t, first, start("/pipelines/shop/p", `{"correlationId":"build-8"}`))
	require.NotEqual(t, first, start("/pipelines/shop/p", `{}`))

	task := start("/tasks", `{"application":"shop","job":[{"type":"wait"}],"trigger":{"correlationId":"build-7"}}`)
	require.Regexp(t, "^/tasks/", task, "tasks are of another type")
	require.Equal(t, task, start("/tasks", `{"application":"shop","job":[{"type":"wait"}],"trigger":{"correlationId":"build-7"}}`))

	seen := map[string]bool{first: true}
	for range 3 {
		end(first)
		next := start("/pipelines/shop/p", `{"correlationId":"build-7"}`)
		require.False(t, seen[next], "an ended execution is never answered")
		require.Equal(t, next, start("/pipelines/shop/p", `{"correlationId":"build-7"}`))
		seen[next], first = true, next
	}
	end(first)
	require.Equal(t, http.StatusOK, w.do("DELETE", first, "").Code)
	require.False(t, seen[start("/pipelines/shop/p", `{"correlationId":"build-7"}`)], "nor is a deleted one")
}

func TestSimultaneousCorrelatedStarts(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	w.pipeline(waiting)
	const callers = 20
	refs := make([]string, callers)
	var wg sync.WaitGroup
	for i := range callers {
		wg.Go(func() {
			out := w.do("POST", "/pipelines/shop/p", `{"correlationId":"one event"}`)
			if out.Code == http.StatusAccepted {
				refs[i] = w.object(out).String("ref")
			}
		})
	}
	wg.Wait()
	require.Len(t, w.engine.started, 1)
	for _, ref := range refs {
		require.Equal(t, "/pipelines/"+w.engine.started[0].ID, ref)
	}
}

func TestGivenExecutionID(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	body := `{"application":"shop","name":"p","id":"1","executionId":"01JARAZGXZ0000000000000000","stages":[],"trigger":{"correlationId":"c"}}`
	for range 2 {
		out := w.do("POST", "/pipelines/start", body)
		require.Equal(t, http.StatusOK, out.Code, out.Body.String())
		require.Equal(t, "/pipelines/01JARAZGXZ0000000000000000", w.object(out).String("ref"))
	}
	require.Len(t, w.engine.started, 1)
	for body, status := range map[string]int{
		`{"application":"shop","name":"p","executionId":"01JARAZGXZ0000000000000000","stages":[]}`: http.StatusConflict,
		`{"application":"shop","name":"p","executionId":"limit.1","stages":[]}`:                    http.StatusBadRequest,
		`{"application":"shop","name":"p","executionId":7,"stages":[]}`:                            http.StatusBadRequest,
		`{"application":"shop","name":"p","executionId":"","stages":[]}`:                           http.StatusOK,
	} {
		require.Equal(t, status, w.do("POST", "/pipelines/start", body).Code, body)
	}
}

// TestStartKeeps: what a start says about itself stands on its execution.
func TestStartKeeps(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	w.pipeline(`{"application":"shop","name":"p","id":"1","stages":[],"notifications":[{"type":"email"}]}`)
	require.Equal(t, 200, w.do("POST", "/pipelines/start", `{"application":"shop","name":"q","stages":[],"origin":"terraform","startTimeExpiry":"1772625600001",
		"initialConfig":{"enabled":true},"source":{"id":"s","type":"git","version":"1"}}`).Code)
	require.Equal(t, 202, w.do("POST", "/pipelines/shop/p", `{"notifications":[{"type":"slack"}]}`, "X-RateLimit-App", "deck").Code)
	given, triggered := w.engine.started[0], w.engine.started[1]
	require.Equal(t, "terraform", given.Origin)
	require.Equal(t, pipeline.Millis(1772625600001), given.StartTimeExpiry)
	require.Equal(t, pipeline.Map{"enabled": true}, given.InitialConfig)
	require.Equal(t, pipeline.Map{"id": "s", "type": "git", "version": "1"}, given.Source)
	require.Equal(t, "deck", triggered.Origin)
	require.Equal(t, []pipeline.Map{{"type": "email"}, {"type": "slack"}}, triggered.Notifications)
	require.Equal(t, "anonymous", triggered.Authentication.User)
}

// TestFailedStarts: what is left of a start that is refused.
func TestFailedStarts(t *testing.T) {
	t.Parallel()
	for _, tt := range []struct {
		name, target, body string
		message            string // of the refusal
		stages             int    // of the recorded execution; -1 records nothing
	}{
		{name: "disabled in the request", target: "/pipelines/start", body: `{"application":"shop","name":"p","disabled":true,"stages":[{"type":"wait"}]}`,
			message: "Pipeline is disabled and cannot be started.", stages: 1},
		{name: "faults of a template", target: "/pipelines/start", body: `{"application":"shop","name":"p","errors":[{"message":"No variable x."},"odd"],"stages":[{"type":"wait"}]}`,
			message: "Pipeline template is invalid", stages: 1},
		{name: "disabled before it has faults", target: "/pipelines/start", body: `{"application":"shop","name":"p","disabled":true,"errors":[{}],"stages":[]}`,
			message: "Pipeline is disabled and cannot be started.", stages: 0},
		{name: "disabled in the store", target: "/pipelines/start", body: `{"application":"shop","name":"off","id":"p-off","stages":[]}`,
			message: "The pipeline config off (p-off) belonging to shop is disabled", stages: -1},
		{name: "disabled in the store, by name", target: "/pipelines/shop/off",
			message: "The pipeline config off (p-off) belonging to shop is disabled", stages: -1},
		{name: "no artifact", target: "/pipelines/shop/artifact", body: `{"expectedArtifactIds":["a"]}`,
			message: "could not be resolved", stages: 1},
		{name: "no graph", target: "/pipelines/start", body: `{"application":"shop","name":"p","stages":[{"refId":"1","type":"wait","requisiteStageRefIds":["9"]}]}`,
			message: "does not exist", stages: 0},
		{name: "no template", target: "/pipelines/start", body: `{"schema":"v2","type":"templatedPipeline","application":"shop","name":"p","template":{"reference":"spinnaker://nope","artifactAccount":"front50ArtifactCredentials","type":"front50/pipelineTemplate"}}`,
			message: "nope", stages: 0},
		{name: "no parameter", target: "/pipelines/shop/asks", message: "requires the parameters 'tag'", stages: -1},
		{name: "no name", target: "/pipelines/start", body: `{"stages":[]}`, message: "requires name and application", stages: -1},
		{name: "no task", target: "/tasks", body: `{"application":"shop"}`, message: "at least one job", stages: -1},
	} {
		t.Run(tt.name, func(t *testing.T) {
			t.Parallel()
			w := newWorld(t)
			populate(w)
			w.pipeline(`{"application":"shop","name":"artifact","id":"p-artifact","stages":[{"refId":"1","type":"wait"}],
				"expectedArtifacts":[{"id":"a","matchArtifact":{"type":"docker/image","name":"x"}}]}`)
			out := w.do("POST", tt.target, tt.body)
			require.GreaterOrEqual(t, out.Code, 400)
			require.Less(t, out.Code, 500)
			message := w.object(out).String("message")
			require.Contains(t, message, tt.message)
			require.Empty(t, w.engine.started)
			if tt.stages < 0 {
				require.Empty(t, w.engine.failed)
				return
			}
			require.Len(t, w.engine.failed, 1)
			got := w.engine.failed[0]
			require.Equal(t, message, got.why.Message)
			require.Len(t, got.execution.Stages, tt.stages)
			require.Equal(t, "shop", got.execution.Application)
			require.Equal(t, got.execution.ID, pipeline.AsMap(w.get("/pipelines/"+got.execution.ID)).String("id"), "it can be looked at")
		})
	}
}

// TestStartsRunAsTheirCaller: a request cannot borrow the user that a trigger is
// to run as, nor name another.
func TestStartsRunAsTheirCaller(t *testing.T) {
	t.Parallel()
	const trigger = `{"type":"cron","user":"root","runAsUser":"deploy@shop"}`
	for name, tt := range map[string]struct{ target, body string }{
		"by name":        {"/pipelines/shop/p", trigger},
		"by name, v2":    {"/pipelines/v2/shop/p", trigger},
		"wrapped":        {"/pipelines/shop/p", `{"trigger":` + trigger + `}`},
		"in the body":    {"/pipelines/start", `{"application":"shop","name":"q","stages":[],"trigger":` + trigger + `}`},
		"an ad-hoc task": {"/tasks", `{"application":"shop","job":[{"type":"wait"}],"trigger":` + trigger + `}`},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			w := newWorld(t, func(_ *gate.Dependencies, c *gate.Config) { c.TrustUserHeader = true })
			w.pipeline(waiting)
			out := w.do("POST", tt.target, tt.body, "X-SPINNAKER-USER", "kim")
			require.Less(t, out.Code, 300, out.Body.String())
			x := w.engine.started[0]
			require.Equal(t, "kim", x.Authentication.User)
			require.Equal(t, "kim", x.Trigger.User)
			require.Equal(t, "cron", x.Trigger.Type)
			require.Equal(t, "deploy@shop", x.Trigger.Other["runAsUser"], "the trigger is shown as it was sent")
		})
	}
}

func TestEnabledBeyondItsStore(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	populate(w)
	require.Equal(t, 200, w.do("POST", "/pipelines/start", `{"application":"shop","name":"off","id":"p-off","initialConfig":{"enabled":true},"stages":[]}`).Code)
	require.Equal(t, 200, w.do("POST", "/pipelines/start", `{"application":"shop","name":"other","id":"p-nowhere","stages":[]}`).Code)
}

func TestFailuresThatCannotBeRecorded(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	w.engine.fail = pipeline.Errorf(pipeline.CodeUnavailable, "Temporal does not answer.")
	out := w.do("POST", "/pipelines/start", `{"application":"shop","name":"p","disabled":true,"stages":[]}`)
	require.Equal(t, http.StatusBadRequest, out.Code, "the request's own fault is what its sender learns")
	require.Contains(t, w.log.String(), "could not be recorded")
	require.Equal(t, http.StatusServiceUnavailable, w.do("POST", "/pipelines/start", `{"application":"shop","name":"p","stages":[],"trigger":{"correlationId":"c"}}`).Code)
}
