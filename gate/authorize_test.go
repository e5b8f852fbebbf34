package gate_test

import (
	"encoding/base64"
	"net/http"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/gennaker/gennaker/executions"
	"github.com/gennaker/gennaker/fiat"
	"github.com/gennaker/gennaker/front50"
	"github.com/gennaker/gennaker/gate"
	"github.com/gennaker/gennaker/pipeline"
)

// TestJobsNeedWhatTheyDo: a task is refused for what its jobs would do, whatever
// application it says it is of.
func TestJobsNeedWhatTheyDo(t *testing.T) {
	t.Parallel()
	encoded := func(document string) string { return base64.StdEncoding.EncodeToString([]byte(document)) }
	for name, tt := range map[string]struct {
		application, job string
		may              []string // users; the administrator always
	}{
		"a new application":               {"fresh", `{"type":"createApplication","application":{"name":"fresh","email":"a@b.c"}}`, []string{"stranger", "writer"}},
		"a new one that is restricted":    {"reserved", `{"type":"createApplication","application":{"name":"reserved-1","email":"a@b.c"}}`, []string{"writer"}},
		"one that is there":               {"fresh", `{"type":"createApplication","application":{"name":"TOPSECRET","email":"a@b.c"}}`, []string{"writer"}},
		"its permissions":                 {"topsecret", `{"type":"updateApplication","application":{"name":"topsecret","email":"a@b.c","permissions":{}}}`, []string{"writer"}},
		"its end":                         {"topsecret", `{"type":"deleteApplication","application":{"name":"topsecret"}}`, []string{"writer"}},
		"the end of what is gone":         {"spinnaker", `{"type":"deleteApplication","application":{"name":"gone"}}`, []string{"stranger", "writer"}},
		"a pipeline":                      {"spinnaker", `{"type":"savePipeline","pipeline":"` + encoded(`{"application":"topsecret","name":"x"}`) + `"}`, []string{"writer"}},
		"a pipeline of its own id":        {"fresh", `{"type":"savePipeline","pipeline":"` + encoded(`{"application":"fresh","name":"x","id":"topsecret-config"}`) + `"}`, []string{"writer"}},
		"a project":                       {"spinnaker", `{"type":"upsertProject","project":{"name":"p"}}`, []string{"stranger", "writer"}},
		"a project under its name":        {"topsecret", `{"type":"upsertProject","project":{"name":"p"}}`, []string{"writer"}},
		"a plugin":                        {"spinnaker", `{"type":"upsertPluginInfo","pluginInfo":{}}`, nil},
		"an open account":                 {"spinnaker", `{"type":"scaleManifest","account":"open"}`, []string{"stranger", "writer"}},
		"a closed account":                {"spinnaker", `{"type":"scaleManifest","account":"vault"}`, []string{"writer"}},
		"a closed account as credentials": {"spinnaker", `{"type":"resizeServerGroup","credentials":"vault"}`, []string{"writer"}},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			for _, user := range []string{"stranger", "writer", "admin"} {
				w := newMatrixWorld(t, func(c *fiat.Config) {
					c.RestrictApplicationCreation, c.ApplicationCreators = true, []string{"fresh=stranger", "*=writer", "spinnaker=stranger"}
				})
				out := w.do("POST", "/tasks", `{"application":"`+tt.application+`","job":[{"type":"wait"},`+tt.job+`]}`, "X-SPINNAKER-USER", user)
				may := user == "admin"
				for _, u := range tt.may {
					may = may || u == user
				}
				if tt.application == "topsecret" || tt.application == "reserved" {
					may = user != "stranger" // the wait is of that application too
				}
				if may {
					require.Equal(t, http.StatusOK, out.Code, "%s: %s", user, out.Body)
					continue
				}
				require.Contains(t, []int{http.StatusForbidden, http.StatusNotFound}, out.Code, "%s: %s", user, out.Body)
				require.Empty(t, w.engine.started)
			}
		})
	}
}

// TestTasksAreReadByWhoStartedThem: clients poll a task before the permissions of
// its application exist.
func TestTasksAreReadByWhoStartedThem(t *testing.T) {
	t.Parallel()
	w := newMatrixWorld(t)
	w.execution(&pipeline.Execution{Type: pipeline.TypeOrchestration, ID: "T1", Application: secretApp, Status: pipeline.Running, Authentication: pipeline.Authentication{User: "Stranger"}})
	require.Equal(t, http.StatusOK, w.do("GET", "/tasks/T1", "", "X-SPINNAKER-USER", "stranger").Code)
	require.Equal(t, http.StatusForbidden, w.do("GET", "/tasks/T1", "", "X-SPINNAKER-USER", "anonymous").Code)
	require.Equal(t, http.StatusForbidden, w.do("PUT", "/tasks/T1/cancel", "", "X-SPINNAKER-USER", "stranger").Code)
}

// TestJudgmentsMayBeReserved for roles.
func TestJudgmentsMayBeReserved(t *testing.T) {
	t.Parallel()
	w := newMatrixWorld(t)
	w.engine.waiting["j"] = true
	w.execution(&pipeline.Execution{ID: "E1", Application: "open", Status: pipeline.Running, Stages: []*pipeline.Stage{{
		ID: "j", RefID: "1", Type: "manualJudgment", Name: "Ship it?", Status: pipeline.Running, Context: pipeline.Map{"selectedStageRoles": []any{"Writer"}},
	}}})
	judge := func(user, patch string) int {
		return w.do("PATCH", "/pipelines/E1/stages/j", patch, "X-SPINNAKER-USER", user).Code
	}
	require.Equal(t, http.StatusForbidden, judge("stranger", `{"judgmentStatus":"continue"}`))
	require.Empty(t, w.engine.patched)
	require.Equal(t, http.StatusOK, judge("writer", `{"judgmentStatus":"continue"}`))
	require.Len(t, w.engine.patched, 1)
}

// TestPermissionsCountAtOnce: the request after a change is judged by it.
func TestPermissionsCountAtOnce(t *testing.T) {
	t.Parallel()
	w := newWorld(t, func(_ *gate.Dependencies, c *gate.Config) { c.TrustUserHeader = true })
	w.application(pipeline.Application{"name": "shop", "email": "a@b.c"})
	ask := func() int { return w.do("GET", "/applications/shop", "", "X-SPINNAKER-USER", "eve").Code }
	require.Equal(t, http.StatusOK, ask())
	w.application(pipeline.Application{"name": "shop", "email": "a@b.c", "permissions": map[string]any{"READ": []any{"dana"}, "WRITE": []any{"dana"}}})
	require.Equal(t, http.StatusForbidden, ask())
	w.application(pipeline.Application{"name": "shop", "email": "a@b.c", "permissions": map[string]any{"READ": []any{"eve"}}})
	require.Equal(t, http.StatusOK, ask())
}

// TestRunAsUserIsChecked: nobody saves a pipeline whose trigger runs as a service
// account that is not the saver's to use (reference: front50 section 4).
func TestRunAsUserIsChecked(t *testing.T) {
	t.Parallel()
	w := newMatrixWorld(t)
	save := func(user, account string) int {
		return w.do("POST", "/pipelines", `{"application":"open","name":"p","stages":[],"triggers":[{"type":"cron","runAsUser":"`+account+`"}]}`, "X-SPINNAKER-USER", user).Code
	}
	require.Equal(t, http.StatusForbidden, save("stranger", "robot"))
	require.Equal(t, http.StatusOK, save("writer", "robot"))
	require.Equal(t, http.StatusForbidden, save("writer", "nobody"))
}

// TestAuditLogTells who did what, on what, from where, and whether it was allowed.
func TestAuditLogTells(t *testing.T) {
	t.Parallel()
	w := newMatrixWorld(t)
	w.do("POST", "/pipelines/"+secretApp+"/"+secretName, `{"type":"manual"}`, "X-SPINNAKER-USER", "executor", "X-SPINNAKER-REQUEST-ID", "r-1")
	w.do("GET", "/pipelines/"+secretRun, "", "X-SPINNAKER-USER", "eve", "X-SPINNAKER-REQUEST-ID", "r-2")
	w.do("GET", "/pipelines/"+secretRun, "", "X-SPINNAKER-USER", "reader") // seeing is no event
	require.Equal(t, http.StatusForbidden, w.do("GET", "/audit", "", "X-SPINNAKER-USER", "writer").Code)
	list := w.json(w.do("GET", "/audit", "", "X-SPINNAKER-USER", "admin")).([]any)
	require.Len(t, list, 3, "with the look at the log that was refused")
	at := noon.UnixMilli()
	require.Equal(t, map[string]any{
		"time": at, "user": "executor", "mode": "header", "address": "192.0.2.1", "method": "POST", "route": "/pipelines/{application}/{name}", "status": int64(202), "allowed": true,
		"applications": []any{secretApp}, "target": "name=" + secretName, "request": "r-1",
	}, list[0])
	refused := pipeline.AsMap(list[1])
	require.Equal(t, map[string]any{
		"time": at, "user": "eve", "mode": "header", "address": "192.0.2.1", "method": "GET", "route": "/pipelines/{id}", "status": int64(403), "allowed": false,
		"applications": []any{secretApp}, "target": "id=" + secretRun, "request": "r-2", "reason": refused["reason"],
	}, list[1])
	require.Contains(t, refused["reason"], "READ on the application 'topsecret'")
	require.Contains(t, w.log.String(), `"msg":"audit"`)
	only := w.json(w.do("GET", "/audit?denied=true&user=EVE", "", "X-SPINNAKER-USER", "admin")).([]any)
	require.Len(t, only, 1)
}

// TestParentOfAnotherApplication: a start cannot be used to read the artifacts of
// an execution that the caller may not see.
func TestParentOfAnotherApplication(t *testing.T) {
	t.Parallel()
	w := newMatrixWorld(t)
	w.application(pipeline.Application{"name": "open", "email": "a@b.c"})
	w.pipeline(`{"id":"o1","name":"Deploy","application":"open","stages":[]}`)
	w.memory.Put(t.Context(), executions.Record{Sequence: 9, Execution: &pipeline.Execution{
		Type: pipeline.TypePipeline, ID: "P1", Application: secretApp, Status: pipeline.Succeeded, Name: secretName,
		Stages: []*pipeline.Stage{{ID: "s", RefID: "1", Type: "wait", Tasks: []*pipeline.Task{}, Outputs: pipeline.Map{"artifacts": []any{map[string]any{"type": "docker/image", "name": "secret", "reference": "secret:1"}}}}},
	}})
	for user, sees := range map[string]bool{"stranger": false, "reader": true} {
		out := w.do("POST", "/pipelines/open/Deploy", `{"type":"manual","parentPipelineId":"P1"}`, "X-SPINNAKER-USER", user)
		require.Equal(t, http.StatusAccepted, out.Code, out.Body.String())
		x := w.engine.started[len(w.engine.started)-1]
		require.Equal(t, sees, x.Trigger.Parent != nil, user)
	}
}

// TestServiceAccountsToChoose are those that the caller may run pipelines as.
func TestServiceAccountsToChoose(t *testing.T) {
	t.Parallel()
	w := newMatrixWorld(t)
	for name, roles := range map[string][]any{"robot": {"writer"}, "free": {}, "both": {"writer", "reader"}} {
		_, err := w.store.SaveDocument(t.Context(), front50.KindServiceAccount, pipeline.Map{"name": name, "memberOf": roles}, front50.DocumentOptions{})
		require.NoError(t, err)
	}
	ask := func(user, query string) []any {
		return w.json(w.do("GET", "/auth/user/serviceAccounts"+query, "", "X-SPINNAKER-USER", user)).([]any)
	}
	require.Equal(t, []any{"free", "robot"}, ask("writer", ""))
	require.Equal(t, []any{"free"}, ask("stranger", ""))
	require.Equal(t, []any{"both", "free", "robot"}, ask("admin", ""))
	require.Empty(t, ask("stranger", "?application="+secretApp), "none of them may execute it")
}
