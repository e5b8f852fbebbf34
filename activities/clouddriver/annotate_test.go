package clouddriver

import (
	"flag"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"
	"sigs.k8s.io/yaml"

	"github.com/gennaker/gennaker/activities"
	"github.com/gennaker/gennaker/pipeline"
)

var update = flag.Bool("update", false, "write the golden files")

// TestAnnotateGolden compares what is written on objects with
// testdata/annotate: NAME.yaml goes in, NAME.golden.yaml comes out.
func TestReferenceAnnotations(t *testing.T) {
	t.Parallel()
	cases := map[string]struct {
		settings Settings
		moniker  activities.Moniker
		version  int
		skip     bool
	}{
		"deployment":       {moniker: activities.Moniker{App: "shop", Cluster: "deployment web"}, version: -1},
		"replicaset":       {moniker: activities.Moniker{App: "shop", Cluster: "replicaSet web", Stack: "prod", Detail: "blue"}, version: 12},
		"taken":            {moniker: activities.Moniker{App: "shop", Cluster: "deployment web"}, version: 3, settings: Settings{ManagedBySuffix: "east"}},
		"skip-template":    {moniker: activities.Moniker{App: "shop", Cluster: "deployment web"}, version: -1, skip: true},
		"no-labels":        {moniker: activities.Moniker{App: "shop", Cluster: "deployment web"}, version: 0, settings: Settings{SkipAppLabels: true}},
		"cronjob":          {moniker: activities.Moniker{App: "shop", Cluster: "cronJob tick"}, version: -1},
		"cluster-scope":    {moniker: activities.Moniker{App: "shop", Cluster: "clusterRole reader"}, version: -1},
		"template-no-meta": {moniker: activities.Moniker{App: "shop", Cluster: "deployment web"}, version: -1},
	}
	for name, c := range cases {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			text, err := os.ReadFile(filepath.Join("testdata", "annotate", name+".yaml"))
			require.NoError(t, err)
			m := parsed(t, string(text))
			m.version = c.version
			annotateArtifact(m, m.artifact(testAccount))
			c.settings.annotateMoniker(m, c.moniker, c.skip)
			golden(t, filepath.Join("testdata", "annotate", name+".golden.yaml"), m.obj.Object)
		})
	}
}

func golden(t *testing.T, file string, value any) {
	t.Helper()
	got, err := yaml.Marshal(value)
	require.NoError(t, err)
	if *update {
		require.NoError(t, os.WriteFile(file, got, 0o644))
	}
	want, err := os.ReadFile(file)
	require.NoError(t, err)
	require.Equal(t, string(want), string(got))
}

func TestAnnotationOf(t *testing.T) {
	t.Parallel()
	m := parsed(t, `
apiVersion: v1
kind: Service
metadata: {name: a, annotations: {plain: text, quoted: '"te\"xt"', broken: '"te\xt"', single: '"', number: 5}}
`)
	for key, want := range map[string]string{"plain": "text", "quoted": `te"xt`, "broken": "", "single": `"`, "number": "", "none": ""} {
		require.Equal(t, want, m.annotation(key), key)
	}
}

func TestReferenceInputConversion(t *testing.T) {
	t.Parallel()
	flat, err := flatten([]pipeline.Map{
		nil,
		{"kind": "A"},
		{"kind": "list", "items": []any{nil, map[string]any{"kind": "B"}, map[string]any{"kind": "List", "items": []any{map[string]any{"kind": "C"}}}}},
		{"kind": "List", "items": nil},
		{"kind": "ConfigMapList"},
	})
	require.NoError(t, err)
	var kinds []any
	for _, m := range flat {
		kinds = append(kinds, m["kind"])
	}
	require.Equal(t, []any{"A", "B", "C", "ConfigMapList"}, kinds)

	_, err = flatten([]pipeline.Map{{"kind": "List", "items": []any{"text"}}})
	requireCode(t, err, pipeline.CodeInvalid)
	many := make([]pipeline.Map, maxManifests+1)
	for i := range many {
		many[i] = pipeline.Map{"kind": "A"}
	}
	_, err = flatten(many)
	requireCode(t, err, pipeline.CodeTooLarge)
	_, err = flatten([]pipeline.Map{{"kind": "A", "data": strings.Repeat("x", maxBytes)}})
	requireCode(t, err, pipeline.CodeTooLarge)
	deep := pipeline.Map{"kind": "A"}
	for range maxListDepth + 2 {
		deep = pipeline.Map{"kind": "List", "items": []any{map[string]any(deep)}}
	}
	_, err = flatten([]pipeline.Map{deep})
	requireCode(t, err, pipeline.CodeInvalid)
}

func TestFlattenCopies(t *testing.T) {
	t.Parallel()
	in := pipeline.Map{"kind": "A", "metadata": map[string]any{"list": []any{pipeline.Map{"n": 1}}}}
	flat, err := flatten([]pipeline.Map{in})
	require.NoError(t, err)
	flat[0]["metadata"].(map[string]any)["list"].([]any)[0].(map[string]any)["n"] = int64(2)
	require.Equal(t, 1, in.Map("metadata").List("list")[0].(pipeline.Map)["n"])
}

func TestShownHidesSecrets(t *testing.T) {
	t.Parallel()
	secret := parsed(t, `
apiVersion: v1
kind: Secret
metadata: {name: a, annotations: {keep: me, kubectl.kubernetes.io/last-applied-configuration: '{"data":{"p":"c2VjcmV0"}}'}, managedFields: [{manager: m}]}
data: {p: c2VjcmV0}
stringData: {q: secret}
`)
	require.Equal(t, pipeline.Map{
		"apiVersion": "v1", "kind": "Secret",
		"metadata": map[string]any{"name": "a", "annotations": map[string]any{"keep": "me"}},
	}, shown(secret.obj))
	require.Contains(t, secret.obj.Object, "data", "the original is not touched")
	config := parsed(t, "apiVersion: v1\nkind: ConfigMap\nmetadata: {name: a}\ndata: {p: x}\n")
	require.Contains(t, shown(config.obj), "data")
}
