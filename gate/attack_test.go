package gate_test

import (
	"net/http"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/gennaker/gennaker/fiat"
	"github.com/gennaker/gennaker/front50"
	"github.com/gennaker/gennaker/gate"
	"github.com/gennaker/gennaker/pipeline"
	"github.com/gennaker/gennaker/pipeline/templates"
)

// TestNamesThatLookAlike: a name that folds to another one by Unicode's rules, and
// not by those of what is stored, shows nothing of the other.
func TestNamesThatLookAlike(t *testing.T) {
	t.Parallel()
	for _, name := range []string{"top\u017fecret", "TOP\u017fECRET", "topsecret%20", "%20topsecret", "topsecret%00", "topsecret%2F", "TOPSECRET", "topsecret/"} {
		for _, path := range []string{"/tasks", "/pipelines", "/pipelineConfigs", "/strategyConfigs", "/executions/search", ""} {
			w := newMatrixWorld(t)
			out := w.do("GET", "/applications/"+name+path, "", "X-SPINNAKER-USER", "stranger")
			for _, secret := range []string{secretName, secretID, secretRun, secretTask, "a@example.com"} {
				require.NotContains(t, out.Body.String(), secret, "%s%s", name, path)
			}
		}
	}
}

// TestReservedJudgmentsStayReserved: who may not judge does not take the
// reservation away first either.
func TestReservedJudgmentsStayReserved(t *testing.T) {
	t.Parallel()
	w := newMatrixWorld(t)
	w.execution(&pipeline.Execution{ID: "E1", Application: "open", Status: pipeline.Running, Stages: []*pipeline.Stage{{
		ID: "j", RefID: "1", Type: "manualJudgment", Name: "Ship it?", Status: pipeline.Running, Context: pipeline.Map{"selectedStageRoles": []any{"writer"}},
	}}})
	for _, patch := range []string{`{"selectedStageRoles":[]}`, `{"manualSkip":true}`, `{"x":1}`} {
		require.Equal(t, http.StatusForbidden, w.do("PATCH", "/pipelines/E1/stages/j", patch, "X-SPINNAKER-USER", "stranger").Code, patch)
	}
	require.Equal(t, http.StatusNotFound, w.do("PATCH", "/pipelines/E1/stages/later", `{"judgmentStatus":"continue"}`, "X-SPINNAKER-USER", "stranger").Code)
	require.Empty(t, w.engine.patched)
}

// TestGlobalNotificationsAreAdministrators: they hold for every application.
func TestGlobalNotificationsAreAdministrators(t *testing.T) {
	t.Parallel()
	for _, path := range []string{"global/open", "global/__global", "application/__global", "application/__GLOBAL", "application/%20__global%20", "GLOBAL/open"} {
		w := newMatrixWorld(t)
		w.document(front50.KindNotification, `{"email":[]}`)
		before := w.documents()
		for _, method := range []string{"POST", "DELETE"} {
			body := ""
			if method == "POST" {
				body = `{"email":[{"address":"eve@example.com"}]}`
			}
			require.Equal(t, http.StatusForbidden, w.do(method, "/notifications/"+path, body, "X-SPINNAKER-USER", "stranger").Code, "%s %s", method, path)
			require.Equal(t, before, w.documents())
			require.Equal(t, http.StatusOK, w.do(method, "/notifications/"+path, body, "X-SPINNAKER-USER", "admin").Code, "%s %s", method, path)
			before = w.documents()
		}
	}
	w := newMatrixWorld(t)
	require.Equal(t, http.StatusOK, w.do("POST", "/notifications/application/open", `{}`, "X-SPINNAKER-USER", "stranger").Code)
}

// TestSnapshotsOfTheSameID: the ID of a snapshot does not say where the application
// ends.
func TestSnapshotsOfTheSameID(t *testing.T) {
	t.Parallel()
	w := newMatrixWorld(t)
	w.application(pipeline.Application{"name": "shop-secret", "email": "a@b.c", "permissions": map[string]any{"READ": []any{"reader"}}})
	w.document(front50.KindSnapshot, `{"application":"shop-secret","account":"prod","infrastructure":{"word":"hidden"}}`)
	for _, path := range []string{"", "/history"} {
		require.Equal(t, http.StatusNotFound, w.do("GET", "/applications/shop/snapshots/secret-prod"+path, "", "X-SPINNAKER-USER", "stranger").Code, path)
		require.Equal(t, http.StatusOK, w.do("GET", "/applications/shop-secret/snapshots/prod"+path, "", "X-SPINNAKER-USER", "reader").Code, path)
	}
}

// TestStartsUnderAnotherPipelinesID are runs of that pipeline.
func TestStartsUnderAnotherPipelinesID(t *testing.T) {
	t.Parallel()
	for _, key := range []string{`"id"`, `"initialConfig":{"enabled":true},"id"`, `"pipelineConfigId"`} {
		w := newMatrixWorld(t)
		body := `{"application":"open","name":"mine","stages":[],` + key + `:"` + secretID + `"}`
		require.Equal(t, http.StatusForbidden, w.do("POST", "/pipelines/start", body, "X-SPINNAKER-USER", "stranger").Code, key)
		require.Empty(t, w.engine.started)
		require.Equal(t, http.StatusOK, w.do("POST", "/pipelines/start", body, "X-SPINNAKER-USER", "executor").Code, key)
	}
}

// TestAllApplicationsAreForLists: the word for all of them names none to change.
func TestAllApplicationsAreForLists(t *testing.T) {
	t.Parallel()
	w := newMatrixWorld(t, func(c *fiat.Config) { c.UnknownApplications = false })
	before := w.documents()
	for _, rule := range gate.Rules() {
		if rule.Kind != "application" || rule.Method == http.MethodGet {
			continue
		}
		if !strings.Contains(rule.Path, "{application}") {
			continue
		}
		rule.Path = strings.ReplaceAll(rule.Path, "{application}", "*")
		out := w.ask(rule, "stranger")
		require.Equal(t, http.StatusNotFound, out.Code, "%s %s: %s", rule.Method, rule.Path, out.Body)
		require.NotContains(t, w.log.String(), "without a check of permissions", "%s %s", rule.Method, rule.Path)
	}
	require.Equal(t, before, w.documents())
	require.Empty(t, w.engine.started)
}

// TestRestartsReachOnlyParentsOfTheCallers: what is behind a pipeline stage of
// another application is not run by who may not.
func TestRestartsReachOnlyParentsOfTheCallers(t *testing.T) {
	t.Parallel()
	for user, restarted := range map[string]int{"stranger": 1, "executor": 2} {
		w := newMatrixWorld(t)
		w.execution(&pipeline.Execution{
			ID: "P", Application: secretApp, Status: pipeline.Terminal, BuildTime: 1,
			Stages: []*pipeline.Stage{{ID: "call", RefID: "1", Type: "pipeline", Name: "Call", Status: pipeline.Terminal, Context: pipeline.Map{"executionId": "C"}, Outputs: pipeline.Map{}}},
		})
		w.execution(&pipeline.Execution{
			ID: "C", Application: "open", Status: pipeline.Terminal, BuildTime: 1, Trigger: pipeline.Trigger{Parent: &pipeline.ParentRef{ExecutionID: "P", Application: secretApp, StageID: "call"}},
			Stages: []*pipeline.Stage{{ID: "s", RefID: "1", Type: "wait", Name: "Wait", Status: pipeline.Terminal, Context: pipeline.Map{}, Outputs: pipeline.Map{}}},
		})
		require.Equal(t, http.StatusOK, w.do("PUT", "/pipelines/C/stages/s/restart", `{}`, "X-SPINNAKER-USER", user).Code)
		require.Len(t, w.engine.restarted, restarted, user)
	}
}

// TestRefusedHeadsAreAudited as GETs are.
func TestRefusedHeadsAreAudited(t *testing.T) {
	t.Parallel()
	w := newMatrixWorld(t)
	require.Equal(t, http.StatusForbidden, w.do("HEAD", "/applications/topsecret", "", "X-SPINNAKER-USER", "stranger").Code)
	events, _ := w.json(w.do("GET", "/audit", "", "X-SPINNAKER-USER", "admin")).([]any)
	require.Len(t, events, 1)
}

// TestTasksAreNotListedUnderOthers: what everybody may do leaves no task among those
// of an application that is not the caller's.
func TestTasksAreNotListedUnderOthers(t *testing.T) {
	t.Parallel()
	const entity = "entityType=servergroup&account=open&region=x&cloudProvider=kubernetes&entityId=deployment%20topsecret-x"
	for user, application := range map[string]string{"stranger": "spinnaker", "writer": secretApp} {
		w := newMatrixWorld(t)
		for _, query := range []string{entity, entity + "&application=" + secretApp} {
			require.Equal(t, http.StatusAccepted, w.do("POST", "/tags?"+query, `[]`, "X-SPINNAKER-USER", user).Code)
		}
		w.do("DELETE", "/v2/pipelineTemplates/t?application="+secretApp, "", "X-SPINNAKER-USER", user)
		require.Len(t, w.engine.started, 3)
		for _, x := range w.engine.started {
			require.Equal(t, application, x.Application)
		}
	}
}

// TestDependentsOfTemplates are those that the caller may read.
func TestDependentsOfTemplates(t *testing.T) {
	t.Parallel()
	w := newMatrixWorld(t)
	_, err := w.store.SaveTemplate(t.Context(), templates.Template{"id": "t", "schema": "v2", "metadata": map[string]any{"name": "T", "description": "d", "owner": "o", "scopes": []any{"global"}}, "pipeline": map[string]any{"stages": []any{}}}, front50.TemplateOptions{})
	require.NoError(t, err)
	w.pipeline(`{"id":"made","name":"Hidden","application":"` + secretApp + `","schema":"v2","type":"templatedPipeline","template":{"artifactAccount":"front50ArtifactCredentials","type":"front50/pipelineTemplate","reference":"spinnaker://t"}}`)
	ask := func(user string) []any {
		return w.json(w.do("GET", "/v2/pipelineTemplates/t/dependents", "", "X-SPINNAKER-USER", user)).([]any)
	}
	require.Empty(t, ask("stranger"))
	require.Len(t, ask("reader"), 1)
}
