package bake

import (
	"bytes"
	"fmt"
	"io/fs"
	"maps"
	"path"
	"slices"
	"strings"
	"time"

	"helm.sh/helm/v4/pkg/chart/common"
	commonutil "helm.sh/helm/v4/pkg/chart/common/util"
	"helm.sh/helm/v4/pkg/chart/loader/archive"
	chart "helm.sh/helm/v4/pkg/chart/v2"
	"helm.sh/helm/v4/pkg/chart/v2/loader"
	chartutil "helm.sh/helm/v4/pkg/chart/v2/util"
	"helm.sh/helm/v4/pkg/engine"
	"helm.sh/helm/v4/pkg/ignore"
	releaseutil "helm.sh/helm/v4/pkg/release/v1/util"
	"helm.sh/helm/v4/pkg/strvals"

	"github.com/gennaker/gennaker/pipeline"
)

// runHelm does what "helm template" does. Helm's own action is not used, since it
// brings the client of a cluster with it.
func runHelm(r Request) (Answer, error) {
	h := r.Helm
	if h.Release == "" {
		h.Release = "release-name" // as helm template names it
	}
	if err := chartutil.ValidateReleaseName(h.Release); err != nil {
		return Answer{}, pipeline.Errorf(pipeline.CodeInvalid, "The name '%s' cannot be a release's: %s.", h.Release, err)
	}
	values, err := h.values()
	if err != nil {
		return Answer{}, err
	}
	caps, err := h.capabilities()
	if err != nil {
		return Answer{}, err
	}
	c, needs, err := loadChart(r)
	if err != nil || len(needs) > 0 {
		return Answer{Needs: needs}, err
	}
	if kind := c.Metadata.Type; kind != "" && kind != "application" {
		return Answer{}, pipeline.Errorf(pipeline.CodeInvalid, "The chart '%s' is of type '%s', which renders nothing of its own.", c.Name(), kind)
	}
	if c.Metadata.KubeVersion != "" && !chartutil.IsCompatibleRange(c.Metadata.KubeVersion, caps.KubeVersion.String()) {
		return Answer{}, failed(fmt.Errorf("chart requires kubeVersion: %s which is incompatible with Kubernetes %s: set kubeVersion to that of the cluster", c.Metadata.KubeVersion, caps.KubeVersion.Version))
	}
	if err := chartutil.ProcessDependencies(c, values); err != nil {
		return Answer{}, failed(err)
	}
	inOrder(c)
	options := common.ReleaseOptions{Name: h.Release, Namespace: h.Namespace, Revision: 1, IsInstall: true}
	if options.Namespace == "" {
		options.Namespace = "default"
	}
	toRender, err := commonutil.ToRenderValues(c, values, options, caps)
	if err != nil {
		return Answer{}, failed(err)
	}
	//nolint:staticcheck // the other form takes a context, and here nothing is cancelled: the process is ended
	rendered, err := engine.Engine{}.Render(c, toRender)
	if err != nil {
		return Answer{}, failed(err)
	}
	return assemble(c, rendered, h.IncludeCRDs)
}

// values merges the values files, later ones over earlier ones, and then the
// overrides.
func (h *Helm) values() (map[string]any, error) {
	base := map[string]any{}
	for i, text := range h.Values {
		v, err := loader.LoadValues(bytes.NewReader(text))
		if err != nil {
			return nil, pipeline.Errorf(pipeline.CodeInvalid, "The values file %d cannot be read: %s.", i+1, strings.TrimSuffix(err.Error(), "."))
		}
		base = loader.MergeMaps(base, v)
	}
	for _, key := range slices.Sorted(maps.Keys(h.Overrides)) {
		for _, o := range override(key, h.Overrides[key]) {
			set := strvals.ParseIntoString
			if h.RawOverrides {
				set = strvals.ParseInto
			}
			if err := set(o, base); err != nil {
				return nil, pipeline.Errorf(pipeline.CodeInvalid, "The override '%s' cannot be read: %s. In a value, write \\, for a comma.", key, strings.TrimSuffix(err.Error(), "."))
			}
		}
	}
	return base, nil
}

// override writes one override as Helm's --set takes it: text as it stands, a
// list in braces, an object as one override for each of its keys.
func override(key string, v any) []string {
	switch v := v.(type) {
	case nil:
		return []string{key + "=null"}
	case string:
		return []string{key + "=" + v}
	case []any:
		if !slices.ContainsFunc(v, func(e any) bool { return pipeline.AsMap(e) != nil }) {
			parts := make([]string, len(v))
			for i, e := range v {
				parts[i] = strings.NewReplacer(",", `\,`, "{", `\{`, "}", `\}`).Replace(plain(e))
			}
			return []string{key + "={" + strings.Join(parts, ",") + "}"}
		}
		var out []string
		for i, e := range v {
			out = append(out, override(fmt.Sprintf("%s[%d]", key, i), e)...)
		}
		return out
	}
	if m := pipeline.AsMap(v); m != nil {
		var out []string
		for _, k := range slices.Sorted(maps.Keys(m)) {
			out = append(out, override(key+"."+strings.ReplaceAll(k, ".", `\.`), m[k])...)
		}
		return out
	}
	return []string{key + "=" + plain(v)}
}

func plain(v any) string {
	if s, ok := v.(string); ok {
		return s
	}
	text, err := pipeline.EncodeValue(v)
	if err != nil {
		return fmt.Sprint(v)
	}
	return string(text)
}

func (h *Helm) capabilities() (*common.Capabilities, error) {
	caps := common.DefaultCapabilities.Copy()
	if version := strings.TrimSpace(h.KubeVersion); version != "" {
		parsed, err := common.ParseKubeVersion(version)
		if err != nil {
			return nil, pipeline.Errorf(pipeline.CodeInvalid, "The kubeVersion '%s' is no version of Kubernetes: write one such as 1.33.", h.KubeVersion)
		}
		caps.KubeVersion = *parsed
	}
	caps.APIVersions = slices.Clone(caps.APIVersions)
	for v := range strings.SplitSeq(h.APIVersions, ",") {
		if v = strings.TrimSpace(v); v != "" {
			caps.APIVersions = append(caps.APIVersions, v)
		}
	}
	return caps, nil
}

// loadChart reads the chart and the charts that it depends on.
func loadChart(r Request) (*chart.Chart, []Need, error) {
	if !isArchive(r.Template) {
		return nil, nil, pipeline.Errorf(pipeline.CodeInvalid, "The first artifact is no chart: it should be a package (.tgz), or a git repository.")
	}
	files, err := unpack(r.Template, "The chart", r.Limits)
	if err != nil {
		return nil, nil, err
	}
	folder, err := chartFolder(files, r.Helm.ChartPath)
	if err != nil {
		return nil, nil, err
	}
	archive.MaxDecompressedChartSize = r.Limits.Unpacked
	l := &chartLoader{files: files, given: r.Given, directory: r.Directory}
	c, err := l.load(folder, 0)
	if err != nil {
		return nil, nil, err
	}
	return c, l.needs, nil
}

// chartFolder finds the chart's folder: where it was said to be, or the one
// folder that a package has.
func chartFolder(files map[string][]byte, chartPath string) (string, error) {
	folder := path.Clean("./" + strings.TrimSuffix(strings.Trim(chartPath, "/"), "Chart.yaml"))
	if folder != "." {
		var ok bool
		if folder, ok = within(folder); !ok {
			return "", pipeline.Errorf(pipeline.CodeInvalid, "The helmChartFilePath '%s' leaves the template.", chartPath)
		}
	}
	if _, ok := files[path.Join(folder, "Chart.yaml")]; ok {
		return folder, nil
	}
	if folder != "." {
		return "", pipeline.Errorf(pipeline.CodeInvalid, "There is no Chart.yaml in the folder '%s' of the template: correct helmChartFilePath.", chartPath)
	}
	var found []string
	for name := range files {
		if top, rest, _ := strings.Cut(name, "/"); rest == "Chart.yaml" {
			found = append(found, top)
		}
	}
	if len(found) == 1 {
		return found[0], nil
	}
	return "", pipeline.Errorf(pipeline.CodeInvalid, "The template has no Chart.yaml at its root: set helmChartFilePath to the chart's folder.")
}

// maxChartDepth bounds charts in charts of a repository.
const maxChartDepth = 10

type chartLoader struct {
	files     map[string][]byte
	given     map[string][]byte
	directory bool
	needs     []Need
}

func (l *chartLoader) load(folder string, depth int) (*chart.Chart, error) {
	if depth > maxChartDepth {
		return nil, pipeline.Errorf(pipeline.CodeInvalid, "The charts of the repository depend on each other more than %d deep.", maxChartDepth)
	}
	own := below(l.files, folder)
	ignored, err := l.ignored(own)
	if err != nil {
		return nil, err
	}
	var buffered []*archive.BufferedFile
	for _, name := range slices.Sorted(maps.Keys(own)) {
		if !ignored(name) {
			buffered = append(buffered, &archive.BufferedFile{Name: name, Data: own[name]})
		}
	}
	c, err := loader.LoadFiles(buffered)
	if err != nil {
		return nil, failed(err)
	}
	return c, l.dependencies(c, folder, depth)
}

// ignored reads .helmignore, which Helm follows in folders and not in packages.
func (l *chartLoader) ignored(own map[string][]byte) (func(string) bool, error) {
	text, ok := own[".helmignore"]
	if !ok || !l.directory {
		return func(string) bool { return false }, nil
	}
	rules, err := ignore.Parse(bytes.NewReader(text))
	if err != nil {
		return nil, failed(fmt.Errorf(".helmignore: %w", err))
	}
	rules.AddDefaults()
	return func(name string) bool {
		for i, c := range name { // a folder that is ignored takes its files along
			if c == '/' && rules.Ignore(name[:i], info{path.Base(name[:i]), true}) {
				return true
			}
		}
		return rules.Ignore(name, info{path.Base(name), false})
	}, nil
}

// info is a file's description for .helmignore.
type info struct {
	name   string
	folder bool
}

func (i info) Name() string       { return i.name }
func (i info) Size() int64        { return 0 }
func (i info) ModTime() time.Time { return time.Time{} }
func (i info) IsDir() bool        { return i.folder }
func (i info) Sys() any           { return nil }
func (i info) Mode() fs.FileMode {
	if i.folder {
		return fs.ModeDir
	}
	return 0
}

// dependencies adds the charts that c asks for and does not bring.
func (l *chartLoader) dependencies(c *chart.Chart, folder string, depth int) error {
	for _, d := range c.Metadata.Dependencies {
		if d == nil || slices.ContainsFunc(c.Dependencies(), func(have *chart.Chart) bool { return have.Name() == d.Name }) {
			continue
		}
		if local, ok := strings.CutPrefix(d.Repository, "file://"); ok {
			where, ok := within(path.Join(folder, local))
			if _, there := l.files[path.Join(where, "Chart.yaml")]; !ok || !there {
				return pipeline.Errorf(pipeline.CodeInvalid, "The chart '%s' depends on '%s' in the folder '%s', which the template does not have.", c.Name(), d.Name, local)
			}
			sub, err := l.load(where, depth+1)
			if err != nil {
				return err
			}
			c.AddDependency(sub)
			continue
		}
		version := d.Version
		if c.Lock != nil {
			for _, locked := range c.Lock.Dependencies {
				if locked != nil && locked.Name == d.Name && locked.Repository == d.Repository {
					version = locked.Version
				}
			}
		}
		key := strings.Join([]string{NeedChart, d.Repository, d.Name, version}, "\n")
		content, ok := l.given[key]
		if !ok {
			l.needs = append(l.needs, Need{Key: key, Kind: NeedChart, Repository: d.Repository, Name: d.Name, Version: version, By: c.Name()})
			continue
		}
		sub, err := loader.LoadArchive(bytes.NewReader(content))
		if err != nil {
			return failed(fmt.Errorf("the chart %s, which %s depends on: %w", d.Name, c.Name(), err))
		}
		c.AddDependency(sub)
	}
	return nil
}

// inOrder sorts charts in charts, so that the same input gives the same output.
func inOrder(c *chart.Chart) {
	list := slices.Clone(c.Dependencies())
	slices.SortStableFunc(list, func(a, b *chart.Chart) int { return strings.Compare(a.Name(), b.Name()) })
	c.SetDependencies(list...)
	for _, d := range list {
		inOrder(d)
	}
}

// assemble puts the rendered files together as "helm template" prints them:
// resource definitions, manifests in the order of installation, hooks. Notes,
// partials and what is under templates/tests is left out.
func assemble(c *chart.Chart, rendered map[string]string, withCRDs bool) (Answer, error) {
	for name := range rendered {
		if strings.HasSuffix(name, "NOTES.txt") {
			delete(rendered, name)
		}
	}
	hooks, manifests, err := releaseutil.SortManifests(rendered, nil, releaseutil.InstallOrder)
	if err != nil {
		return Answer{}, failed(err)
	}
	var main, after strings.Builder
	write := func(b *strings.Builder, name, text string) {
		if !strings.Contains(name, "/templates/tests/") {
			fmt.Fprintf(b, "---\n# Source: %s\n%s\n", name, text)
		}
	}
	if withCRDs {
		for _, crd := range c.CRDObjects() {
			write(&main, crd.Filename, string(crd.File.Data))
		}
	}
	for _, m := range manifests {
		write(&main, m.Name, m.Content)
	}
	for _, h := range hooks {
		write(&after, h.Path, h.Manifest)
	}
	out := strings.TrimSpace(main.String()) + "\n"
	if main.Len() == 0 {
		out = ""
	}
	return Answer{Output: out + after.String()}, nil
}
