package gate_test

import (
	"net/http"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/gennaker/gennaker/gate"
	"github.com/gennaker/gennaker/pipeline"
)

// populate fills a world with one application, its pipelines and executions.
func populate(w *world) {
	w.application(pipeline.Application{"name": "Shop", "email": "o@example.com", "cloudProviders": "kubernetes"})
	w.pipeline(`{"application":"shop","name":"taken","id":"p-taken","stages":[]}`)
	w.pipeline(`{"application":"shop","name":"off","id":"p-off","disabled":true,"stages":[{"type":"wait","waitTime":1}]}`)
	w.pipeline(`{"application":"shop","name":"asks","id":"p-asks","parameterConfig":[{"name":"tag","required":true},{"name":"size","required":true,"default":"s"}],"stages":[{"type":"wait"}]}`)
	w.execution(&pipeline.Execution{ID: "running", Application: "shop", PipelineConfigID: "p-taken", Status: pipeline.Running, StartTime: pipeline.ToMillis(noon),
		Stages: []*pipeline.Stage{{ID: "s-wait", RefID: "1", Type: "wait", Name: "Pause", Status: pipeline.Running, Context: pipeline.Map{}}, {ID: "s-judge", RefID: "2", Type: "manualJudgment", Name: "Judge", Status: pipeline.Running, Context: pipeline.Map{}}}})
	w.execution(&pipeline.Execution{ID: "finished", Application: "shop", PipelineConfigID: "p-taken", Status: pipeline.Succeeded, StartTime: pipeline.ToMillis(noon),
		Stages: []*pipeline.Stage{{ID: "s-done", RefID: "1", Type: "manualJudgment", Name: "Judge", Status: pipeline.Succeeded, Context: pipeline.Map{}}}})
	w.execution(&pipeline.Execution{ID: "task-running", Type: pipeline.TypeOrchestration, Application: "shop", Status: pipeline.Running})
	w.execution(&pipeline.Execution{ID: "task-done", Type: pipeline.TypeOrchestration, Application: "shop", Status: pipeline.Terminal})
	w.engine.waiting["s-judge"] = true
}

// TestRefusals: whatever is wrong with a request is answered with a 4xx whose
// message names the fault, and nothing is started, stored or changed.
func TestRefusals(t *testing.T) {
	t.Parallel()
	deep := strings.Repeat(`{"a":`, 300) + "1" + strings.Repeat("}", 300)
	for _, tt := range []struct {
		name, method, target, body string
		headers                    []string
		status                     int
		message                    string // a part of it
	}{
		// Documents that are no pipeline.
		{name: "not JSON", method: "POST", target: "/pipelines", body: "{\n\"name\": x}", status: 400, message: "at line 2 (byte 11)"},
		{name: "cut short", method: "POST", target: "/pipelines", body: "{\n\"name\":", status: 400, message: "ends too early, at line 2"},
		{name: "two documents", method: "POST", target: "/pipelines", body: "{} {}", status: 400, message: "after the JSON document"},
		{name: "a list", method: "POST", target: "/pipelines", body: "[]", status: 400, message: "The request body is a list"},
		{name: "null", method: "POST", target: "/pipelines", body: "null", status: 400, message: "The request body is null"},
		{name: "a number", method: "POST", target: "/pipelines", body: "1", status: 400, message: "The request body is a number"},
		{name: "nothing", method: "POST", target: "/pipelines", status: 400, message: "has no body"},
		{name: "too deep", method: "POST", target: "/pipelines", body: deep, status: 400, message: "nested more than"},
		{name: "over the limit", method: "POST", target: "/pipelines", body: `{"name":"` + strings.Repeat("x", 2000) + `"}`, status: 413, message: "over the limit of 2000 bytes"},
		{name: "a form", method: "POST", target: "/pipelines", body: "a=b", headers: []string{"Content-Type", "application/x-www-form-urlencoded"}, status: 415, message: "application/x-www-form-urlencoded"},
		{name: "no name", method: "POST", target: "/pipelines", body: `{"application":"shop","stages":[]}`, status: 400, message: "requires name and application"},
		{name: "no application", method: "POST", target: "/pipelines", body: `{"name":"x","stages":[]}`, status: 400, message: "requires name and application"},
		{name: "stages are text", method: "POST", target: "/pipelines", body: `{"application":"shop","name":"x","stages":"no"}`, status: 400, message: "stages of pipeline 'x' are a string"},
		{name: "id is a number", method: "POST", target: "/pipelines", body: `{"application":"shop","name":"x","id":7}`, status: 400, message: "id of pipeline 'x' is a number"},
		{name: "cycle", method: "POST", target: "/pipelines", body: `{"application":"shop","name":"x","stages":[{"refId":"1","type":"wait","name":"A","requisiteStageRefIds":["2"]},{"refId":"2","type":"wait","name":"B","requisiteStageRefIds":["1"]}]}`, status: 400, message: "'A' (refId '1') → 'B' (refId '2') → 'A' (refId '1')"},
		{name: "self reference", method: "POST", target: "/pipelines", body: `{"application":"shop","name":"x","stages":[{"refId":"1","type":"wait","name":"A","requisiteStageRefIds":["1"]}]}`, status: 400, message: "'A' (refId '1') requires itself"},
		{name: "unknown requisite", method: "POST", target: "/pipelines", body: `{"application":"shop","name":"x","stages":[{"refId":"1","type":"wait","name":"A","requisiteStageRefIds":["9"]}]}`, status: 400, message: "refId '9', which does not exist"},
		{name: "refId twice", method: "POST", target: "/pipelines", body: `{"application":"shop","name":"x","stages":[{"refId":"1","type":"wait","name":"A"},{"refId":"1","type":"wait","name":"B"}]}`, status: 400, message: "share the refId '1'"},
		{name: "name taken", method: "POST", target: "/pipelines", body: `{"application":"SHOP","name":"Taken","stages":[]}`, status: 400, message: "name taken already exists in application shop"},
		{name: "update of an unknown pipeline", method: "PUT", target: "/pipelines/nope", body: `{"application":"shop","name":"x"}`, status: 400, message: "nope"},
		{name: "update under another id", method: "PUT", target: "/pipelines/p-taken", body: `{"application":"shop","name":"x","id":"p-off"}`, status: 400, message: "p-off"},
		{name: "bad staleCheck", method: "POST", target: "/pipelines?staleCheck=maybe", body: `{}`, status: 400, message: "staleCheck"},

		// Starts.
		{name: "start of an unknown pipeline", method: "POST", target: "/pipelines/shop/nope", status: 404, message: "nope"},
		{name: "start in an unknown application", method: "POST", target: "/pipelines/nope/taken", status: 404, message: "nope"},
		{name: "start of a disabled pipeline", method: "POST", target: "/pipelines/shop/off", status: 400, message: "is disabled"},
		{name: "start without a parameter", method: "POST", target: "/pipelines/shop/asks", body: `{"parameters":{"size":"l"}}`, status: 400, message: "requires the parameters 'tag'"},
		{name: "start without a parameter, v2", method: "POST", target: "/pipelines/v2/shop/asks", body: `{}`, status: 400, message: "requires the parameters 'tag'"},
		{name: "start with text parameters", method: "POST", target: "/pipelines/shop/taken", body: `{"parameters":"x"}`, status: 400, message: "parameters is a string"},
		{name: "start with a bad artifact", method: "POST", target: "/pipelines/shop/taken", body: `{"artifacts":["x"]}`, status: 400, message: "trigger"},
		{name: "start with broken JSON", method: "POST", target: "/pipelines/shop/taken", body: `{"parameters":`, status: 400, message: "not JSON"},
		{name: "run of no pipeline", method: "POST", target: "/pipelines/start", body: `{}`, status: 400, message: "requires name and application"},
		{name: "run of a template", method: "POST", target: "/pipelines/start", body: `{"type":"templatedPipeline","schema":"v2","application":"shop","name":"x"}`, status: 400, message: "names no template"},
		{name: "plan of a cycle", method: "POST", target: "/pipelines/start", body: `{"plan":true,"application":"shop","name":"x","stages":[{"refId":"1","type":"wait","requisiteStageRefIds":["1"]}]}`, status: 400, message: "requires itself"},

		// Tasks.
		{name: "application name against the rules", method: "POST", target: "/tasks", body: `{"application":"my app","description":"x","job":[{"type":"createApplication","application":{"name":"my app","email":"a@b.c"}}]}`, status: 400, message: "'my app' may hold only"},
		{name: "application name against the provider's rules", method: "POST", target: "/tasks", body: `{"application":"9shop","job":[{"type":"createApplication","application":{"name":"9shop","email":"a@b.c","cloudProviders":"kubernetes"}}]}`, status: 400, message: "does not fit the provider kubernetes"},
		{name: "application without a name", method: "POST", target: "/tasks", body: `{"application":"x","job":[{"type":"updateApplication","application":{"email":"a@b.c"}}]}`, status: 400, message: "requires a name"},
		{name: "application missing", method: "POST", target: "/tasks", body: `{"application":"x","job":[{"type":"createApplication"}]}`, status: 400, message: "has no application"},
		{name: "task without application", method: "POST", target: "/tasks", body: `{"job":[{"type":"wait"}]}`, status: 400, message: "requires an application"},
		{name: "task without jobs", method: "POST", target: "/tasks", body: `{"application":"shop"}`, status: 400, message: "at least one job"},
		{name: "task with a text job", method: "POST", target: "/tasks", body: `{"application":"shop","job":["wait"]}`, status: 400, message: "Job 1 of the task is a string"},
		{name: "task with one job, not in a list", method: "POST", target: "/tasks", body: `{"application":"shop","job":{"type":"wait"}}`, status: 400, message: "job is an object"},
		{name: "task with a job without type", method: "POST", target: "/tasks", body: `{"application":"shop","job":[{}]}`, status: 400, message: "has no type"},
		{name: "unknown task", method: "GET", target: "/tasks/nope", status: 404, message: "Task not found (id: nope)"},
		{name: "pipeline asked for as a task", method: "GET", target: "/tasks/running", status: 404, message: "Task not found (id: running)"},
		{name: "cancel of a finished task", method: "PUT", target: "/tasks/task-done/cancel", status: 409, message: "ended with status TERMINAL"},
		{name: "delete of a running task", method: "DELETE", target: "/tasks/task-running", status: 409, message: "Cannot delete a running ORCHESTRATION"},

		// Executions.
		{name: "unknown execution", method: "GET", target: "/pipelines/nope", status: 404, message: "Pipeline not found (id: nope)"},
		{name: "task asked for as a pipeline", method: "GET", target: "/pipelines/task-done", status: 404, message: "Pipeline not found (id: task-done)"},
		{name: "cancel of a finished execution", method: "PUT", target: "/pipelines/finished/cancel", status: 409, message: "ended with status SUCCEEDED"},
		{name: "cancel through the application", method: "PUT", target: "/applications/%7Bapplication%7D/pipelines/finished/cancel", status: 409, message: "ended with status SUCCEEDED"},
		{name: "cancel of an unknown execution", method: "PUT", target: "/pipelines/nope/cancel", status: 404, message: "Pipeline not found (id: nope)"},
		{name: "delete of a running execution", method: "DELETE", target: "/pipelines/running", status: 409, message: "Cannot delete a running PIPELINE, please cancel it first."},
		{name: "delete of an unknown execution", method: "DELETE", target: "/pipelines/nope", status: 404, message: "nope"},
		{name: "judgment on a stage that does not wait", method: "PATCH", target: "/pipelines/running/stages/s-wait", body: `{"judgmentStatus":"continue"}`, status: 409, message: "'Pause' is RUNNING and does not wait"},
		{name: "judgment in a finished execution", method: "PATCH", target: "/pipelines/finished/stages/s-done", body: `{"judgmentStatus":"continue"}`, status: 409, message: "ended with status SUCCEEDED"},
		{name: "judgment on an unknown stage", method: "PATCH", target: "/pipelines/running/stages/nope", body: `{"judgmentStatus":"continue"}`, status: 404, message: "no stage with the id 'nope'"},
		{name: "judgment on an unknown execution", method: "PATCH", target: "/pipelines/nope/stages/x", body: `{}`, status: 404, message: "nope"},
		{name: "judgment that says nothing", method: "PATCH", target: "/pipelines/running/stages/s-judge", status: 400, message: "has no body"},
		{name: "both kinds of ids", method: "GET", target: "/executions?executionIds=a&pipelineConfigIds=b", status: 400, message: "Only one of"},
		{name: "too many ids", method: "GET", target: "/executions?executionIds=" + strings.Repeat("a,", 1001), status: 400, message: "at most 1000"},
		{name: "unknown status", method: "GET", target: "/executions?pipelineConfigIds=a&statuses=DONE", status: 400, message: "\"DONE\", which is no status"},
		{name: "limit is text", method: "GET", target: "/applications/shop/pipelines?limit=all", status: 400, message: "limit is \"all\""},
		{name: "limit is negative", method: "GET", target: "/applications/shop/pipelines?limit=-1", status: 400, message: "limit is \"-1\""},
		{name: "expand is text", method: "GET", target: "/applications/shop/pipelines?expand=half", status: 400, message: "expand is \"half\""},
		{name: "stream of an unknown execution", method: "GET", target: "/executions/nope/events", status: 404, message: "Execution not found (id: nope)"},
		{name: "stream from nowhere", method: "GET", target: "/executions/running/events", headers: []string{"Last-Event-ID", "x"}, status: 400, message: "Last-Event-ID"},

		{name: "pause of a finished execution", method: "PUT", target: "/pipelines/finished/pause", status: 409, message: "ended with status SUCCEEDED"},
		{name: "resume of a running execution", method: "PUT", target: "/pipelines/running/resume", status: 409, message: "running is RUNNING"},
		{name: "pause of an unknown execution", method: "PUT", target: "/pipelines/nope/pause", status: 404, message: "Pipeline not found (id: nope)"},
		{name: "pause of a task", method: "PUT", target: "/pipelines/task-running/pause", status: 404, message: "Pipeline not found"},
		{name: "restart of an unknown stage", method: "PUT", target: "/pipelines/finished/stages/nope/restart", body: "{}", status: 404, message: "no stage with the id 'nope'"},
		{name: "restart of a running stage", method: "PUT", target: "/pipelines/running/stages/s-wait/restart", body: "{}", status: 409, message: "'Pause' is RUNNING"},
		{name: "restart in an unknown execution", method: "PUT", target: "/pipelines/nope/stages/x/restart", body: "{}", status: 404, message: "nope"},
		{name: "restart with a list", method: "PUT", target: "/pipelines/finished/stages/s-done/restart", body: "[]", status: 400, message: "is a list"},

		// The rest.
		{name: "unknown application", method: "GET", target: "/applications/nope", status: 404, message: "Application not found (id: nope)"},
		{name: "unknown configuration", method: "GET", target: "/applications/shop/pipelineConfigs/nope", status: 404, message: "Pipeline configuration not found"},
		{name: "name in another case", method: "GET", target: "/applications/shop/pipelineConfigs/TAKEN", status: 404, message: "Pipeline configuration not found"},
		{name: "unknown account", method: "GET", target: "/credentials/nope", status: 404, message: "Account not found (name: nope)"},
		{name: "unknown path", method: "GET", target: "/nope", status: 404, message: "GET /nope"},
		{name: "wrong method", method: "DELETE", target: "/version", status: 405, message: "DELETE"},
		{name: "path is not UTF-8", method: "GET", target: "/applications/%ff", status: 400, message: "UTF-8"},
	} {
		t.Run(tt.name, func(t *testing.T) {
			t.Parallel()
			w := newWorld(t, func(_ *gate.Dependencies, c *gate.Config) { c.MaxBody = 2000 })
			populate(w)
			before := w.get("/pipelineConfigs")
			out := w.do(tt.method, tt.target, tt.body, tt.headers...)
			require.Equal(t, tt.status, out.Code, out.Body.String())
			body := w.object(out)
			require.Contains(t, body.String("message"), tt.message)
			require.Equal(t, int64(tt.status), body["status"])
			require.Equal(t, http.StatusText(tt.status), body.String("error"))
			require.NotEmpty(t, body.String("exception"))
			require.NotContains(t, body, "path")
			require.Equal(t, noon.UnixMilli(), body["timestamp"])
			require.NotEmpty(t, out.Header().Get("X-SPINNAKER-REQUEST-ID"))
			require.Equal(t, "*", out.Header().Get("Access-Control-Allow-Origin"))
			require.Empty(t, w.engine.started)
			require.Empty(t, w.engine.cancelled)
			require.Empty(t, w.engine.patched)
			require.Empty(t, w.engine.paused)
			require.Empty(t, w.engine.resumed)
			require.Empty(t, w.engine.restarted)
			require.Empty(t, w.engine.deleted)
			require.Equal(t, before, w.get("/pipelineConfigs"))
			for _, id := range []string{"running", "finished"} {
				w.get("/pipelines/" + id)
			}
		})
	}
}
