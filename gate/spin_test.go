package gate_test

import (
	"encoding/base64"
	"net/http"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/gennaker/gennaker/pipeline"
)

// TestSpin replays the requests of the spin CLI, both generations, as the
// reference (gate section 6) records them, and checks what the client checks.
// Every command begins with GET /version.
func TestSpin(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	command := func() {
		require.Equal(t, "1.2.3", pipeline.AsMap(w.get("/version")).String("version"))
	}
	run := func(method, target, body string, status int) pipeline.Map {
		t.Helper()
		out := w.do(method, target, body, "Accept", "*/*", "User-Agent", "Spin-CLI/1.30")
		require.Equal(t, status, out.Code, out.Body.String())
		if out.Body.Len() == 0 {
			return nil
		}
		return w.object(out)
	}
	// finish plays the worker: the newest execution ends.
	finish := func(status pipeline.Status) *pipeline.Execution {
		x := w.engine.started[len(w.engine.started)-1]
		x.Status = status
		return w.execution(x)
	}

	// spin application save: the task, then polls of it.
	command()
	task := run("POST", "/tasks", `{"job":[{"type":"createApplication","application":{"cloudProviders":"kubernetes","instancePort":80,"name":"shop","email":"a@b.c"}}],"application":"shop","description":"Create Application: shop"}`, 200)
	id := strings.TrimPrefix(task.String("ref"), "/tasks/")
	require.Equal(t, "NOT_STARTED", run("GET", "/tasks/"+id, "", 200).String("status"))
	w.application(pipeline.Application{"name": "shop", "email": "a@b.c", "cloudProviders": "kubernetes"}) // what the stage does
	finish(pipeline.Succeeded)
	require.Equal(t, "SUCCEEDED", run("GET", "/tasks/"+id, "", 200).String("status"))

	// spin application get, list.
	command()
	require.NotNil(t, run("GET", "/applications/shop?expand=false", "", 200)["attributes"])
	require.NotEmpty(t, run("GET", "/applications/none?expand=false", "", 404).String("message"))
	require.Equal(t, []string{"shop"}, names(t, w.get("/applications"), "name"))

	// spin pipeline save: 404 makes a new one; saving again keeps the stored ID.
	command()
	run("GET", "/applications/shop/pipelineConfigs/my pipe", "", 404)
	require.Nil(t, run("POST", "/pipelines", `{"name":"my pipe","application":"shop","id":"spin-1","stages":[{"type":"wait","name":"W","refId":"1","waitTime":1,"requisiteStageRefIds":[]}]}`, 200))
	saved := run("GET", "/applications/shop/pipelineConfigs/my pipe", "", 200)
	require.Equal(t, "spin-1", saved["id"], "the client overwrites its file's id with this text")
	body, err := pipeline.EncodeValue(map[string]any(saved))
	require.NoError(t, err)
	run("POST", "/pipelines", string(body), 200)

	// spin pipeline list, get.
	command()
	require.Equal(t, []string{"my pipe"}, names(t, w.get("/applications/shop/pipelineConfigs"), "name"))
	command()
	run("GET", "/applications/shop/pipelineConfigs/my pipe", "", 200)

	// spin pipeline execute: 202 exactly, standalone and new body.
	command()
	ref := run("POST", "/pipelines/shop/my pipe", `{"type":"manual","parameters":{"a":"1"},"artifacts":[]}`, http.StatusAccepted).String("ref")
	require.Regexp(t, `^/pipelines/[0-9A-Z]{26}$`, ref)
	ref = run("POST", "/pipelines/shop/my%20pipe", `{"trigger":{"type":"manual","parameters":{"a":"2"}}}`, http.StatusAccepted).String("ref")
	require.Equal(t, pipeline.Map{"a": "2"}, w.engine.started[len(w.engine.started)-1].Trigger.Parameters)
	id = strings.TrimPrefix(ref, "/pipelines/")

	// spin pipeline execution list, get, cancel; application pipelines get, cancel.
	command()
	require.Len(t, names(t, w.get("/executions?pipelineConfigIds=spin-1&statuses=&limit=10"), "id"), 2)
	require.Empty(t, w.get("/executions?pipelineConfigIds=spin-1&statuses=RUNNING,SUSPENDED&limit=10"))
	require.Equal(t, []string{id}, names(t, w.get("/executions?executionIds="+id+"&limit=1"), "id"))
	require.Len(t, w.get("/applications/shop/pipelines?expand=false&statuses="), 2)
	run("PUT", "/pipelines/"+id+"/cancel", "", 200)
	run("PUT", "/applications/%7Bapplication%7D/pipelines/"+id+"/cancel?reason=over", "", 200)
	require.Equal(t, "over", w.engine.cancelled[id].Reason)
	finish(pipeline.Canceled)
	run("PUT", "/pipelines/"+id+"/cancel", "", 409)

	// spin pipeline delete, twice.
	command()
	run("DELETE", "/pipelines/shop/my pipe", "", 200)
	run("DELETE", "/pipelines/shop/my pipe", "", 200)
	require.Empty(t, w.get("/applications/shop/pipelineConfigs"))
	require.Empty(t, w.get("/applications/shop/pipelines"), "only pipelines that still exist are listed")

	// spin application delete: GET, then the task.
	command()
	run("GET", "/applications/shop?expand=false", "", 200)
	run("POST", "/tasks", `{"job":[{"type":"deleteApplication","application":{"name":"shop"}}],"application":"shop","description":"Delete Application: shop"}`, 200)
	require.Equal(t, "deleteApplication", w.engine.started[len(w.engine.started)-1].Stages[0].Type)

	// spin account list, get; whoami.
	command()
	require.Equal(t, []string{"kubernetes", "prod"}, names(t, w.get("/credentials?expand=false"), "name"))
	run("GET", "/credentials/prod", "", 200)
	run("GET", "/credentials/none", "", 404)
	require.Equal(t, "anonymous", run("GET", "/auth/user", "", 200).String("email"))

	// Deck's and Gate's own job that saves a pipeline holds it in base64.
	encoded := base64.StdEncoding.EncodeToString([]byte(`{"name":"p","application":"shop"}`))
	run("POST", "/tasks", `{"application":"shop","description":"Save Pipeline 'p'","job":[{"type":"savePipeline","pipeline":"`+encoded+`","user":"anonymous","staleCheck":false}]}`, 200)
	require.Equal(t, encoded, w.engine.started[len(w.engine.started)-1].Stages[0].Context.String("pipeline"))
}
