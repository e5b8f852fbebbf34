package rosco_test

import (
	"archive/tar"
	"bytes"
	"compress/gzip"
	"context"
	"encoding/base64"
	"fmt"
	"maps"
	"os"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/gennaker/gennaker/activities"
	"github.com/gennaker/gennaker/activities/rosco"
	"github.com/gennaker/gennaker/activities/rosco/bake"
	"github.com/gennaker/gennaker/internal/sandbox"
	"github.com/gennaker/gennaker/pipeline"
)

// TestMain is the sandbox's process too.
func TestMain(m *testing.M) {
	if len(os.Args) > 1 && os.Args[1] == "sandbox" {
		os.Exit(sandbox.Serve(os.Stdin, os.Stdout, os.Stderr, bake.Tasks()))
	}
	os.Exit(m.Run())
}

// shelf has artifacts by what they are asked by.
type shelf map[string][]byte

func (s shelf) get(key string) ([]byte, error) {
	if content, ok := s[key]; ok {
		return content, nil
	}
	return nil, pipeline.Errorf(pipeline.CodeNotFound, "There is no %s.", key)
}

func (s shelf) Fetch(_ context.Context, a pipeline.Artifact) ([]byte, error) {
	return s.get(a.Type + " " + a.Reference)
}

func (s shelf) FetchAnonymously(_ context.Context, a pipeline.Artifact) ([]byte, error) {
	return s.get("anonymous " + a.Type + " " + a.Reference + " " + a.Version)
}

func (s shelf) FetchChart(_ context.Context, repository, name, version string, anyRepository bool) ([]byte, error) {
	return s.get(fmt.Sprintf("chart %s %s %s %v", repository, name, version, anyRepository))
}

func room(t testing.TB, s shelf, change ...func(*rosco.Config)) *rosco.Rosco {
	t.Helper()
	c := rosco.Config{MaxOutput: 1 << 20, MaxUnpacked: 8 << 20, MaxFiles: 200}
	for _, f := range change {
		f(&c)
	}
	// The time is short and the memory small, so that what does not end ends soon.
	run := sandbox.New(sandbox.Config{Memory: 512 << 20, Time: 5 * time.Second, MaxOutput: 4 << 20}, sandbox.Self("sandbox")...)
	r, err := rosco.New(c, s, run)
	require.NoError(t, err)
	return r
}

func tgz(t testing.TB, files map[string]string) []byte {
	t.Helper()
	var out bytes.Buffer
	zip := gzip.NewWriter(&out)
	archive := tar.NewWriter(zip)
	for _, name := range slices.Sorted(maps.Keys(files)) {
		require.NoError(t, archive.WriteHeader(&tar.Header{Name: name, Mode: 0o644, Size: int64(len(files[name])), Typeflag: tar.TypeReg}))
		_, err := archive.Write([]byte(files[name]))
		require.NoError(t, err)
	}
	require.NoError(t, archive.Close())
	require.NoError(t, zip.Close())
	return out.Bytes()
}

func chart(t testing.TB, template string) []byte {
	return tgz(t, map[string]string{"web/Chart.yaml": "apiVersion: v2\nname: web\nversion: 1.0.0\n", "web/templates/x.yaml": template})
}

var webChart = pipeline.Artifact{Type: "helm/chart", Name: "web", Reference: "chart"}

func bakeChart(t testing.TB, s shelf, in activities.BakeManifestInput) (string, error) {
	t.Helper()
	if in.Artifacts == nil {
		in.Artifacts = []pipeline.Artifact{webChart}
	}
	in.Renderer, in.OutputArtifactName, in.OutputName = "HELM3", "manifests", "shop"
	out, err := room(t, s).BakeManifest(t.Context(), in)
	if err != nil {
		return "", err
	}
	require.Equal(t, "embedded/base64", out.Artifact.Type)
	require.Equal(t, "manifests", out.Artifact.Name)
	text, err := base64.StdEncoding.DecodeString(out.Artifact.Reference)
	require.NoError(t, err)
	return string(text), nil
}

func TestBakeManifest(t *testing.T) {
	t.Parallel()
	s := shelf{
		"helm/chart chart":   chart(t, "kind: A\nname: {{ .Release.Name }}\nns: {{ .Release.Namespace }}\nv: {{ .Values.a }} {{ .Values.b }} {{ .Values.c }}\n"),
		"github/file first":  []byte("a: 1\nb: 1\nc: 1\n"),
		"s3/object second":   []byte("b: 2\nc: 2\n"),
		"embedded/base64 no": []byte("a: ["),
	}
	text, err := bakeChart(t, s, activities.BakeManifestInput{
		Namespace: "shops", Overrides: pipeline.Map{"c": "3"},
		Artifacts: []pipeline.Artifact{webChart, {Type: "github/file", Reference: "first"}, {Type: "s3/object", Reference: "second"}},
	})
	require.NoError(t, err)
	require.Equal(t, "---\n# Source: web/templates/x.yaml\nkind: A\nname: shop\nns: shops\nv: 1 2 3\n", strings.TrimRight(text, "\n")+"\n")
	_, err = bakeChart(t, s, activities.BakeManifestInput{Artifacts: []pipeline.Artifact{webChart, {Type: "s3/object", Reference: "none"}}})
	require.Equal(t, pipeline.CodeNotFound, pipeline.CodeOf(err))
	require.ErrorContains(t, err, "Failed to fetch values file: There is no s3/object none.")
	_, err = bakeChart(t, s, activities.BakeManifestInput{Artifacts: []pipeline.Artifact{{Type: "helm/chart", Reference: "none"}}})
	require.ErrorContains(t, err, "Failed to fetch template: There is no helm/chart none.")
	_, err = bakeChart(t, s, activities.BakeManifestInput{Artifacts: []pipeline.Artifact{webChart, {Type: "embedded/base64", Reference: "no"}}})
	require.ErrorContains(t, err, "The values file 1 cannot be read")
}

// What a template does not get done within its bounds fails the bake with words,
// and the worker lives.
func TestBounds(t *testing.T) {
	t.Parallel()
	for name, tt := range map[string]struct {
		template, words string
		code            pipeline.Code
	}{
		"a loop without end": {`{{ range $i := until 2000000000 }}{{ end }}`, "The bake of the artifact 'web'", ""},
		"loops in loops":     {`{{ range until 100000 }}{{ range until 100000 }}{{ end }}{{ end }}`, "took longer than 5s", pipeline.CodeFailed},
		"memory without end": {`{{ $s := "xxxxxxxxxxxxxxxx" }}{{ range until 40 }}{{ $s = printf "%s%s" $s $s }}{{ end }}{{ len $s }}`, "The bake of the artifact 'web' needed more than 536870912 bytes of memory", pipeline.CodeTooLarge},
		"output without end": {`a: |{{ "\n" }}{{ range until 400000 }}  b{{ "\n" }}{{ end }}`, "at most 1048576 are taken", ""},
		"a repeat":           {`{{ repeat 2000000000 "x" }}`, "The bake of the artifact 'web' needed more than", pipeline.CodeTooLarge},
		"inclusion":          {`{{ define "a" }}{{ template "a" . }}{{ end }}{{ template "a" . }}`, "Bake", pipeline.CodeFailed},
		"a look-up of hosts": {`a: {{ getHostByName "localhost" | quote }}`, "", ""},
		"the environment":    {`a: {{ env "HOME" }}`, `function "env" not defined`, pipeline.CodeFailed},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			text, err := bakeChart(t, shelf{"helm/chart chart": chart(t, tt.template)}, activities.BakeManifestInput{})
			if tt.words == "" {
				require.NoError(t, err)
				require.Contains(t, text, `a: ""`)
				return
			}
			if tt.code != "" {
				require.Equal(t, tt.code, pipeline.CodeOf(err), "%v", err)
			}
			require.ErrorContains(t, err, tt.words)
		})
	}
}

func TestDependencies(t *testing.T) {
	t.Parallel()
	withDependency := tgz(t, map[string]string{"web/Chart.yaml": "apiVersion: v2\nname: web\nversion: 1.0.0\ndependencies: [{name: db, version: ^1, repository: 'https://charts.example/stable'}]\n"})
	db := tgz(t, map[string]string{"db/Chart.yaml": "apiVersion: v2\nname: db\nversion: 1.2.0\n", "db/templates/d.yaml": "kind: D\n"})
	s := shelf{"helm/chart chart": withDependency, "chart https://charts.example/stable db ^1 true": db}
	in := activities.BakeManifestInput{Renderer: "HELM3", Artifacts: []pipeline.Artifact{webChart}}
	out, err := room(t, s, func(c *rosco.Config) { c.DependencyRepositories = []string{"https://charts.example/"} }).BakeManifest(t.Context(), in)
	require.NoError(t, err)
	text, err := base64.StdEncoding.DecodeString(out.Artifact.Reference)
	require.NoError(t, err)
	require.Contains(t, string(text), "# Source: web/charts/db/templates/d.yaml")
	for _, allowed := range [][]string{nil, {"https://charts.example.org"}, {"https://charts.example/stab"}} {
		_, err = room(t, s, func(c *rosco.Config) { c.DependencyRepositories = allowed }).BakeManifest(t.Context(), in)
		require.ErrorContains(t, err, "Failed to fetch chart that web depends on: There is no chart https://charts.example/stable db ^1 false.")
	}
}

func TestKustomize(t *testing.T) {
	t.Parallel()
	files := map[string]string{
		"k/base/kustomization.yaml": "resources: [c.yaml]\n", "k/base/c.yaml": "apiVersion: v1\nkind: ConfigMap\nmetadata: {name: c}\n",
		"k/prod/kustomization.yml": "resources: [../base]\nnamespace: prod\n",
	}
	const want = "apiVersion: v1\nkind: ConfigMap\nmetadata:\n  name: c\n  namespace: prod\n"
	s := shelf{"git/repo repo": tgz(t, files), "anonymous git/repo https://git.example/o/r v1": tgz(t, files)}
	for name, text := range files {
		s["github/file https://api/contents/"+name] = []byte(text)
	}
	s["git/repo remote"] = tgz(t, map[string]string{"kustomization.yaml": "resources: ['https://git.example/o/r//k/prod?ref=v1']\n"})
	text := func(r *rosco.Rosco, in activities.BakeManifestInput) (string, error) {
		out, err := r.BakeManifest(t.Context(), in)
		if err != nil {
			return "", err
		}
		raw, err := base64.StdEncoding.DecodeString(out.Artifact.Reference)
		return string(raw), err
	}
	for name, in := range map[string]activities.BakeManifestInput{
		"repository":   {Renderer: "KUSTOMIZE4", KustomizeFilePath: "k/prod/kustomization.yml", Artifacts: []pipeline.Artifact{{Type: "git/repo", Reference: "repo"}}},
		"file by file": {Renderer: "kustomize", Artifacts: []pipeline.Artifact{{Type: "github/file", Name: "k/prod/kustomization.yml", Reference: "https://api/contents/k/prod/kustomization.yml"}}},
	} {
		have, err := text(room(t, s), in)
		require.NoError(t, err, name)
		require.Equal(t, want, have, name)
	}
	remote := activities.BakeManifestInput{Renderer: "KUSTOMIZE5", KustomizeFilePath: "kustomization.yaml", Artifacts: []pipeline.Artifact{{Type: "git/repo", Reference: "remote"}}}
	_, err := text(room(t, s), remote)
	require.ErrorContains(t, err, "fetching from elsewhere is off")
	have, err := text(room(t, s, func(c *rosco.Config) { c.KustomizeRemote = true }), remote)
	require.NoError(t, err)
	require.Equal(t, want, have)
	for _, tt := range []struct {
		in    activities.BakeManifestInput
		words string
	}{
		{activities.BakeManifestInput{Renderer: "KUSTOMIZE", Artifacts: []pipeline.Artifact{{Type: "git/repo", Reference: "repo"}}}, "should contain a kustomize file path"},
		{activities.BakeManifestInput{Renderer: "KUSTOMIZE", Artifacts: []pipeline.Artifact{{Type: "http/file", Reference: "x.yaml"}}}, "should be a valid kustomization file"},
		{activities.BakeManifestInput{Renderer: "X", Artifacts: []pipeline.Artifact{webChart}}, "Cannot bake manifest with template renderer type: X"},
		{activities.BakeManifestInput{Renderer: "HELM3"}, "At least one input artifact"},
	} {
		_, err := text(room(t, s), tt.in)
		require.Equal(t, pipeline.CodeInvalid, pipeline.CodeOf(err))
		require.ErrorContains(t, err, tt.words)
	}
}

// Cancelling ends the process of the bake with it.
func TestCanceled(t *testing.T) {
	t.Parallel()
	ctx, cancel := context.WithCancel(t.Context())
	time.AfterFunc(300*time.Millisecond, cancel)
	s := shelf{"helm/chart chart": chart(t, `{{ range until 100000 }}{{ range until 100000 }}{{ end }}{{ end }}`)}
	_, err := room(t, s).BakeManifest(ctx, activities.BakeManifestInput{Renderer: "HELM3", Artifacts: []pipeline.Artifact{webChart}})
	require.ErrorIs(t, err, context.Canceled)
}
