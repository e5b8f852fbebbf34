package bake_test

import (
	"archive/tar"
	"bytes"
	"compress/gzip"
	"flag"
	"fmt"
	"io/fs"
	"maps"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/gennaker/gennaker/activities/rosco/bake"
	"github.com/gennaker/gennaker/pipeline"
)

var update = flag.Bool("update", false, "write the golden files anew")

// tgz packs files.
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

// tree reads a folder of testdata, each path below prefix.
func tree(t testing.TB, folder, prefix string) map[string]string {
	t.Helper()
	files := map[string]string{}
	root := filepath.Join("testdata", folder)
	require.NoError(t, filepath.WalkDir(root, func(p string, d fs.DirEntry, err error) error {
		if err != nil || d.IsDir() {
			return err
		}
		text, err := os.ReadFile(p)
		relative, _ := filepath.Rel(root, p)
		files[prefix+filepath.ToSlash(relative)] = string(text)
		return err
	}))
	return files
}

func limits() bake.Limits { return bake.Limits{Unpacked: 8 << 20, Files: 200, Output: 1 << 20} }

// helm bakes the shop with some options.
func helm(t testing.TB, h bake.Helm) bake.Request {
	t.Helper()
	if h.Release == "" {
		h.Release = "web"
	}
	if h.KubeVersion == "" {
		h.KubeVersion = "1.33"
	}
	return bake.Request{Template: tgz(t, tree(t, "shop", "shop/")), Helm: &h, Limits: limits()}
}

func kustomize(t testing.TB, file string) bake.Request {
	t.Helper()
	return bake.Request{Template: tgz(t, tree(t, "kustomize", "")), Directory: true, Kustomize: &bake.Kustomize{File: file}, Limits: limits()}
}

func golden(t *testing.T, name, have string) {
	t.Helper()
	file := filepath.Join("testdata", "golden", name+".yaml")
	if *update {
		require.NoError(t, os.MkdirAll(filepath.Dir(file), 0o755))
		require.NoError(t, os.WriteFile(file, []byte(have), 0o600))
	}
	want, err := os.ReadFile(file)
	require.NoError(t, err)
	require.Equal(t, string(want), have)
}

func TestGolden(t *testing.T) {
	t.Parallel()
	git := helm(t, bake.Helm{ChartPath: "/deploy/charts/shop/"})
	git.Template, git.Directory = tgz(t, tree(t, "shop", "deploy/charts/shop/")), true
	for name, r := range map[string]bake.Request{
		"plain":     helm(t, bake.Helm{}),
		"in-folder": git,
		"everything": helm(t, bake.Helm{
			Namespace: "shops", IncludeCRDs: true, APIVersions: "monitoring.coreos.com/v1, other/v1", KubeVersion: "v1.30.2",
			Values: [][]byte{[]byte("replicas: 2\nimage: {tag: from-file-1, repository: one}\n"), []byte("image: {tag: from-file-2}\nlabels: {a: b}\n")},
			Overrides: pipeline.Map{
				"replicas": int64(3), "image.tag": "1.10", "labels.list": []any{"x,y", int64(2)}, "cache": map[string]any{"size": int64(128)}, "labels.on": true,
			},
		}),
		"raw-overrides":  helm(t, bake.Helm{RawOverrides: true, Overrides: pipeline.Map{"replicas": "3", "cache.enabled": "false", "image.tag": "1.10", "port": int64(10000000)}}),
		"text-overrides": helm(t, bake.Helm{Overrides: pipeline.Map{"labels.yes": "true", "labels.number": "010", "image.tag": `a\,b`}}),
		"kustomize":      kustomize(t, "overlays/prod/kustomization.yaml"),
		"kustomize-base": kustomize(t, "base/kustomization.yaml"),
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			a, err := bake.Run(r)
			require.NoError(t, err)
			require.Empty(t, a.Needs)
			golden(t, name, a.Output)
			for range 3 {
				again, err := bake.Run(r)
				require.NoError(t, err)
				require.Equal(t, a.Output, again.Output)
			}
		})
	}
}

func TestHelmRefuses(t *testing.T) {
	t.Parallel()
	with := func(name, text string) bake.Request {
		files := tree(t, "shop", "shop/")
		files["shop/"+name] = text
		r := helm(t, bake.Helm{})
		r.Template = tgz(t, files)
		return r
	}
	odd := func(change func(*bake.Request)) bake.Request {
		r := helm(t, bake.Helm{})
		change(&r)
		return r
	}
	for name, tt := range map[string]struct {
		r     bake.Request
		code  pipeline.Code
		words []string
	}{
		"a template that fails":     {with("templates/x.yaml", "a: b\nc: {{ .Values.none.deeper }}\n"), pipeline.CodeFailed, []string{"Bake failed:", "shop/templates/x.yaml:2:", ".Values.none.deeper", "nil pointer"}},
		"a template that is none":   {with("templates/x.yaml", "a: {{ if }}\n"), pipeline.CodeFailed, []string{"shop/templates/x.yaml:1", "missing value for if"}},
		"a required value":          {with("templates/x.yaml", `a: {{ required "set the owner" .Values.owner }}`), pipeline.CodeFailed, []string{"shop/templates/x.yaml:1", "set the owner"}},
		"a template that says fail": {with("templates/x.yaml", `{{ fail "not so" }}`), pipeline.CodeFailed, []string{"not so"}},
		"output that is no YAML":    {with("templates/x.yaml", "a: b: c\n"), pipeline.CodeFailed, []string{"YAML parse error on shop/templates/x.yaml"}},
		"itself included":           {with("templates/x.yaml", `{{ define "a" }}{{ include "a" . }}{{ end }}{{ include "a" . }}`), pipeline.CodeFailed, []string{"shop/templates/x.yaml"}},
		"an old cluster":            {odd(func(r *bake.Request) { r.Helm.KubeVersion = "1.20" }), pipeline.CodeFailed, []string{"chart requires kubeVersion: >=1.25.0-0", "v1.20"}},
		"a schema":                  {with("values.schema.json", `{"properties":{"replicas":{"type":"string"}}}`), pipeline.CodeFailed, []string{"replicas"}},
		"a library":                 {with("Chart.yaml", "apiVersion: v2\nname: shop\nversion: 1.0.0\ntype: library\n"), pipeline.CodeInvalid, []string{"of type 'library'"}},
		"no chart version":          {with("Chart.yaml", "apiVersion: v2\nname: shop\n"), pipeline.CodeFailed, []string{"chart.metadata.version is required"}},
		"a broken chart file":       {with("Chart.yaml", "a: [\n"), pipeline.CodeFailed, []string{"cannot load Chart.yaml"}},
		"values that are none":      {odd(func(r *bake.Request) { r.Helm.Values = [][]byte{{}, []byte("a: [")} }), pipeline.CodeInvalid, []string{"The values file 2 cannot be read"}},
		"an override that is none":  {odd(func(r *bake.Request) { r.Helm.Overrides = pipeline.Map{"a": "b,c"} }), pipeline.CodeInvalid, []string{"The override 'a' cannot be read", `\, for a comma`}},
		"a release that is none":    {odd(func(r *bake.Request) { r.Helm.Release = "My Release" }), pipeline.CodeInvalid, []string{"'My Release' cannot be a release's"}},
		"a version that is none":    {odd(func(r *bake.Request) { r.Helm.KubeVersion = "new" }), pipeline.CodeInvalid, []string{"kubeVersion 'new'"}},
		"text in place of a chart":  {odd(func(r *bake.Request) { r.Template = []byte("a: b") }), pipeline.CodeInvalid, []string{"The first artifact is no chart"}},
		"half an archive":           {odd(func(r *bake.Request) { r.Template = r.Template[:len(r.Template)/2] }), pipeline.CodeInvalid, []string{"is no gzipped tar archive"}},
		"a folder without a chart":  {odd(func(r *bake.Request) { r.Helm.ChartPath = "none" }), pipeline.CodeInvalid, []string{"no Chart.yaml in the folder 'none'"}},
		"a folder outside":          {odd(func(r *bake.Request) { r.Helm.ChartPath = "../x" }), pipeline.CodeInvalid, []string{"leaves the template"}},
		"several charts":            {odd(func(r *bake.Request) { r.Template = tgz(t, map[string]string{"a/Chart.yaml": "", "b/Chart.yaml": ""}) }), pipeline.CodeInvalid, []string{"set helmChartFilePath"}},
		"a path that leaves":        {odd(func(r *bake.Request) { r.Template = tgz(t, map[string]string{"shop/../../x": ""}) }), pipeline.CodeInvalid, []string{`holds the path "shop/../../x", which leaves it`}},
		"an absolute path":          {odd(func(r *bake.Request) { r.Template = tgz(t, map[string]string{"/etc/x": ""}) }), pipeline.CodeInvalid, []string{"which leaves it"}},
		"too much": {odd(func(r *bake.Request) {
			r.Template = tgz(t, map[string]string{"a/zeros": strings.Repeat("\x00", 9<<20)})
		}), pipeline.CodeTooLarge, []string{"over 8388608 bytes"}},
		"too many":    {odd(func(r *bake.Request) { r.Limits.Files = 3 }), pipeline.CodeTooLarge, []string{"more than 3 files"}},
		"much output": {odd(func(r *bake.Request) { r.Limits.Output = 100 }), pipeline.CodeTooLarge, []string{"at most 100 are taken"}},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			_, err := bake.Run(tt.r)
			require.Equal(t, tt.code, pipeline.CodeOf(err), "%v", err)
			for _, words := range tt.words {
				require.ErrorContains(t, err, words)
			}
		})
	}
}

// A chart names what it lacks and is baked once that is there.
func TestHelmDependencies(t *testing.T) {
	t.Parallel()
	cache := tgz(t, map[string]string{"cache/Chart.yaml": "apiVersion: v2\nname: cache\nversion: 0.1.3\n", "cache/templates/c.yaml": "kind: ConfigMap\nmetadata: {name: c}\n"})
	files := map[string]string{
		"web/Chart.yaml": "apiVersion: v2\nname: web\nversion: 1.0.0\ndependencies:\n" +
			"- {name: cache, version: ~0.1.0, repository: 'https://charts.example'}\n" +
			"- {name: common, version: 1.x, repository: 'file://../common'}\n" +
			"- {name: db, version: ^2, repository: 'oci://registry.example/charts'}\n",
		"web/Chart.lock":             "dependencies:\n- {name: cache, version: 0.1.3, repository: 'https://charts.example'}\n",
		"web/templates/w.yaml":       "kind: Service\nmetadata: {name: w}\n",
		"common/Chart.yaml":          "apiVersion: v2\nname: common\nversion: 1.0.0\n",
		"common/templates/c.yaml":    "kind: Secret\nmetadata: {name: s}\n",
		"common/templates/skip.yaml": "kind: Secret\nmetadata: {name: skipped}\n",
		"common/.helmignore":         "# nothing\ntemplates/skip.yaml\n",
	}
	r := bake.Request{Template: tgz(t, files), Directory: true, Helm: &bake.Helm{Release: "w", ChartPath: "web"}, Limits: limits()}
	a, err := bake.Run(r)
	require.NoError(t, err)
	require.Empty(t, a.Output)
	require.Len(t, a.Needs, 2)
	require.Equal(t, bake.Need{Key: "chart\nhttps://charts.example\ncache\n0.1.3", Kind: bake.NeedChart, Repository: "https://charts.example", Name: "cache", Version: "0.1.3", By: "web"}, a.Needs[0])
	require.Equal(t, "^2", a.Needs[1].Version)
	r.Given = map[string][]byte{a.Needs[0].Key: cache, a.Needs[1].Key: tgz(t, map[string]string{"db/Chart.yaml": "apiVersion: v2\nname: db\nversion: 2.0.0\n"})}
	a, err = bake.Run(r)
	require.NoError(t, err)
	require.Equal(t, []string{"# Source: web/charts/common/templates/c.yaml", "# Source: web/charts/cache/templates/c.yaml", "# Source: web/templates/w.yaml"}, sources(a.Output))

	delete(files, "common/Chart.yaml")
	r.Template = tgz(t, files)
	_, err = bake.Run(r)
	require.ErrorContains(t, err, "depends on 'common' in the folder '../common', which the template does not have")
}

func sources(output string) []string {
	var out []string
	for line := range strings.Lines(output) {
		if strings.HasPrefix(line, "# Source") {
			out = append(out, strings.TrimSpace(line))
		}
	}
	return out
}

// Charts of Helm 2 keep their requirements in a file of their own.
func TestHelm2Chart(t *testing.T) {
	t.Parallel()
	a, err := bake.Run(bake.Request{Limits: limits(), Helm: &bake.Helm{Release: "w"}, Template: tgz(t, map[string]string{
		"web/Chart.yaml":                  "name: web\nversion: 1.0.0\n",
		"web/requirements.yaml":           "dependencies:\n- {name: sub, version: 1.0.0, repository: 'https://x', alias: other}\n",
		"web/charts/sub/Chart.yaml":       "name: sub\nversion: 1.0.0\n",
		"web/charts/sub/templates/s.yaml": "kind: ConfigMap\nmetadata: {name: s}\n",
	})})
	require.NoError(t, err)
	require.Equal(t, []string{"# Source: web/charts/other/templates/s.yaml"}, sources(a.Output))
}

func TestKustomizeRefuses(t *testing.T) {
	t.Parallel()
	with := func(text string) bake.Request {
		files := tree(t, "kustomize", "")
		files["base/kustomization.yaml"] = text
		r := kustomize(t, "base/kustomization.yaml")
		r.Template = tgz(t, files)
		return r
	}
	for name, tt := range map[string]struct {
		r     bake.Request
		code  pipeline.Code
		words string
	}{
		"no such file":       {kustomize(t, "base/none.yaml"), pipeline.CodeInvalid, "There is no file 'base/none.yaml' in the repository"},
		"a path outside":     {kustomize(t, "../x"), pipeline.CodeInvalid, "leaves the template"},
		"no YAML":            {with("resources: ["), pipeline.CodeFailed, "base/kustomization.yaml"},
		"an unknown key":     {with("resource: [a]"), pipeline.CodeFailed, `unknown field "resource"`},
		"a file not there":   {with("resources: [none.yaml]"), pipeline.CodeFailed, "none.yaml"},
		"a file outside":     {with("resources: [../../x.yaml]"), pipeline.CodeInvalid, "names '../../x.yaml', which leaves the template"},
		"a git base":         {with("resources: ['https://github.com/o/r//base?ref=v1']"), pipeline.CodeInvalid, "which is elsewhere, and fetching from elsewhere is off"},
		"a short git base":   {with("resources: ['github.com/o/r?ref=v1']"), pipeline.CodeInvalid, "rosco-kustomize-remote"},
		"a git base by SSH":  {with("resources: ['git@git.example:o/r']"), pipeline.CodeInvalid, "which is elsewhere"},
		"a base on disk":     {with("resources: ['file:///etc']"), pipeline.CodeInvalid, "which is elsewhere"},
		"a file by URL":      {with("patches: [{path: 'https://x.example/p.yaml'}]"), pipeline.CodeInvalid, "which is elsewhere"},
		"a chart":            {with("helmCharts: [{name: a, repo: 'https://x'}]"), pipeline.CodeFailed, "enable-helm"},
		"a generator by URL": {with("configMapGenerator: [{name: a, files: ['k=https://x.example/f']}]"), pipeline.CodeInvalid, "which is elsewhere"},
		"a plugin":           {with("generators: [p.yaml]"), pipeline.CodeFailed, "p.yaml"},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			_, err := bake.Run(tt.r)
			require.Equal(t, tt.code, pipeline.CodeOf(err), "%v", err)
			require.ErrorContains(t, err, tt.words)
		})
	}
}

// A kustomization outside a repository says which files it is made of, and is
// baked once they are there.
func TestKustomizeFileByFile(t *testing.T) {
	t.Parallel()
	files := tree(t, "kustomize", "")
	r := bake.Request{Template: []byte(files["overlays/prod/kustomization.yaml"]), Kustomize: &bake.Kustomize{File: "overlays/prod/kustomization.yaml"}, Limits: limits(), Given: map[string][]byte{}}
	var asked []string
	for range 5 {
		a, err := bake.Run(r)
		require.NoError(t, err)
		if len(a.Needs) == 0 {
			golden(t, "kustomize", a.Output)
			require.Equal(t, []string{
				"base/kustomization.yaml", "overlays/prod/more/kustomization.yaml", "overlays/prod/replicas.yaml",
				"base/deployment.yaml", "base/settings.properties", "overlays/prod/more/service.yaml",
			}, asked)
			return
		}
		for _, n := range a.Needs {
			require.Equal(t, bake.NeedFile, n.Kind)
			asked = append(asked, n.Paths[0])
			r.Given[n.Key] = []byte(files[n.Paths[0]])
		}
	}
	t.Fatal("it asks for more and more")
}

func TestKustomizeRemote(t *testing.T) {
	t.Parallel()
	base := tgz(t, tree(t, "kustomize", ""))
	r := bake.Request{
		Directory: true, Kustomize: &bake.Kustomize{File: "here/kustomization.yaml", Remote: true}, Limits: limits(), Given: map[string][]byte{},
		Template: tgz(t, map[string]string{"here/kustomization.yaml": "namespace: x\nresources:\n- https://git.example/o/r//overlays/prod?ref=v1\n- https://files.example/more.yaml\n"}),
	}
	a, err := bake.Run(r)
	require.NoError(t, err)
	require.Len(t, a.Needs, 2)
	require.Equal(t, bake.Need{Key: "git\nhttps://git.example/o/r\nv1", Kind: bake.NeedGit, Repository: "https://git.example/o/r", Version: "v1", By: "here/kustomization.yaml"}, a.Needs[0])
	require.Equal(t, bake.NeedURL, a.Needs[1].Kind)
	r.Given[a.Needs[0].Key] = base
	r.Given[a.Needs[1].Key] = []byte("apiVersion: v1\nkind: ConfigMap\nmetadata: {name: more}\n")
	a, err = bake.Run(r)
	require.NoError(t, err)
	require.Contains(t, a.Output, "name: prod-web")
	require.Contains(t, a.Output, "name: more")
	require.Equal(t, 4, strings.Count(a.Output, "namespace: x"), a.Output)
}

// Whatever an archive holds, it is unpacked within bounds or refused.
func FuzzRun(f *testing.F) {
	f.Add(tgz(f, map[string]string{"a/Chart.yaml": "name: a\nversion: 1.0.0\napiVersion: v2", "a/templates/x.yaml": "a: {{ .Release.Name }}"}), "", "a: b")
	f.Add(tgz(f, map[string]string{"kustomization.yaml": "resources: [a.yaml]", "a.yaml": "kind: A"}), "kustomization.yaml", "")
	f.Add([]byte{0x1f, 0x8b}, "x", "{")
	f.Fuzz(func(t *testing.T, template []byte, path, values string) {
		small := bake.Limits{Unpacked: 1 << 16, Files: 20, Output: 1 << 16}
		for _, r := range []bake.Request{
			{Template: template, Directory: true, Limits: small, Helm: &bake.Helm{Release: "r", ChartPath: path, Values: [][]byte{[]byte(values)}}},
			{Template: template, Directory: true, Limits: small, Kustomize: &bake.Kustomize{File: path}},
			{Template: []byte(values), Limits: small, Kustomize: &bake.Kustomize{File: path}},
		} {
			a, err := bake.Run(r)
			if err != nil {
				require.Contains(t, []pipeline.Code{pipeline.CodeInvalid, pipeline.CodeFailed, pipeline.CodeTooLarge}, pipeline.CodeOf(err), fmt.Sprint(err))
				continue
			}
			require.LessOrEqual(t, len(a.Output), small.Output)
		}
	})
}
