package gate_test

import (
	"net/http"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/gennaker/gennaker/fiat"
	"github.com/gennaker/gennaker/front50"
	"github.com/gennaker/gennaker/gate"
	"github.com/gennaker/gennaker/pipeline"
)

// document stores a document of a kind from JSON and returns its ID.
func (w *world) document(k *front50.Kind, text string) string {
	w.t.Helper()
	var doc pipeline.Map
	require.NoError(w.t, doc.UnmarshalJSON([]byte(text)))
	saved, err := w.store.SaveDocument(w.t.Context(), k, doc, front50.DocumentOptions{By: "ann"})
	require.NoError(w.t, err)
	return k.ID(saved)
}

// documents returns what is stored of every kind.
func (w *world) documents() map[string][]pipeline.Map {
	w.t.Helper()
	out := map[string][]pipeline.Map{}
	for _, k := range front50.Kinds() {
		all, err := w.store.Documents(w.t.Context(), k)
		require.NoError(w.t, err)
		out[k.Name] = all
	}
	return out
}

// refused requires an error with a status and words in its message.
func (w *world) refused(status int, words, method, target, body string) {
	w.t.Helper()
	out := w.do(method, target, body)
	require.Equal(w.t, status, out.Code, out.Body.String())
	require.Contains(w.t, w.object(out)["message"], words)
}

// started returns the one task that was started, and its job.
func (w *world) started() (task *pipeline.Execution, job pipeline.Map) {
	w.t.Helper()
	require.Len(w.t, w.engine.started, 1)
	task = w.engine.started[0]
	w.engine.started = nil
	require.Equal(w.t, pipeline.TypeOrchestration, task.Type)
	return task, task.Stages[0].Context
}

func TestProjects(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	require.Equal(t, []any{}, w.get("/projects"))
	id := w.document(front50.KindProject, `{"name":"My Shop","email":"a@b.c","config":{"applications":["shop"],"pipelineConfigs":[{"application":"shop","pipelineConfigId":"c1"},{"application":"shop","pipelineConfigId":"gone"}]}}`)
	other := w.document(front50.KindProject, `{"name":"`+id+`"}`)
	list := w.get("/projects").([]any)
	require.Len(t, list, 2)
	require.Equal(t, id, pipeline.AsMap(w.get("/projects/my%20shop"))["id"])
	require.Equal(t, other, pipeline.AsMap(w.get("/projects/" + id))["id"], "by name first")
	require.Equal(t, other, pipeline.AsMap(w.get("/projects/" + other))["id"], "then by ID")
	require.Equal(t, noon.UnixMilli(), pipeline.AsMap(w.get("/projects/My Shop"))["createTs"])
	w.refused(404, "Project not found (id: none)", "GET", "/projects/none", "")
	w.refused(404, "Project not found (id: none)", "GET", "/projects/none/clusters", "")

	for i, status := range []pipeline.Status{pipeline.Succeeded, pipeline.Running, pipeline.Terminal} {
		w.execution(&pipeline.Execution{ID: "1-" + string(rune('a'+i)), Application: "shop", PipelineConfigID: "c1", Status: status, BuildTime: pipeline.Millis(noon.UnixMilli() + int64(i)), StartTime: pipeline.Millis(noon.UnixMilli() + int64(i))})
	}
	w.execution(&pipeline.Execution{ID: "1-z", Application: "shop", PipelineConfigID: "another", Status: pipeline.Succeeded, StartTime: 1})
	require.Equal(t, []string{"1-a", "1-b", "1-c"}, names(t, w.get("/projects/My%20Shop/pipelines"), "id"))
	require.Equal(t, []string{"1-c"}, names(t, w.get("/projects/My%20Shop/pipelines?limit=1"), "id"))
	require.Equal(t, []string{"1-a", "1-b"}, names(t, w.get("/projects/My%20Shop/pipelines?statuses=RUNNING,SUCCEEDED"), "id"))
	require.Equal(t, []any{}, w.get("/projects/My%20Shop/pipelines?limit=0"))
	require.Equal(t, []any{}, w.get("/projects/"+other+"/pipelines"))
	require.Equal(t, []any{}, w.get("/projects/none/pipelines"), "as in Orca")
	w.refused(400, "is no status", "GET", "/projects/none/pipelines?statuses=x", "")

	found := pipeline.AsMap(w.get("/search?q=my%20sh&type=projects").([]any)[0])
	require.Equal(t, []any{map[string]any{
		"type": "projects", "id": id, "name": "My Shop", "applications": []any{"shop"}, "provider": "", "url": "/projects/My%20Shop",
	}}, found["results"])
	require.Len(t, pipeline.AsMap(w.get("/search?q=shop&type=projects").([]any)[0])["results"], 1, "by an application's name")
}

// Terraform's provider names a project and nothing else.
func TestTasksOnProjectsNeedNoApplication(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	out := w.do("POST", "/tasks", `{"job":[{"type":"deleteProject","project":{"name":"p"}}]}`)
	require.Equal(t, http.StatusOK, out.Code, out.Body.String())
	task, job := w.started()
	require.Equal(t, "spinnaker", task.Application)
	require.Equal(t, "p", job.Map("project")["name"])
	for _, jobs := range []string{`[]`, `[{"type":"deleteProject","project":{}},{"type":"wait"}]`} {
		require.Equal(t, http.StatusBadRequest, w.do("POST", "/tasks", `{"job":`+jobs+`}`).Code, jobs)
	}
}

func TestStrategies(t *testing.T) {
	t.Parallel()
	w := newTemplateWorld(t)
	out := w.do("POST", "/strategies", `{"name":"Slow","application":"shop","id":"s1","stages":[]}`)
	require.Equal(t, http.StatusOK, out.Code, out.Body.String())
	require.Empty(t, out.Body.String())
	require.Equal(t, 200, w.do("POST", "/strategies", `{"name":"Fast","application":"shop","id":"s2","stages":[]}`).Code)
	w.refused(400, "A strategy with name Slow already exists", "POST", "/strategies", `{"name":"slow","application":"Shop"}`)
	w.refused(422, "requires name and application", "POST", "/strategies", `{"application":"shop"}`)
	require.Equal(t, []string{"Fast", "Slow"}, names(t, w.get("/applications/SHOP/strategyConfigs"), "name"))
	require.Len(t, w.get("/strategyConfigs"), 2)
	require.Equal(t, []any{}, w.get("/applications/other/strategyConfigs"))
	require.Equal(t, "s1", pipeline.AsMap(w.get("/applications/shop/strategyConfigs/Slow"))["id"])
	w.refused(404, "Strategy config (id: none) not found", "GET", "/applications/shop/strategyConfigs/none", "")

	out = w.do("PUT", "/strategies/s1", `{"name":"Slower","application":"shop","stages":[]}`)
	require.Equal(t, http.StatusOK, out.Code, out.Body.String())
	require.Equal(t, "Slower", w.object(out)["name"])
	require.Equal(t, true, w.object(w.do("PUT", "/strategies/s1", `{"id":"s1","name":"Slower","application":"shop"}`))["strategy"])
	w.refused(400, "doesn't match the strategy id 's1'", "PUT", "/strategies/s1", `{"id":"s2","name":"x","application":"shop"}`)
	w.refused(404, "Strategy not found (id: none)", "PUT", "/strategies/none", `{"name":"x","application":"shop"}`)
	require.Len(t, w.get("/strategyConfigs/s1/history"), 3)
	require.Len(t, w.get("/strategyConfigs/s1/history?limit=1"), 1)
	require.Equal(t, []any{}, w.get("/strategyConfigs/s1/history?limit=0"))
	w.refused(404, "Strategy not found", "GET", "/strategyConfigs/none/history", "")

	require.Equal(t, 200, w.do("POST", "/strategies/move", `{"application":"shop","from":"slower","to":"Slow"}`).Code)
	w.refused(404, "Strategy not found", "POST", "/strategies/move", `{"application":"shop","from":"none","to":"Slow"}`)
	w.refused(400, "requires application, from and to", "POST", "/strategies/move", `{"application":"shop"}`)
	out = w.do("POST", "/actions/strategies/reorder", `{"application":"shop","idsToIndices":{"s1":0,"s2":1}}`)
	require.Equal(t, http.StatusOK, out.Code, out.Body.String())
	require.Equal(t, "Reorder strategies", w.object(out)["name"])
	require.Equal(t, []string{"Slow", "Fast"}, names(t, w.get("/applications/shop/strategyConfigs"), "name"))

	// What runs of them is among the application's executions.
	w.pipeline(`{"application":"shop","name":"p","id":"c1"}`)
	w.execution(&pipeline.Execution{ID: "1-a", Application: "shop", PipelineConfigID: "s1", Status: pipeline.Succeeded, StartTime: pipeline.Millis(noon.UnixMilli())})
	require.Equal(t, []string{"1-a"}, names(t, w.get("/applications/shop/pipelines"), "id"))

	require.Equal(t, 200, w.do("DELETE", "/strategies/shop/SLOW", "").Code)
	w.refused(404, "Strategy not found", "DELETE", "/strategies/shop/SLOW", "")
}

func TestMoveAndBulkSave(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	out := w.do("POST", "/pipelines/bulksave?staleCheck=true", `[{"id":"a","name":"A","application":"shop"},{"id":"b","name":"a","application":"shop"},{"id":"a","name":"C","application":"shop"},{"name":""},{"name":"D","application":"other"}]`)
	require.Equal(t, http.StatusOK, out.Code, out.Body.String())
	result := w.object(out)
	require.Equal(t, int64(2), result["successful_pipelines_count"])
	require.Equal(t, []any{"A", "D"}, result["successful_pipelines"])
	require.Equal(t, int64(3), result["failed_pipelines_count"])
	failed := result.List("failed_pipelines")
	require.Contains(t, pipeline.AsMap(failed[0])["errorMsg"], "A pipeline with name A already exists")
	require.Equal(t, "b", pipeline.AsMap(failed[0])["id"])
	require.Contains(t, pipeline.AsMap(failed[1])["errorMsg"], "Duplicate pipeline id a")
	w.refused(400, "is an object: send a list of pipelines", "POST", "/pipelines/bulksave", `{}`)
	w.refused(400, "Element 1 of the list of pipelines is a number", "POST", "/pipelines/bulksave", `[1]`)

	require.Equal(t, 200, w.do("POST", "/pipelines/move", `{"application":"shop","from":"A","to":"B"}`).Code)
	p := pipeline.AsMap(w.get("/applications/shop/pipelineConfigs/B"))
	require.Equal(t, "a", p["id"])
	w.refused(404, "not found", "POST", "/pipelines/move", `{"application":"shop","from":"A","to":"B"}`)
	w.pipeline(`{"application":"shop","name":"E"}`)
	w.refused(400, "already exists", "POST", "/pipelines/move", `{"application":"shop","from":"E","to":"b"}`)
}

func TestConvertToTemplateMakesThePipelineAgain(t *testing.T) {
	t.Parallel()
	w := newTemplateWorld(t)
	id := w.pipeline(`{"application":"shop","name":"Deploy","id":"c1","stages":[{"type":"wait","refId":"1","waitTime":5}],"parameterConfig":[{"name":"x","default":"1"}],"expectedArtifacts":[]}`)
	out := w.do("GET", "/pipelineConfigs/"+id+"/convertToTemplate", "")
	require.Equal(t, http.StatusOK, out.Code)
	require.Equal(t, "application/x-yaml", out.Header().Get("Content-Type"))
	require.Contains(t, out.Body.String(), "schema: v2\n")
	require.Contains(t, out.Body.String(), "name: Deploy\n")
	require.NotContains(t, out.Body.String(), "updateTs")
	w.refused(404, "Pipeline not found (id: none)", "GET", "/pipelineConfigs/none/convertToTemplate", "")
}

func TestOldTriggerPath(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	w.pipeline(`{"application":"shop","name":"Deploy it","id":"c1","stages":[]}`)
	out := w.do("POST", "/applications/shop/pipelineConfigs/Deploy%20it?user=bob", `{"type":"manual","parameters":{"a":"b"}}`)
	require.Equal(t, http.StatusAccepted, out.Code, out.Body.String())
	require.Regexp(t, `^/pipelines/[0-9A-Z]{26}$`, w.object(out)["ref"])
	require.Equal(t, "anonymous", w.engine.started[0].Trigger.User, "who calls")
	require.Equal(t, "b", w.engine.started[0].Trigger.Parameters["a"])
	require.Equal(t, 202, w.do("POST", "/applications/shop/pipelineConfigs/c1", "").Code)
	require.Equal(t, 404, w.do("POST", "/applications/shop/pipelineConfigs/none", "").Code)
}

func TestNotifications(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	require.Equal(t, map[string]any{}, w.get("/notifications/application/shop"))
	out := w.do("POST", "/notifications/application/shop", `{"application":"shop","email":[{"address":"a@b.c","level":"application","type":"email","when":["pipeline.failed"]}]}`)
	require.Equal(t, http.StatusOK, out.Code, out.Body.String())
	require.Empty(t, out.Body.String())
	require.Equal(t, 200, w.do("POST", "/notifications/global/__GLOBAL", `{"slack":[{"address":"all","level":"global","type":"slack"}]}`).Code)
	got := pipeline.AsMap(w.get("/notifications/application/SHOP"))
	require.Len(t, got["email"], 1)
	require.Len(t, got["slack"], 1)
	require.Equal(t, "anonymous", got["lastModifiedBy"])
	require.NotContains(t, w.get("/notifications/global/__GLOBAL"), "email")
	w.refused(400, "No hierarchical level matches 'team'", "GET", "/notifications/team/shop", "")
	w.refused(400, "No hierarchical level matches 'team'", "POST", "/notifications/team/shop", `{}`)
	w.refused(400, "No hierarchical level matches 'team'", "DELETE", "/notifications/team/shop", "")
	for range 2 {
		require.Equal(t, 200, w.do("DELETE", "/notifications/application/shop", "").Code)
	}
	require.NotContains(t, w.get("/notifications/application/shop"), "email")
	require.Equal(t, []any{}, w.get("/notifications/metadata"), "is not taken for a type")
}

func TestEntityTags(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	require.Equal(t, []any{}, w.get("/tags"))
	const query = "/tags?entityId=web-v001&entityType=serverGroup&account=prod&region=default&cloudProvider=kubernetes"
	out := w.do("POST", query+"&isPartial=false", `[{"name":"owner","value":"x"}]`)
	require.Equal(t, http.StatusAccepted, out.Code, out.Body.String())
	task, job := w.started()
	require.Equal(t, "/tasks/"+task.ID, w.object(out)["ref"])
	require.Equal(t, "web", task.Application)
	require.Equal(t, "Updating Tags on 'web-v001'", task.Description)
	require.Equal(t, "upsertEntityTags", task.Stages[0].Type)
	require.Equal(t, false, job["isPartial"])
	require.Equal(t, "web-v001", job.Map("entityRef")["entityId"])
	require.Equal(t, []any{map[string]any{"name": "owner", "value": "x"}}, job["tags"])
	w.refused(400, "'region' is not present", "POST", "/tags?entityId=a&entityType=b&account=c&cloudProvider=d", `[]`)
	w.refused(400, "send a list of tags", "POST", query, `{}`)

	for _, name := range []string{"a", "b"} {
		w.document(front50.KindEntityTags, `{"id":"kubernetes:servergroup:`+name+`-v1:prod:default","tags":[{"name":"owner","namespace":"n","value":1}],
			"entityRef":{"entityId":"`+name+`-v1","entityType":"serverGroup","cloudProvider":"kubernetes","account":"prod","region":"default","application":"`+name+`"}}`)
	}
	for query, want := range map[string]int{
		"": 2, "?entityId=a-v1": 1, "?entityId=a-v1,B-V1": 2, "?application=b": 1, "?account=none": 0, "?maxResults=1": 1, "?maxResults=0": 0,
		"?idPrefix=kubernetes:serverGroup:a*": 1, "?namespace=n": 2, "?namespace=other": 0, "?cloudProvider=kubernetes&region=default": 2,
	} {
		require.Len(t, w.get("/tags"+query), want, query)
	}
	got := pipeline.AsMap(w.get("/tags/kubernetes:serverGroup:a-v1:prod:default"))
	require.Equal(t, "kubernetes:servergroup:a-v1:prod:default", got["id"])
	w.refused(404, "Entity tags not found", "GET", "/tags/none", "")

	out = w.do("DELETE", "/tags/kubernetes:servergroup:a-v1:prod:default/owner,other", "")
	require.Equal(t, http.StatusAccepted, out.Code, out.Body.String())
	task, job = w.started()
	require.Equal(t, "a", task.Application)
	require.Equal(t, "deleteEntityTags", task.Stages[0].Type)
	require.Equal(t, []any{"owner", "other"}, job["tags"])
	w.refused(404, "Entity tags not found", "DELETE", "/tags/none/owner", "")
}

func TestSnapshots(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	w.refused(404, "Snapshot not found (id: shop-prod)", "GET", "/applications/shop/snapshots/prod", "")
	for _, taken := range []string{"1", "2"} {
		w.document(front50.KindSnapshot, `{"application":"shop","account":"prod","timestamp":`+taken+`}`)
	}
	require.Equal(t, int64(2), pipeline.AsMap(w.get("/applications/shop/snapshots/prod"))["timestamp"])
	require.Len(t, w.get("/applications/Shop/snapshots/prod/history"), 2)
	require.Len(t, w.get("/applications/shop/snapshots/prod/history?limit=1"), 1)

}

func TestPlugins(t *testing.T) {
	t.Parallel()
	w := newWorld(t, func(d *gate.Dependencies, c *gate.Config) {
		c.TrustUserHeader = true
		config := fiat.DefaultConfig()
		config.AdminRoles = []string{"admin"}
		d.Permissions = permissionsOver(t, config, d.Front50, nil)
	})
	require.Equal(t, []any{}, w.get("/plugins/info"))
	w.document(front50.KindPluginInfo, `{"id":"acme.hello","releases":[{"version":"1.0.0","requires":"deck>=1.0.0"}]}`)
	require.Len(t, w.get("/plugins/info?service=deck"), 1)
	require.Equal(t, []any{}, w.get("/plugins/info?service=orca"))
	for _, method := range []string{"POST", "PUT"} {
		out := w.do(method, "/plugins/info", `{"id":"acme.hello","releases":[{"version":"2.0.0"}]}`, "X-SPINNAKER-USER", "admin")
		require.Equal(t, http.StatusAccepted, out.Code, out.Body.String())
		task, job := w.started()
		require.Equal(t, "/tasks/"+task.ID, w.object(out)["ref"])
		require.Equal(t, "spinnakerplugins", task.Application)
		require.Equal(t, "acme.hello", job.Map("pluginInfo")["id"])
	}
	w.refused(403, "is no administrator", "POST", "/plugins/info", `{"id":"acme.hello"}`)
	out := w.do("POST", "/plugins/info", `{"id":"hello"}`, "X-SPINNAKER-USER", "admin")
	require.Equal(t, http.StatusBadRequest, out.Code)
	require.Contains(t, w.object(out)["message"], "canonical format")
	out = w.do("DELETE", "/plugins/info/acme.hello", "", "X-SPINNAKER-USER", "admin")
	require.Equal(t, http.StatusAccepted, out.Code)
	_, job := w.started()
	require.Equal(t, "acme.hello", job["pluginInfoId"])
	require.Equal(t, []any{}, w.get("/plugins/deck/plugin-manifest.json"))
}

// A save that is stale is refused, and says who saved what when.
func TestStaleSaves(t *testing.T) {
	t.Parallel()
	w := newWorld(t, func(_ *gate.Dependencies, c *gate.Config) { c.TrustUserHeader = true })
	w.pipeline(`{"application":"shop","name":"p","id":"c1"}`)
	first := w.do("GET", "/applications/shop/pipelineConfigs/p", "").Body.String()
	out := w.do("POST", "/pipelines", `{"application":"shop","name":"p","id":"c1","description":"hers"}`, "X-SPINNAKER-USER", "ann")
	require.Equal(t, 200, out.Code, out.Body.String())
	out = w.do("POST", "/pipelines?staleCheck=true", first[:len(first)-1]+`,"description":"mine"}`, "X-SPINNAKER-USER", "bob")
	require.Equal(t, http.StatusBadRequest, out.Code, out.Body.String())
	require.Regexp(t, `The submitted pipeline is stale\. .*ann saved it at 2026-03-04T12:00:00\.001Z`, w.object(out)["message"])

	require.Equal(t, 200, w.do("POST", "/strategies", `{"application":"shop","name":"s","id":"s1"}`, "X-SPINNAKER-USER", "ann").Code)
	w.refused(400, "ann saved it at 2026-03-04T12:00:00.000Z", "PUT", "/strategies/s1?staleCheck=true", `{"application":"shop","name":"s","updateTs":"5","description":"mine"}`)
}
