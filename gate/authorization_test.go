package gate_test

import (
	"context"
	"net/http"
	"net/http/httptest"
	"slices"
	"strings"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/gennaker/gennaker/fiat"
	"github.com/gennaker/gennaker/front50"
	"github.com/gennaker/gennaker/gate"
	"github.com/gennaker/gennaker/pipeline"
)

// What the matrix asks about: everything of the application is named by a word that
// nobody else may see.
const (
	secretApp  = "topsecret"
	secretName = "topsecret-pipeline"
	secretID   = "topsecret-config"
	secretRun  = "01KTOPSECRET0000000000001"
	secretTask = "01KTOPSECRET0000000000002"
)

// matrixUsers are who ask, with what they hold. Roles are users' own names.
var matrixUsers = []string{"anonymous", "stranger", "reader", "writer", "executor", "admin"}

var matrixPermissions = map[string][]string{"READ": {"reader", "writer", "executor"}, "WRITE": {"writer"}, "EXECUTE": {"executor"}}

func holds(user, needs string) bool {
	return user == "admin" || slices.Contains(matrixPermissions[needs], user)
}

// newMatrixWorld holds one application and one account that are restricted.
func newMatrixWorld(t *testing.T, changes ...func(*fiat.Config)) *world {
	t.Helper()
	return newMatrixWorldSignedIn(t, nil, changes...)
}

// newMatrixWorldSignedIn is one to which people sign in; nil takes the header.
func newMatrixWorldSignedIn(t *testing.T, signIn gate.SignIn, changes ...func(*fiat.Config)) *world {
	t.Helper()
	w := newClusterWorld(t, func(d *gate.Dependencies, c *gate.Config) {
		c.TrustUserHeader, d.SignIn = signIn == nil, signIn
		config := fiat.DefaultConfig()
		config.AdminRoles = []string{"admin"}
		for _, change := range changes {
			change(&config)
		}
		d.Permissions = permissionsOver(t, config, d.Front50, func(_ context.Context, name string) (pipeline.Map, error) {
			if name == "robot" {
				return pipeline.Map{"name": name, "memberOf": []any{"writer"}}, nil
			}
			return nil, pipeline.Errorf(pipeline.CodeNotFound, "There is none.")
		})
		d.Accounts = accountList{{Name: "vault", Type: "kubernetes", CloudProvider: "kubernetes", Permissions: matrixPermissions}}
		d.AccountPermissions = func(_ context.Context, account string) (map[string][]string, bool) {
			if account == "vault" {
				return matrixPermissions, true
			}
			return nil, account == "open"
		}
		d.StoredAccounts = &storedList{}
		d.Audit = &auditLog{}
		d.Engine = &worker{engine: d.Engine.(*engine), store: d.Front50}
	})
	roles := func(of []string) []any {
		out := []any{}
		for _, r := range of {
			out = append(out, r)
		}
		return out
	}
	w.application(pipeline.Application{"name": secretApp, "email": "a@example.com", "permissions": map[string]any{
		"READ": roles(matrixPermissions["READ"]), "WRITE": roles(matrixPermissions["WRITE"]), "EXECUTE": roles(matrixPermissions["EXECUTE"]),
	}})
	w.pipeline(`{"id":"` + secretID + `","name":"` + secretName + `","application":"` + secretApp + `","stages":[{"refId":"1","type":"wait","name":"Wait","waitTime":1}]}`)
	w.document(front50.KindStrategy, `{"id":"`+secretID+`","name":"`+secretName+`","application":"`+secretApp+`","stages":[]}`)
	w.execution(&pipeline.Execution{
		ID: secretRun, Application: secretApp, Name: secretName, PipelineConfigID: secretID, Status: pipeline.Running, BuildTime: 1, StartTime: pipeline.ToMillis(noon),
		Stages: []*pipeline.Stage{{ID: "s1", RefID: "1", Type: "wait", Name: "Wait", Status: pipeline.Running, Context: pipeline.Map{}, Outputs: pipeline.Map{}}},
	})
	w.execution(&pipeline.Execution{Type: pipeline.TypeOrchestration, ID: secretTask, Application: secretApp, Description: secretName, Status: pipeline.Running, BuildTime: 1, Authentication: pipeline.Authentication{User: "somebody"}})
	return w
}

// matrixPath fills a route's path in with what is restricted.
func matrixPath(r gate.Rule) string {
	id := secretRun
	switch {
	case strings.Contains(r.Path, "/tasks/{id}"):
		id = secretTask
	case r.Method == "PUT" && r.Path == "/pipelines/{id}", strings.HasPrefix(r.Path, "/pipelineConfigs/"), strings.HasPrefix(r.Path, "/strategyConfigs/"), strings.HasPrefix(r.Path, "/strategies/"):
		id = secretID
	case strings.HasPrefix(r.Path, "/projects/"):
		id = "venture"
	}
	kind := "kubernetes"
	if strings.HasPrefix(r.Path, "/notifications/") {
		kind = "application"
	}
	path := strings.NewReplacer("{criteria}", "oldest", "{target}", "current_asg",
		"{application}", secretApp, "{id}", id, "{account}", "vault", "{nameOrId}", secretID, "{stageId}", "s1", "{type}", kind,
		"{app}", secretApp, "{name}", secretID,
	).Replace(r.Path)
	for strings.Contains(path, "{") {
		before, rest, _ := strings.Cut(path, "{")
		_, after, _ := strings.Cut(rest, "}")
		path = before + "x" + after
	}
	query := map[string]string{
		"/executions": "executionIds=" + secretRun, "/executions/failedStages": "executionId=" + secretRun, "/pipelines/failedStages": "executionId=" + secretRun,
		"/tasks/cancel": "ids=" + secretTask, "/search": "q=topsecret", "/serverGroups": "applications=" + secretApp,
		"/pipelines/{id}/evaluateExpression": "expression=1", "/pipelines/{id}/{stageId}/evaluateExpression": "expression=1",
	}[r.Path]
	return path + "?" + query
}

// matrixBody is what a route takes, about what is restricted.
func matrixBody(r gate.Rule) string {
	if r.Method == "GET" || r.Method == "DELETE" {
		return ""
	}
	const saved = `{"application":"` + secretApp + `","name":"` + secretName + `","id":"` + secretID + `","stages":[]}`
	switch {
	case r.Kind == "jobs":
		return `{"application":"` + secretApp + `","job":[{"type":"deployManifest","account":"vault","manifests":[]}]}`
	case strings.HasSuffix(r.Path, "/evaluateExpression"):
		return `{"expression":"1"}`
	case strings.HasSuffix(r.Path, "/evaluateVariables"):
		return `[]`
	case strings.HasSuffix(r.Path, "/reorder"):
		return `{"application":"` + secretApp + `","idsToIndices":{"` + secretID + `":0}}`
	case strings.HasSuffix(r.Path, "/move"):
		return `{"application":"` + secretApp + `","from":"` + secretName + `","to":"b"}`
	case strings.HasSuffix(r.Path, "/bulksave"):
		return `[` + saved + `]`
	case strings.HasPrefix(r.Path, "/notifications/"):
		return `{"application":"` + secretApp + `"}`
	case r.Kind == "accountManagers":
		return `{"name":"x","type":"kubernetes"}`
	case r.Path == "/pipelines", r.Path == "/pipelines/start", r.Path == "/strategies", r.Method == "PUT" && (r.Path == "/pipelines/{id}" || r.Path == "/strategies/{id}"):
		return saved
	}
	return "{}"
}

// matrixWants tells what the matrix expects of an answer: that it is refused,
// or that it holds nothing of what is restricted.
func matrixWants(r gate.Rule, user string) (refused, blank bool) {
	path := r.Path
	switch r.Kind {
	case "open", "signedIn":
		return false, false
	case "administrators", "accountManagers":
		return user != "admin", false
	case "jobs":
		return !holds(user, "WRITE"), false
	case "account":
		if strings.Contains(path, "{application}") || strings.Contains(path, "{account}") {
			return !holds(user, "READ"), false
		}
		return false, !holds(user, "READ")
	}
	if !strings.Contains(path, "{") && r.Method == "GET" {
		return false, !holds(user, r.Needs)
	}
	return !holds(user, r.Needs), false
}

// matrixShown are routes whose answers everybody may see, with the reason.
var matrixShown = map[string]string{
	"GET /credentials":           "accounts are shown with whether they are the caller's to use, as in Spinnaker",
	"GET /credentials/{account}": "as in the list",
}

// TestAuthorizationMatrix asks every route as every kind of user. A route whose rule
// is not what its handler checks fails it, and so does a new one that answers
// without any.
func TestAuthorizationMatrix(t *testing.T) {
	t.Parallel()
	rules := gate.Rules()
	require.Greater(t, len(rules), 90)
	for _, user := range matrixUsers {
		t.Run(user, func(t *testing.T) {
			t.Parallel()
			for _, rule := range rules {
				w := newMatrixWorld(t)
				out := w.ask(rule, user)
				refused, blank := matrixWants(rule, user)
				what := rule.Method + " " + matrixPath(rule) + " by " + user + ": " + out.Body.String()
				if matrixShown[rule.Method+" "+rule.Path] != "" {
					refused, blank = false, false
				}
				if refused {
					assert.Equal(t, http.StatusForbidden, out.Code, what)
					assert.Contains(t, out.Body.String(), "Access is denied", what)
					assert.NotContains(t, out.Body.String(), "answers without", what)
					continue
				}
				assert.NotEqual(t, http.StatusForbidden, out.Code, what)
				assert.NotEqual(t, http.StatusUnauthorized, out.Code, what)
				assert.NotContains(t, w.log.String(), "without a check of permissions", what)
				if blank {
					assert.NotContains(t, strings.ToLower(out.Body.String()), "topsecret-", what)
					assert.NotContains(t, out.Body.String(), secretRun, what)
				}
			}
		})
	}
}

// TestRefusedRequestsDoNothing: whoever may not do a thing has not done it either.
func TestRefusedRequestsDoNothing(t *testing.T) {
	t.Parallel()
	for _, rule := range gate.Rules() {
		refused, _ := matrixWants(rule, "stranger")
		if !refused || rule.Method == "GET" {
			continue
		}
		w := newMatrixWorld(t)
		before, err := w.store.Pipelines(t.Context(), "")
		require.NoError(t, err)
		documents := w.documents()
		w.ask(rule, "stranger")
		require.Equal(t, documents, w.documents(), "%s %s", rule.Method, rule.Path)
		after, err := w.store.Pipelines(t.Context(), "")
		require.NoError(t, err)
		require.Equal(t, before, after, "%s %s", rule.Method, rule.Path)
		require.Empty(t, w.engine.started, "%s %s", rule.Method, rule.Path)
		require.Empty(t, w.engine.cancelled, "%s %s", rule.Method, rule.Path)
		require.Empty(t, w.engine.patched, "%s %s", rule.Method, rule.Path)
		require.Empty(t, w.engine.restarted, "%s %s", rule.Method, rule.Path)
		require.Empty(t, w.engine.deleted, "%s %s", rule.Method, rule.Path)
		require.Empty(t, w.engine.paused, "%s %s", rule.Method, rule.Path)
		require.Empty(t, w.engine.resumed, "%s %s", rule.Method, rule.Path)
	}
}

// ask sends a route's request of the matrix. A stream ends at once.
func (w *world) ask(rule gate.Rule, user string) *httptest.ResponseRecorder {
	w.t.Helper()
	if !rule.Stream {
		return w.do(rule.Method, matrixPath(rule), matrixBody(rule), "X-SPINNAKER-USER", user)
	}
	ctx, cancel := context.WithCancel(w.t.Context())
	defer cancel()
	r := httptest.NewRequestWithContext(ctx, rule.Method, matrixPath(rule), nil)
	r.Header.Set("X-SPINNAKER-USER", user)
	out := &endless{httptest.NewRecorder(), cancel}
	w.server.Handler().ServeHTTP(out, r)
	return out.ResponseRecorder
}

// endless is the reader of a stream who leaves once it has begun.
type endless struct {
	*httptest.ResponseRecorder
	leave func()
}

func (e *endless) WriteHeader(status int) {
	e.ResponseRecorder.WriteHeader(status)
	e.leave()
}

// auditLog keeps events in memory.
type auditLog struct{ events []fiat.Event }

func (a *auditLog) Record(e fiat.Event) { a.events = append(a.events, e) }

func (a *auditLog) Events(_ context.Context, q fiat.AuditQuery) ([]fiat.Event, error) {
	out := []fiat.Event{}
	for _, e := range a.events {
		if q.Matches(e) {
			out = append(out, e)
		}
	}
	return out, nil
}
