package server_test

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/gennaker/gennaker/front50"
	"github.com/gennaker/gennaker/front50/memstore"
	"github.com/gennaker/gennaker/front50/server"
	"github.com/gennaker/gennaker/pipeline"
)

// step is one request and what is expected of its answer.
type step struct {
	request string // "METHOD /path body"
	user    string
	status  int
	// body is the whole answer with stamps and given IDs left out; contains and
	// lacks are parts of it.
	body, contains, lacks string
}

// call makes a request of "METHOD /path body".
func call(t *testing.T, h http.Handler, request, user string) *httptest.ResponseRecorder {
	t.Helper()
	method, rest, _ := strings.Cut(request, " ")
	path, body, _ := strings.Cut(rest, " ")
	r := httptest.NewRequestWithContext(t.Context(), method, path, strings.NewReader(body))
	if user != "" {
		r.Header.Set(front50.UserHeader, user)
	}
	w := httptest.NewRecorder()
	h.ServeHTTP(w, r)
	return w
}

// plain returns an answer without what differs from run to run.
func plain(t *testing.T, body string) string {
	t.Helper()
	if body == "" {
		return ""
	}
	v, err := pipeline.DecodeValue([]byte(body))
	require.NoError(t, err, body)
	var strip func(any)
	strip = func(v any) {
		switch v := v.(type) {
		case map[string]any:
			for _, key := range []string{"updateTs", "createTs", "timestamp", "lastModified"} {
				delete(v, key)
			}
			for _, e := range v {
				strip(e)
			}
		case []any:
			for _, e := range v {
				strip(e)
			}
		}
	}
	strip(v)
	out, err := pipeline.EncodeValue(v)
	require.NoError(t, err)
	return string(out)
}

func TestAPI(t *testing.T) {
	t.Parallel()
	const (
		app1 = `{"name":"one","email":"a@b.c","cloudProviders":"kubernetes","accounts":"prod"}`
		p1   = `{"id":"p1","name":"Deploy / it?","application":"one","index":1,"triggers":[{"type":"pipeline","enabled":true,"pipeline":"up","status":["successful"]}]}`
		p2   = `{"id":"p2","name":"Build","application":"one","index":0,"disabled":true,"triggers":[{"type":"git","enabled":false}]}`
		p3   = `{"id":"p3","name":"Cron","application":"two","triggers":[{"type":"cron","enabled":true,"id":"c"}]}`
	)
	create := []step{
		{request: "POST /v2/applications " + app1, user: "ann", status: 200, contains: `"lastModifiedBy":"ann"`},
		{request: "POST /pipelines " + p1, user: "ann", status: 200, contains: `"lastModifiedBy":"ann"`},
		{request: "POST /pipelines " + p2, status: 200, contains: `"lastModifiedBy":"anonymous"`},
		{request: "POST /pipelines " + p3, status: 200},
	}
	const template = `{"id":"web","schema":"v2","metadata":{"name":"Web","description":"d","scopes":["global"]},"pipeline":{"stages":[]}}`
	const templated = `{"id":"p4","name":"T","application":"one","type":"templatedPipeline","schema":"v2","template":{"reference":"spinnaker://web:stable"}}`
	tests := map[string][]step{
		"templates": {
			{request: "GET /v2/pipelineTemplates?scopes=", status: 200, body: `[]`},
			{request: "GET /v2/pipelineTemplates/versions", status: 200, body: `{}`},
			{request: "GET /v2/pipelineTemplates/web", status: 404, contains: "Pipeline template not found (id: web)"},
			{request: "POST /v2/pipelineTemplates?tag=stable " + template, user: "ann", status: 200},
			{request: "POST /v2/pipelineTemplates?tag=stable " + template, status: 400, contains: "A pipeline template with the id web:stable already exists"},
			{request: "POST /v2/pipelineTemplates?tag=mine " + template, status: 400, contains: "Pipeline template tag must be one of [latest, stable, unstable, experimental, test, canary]"},
			{request: "POST /v2/pipelineTemplates {}", status: 422, contains: "A pipeline template requires an id"},
			{request: "GET /v2/pipelineTemplates/web?tag=stable", status: 200, lacks: `"tag"`,
				body: `{"id":"web","lastModifiedBy":"ann","metadata":{"description":"d","name":"Web","scopes":["global"]},"pipeline":{"stages":[]},"schema":"v2"}`},
			{request: "GET /v2/pipelineTemplates/web:latest", status: 200, lacks: `"tag"`},
			{request: "GET /v2/pipelineTemplates/web?tag=stable&digest=1", status: 400, contains: "Cannot query pipeline by 'tag' and 'digest' simultaneously"},
			{request: "GET /v2/pipelineTemplates/versions?scopes=global,x", status: 200, contains: `{"web":[{`},
			{request: "GET /v2/pipelineTemplates?scopes=none", status: 200, body: `[]`},
			{request: "PUT /v2/pipelineTemplates/other " + template, status: 400, contains: "doesn't match"},
			{request: "PUT /v2/pipelineTemplates/web?tag=stable " + template, status: 200, contains: `"tag":"stable"`},
			{request: "POST /pipelines " + templated, status: 200},
			{request: "GET /v2/pipelineTemplates/web/dependentPipelines", status: 200, contains: `"id":"p4"`},
			{request: "GET /v2/pipelineTemplates/we/dependentPipelines", status: 200, body: `[]`},
			{request: "DELETE /v2/pipelineTemplates/web?tag=stable", status: 400, contains: "The following pipeline configs depend on this template: p4"},
			{request: "DELETE /v2/pipelineTemplates/web?tag=latest", status: 200},
			{request: "GET /v2/pipelineTemplates/web?tag=latest", status: 404},
		},
		"health":       {{request: "GET /health", status: 200, body: `{"components":{"storage":{"status":"UP"}},"status":"UP"}`}},
		"empty lists":  {{request: "GET /v2/applications", status: 200, body: `[]`}, {request: "GET /pipelines", status: 200, body: `[]`}, {request: "GET /pipelines/none", status: 200, body: `[]`}},
		"unknown path": {{request: "GET /nope", status: 404, contains: `"message":"Front50 has no /nope."`}, {request: "PATCH /pipelines {}", status: 405, contains: `"error":"Method Not Allowed"`}},
		"applications": {
			{request: "GET /v2/applications/One", status: 200, body: `{"accounts":"prod","cloudProviders":"kubernetes","email":"a@b.c","lastModifiedBy":"ann","name":"ONE"}`},
			{request: "GET /v2/applications/one/", status: 200, contains: `"name":"ONE"`},
			{request: "POST /v2/applications " + app1, status: 400, contains: "exists already"},
			{request: "POST /v2/applications {\"name\":\"x\"}", status: 400, contains: `"errors":["An application requires an owner: set email."]`},
			{request: "POST /v2/applications []", status: 400, contains: "not a JSON object"},
			{request: "POST /v2/applications {", status: 400, contains: "not valid JSON"},
			{request: `PATCH /v2/applications/one {"description":"d"}`, status: 200, body: `{"accounts":"prod","cloudProviders":"kubernetes","description":"d","email":"a@b.c","lastModifiedBy":"anonymous","name":"ONE"}`},
			{request: `PATCH /v2/applications/none {"email":"a@b.c"}`, status: 404, contains: "Application not found (id: none)"},
			{request: `PATCH /v2/applications/one {"name":"two"}`, status: 400, contains: "cannot be renamed"},
			{request: `PUT /v2/applications/one {"name":"ONE","email":"z@b.c"}`, status: 200, body: `{"email":"z@b.c","lastModifiedBy":"anonymous","name":"ONE"}`},
			{request: "GET /v2/applications/one/history?limit=2", status: 200, contains: `"description":"d"`, lacks: `"lastModifiedBy":"ann"`},
			{request: "GET /v2/applications/one/history?limit=x", status: 400, contains: "limit"},
			{request: "GET /v2/applications/none/history", status: 404},
			{request: `POST /v2/applications/batch/applications [{"name":"a1","email":"q@b.c"},{"name":"one","email":"y@b.c"}]`, status: 200},
			{request: "GET /v2/applications?pageSize=1", status: 200, body: `[{"email":"q@b.c","lastModifiedBy":"anonymous","name":"A1"}]`},
			{request: "GET /v2/applications?restricted=false&email=Y@B", status: 200, body: `[{"email":"y@b.c","lastModifiedBy":"anonymous","name":"ONE"}]`},
			{request: "DELETE /v2/applications/ONE", status: 204},
			{request: "GET /v2/applications/one", status: 404},
			{request: "GET /pipelines/p1/get", status: 404},
			{request: "GET /pipelines/p3/get", status: 200},
			{request: "DELETE /v2/applications/ONE", status: 204},
		},
		"permissions": {
			{request: "GET /permissions/applications", status: 200, body: `[{"lastModifiedBy":"ann","name":"ONE","permissions":{}}]`},
			{request: `PUT /permissions/applications/one {"name":"one","permissions":{"READ":["Dev"]}}`, status: 200, body: `{"lastModifiedBy":"anonymous","name":"ONE","permissions":{"READ":["dev"]}}`},
			{request: "GET /v2/applications/one", status: 200, contains: `"permissions":{"READ":["dev"]}`},
			{request: "GET /permissions/applications/one", status: 200, contains: `"READ":["dev"]`},
			{request: `POST /permissions/applications {"name":"one","permissions":{"WRITE":["ops"]}}`, status: 200, contains: `{"WRITE":["ops"]}`},
			{request: `PUT /permissions/applications/one {"name":"two"}`, status: 400},
			{request: `PUT /permissions/applications/none {}`, status: 404},
			{request: "DELETE /permissions/applications/one", status: 200, contains: `"permissions":{}`},
			{request: "GET /permissions/applications/none", status: 404},
		},
		"pipelines": {
			{request: "GET /pipelines/ONE", status: 200, body: `[{"application":"one","disabled":true,"id":"p2","index":0,"lastModifiedBy":"anonymous","name":"Build","schema":"1","triggers":[{"enabled":false,"type":"git"}]},{"application":"one","id":"p1","index":1,"lastModifiedBy":"ann","name":"Deploy / it?","schema":"1","triggers":[{"enabled":true,"pipeline":"up","status":["successful"],"type":"pipeline"}]}]`},
			{request: "GET /pipelines?enabledPipelines=true", status: 200, contains: `"id":"p3"`, lacks: `"id":"p2"`},
			{request: "GET /pipelines?enabledPipelines=false", status: 200, contains: `"id":"p2"`, lacks: `"id":"p3"`},
			{request: "GET /pipelines?enabledPipelines=maybe", status: 400},
			{request: "GET /pipelines?enabledTriggers=true&triggerTypes=git,cron", status: 200, contains: `"id":"p3"`, lacks: `"id":"p1"`},
			{request: "GET /pipelines?triggerTypes=git&triggerTypes=x", status: 200, contains: `"id":"p2"`, lacks: `"id":"p3"`},
			{request: "GET /pipelines/one?pipelineNameFilter=DEPLOY&pipelineLimit=1", status: 200, contains: `"id":"p1"`, lacks: `"id":"p2"`},
			{request: "GET /pipelines/one?pipelineLimit=1", status: 200, contains: `"id":"p2"`, lacks: `"id":"p1"`},
			{request: "GET /pipelines/p1/get", status: 200, contains: `"name":"Deploy / it?"`},
			{request: "GET /pipelines/none/get", status: 404, contains: "Pipeline not found (id: none)"},
			{request: "GET /pipelines/one/name/deploy%20%2F%20it%3F?refresh=true", status: 200, contains: `"id":"p1"`},
			{request: "GET /pipelines/one/name/none", status: 404},
			{request: "GET /pipelines/triggeredBy/up/SUCCESSFUL?restricted=false", status: 200, contains: `"id":"p1"`},
			{request: "GET /pipelines/triggeredBy/up/failed", status: 200, body: `[]`},
			{request: "POST /pipelines {}", status: 422, contains: "requires name and application"},
			{request: `POST /pipelines {"name":"build","application":"ONE"}`, status: 400, contains: `already exists in application one (id: p2)`},
			{request: `POST /pipelines?staleCheck=true {"id":"p1","name":"new","application":"one","updateTs":"5"}`, status: 400, contains: "The submitted pipeline is stale."},
			{request: `PUT /pipelines/none {"name":"x","application":"one"}`, status: 404},
			{request: `PUT /pipelines/p1 {"id":"p2","name":"x","application":"one"}`, status: 400, contains: "The provided id p2 doesn't match the existing pipeline id p1"},
			{request: `PUT /pipelines/p1 {"name":"renamed","application":"one"}`, status: 200, contains: `"index":1`},
			{request: "GET /pipelines/p1/history", status: 200, contains: `"name":"Deploy / it?"`},
			{request: "GET /pipelines/p1/history?limit=1", status: 200, contains: `"name":"renamed"`, lacks: `"name":"Deploy / it?"`},
			{request: "DELETE /pipelines/One/BUILD", status: 200},
			{request: "DELETE /pipelines/One/BUILD", status: 404},
			{request: "GET /pipelines/p2/get", status: 404},
		},
		"batch": {
			{request: `POST /pipelines/batchUpdate [{"id":"b1","name":"b1","application":"one"},{"id":"b1","name":"b2","application":"one"},{"name":"Build","application":"one"},{"name":"x"}]`, status: 200, contains: `"successful_pipelines":["b1"],"successful_pipelines_count":1`},
			{request: `POST /pipelines/batchUpdate [{"name":"x"}]`, status: 200, body: `{"failed_pipelines":[{"errorMsg":"A pipeline requires name and application fields: set both to text.","name":"x"}],"failed_pipelines_count":1,"successful_pipelines":[],"successful_pipelines_count":0}`},
			{request: `POST /pipelines/batchUpdate {}`, status: 400},
			{request: `POST /pipelines/batchUpdate [5]`, status: 400},
		},
		"reorder": {
			{request: `POST /actions/pipelines/reorder {"application":"ONE","idsToIndices":{"p1":0,"p2":1}}`, status: 200},
			{request: "GET /pipelines/p1/get", status: 200, contains: `"index":0`},
			{request: "GET /pipelines/p2/get", status: 200, contains: `"index":1`},
			{request: `POST /actions/pipelines/reorder {"application":"one","idsToIndices":{"p3":0}}`, status: 400, contains: "does not belong"},
			{request: `POST /actions/pipelines/reorder {"application":"one","idsToIndices":{"none":0}}`, status: 404},
			{request: `POST /actions/pipelines/reorder {}`, status: 422},
			{request: `POST /actions/pipelines/reorder {"application":"one","idsToIndices":[]}`, status: 400},
		},
	}
	for name, steps := range tests {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			if name != "empty lists" {
				steps = append(create, steps...)
			}
			run(t, steps)
		})
	}
}

// run makes the requests one after another on an empty store.
func run(t *testing.T, steps []step) {
	t.Helper()
	h := server.New(memstore.New(nil), server.Options{}).Handler()
	for _, s := range steps {
		w := call(t, h, s.request, s.user)
		body := w.Body.String()
		require.Equal(t, s.status, w.Code, "%s: %s", s.request, body)
		if s.body != "" {
			require.Equal(t, s.body, plain(t, body), s.request)
		}
		require.Contains(t, body, s.contains, s.request)
		if s.lacks != "" {
			require.NotContains(t, body, s.lacks, s.request)
		}
		if s.status >= 400 {
			var told map[string]any
			require.NoError(t, json.Unmarshal([]byte(body), &told))
			require.NotEmpty(t, told["message"])
			require.EqualValues(t, s.status, told["status"])
			require.Equal(t, http.StatusText(s.status), told["error"])
			require.NotZero(t, told["timestamp"])
		}
	}
}

func TestBodyLimit(t *testing.T) {
	t.Parallel()
	h := server.New(memstore.New(nil), server.Options{BodyLimit: 100}).Handler()
	w := call(t, h, `POST /pipelines {"name":"p","application":"`+strings.Repeat("x", 200)+`"}`, "")
	require.Equal(t, http.StatusRequestEntityTooLarge, w.Code, "%s", w.Body)
	require.Contains(t, w.Body.String(), "100 bytes")
}

// failing is a store whose reads fail, or are a fault of ours.
type failing struct {
	front50.Store
	err   error
	fault any
}

func (f failing) Pipelines(context.Context, string) ([]pipeline.Pipeline, error) {
	if f.fault != nil {
		panic(f.fault) //nolint:forbidigo // this is what the server must survive
	}
	return nil, f.err
}

func (f failing) Health(context.Context) error { return f.err }

func TestFaults(t *testing.T) {
	t.Parallel()
	tests := map[string]struct {
		store  failing
		status int
		told   string
		logged string
	}{
		"unavailable":   {failing{err: pipeline.Wrap(pipeline.CodeUnavailable, errors.New("hunter2"), "Try later.")}, 503, "Try later.", "hunter2"},
		"foreign error": {failing{err: errors.New("hunter2")}, 500, "", "hunter2"},
		"panic":         {failing{fault: "hunter2"}, 500, "", "hunter2"},
	}
	for name, tt := range tests {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			var log strings.Builder
			h := server.New(tt.store, server.Options{Log: slog.New(slog.NewTextHandler(&log, nil))}).Handler()
			w := call(t, h, "GET /pipelines", "")
			require.Equal(t, tt.status, w.Code)
			require.Contains(t, w.Body.String(), tt.told)
			require.NotContains(t, w.Body.String(), "hunter2")
			require.Contains(t, log.String(), tt.logged)
			if tt.store.err != nil {
				w = call(t, h, "GET /health", "")
				require.Equal(t, 200, w.Code, "reads go on while the storage is down")
				require.Contains(t, w.Body.String(), `"status":"DOWN"`)
			}
		})
	}
}

func TestLargeListIsWhole(t *testing.T) {
	t.Parallel()
	s := memstore.New(nil)
	const count = 500
	for i := range count {
		_, err := s.SavePipeline(t.Context(), pipeline.Pipeline{"name": fmt.Sprintf("p%03d", i), "application": "a", "ratio": 1.0}, front50.SaveOptions{})
		require.NoError(t, err)
	}
	live := httptest.NewServer(server.New(s, server.Options{}).Handler())
	t.Cleanup(live.Close)
	r, err := http.Get(live.URL + "/pipelines/")
	require.NoError(t, err)
	defer func() { require.NoError(t, r.Body.Close()) }()
	require.Equal(t, "application/json", r.Header.Get("Content-Type"))
	body, err := io.ReadAll(r.Body)
	require.NoError(t, err)
	var list []pipeline.Pipeline
	require.NoError(t, json.Unmarshal(body, &list))
	require.Len(t, list, count)
	require.IsType(t, float64(0), list[0]["ratio"], "1.0 stays a decimal")
}
