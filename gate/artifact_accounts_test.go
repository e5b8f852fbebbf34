package gate_test

import (
	"context"
	"net/http"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/gennaker/gennaker/activities"
	"github.com/gennaker/gennaker/gate"
	"github.com/gennaker/gennaker/pipeline"
)

// shelf has one chart.
type shelf struct{}

func (shelf) Accounts() []activities.ArtifactAccount {
	return []activities.ArtifactAccount{{Name: "charts", Types: []string{"helm/chart", "helm/index"}}}
}

func (shelf) Fetch(_ context.Context, a pipeline.Artifact) ([]byte, error) {
	if a.ArtifactAccount != "charts" {
		return nil, pipeline.Errorf(pipeline.CodeNotFound, "There is no artifact account '%s'.", a.ArtifactAccount)
	}
	return []byte("\x1f\x8b<script>" + a.Name + a.Version), nil
}

func (shelf) FetchManifests(_ context.Context, in activities.FetchArtifactInput) (activities.FetchManifestsOutput, error) {
	if in.Artifact.ArtifactAccount != "charts" {
		return activities.FetchManifestsOutput{}, pipeline.Errorf(pipeline.CodeNotFound, "There is no artifact account '%s'.", in.Artifact.ArtifactAccount)
	}
	return activities.FetchManifestsOutput{Manifests: []pipeline.Map{{
		"apiVersion": "v1", "kind": "ConfigMap", "metadata": map[string]any{"name": in.Artifact.Name}, "data": map[string]any{"to": "${ parameters.to }"},
	}}}, nil
}

func (shelf) Names(_ context.Context, account, kind string) ([]string, error) {
	return []string{account, kind}, nil
}

func (shelf) Versions(_ context.Context, _, _, name string) ([]string, error) {
	if name == "none" {
		return nil, nil
	}
	return []string{name + " 2", name + " 1"}, nil
}

func TestArtifactAccounts(t *testing.T) {
	t.Parallel()
	w := newWorld(t, func(d *gate.Dependencies, _ *gate.Config) { d.Artifacts = shelf{} })
	for _, tt := range []struct {
		method, target, body string
		status               int
		want                 string
	}{
		{"GET", "/artifacts/credentials", "", http.StatusOK, `[{"name":"charts","types":["helm/chart","helm/index"]}]`},
		{"GET", "/artifacts/account/my%20charts/names?type=helm/chart", "", http.StatusOK, `["my charts","helm/chart"]`},
		{"GET", "/artifacts/account/charts/versions?type=helm/chart&artifactName=web", "", http.StatusOK, `["web 2","web 1"]`},
		{"GET", "/artifacts/account/charts/versions?type=helm/chart&artifactName=none", "", http.StatusOK, `[]`},
	} {
		out := w.do(tt.method, tt.target, tt.body)
		require.Equal(t, tt.status, out.Code, out.Body.String())
		require.JSONEq(t, tt.want, out.Body.String())
	}
	out := w.do("PUT", "/artifacts/fetch", `{"type":"helm/chart","artifactAccount":"charts","name":"web","version":"1","kind":"x"}`)
	require.Equal(t, http.StatusOK, out.Code)
	require.Equal(t, "\x1f\x8b<script>web1", out.Body.String())
	require.Equal(t, "application/octet-stream", out.Header().Get("Content-Type"))
	require.Equal(t, "nosniff", out.Header().Get("X-Content-Type-Options"))
	require.Equal(t, "attachment", out.Header().Get("Content-Disposition"))
	for body, status := range map[string]int{
		`{"type":"helm/chart","artifactAccount":"other"}`: http.StatusNotFound, `{"name":[]}`: http.StatusBadRequest, `[]`: http.StatusBadRequest, ``: http.StatusBadRequest,
	} {
		require.Equal(t, status, w.do("PUT", "/artifacts/fetch", body).Code, body)
	}
}

// A Gate without accounts says so.
func TestNoArtifactAccounts(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	require.JSONEq(t, `[]`, w.do("GET", "/artifacts/credentials", "").Body.String())
	for _, r := range [][2]string{{"PUT", "/artifacts/fetch"}, {"GET", "/artifacts/account/a/names"}, {"GET", "/artifacts/account/a/versions"}} {
		out := w.do(r[0], r[1], "{}")
		require.Equal(t, http.StatusNotFound, out.Code, out.Body.String())
	}
}
