package gate_test

import (
	"context"
	"errors"
	"net/http"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/gennaker/gennaker/executions"
	"github.com/gennaker/gennaker/gate"
	"github.com/gennaker/gennaker/internal/ids"
	"github.com/gennaker/gennaker/pipeline"
)

// TestAnswers: exact bodies of what clients read.
func TestAnswers(t *testing.T) {
	t.Parallel()
	for _, tt := range []struct {
		name, method, target, body string
		headers                    []string
		status                     int
		want                       string
	}{
		{name: "version", target: "/version", want: `{"version":"1.2.3"}`},
		{name: "trailing slash", target: "/version/", want: `{"version":"1.2.3"}`},
		{name: "user", target: "/auth/user", want: `{"accountNonExpired":true,"accountNonLocked":true,"allowedAccounts":["kubernetes","prod"],"authorities":[],"canMintApiTokens":false,"credentialsNonExpired":true,"email":"anonymous","enabled":true,"firstName":null,"isAdmin":false,"lastName":null,"roles":[],"username":"anonymous"}`},
		{name: "service accounts", target: "/auth/user/serviceAccounts?application=shop", want: `[]`},
		{name: "logged out", target: "/auth/loggedOut", want: `{"message":"You are logged out."}`},
		{name: "credentials", target: "/credentials?expand=", want: `[{"accountId":null,"authorized":true,"name":"kubernetes","permissions":{},"requiredGroupMembership":[],"type":"kubernetes"},{"accountId":null,"authorized":true,"name":"prod","permissions":{},"requiredGroupMembership":[],"type":"kubernetes"}]`},
		{name: "one account", target: "/credentials/kubernetes", want: `{"accountId":null,"accountType":"main","authorized":true,"cacheIntervalSeconds":null,"cacheThreads":1,"challengeDestructiveActions":false,"cloudProvider":"kubernetes","dockerRegistries":[],"environment":"test","name":"kubernetes","namespaces":["default"],"permissions":{},"primaryAccount":false,"requiredGroupMembership":[],"spinnakerKindMap":{"deployment":"serverGroupManagers"},"type":"kubernetes"}`},
		{name: "projects", target: "/projects", want: `[]`},
		{name: "notification types", target: "/notifications/metadata", want: `[]`},
		{name: "webhook stages", target: "/webhooks/preconfigured", want: `[]`},
		{name: "job stages", target: "/jobs/preconfigured", want: `[]`},
		{name: "artifact accounts", target: "/artifacts/credentials", want: `[]`},
		{name: "plugins", target: "/plugins/deck/plugin-manifest.json", want: `[]`},
		{name: "firewalls", target: "/securityGroups", want: `{}`},
		{name: "search", target: "/search?q=sho&type=applications&pageSize=5", want: `[{"pageNumber":1,"pageSize":5,"platform":"aws","query":"sho","results":[{"application":"shop","provider":"kubernetes","type":"applications","url":"/applications/shop"}],"totalMatches":1}]`},
		{name: "search for what is not watched", target: "/search?q=shop&type=clusters", want: `[{"pageNumber":1,"pageSize":10000,"platform":"aws","query":"shop","results":[],"totalMatches":0}]`},
		{name: "short search", target: "/search?q=sh", want: `[]`},
		{name: "executions by nothing", target: "/executions", want: `[]`},
		{name: "executions by unknown ids", target: "/executions?executionIds=nope&limit=1", want: `[]`},
		{name: "executions without limit", target: "/applications/shop/pipelines?limit=0", want: `[]`},
		{name: "executions of an unknown application", target: "/applications/nope/pipelines", want: `[]`},
		{name: "configurations of an unknown application", target: "/applications/nope/pipelineConfigs", want: `[]`},
		{name: "no tasks", target: "/applications/nope/tasks", want: `[]`},
		{name: "save", method: "POST", target: "/pipelines", body: `{"application":"shop","name":"new","stages":[]}`, want: ``},
		{name: "save with a charset", method: "POST", target: "/pipelines", body: `{"application":"shop","name":"new"}`, headers: []string{"Content-Type", "application/json;charset=utf-8"}, want: ``},
		{name: "delete a pipeline", method: "DELETE", target: "/pipelines/SHOP/%20Taken%20", want: ``},
		{name: "delete a missing pipeline", method: "DELETE", target: "/pipelines/shop/nope", want: ``},
		{name: "cancel", method: "PUT", target: "/pipelines/running/cancel?reason=wrong&force=true", want: ``},
		{name: "delete an execution", method: "DELETE", target: "/pipelines/finished", want: ``},
		{name: "delete a task", method: "DELETE", target: "/tasks/task-done", want: ``},
		{name: "cancel a task", method: "PUT", target: "/applications/shop/tasks/task-running/cancel", want: ``},
		{name: "plan", method: "POST", target: "/pipelines/start", body: `{"plan":true,"application":"shop","name":"x","stages":[{"type":"wait"}],"trigger":{"type":"manual"}}`,
			want: `{"application":"shop","name":"x","planned":{"parameters":{},"problems":[],"stages":[{"before":[],"calls":[],"context":{},"name":"wait","refId":"0","requisiteStageRefIds":[],"tasks":["wait"],"type":"wait"}],"unknown":[]},"stages":[{"type":"wait"}]}`},
		{name: "YAML", target: "/version", headers: []string{"Accept", "application/x-yaml"}, want: "version: 1.2.3\n"},
		{name: "preflight", method: "OPTIONS", target: "/tasks", want: ``},
	} {
		t.Run(tt.name, func(t *testing.T) {
			t.Parallel()
			w := newWorld(t)
			populate(w)
			method := tt.method
			if method == "" {
				method = "GET"
			}
			out := w.do(method, tt.target, tt.body, tt.headers...)
			require.Equal(t, max(tt.status, 200), out.Code, out.Body.String())
			require.Equal(t, tt.want, out.Body.String())
			if tt.want == "" {
				require.Empty(t, out.Header().Get("Content-Type"), "an empty body has no type")
			}
		})
	}
}

func TestApplications(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	w.application(pipeline.Application{"name": "Shop", "email": "Owner@example.com", "accounts": "prod, test", "cloudProviders": []any{"kubernetes", "aws"}, "unknown": int64(7)})
	w.application(pipeline.Application{"name": "other", "email": "x@example.com"})

	require.Equal(t, []string{"other", "shop"}, names(t, w.get("/applications"), "name"))
	require.Equal(t, []string{"shop"}, names(t, w.get("/applications?account=PROD"), "name"))
	require.Equal(t, []string{"shop"}, names(t, w.get("/applications?owner=owner@EXAMPLE.com"), "name"))
	require.Empty(t, names(t, w.get("/applications?account=none"), "name"))

	for _, target := range []string{"/applications/SHOP", "/applications/shop?expand=false", "/applications/shop?expand=true"} {
		app := pipeline.AsMap(w.get(target))
		require.Equal(t, "shop", app.String("name"))
		require.Equal(t, map[string]any{}, app["clusters"])
		attributes := app.Map("attributes")
		require.Equal(t, "shop", attributes.String("name"))
		require.Equal(t, "kubernetes,aws", attributes.String("cloudProviders"))
		require.Equal(t, int64(7), attributes["unknown"])
	}
	w.application(pipeline.Application{"name": "shop", "email": "new@example.com"})
	history := w.get("/applications/shop/history").([]any)
	require.Len(t, history, 2)
	require.Equal(t, "new@example.com", pipeline.AsMap(history[0]).String("email"))
	require.Len(t, w.get("/applications/shop/history?limit=1"), 1)
}

func TestPipelineConfigs(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	w.pipeline(`{"application":"shop","name":"b","index":7,"id":"id-b"}`)
	w.pipeline(`{"application":"shop","name":"a/1 é","index":9,"id":"id-a"}`)
	w.pipeline(`{"application":"shop","name":"id-b","id":"id-c"}`)
	w.pipeline(`{"application":"other","name":"z","id":"id-z"}`)

	list := w.get("/applications/Shop/pipelineConfigs").([]any)
	require.Equal(t, []string{"b", "a/1 é", "id-b"}, names(t, list, "name"))
	for i, p := range list {
		require.Equal(t, int64(i), pipeline.AsMap(p)["index"], "clients count from 0 without gaps")
	}
	require.Equal(t, []string{"id-b"}, names(t, w.get("/applications/shop/pipelineConfigs?pipelineNameFilter=ID"), "name"))
	require.Equal(t, []string{"b"}, names(t, w.get("/applications/shop/pipelineConfigs?pipelineLimit=1"), "name"))
	require.Equal(t, []string{"id-a", "id-b", "id-c", "id-z"}, sorted(names(t, w.get("/pipelineConfigs"), "id")))

	get := func(target string) string { return pipeline.AsMap(w.get(target)).String("id") }
	require.Equal(t, "id-a", get("/applications/shop/pipelineConfigs/a%2F1%20%C3%A9"), "a name may hold a slash and a space")
	require.Equal(t, "id-a", get("/applications/shop/pipelineConfigs/id-a"))
	require.Equal(t, "id-c", get("/applications/shop/pipelineConfigs/id-b"), "a name goes before an ID")

	require.Equal(t, 200, w.do("PUT", "/pipelines/id-b", `{"application":"shop","name":"renamed"}`).Code)
	history := w.get("/pipelineConfigs/id-b/history?limit=5")
	require.Equal(t, []string{"renamed", "b"}, names(t, history, "name"))
	require.Equal(t, "anonymous", pipeline.AsMap(history.([]any)[0]).String("lastModifiedBy"))
	require.Equal(t, []string{"renamed"}, names(t, w.get("/pipelineConfigs/id-b/history?limit=1"), "name"))
}

func TestSaveAndStaleCheck(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	require.Equal(t, 200, w.do("POST", "/pipelines", `{"application":"shop","name":"p","id":"1","stages":[],"own":{"deep":[1,2.0,null]}}`).Code)
	saved := pipeline.AsMap(w.get("/applications/shop/pipelineConfigs/p"))
	require.Equal(t, map[string]any{"deep": []any{int64(1), 2.0, nil}}, saved["own"], "unknown keys come back as they went in")
	require.Equal(t, 200, w.do("POST", "/pipelines?staleCheck=true", `{"application":"shop","name":"p","id":"1","updateTs":"`+saved.String("updateTs")+`"}`).Code)
	out := w.do("POST", "/pipelines?staleCheck=true", `{"application":"shop","name":"p","id":"1","updateTs":"17","description":"mine"}`)
	require.Equal(t, 400, out.Code)
	require.Contains(t, w.object(out).String("message"), "stale")
}

func TestTrigger(t *testing.T) {
	t.Parallel()
	for _, tt := range []struct {
		name, target, body string
		parameters         pipeline.Map
		kind               string
	}{
		{"by name", "/pipelines/shop/asks", `{"type":"manual","parameters":{"tag":"1"}}`, pipeline.Map{"tag": "1", "size": "s"}, "manual"},
		{"by id, any case of the application", "/pipelines/SHOP/p-asks", `{"parameters":{"tag":"1","size":"l"}}`, pipeline.Map{"tag": "1", "size": "l"}, "manual"},
		{"wrapped, as newer clients send it", "/pipelines/shop/asks", `{"trigger":{"type":"webhook","parameters":{"tag":"2"}}}`, pipeline.Map{"tag": "2", "size": "s"}, "webhook"},
		{"v2", "/pipelines/v2/shop/asks", `{"type":"manual","parameters":{"tag":"3"}}`, pipeline.Map{"tag": "3", "size": "s"}, "manual"},
		{"without a body", "/pipelines/shop/taken", ``, pipeline.Map{}, "manual"},
		{"null parameters", "/pipelines/shop/taken", `{"parameters":null,"artifacts":null}`, pipeline.Map{}, "manual"},
	} {
		t.Run(tt.name, func(t *testing.T) {
			t.Parallel()
			w := newWorld(t)
			populate(w)
			out := w.do("POST", tt.target, tt.body)
			require.Equal(t, http.StatusAccepted, out.Code, out.Body.String())
			answer := w.object(out)
			require.Len(t, w.engine.started, 1)
			x := w.engine.started[0]
			require.Equal(t, "/pipelines/"+x.ID, answer.String("ref"))
			require.Equal(t, tt.name == "v2", answer.String("eventId") != "")
			require.True(t, ids.Valid(x.ID))
			require.Equal(t, tt.parameters, x.Trigger.Parameters)
			require.Equal(t, tt.kind, x.Trigger.Type)
			require.Equal(t, "anonymous", x.Trigger.User)
			require.Equal(t, pipeline.Authentication{User: "anonymous", AllowedAccounts: []string{"kubernetes", "prod"}}, x.Authentication)
			require.Equal(t, pipeline.NotStarted, x.Status)
			require.Equal(t, noon.UnixMilli(), int64(x.BuildTime))
			for _, s := range x.Stages {
				require.Equal(t, ids.StageID(x.ID, s.RefID), s.ID)
			}
			require.Equal(t, x.ID, pipeline.AsMap(w.get(answer.String("ref"))).String("id"), "the execution can be read at once")
		})
	}
}

func TestTriggerDoesNotBelieveTheBody(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	populate(w)
	out := w.do("POST", "/pipelines/shop/taken", `{"user":"root","parent":{"executionId":"x","rootId":"y"},"custom":{"a":1}}`, "X-SPINNAKER-USER", "root", "X-RateLimit-App", "deck")
	require.Equal(t, 202, out.Code, out.Body.String())
	x := w.engine.started[0]
	require.Equal(t, "anonymous", x.Authentication.User)
	require.Equal(t, "anonymous", x.Trigger.User)
	require.Nil(t, x.Trigger.Parent)
	require.Equal(t, x.ID, x.RootID)
	require.Equal(t, "deck", x.Origin)
	require.Equal(t, pipeline.Map{"custom": map[string]any{"a": int64(1)}}, x.Trigger.Other)
}

func TestTrustedUserHeader(t *testing.T) {
	t.Parallel()
	w := newWorld(t, func(_ *gate.Dependencies, c *gate.Config) { c.TrustUserHeader = true })
	populate(w)
	require.Equal(t, "kim", w.object(w.do("GET", "/auth/user", "", "X-SPINNAKER-USER", "kim")).String("username"))
	require.Equal(t, "anonymous", w.object(w.do("GET", "/auth/user", "")).String("username"))
	require.Equal(t, 200, w.do("PUT", "/pipelines/running/cancel?reason=a,b", "", "X-SPINNAKER-USER", "kim").Code)
	require.Equal(t, "kim", w.engine.cancelled["running"].User)
	require.Equal(t, "a,b", w.engine.cancelled["running"].Reason)
	require.Equal(t, 200, w.do("POST", "/pipelines", `{"application":"shop","name":"n","id":"n"}`, "X-SPINNAKER-USER", "kim").Code)
	require.Equal(t, "kim", pipeline.AsMap(w.get("/applications/shop/pipelineConfigs/n")).String("lastModifiedBy"))
}

func TestFailedStartLeavesNothing(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	populate(w)
	w.engine.fail = pipeline.Wrap(pipeline.CodeUnavailable, errors.New("dial tcp 10.1.2.3"), "Temporal does not answer.")
	out := w.do("POST", "/pipelines/shop/taken", "")
	require.Equal(t, 503, out.Code)
	require.NotContains(t, out.Body.String(), "10.1.2.3")
	require.Equal(t, "1", out.Header().Get("Retry-After"))
	require.Contains(t, w.log.String(), "10.1.2.3", "the log knows the cause")
	require.Len(t, w.get("/executions?pipelineConfigIds=p-taken&limit=100"), 2, "no record of what never started")
}

func TestPatchStage(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	populate(w)
	out := w.do("PATCH", "/pipelines/running/stages/s-judge", `{"judgmentStatus":"continue","judgmentInput":"yes"}`)
	require.Equal(t, 200, out.Code, out.Body.String())
	x := w.object(out)
	require.Equal(t, "running", x.String("id"))
	require.Equal(t, "continue", pipeline.AsMap(x.List("stages")[1]).Map("context").String("judgmentStatus"))
	require.Equal(t, "anonymous", w.engine.patched[0].User)
	require.Equal(t, map[string]any(x), w.get("/pipelines/running"), "a reader sees the edit at once")
}

func TestRunOfAPipelineInTheBody(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	out := w.do("POST", "/pipelines/start", `{"application":"shop","name":"ad hoc","id":"c","stages":[{"type":"wait"}],"trigger":{"type":"manual","parameters":{"a":1}}}`)
	require.Equal(t, 200, out.Code, out.Body.String())
	x := w.engine.started[0]
	require.JSONEq(t, `{"ref":"/pipelines/`+x.ID+`"}`, out.Body.String())
	require.Equal(t, pipeline.TypePipeline, x.Type)
	require.Equal(t, "c", x.PipelineConfigID)
	require.Equal(t, pipeline.Map{"a": int64(1)}, x.Trigger.Parameters)
}

// TestEndedMeanwhile: between Gate's read and the engine's answer an execution
// may end.
func TestEndedMeanwhile(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	populate(w)
	w.engine.fail = pipeline.Errorf(pipeline.CodeNotFound, "workflow not found")
	out := w.do("PUT", "/pipelines/running/cancel", "")
	require.Equal(t, 404, out.Code, "an unknown workflow stays not found")

	ended := &gone{status: pipeline.Canceled}
	w2 := newWorld(t, func(d *gate.Dependencies, _ *gate.Config) { ended.Executions = d.Executions; d.Executions = ended })
	populate(w2)
	w2.engine.fail = pipeline.Errorf(pipeline.CodeConflict, "workflow execution already completed")
	out = w2.do("PUT", "/pipelines/running/cancel", "")
	require.Equal(t, 409, out.Code)
	require.Contains(t, w2.object(out).String("message"), "ended with status CANCELED")
}

// gone ends every execution right after it was read once.
type gone struct {
	gate.Executions
	status pipeline.Status
	reads  int
}

func (g *gone) Get(ctx context.Context, id string) (r executions.Record, err error) {
	r, err = g.Executions.Get(ctx, id)
	if g.reads++; g.reads > 1 && err == nil {
		r.Execution = r.Execution.Clone()
		r.Execution.Status = g.status
	}
	return r, err
}

func TestListsOfExecutions(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	w.pipeline(`{"application":"shop","name":"one","id":"c1"}`)
	w.pipeline(`{"application":"shop","name":"two","id":"c2"}`)
	day := 24 * time.Hour
	add := func(id, config string, ago time.Duration, status pipeline.Status) {
		start := pipeline.ToMillis(noon.Add(-ago))
		x := &pipeline.Execution{ID: id, Application: "shop", PipelineConfigID: config, Status: status, BuildTime: start, StartTime: start,
			Stages: []*pipeline.Stage{{ID: "s", RefID: "1", Type: "wait", Name: "W", Status: status, Context: pipeline.Map{"group": "g", "big": "x"}, Outputs: pipeline.Map{"o": "1"}, Tasks: []*pipeline.Task{{ID: "1"}}}}}
		if status == pipeline.NotStarted {
			x.StartTime = 0
		}
		w.execution(x)
	}
	add("1-old", "c1", 19*day, pipeline.Succeeded)
	add("1-b", "c1", 3*day, pipeline.Terminal)
	add("1-a", "c1", 2*day, pipeline.Running)
	add("1-new", "c1", day, pipeline.NotStarted)
	add("2-d", "c2", 40*day, pipeline.Succeeded)
	add("2-c", "c2", 30*day, pipeline.Succeeded)
	add("2-b", "c2", 20*day, pipeline.Succeeded)
	add("gone", "c-deleted", day, pipeline.Succeeded)

	for _, tt := range []struct {
		target string
		want   []string
	}{
		{"/applications/shop/pipelines", []string{"2-c", "2-b", "1-b", "1-a", "1-new"}},
		{"/applications/shop/pipelines?limit=1", []string{"2-b", "1-new"}},
		{"/applications/shop/pipelines?limit=2", []string{"2-c", "2-b", "1-a", "1-new"}},
		{"/applications/shop/pipelines?statuses=", []string{"2-c", "2-b", "1-b", "1-a", "1-new"}},
		{"/applications/shop/pipelines?statuses=RUNNING&statuses=TERMINAL", []string{"1-b", "1-a"}},
		{"/applications/shop/pipelines?statuses=RUNNING,TERMINAL", []string{"1-b", "1-a"}},
		{"/applications/shop/pipelines?pipelineNameFilter=TW", []string{"2-c", "2-b"}},
		{"/applications/shop/pipelines?pipelineLimit=1&limit=1", []string{"1-new"}},
		{"/executions?pipelineConfigIds=c1,c2", []string{"2-b", "1-new"}},
		{"/executions?pipelineConfigIds=c1&pipelineConfigIds=c2&limit=2&statuses=SUCCEEDED", []string{"2-c", "2-b", "1-old"}},
		{"/executions?executionIds=1-b,nope&executionIds=gone&limit=1", []string{"1-b", "gone"}},
	} {
		require.Equal(t, tt.want, names(t, w.get(tt.target), "id"), tt.target)
	}

	full := pipeline.AsMap(w.get("/applications/shop/pipelines?limit=1").([]any)[0])
	short := pipeline.AsMap(w.get("/applications/shop/pipelines?limit=1&expand=false").([]any)[0])
	stage := func(x pipeline.Map) pipeline.Map { return pipeline.AsMap(x.List("stages")[0]) }
	require.Equal(t, map[string]any{"group": "g", "big": "x"}, stage(full)["context"])
	require.Equal(t, map[string]any{"group": "g"}, stage(short)["context"])
	require.Equal(t, map[string]any{}, stage(short)["outputs"])
	require.Equal(t, []any{}, stage(short)["tasks"])
	byID := pipeline.AsMap(w.get("/executions?executionIds=1-b&expand=false").([]any)[0])
	require.Equal(t, map[string]any{"group": "g"}, stage(byID)["context"])
}

func TestTasks(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	out := w.do("POST", "/tasks", `{"application":"shop","description":"Create Application: shop","job":[{"type":"createApplication","user":"me","application":{"name":"shop","email":"a@b.c"}},{"type":"wait","waitTime":1}]}`, "Content-Type", "application/context+json")
	require.Equal(t, 200, out.Code, out.Body.String())
	x := w.engine.started[0]
	require.JSONEq(t, `{"ref":"/tasks/`+x.ID+`"}`, out.Body.String())
	require.Equal(t, pipeline.TypeOrchestration, x.Type)
	require.Equal(t, []string{"0"}, x.Stages[1].RequisiteStageRefIDs, "jobs run one after another")

	x.Status, x.StartTime, x.EndTime = pipeline.Terminal, 5, 9
	x.Stages[0].Context["empty"] = ""
	x.Stages[1].Context["empty"] = "second"
	x.Stages[0].Context["both"] = "first"
	x.Stages[1].Context["both"] = "later"
	x.Stages[0].Tasks = []*pipeline.Task{{ID: "1", Name: "createApplication", Status: pipeline.Terminal}}
	w.execution(x)
	for _, target := range []string{"/tasks/" + x.ID, "/applications/shop/tasks/" + x.ID} {
		v := pipeline.AsMap(w.get(target))
		require.Equal(t, "Create Application: shop", v.String("name"))
		require.Equal(t, "TERMINAL", v.String("status"))
		require.Equal(t, int64(9), v["endTime"])
		require.Equal(t, []string{"createApplication"}, names(t, v["steps"], "name"))
		require.Equal(t, x.ID, v.Map("execution").String("id"))
		variables := map[string]any{}
		for _, e := range v.List("variables") {
			variables[pipeline.AsMap(e).String("key")] = e.(map[string]any)["value"]
		}
		require.Equal(t, "second", variables["empty"], "the first value that is not empty wins")
		require.Equal(t, "first", variables["both"])
	}

	out = w.do("POST", "/applications/other/tasks", `{"application":"shop","job":[{"type":"wait"}]}`)
	require.Equal(t, 200, out.Code)
	require.Equal(t, "other", w.engine.started[1].Application, "the path names the application")
}

func TestListOfTasks(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	day := 24 * time.Hour
	for id, ago := range map[string]time.Duration{"a": day, "b": 2 * day, "c": 3 * day, "old": 20 * day} {
		at := pipeline.ToMillis(noon.Add(-ago))
		w.execution(&pipeline.Execution{ID: id, Type: pipeline.TypeOrchestration, Application: "shop", Status: pipeline.Succeeded, BuildTime: at, StartTime: at})
	}
	w.execution(&pipeline.Execution{ID: "p", Application: "shop", Status: pipeline.Running})
	require.Equal(t, []string{"a", "b", "c"}, names(t, w.get("/applications/shop/tasks"), "id"))
	require.Equal(t, []string{"a", "b"}, names(t, w.get("/applications/shop/tasks?limit=2&page=1"), "id"))
	require.Equal(t, []string{"c"}, names(t, w.get("/applications/shop/tasks?limit=2&page=2"), "id"))
	require.Empty(t, names(t, w.get("/applications/shop/tasks?statuses=RUNNING"), "id"))
	require.Empty(t, names(t, w.get("/applications/shop/tasks?limit=2&page=4611686018427387904"), "id"))
}
