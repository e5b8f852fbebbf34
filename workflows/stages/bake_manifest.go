package stages

import (
	"strings"
	"time"

	"go.temporal.io/sdk/workflow"

	"github.com/gennaker/gennaker/activities"
	"github.com/gennaker/gennaker/pipeline"
	"github.com/gennaker/gennaker/workflows"
)

// BakeManifest renders a Helm chart or a kustomization into manifests, which it
// leaves as one artifact (reference: orca section 6.1, clouddriver section 15).
//
//	{"type": "bakeManifest", "refId": "1", "name": "Bake", "templateRenderer": "HELM3",
//	 "outputName": "shop", "namespace": "shop", "overrides": {"replicas": "3"},
//	 "inputArtifacts": [
//	  {"account": "charts", "artifact": {"type": "helm/chart", "name": "shop", "version": "1.4.0"}},
//	  {"account": "github", "id": "5f0c…"}],
//	 "expectedArtifacts": [{"id": "91aa…", "matchArtifact": {"type": "embedded/base64", "name": "shop-manifests"}}]}
type BakeManifest struct{}

var (
	_ workflows.StageType  = BakeManifest{}
	_ workflows.Caller     = BakeManifest{}
	_ workflows.Checker    = BakeManifest{}
	_ workflows.Restarter  = BakeManifest{}
	_ workflows.Documented = BakeManifest{}
)

// bakeTimeout bounds a bake with its retries. Orca allows 5 minutes, of calls that
// only wait for Rosco's answer.
const bakeTimeout = 30 * time.Minute

// Type implements workflows.StageType.
func (BakeManifest) Type() string { return "bakeManifest" }

// Tasks implements workflows.StageType.
func (b BakeManifest) Tasks(*pipeline.Stage) []workflows.Task {
	return []workflows.Task{{Name: "createBake", Timeout: bakeTimeout, Run: b.bake}, workflows.BindProducedArtifacts()}
}

// Check implements workflows.Checker.
func (BakeManifest) Check(s *pipeline.Stage) error {
	if len(inputsOf(s)) == 0 {
		return pipeline.Errorf(pipeline.CodeInvalid, "At least one input artifact to bake must be supplied")
	}
	if len(s.Context.List("expectedArtifacts")) != 1 {
		return pipeline.Errorf(pipeline.CodeInvalid, "The Bake (Manifest) stage produces one embedded base64 artifact.  Please ensure that your Bake (Manifest) stage"+
			" config's `Produces Artifacts` section (`expectedArtifacts` field) contains exactly one artifact.")
	}
	switch renderer := rendererOf(s); renderer {
	case "HELM2", "HELM3", "KUSTOMIZE", "KUSTOMIZE4", "KUSTOMIZE5":
		return nil
	case "HELMFILE", "CF":
		return pipeline.Errorf(pipeline.CodeInvalid, "The stage '%s' has the template renderer %s, which this version does not have: use HELM3 or KUSTOMIZE5.", s.Name, renderer)
	}
	return pipeline.Errorf(pipeline.CodeInvalid, "Invalid template renderer %s: the stage '%s' takes HELM3, HELM2, KUSTOMIZE5, KUSTOMIZE4 and KUSTOMIZE.", s.Context.String("templateRenderer"), s.Name)
}

func rendererOf(s *pipeline.Stage) string {
	return strings.ToUpper(strings.TrimSpace(s.Context.String("templateRenderer")))
}

// inputsOf lists the input artifacts as they stand in the stage: a list, or a
// single one in older pipelines.
func inputsOf(s *pipeline.Stage) []pipeline.Map {
	var out []pipeline.Map
	for _, v := range s.Context.List("inputArtifacts") {
		out = append(out, pipeline.AsMap(v))
	}
	if len(out) > 0 {
		return out
	}
	if single := s.Context.Map("inputArtifact"); single != nil {
		return []pipeline.Map{single}
	}
	if id := s.Context.String("inputArtifactId"); id != "" {
		return []pipeline.Map{{"id": id, "account": s.Context.String("inputArtifactAccount")}}
	}
	return nil
}

func (b BakeManifest) bake(ctx workflow.Context, t *workflows.TaskRun) (workflows.Outcome, error) {
	s := t.Stage
	if err := b.Check(s); err != nil {
		return workflows.Outcome{}, err
	}
	in := activities.BakeManifestInput{
		Scope: t.Scope(), Renderer: rendererOf(s),
		OutputName: s.Context.String("outputName"), Namespace: s.Context.String("namespace"),
		RawOverrides: s.Context.Bool("rawOverrides"), IncludeCRDs: s.Context.Bool("includeCRDs"),
		APIVersions: s.Context.String("apiVersions"), KubeVersion: s.Context.String("kubeVersion"),
		HelmChartFilePath: s.Context.String("helmChartFilePath"), KustomizeFilePath: s.Context.String("kustomizeFilePath"),
	}
	var err error
	if in.OutputArtifactName, err = outputArtifactName(s); err != nil {
		return workflows.Outcome{}, err
	}
	if in.Artifacts, err = b.inputs(ctx, t); err != nil {
		return workflows.Outcome{}, err
	}
	if in.Overrides, err = b.overrides(ctx, t); err != nil {
		return workflows.Outcome{}, err
	}
	out, err := workflows.Call(ctx, t, activities.BakeManifest, in)
	if err != nil {
		return workflows.Outcome{}, err
	}
	artifacts, err := artifactValues([]pipeline.Artifact{out.Artifact})
	outputs := pipeline.Map{"artifacts": artifacts, "cloudProvider": "kubernetes"}
	return workflows.Outcome{Context: outputs, Outputs: outputs.Clone()}, err
}

// outputArtifactName is the name by which the result is expected.
func outputArtifactName(s *pipeline.Stage) (string, error) {
	expected, err := pipeline.ParseExpectedArtifacts(s.Context.List("expectedArtifacts"))
	if err != nil {
		return "", pipeline.Wrap(pipeline.CodeInvalid, err, "The expectedArtifacts of stage '%s' cannot be read: %s", s.Name, pipeline.MessageOf(err))
	}
	if expected[0].MatchArtifact == nil {
		return "", nil
	}
	return expected[0].MatchArtifact.Name, nil
}

// inputs resolves the input artifacts; an account beside one is used in place of
// its own.
func (BakeManifest) inputs(ctx workflow.Context, t *workflows.TaskRun) ([]pipeline.Artifact, error) {
	var out []pipeline.Artifact
	for _, m := range inputsOf(t.Stage) {
		inline, err := inlineArtifact(t.Stage, m.Map("artifact"), "input artifact")
		if err != nil {
			return nil, err
		}
		id, account := m.String("id"), m.String("account")
		artifact, err := t.BoundArtifact(ctx, id, inline)
		if err != nil {
			return nil, err
		}
		if artifact == nil {
			return nil, pipeline.Errorf(pipeline.CodeInvalid, "Input artifact (id: %s, account: %s) could not be found in execution (id: %s).", id, account, t.Execution().ID)
		}
		if account != "" {
			artifact.ArtifactAccount = account
		}
		out = append(out, *artifact)
		if strings.HasPrefix(rendererOf(t.Stage), "KUSTOMIZE") {
			break // one is all that it takes
		}
	}
	return out, nil
}

// overrides are the stage's, their expressions evaluated once more when it says
// so: an expression may have given text that holds another.
func (BakeManifest) overrides(ctx workflow.Context, t *workflows.TaskRun) (pipeline.Map, error) {
	overrides := t.Stage.Context.Map("overrides")
	if len(overrides) == 0 || !t.Stage.Context.Bool("evaluateOverrideExpressions") {
		return overrides, nil
	}
	value, _, err := t.Evaluate(ctx, map[string]any(overrides))
	if err != nil {
		return nil, err
	}
	return pipeline.AsMap(value), nil
}

// PrepareRestart implements workflows.Restarter.
func (BakeManifest) PrepareRestart(s *pipeline.Stage, _ pipeline.Map) {
	for _, key := range []string{"artifacts", "resolvedExpectedArtifacts"} {
		delete(s.Context, key)
		delete(s.Outputs, key)
	}
}

// Calls implements workflows.Caller.
func (BakeManifest) Calls(s *pipeline.Stage) []string {
	var out []string
	for _, m := range inputsOf(s) {
		call := "fetch the artifact " + artifactTitle(m.String("id"), m.Map("artifact"))
		account := m.String("account")
		if account == "" {
			account = m.Map("artifact").String("artifactAccount")
		}
		if account != "" {
			call += " with the artifact account " + account
		}
		out = append(out, call)
	}
	return append(out, "bake it with "+rendererOf(s))
}

// Describe implements workflows.Documented.
func (BakeManifest) Describe() workflows.Description {
	return workflows.Description{
		Summary: "Renders a Helm chart or a kustomization into manifests, and leaves them as an artifact for stages that deploy.",
		Inputs: []workflows.Field{
			{Name: "templateRenderer", Type: "HELM3, HELM2, KUSTOMIZE5, KUSTOMIZE4 or KUSTOMIZE", Text: "What renders, in any case. HELMFILE and CF are not available."},
			{Name: "inputArtifacts", Type: "list of {id, account, artifact}", Text: "The template, and for Helm the values files in order: expected artifacts by their id, or artifacts that stand here. `account` is used in place of the artifact's own. Older pipelines hold a single `inputArtifact`."},
			{Name: "expectedArtifacts", Type: "list of one expected artifact", Text: "The result: its matchArtifact's name is the name of the artifact that comes out."},
			{Name: "outputName", Type: "text", Default: "release-name", Text: "Helm: the name of the release."},
			{Name: "namespace", Type: "namespace", Default: "default", Text: "Helm: the namespace of the release."},
			{Name: "overrides", Type: "map", Text: "Helm: values that beat those of the files. Keys are written as for `--set`: `image.tag`, `ports[0]`."},
			{Name: "rawOverrides", Type: "boolean", Default: "false", Text: "Helm: whether the values of overrides may be numbers and booleans, as with `--set`; else each is text, as with `--set-string`."},
			{Name: "evaluateOverrideExpressions", Type: "boolean", Default: "false", Text: "Whether the overrides are evaluated once more, for expressions in what expressions gave."},
			{Name: "includeCRDs", Type: "boolean", Default: "false", Text: "HELM3: whether the chart's resource definitions come out too."},
			{Name: "apiVersions", Type: "list with commas", Text: "Helm: API versions that the cluster has besides the usual ones."},
			{Name: "kubeVersion", Type: "version", Default: "that of Gennaker's Kubernetes client", Text: "Helm: the cluster's version, for charts that ask."},
			{Name: "helmChartFilePath", Type: "path", Default: "the root", Text: "Helm: the chart's folder in a git repository."},
			{Name: "kustomizeFilePath", Type: "path", Text: "Kustomize: the kustomization file in a git repository. Required for one."},
		},
		Outputs: []workflows.Field{
			{Name: "artifacts", Type: "list of one artifact", Text: "Of type `embedded/base64`, with the manifests in its reference."},
			{Name: "resolvedExpectedArtifacts", Type: "list of one expected artifact", Text: "With its `boundArtifact`."},
			{Name: "cloudProvider", Type: "kubernetes", Text: "As Orca leaves it."},
		},
		Notes: []string{
			"The template is rendered by Helm's and Kustomize's own code in a process without files, network and environment, whose time and memory are bounded. An error quotes the template's file and line.",
			"HELM2 renders with the same code as HELM3: charts for Helm 2 come out as they do in Helm 3, `requirements.yaml` included. `includeCRDs` is passed over, as in Rosco, and `crd-install` hooks are not rendered.",
			"KUSTOMIZE and KUSTOMIZE4 render with Kustomize 5. Plugins, functions and chart inflation are off.",
			"What is under `templates/tests/` is left out, as in Rosco. Hooks stay.",
			"Charts that a chart depends on and does not bring are fetched, by `Chart.lock` where there is one: from repositories of artifact accounts, from those in `rosco-dependency-repositories`, and from `file://` folders of the same repository.",
			"Bases and files of a kustomization that are elsewhere are refused, unless an operator sets `rosco-kustomize-remote`; they are then fetched without credentials.",
			"The same artifacts and options give the same manifests, unless the template itself draws random values. With an empty `version` an artifact may change under its name.",
			"A kustomization outside a git repository is an artifact whose name is its path and whose reference ends in that path; its other files are fetched one by one with the same account.",
		},
	}
}
