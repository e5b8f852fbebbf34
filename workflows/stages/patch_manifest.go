package stages

import (
	"maps"
	"slices"
	"strings"

	"go.temporal.io/sdk/workflow"

	"github.com/gennaker/gennaker/activities"
	"github.com/gennaker/gennaker/pipeline"
	"github.com/gennaker/gennaker/workflows"
)

// PatchManifest patches a live object and waits until it is stable (reference:
// orca section 6.1, clouddriver sections 4 and 11).
//
//	{"type": "patchManifest", "refId": "1", "name": "Patch", "account": "prod",
//	 "cloudProvider": "kubernetes", "location": "shop", "source": "text",
//	 "manifestName": "deployment web", "patchBody": [{"spec": {"replicas": 3}}],
//	 "options": {"mergeStrategy": "strategic", "record": true}}
type PatchManifest struct{}

var (
	_ workflows.StageType  = PatchManifest{}
	_ workflows.Caller     = PatchManifest{}
	_ workflows.Checker    = PatchManifest{}
	_ workflows.Receiver   = PatchManifest{}
	_ workflows.Documented = PatchManifest{}
)

// Type implements workflows.StageType.
func (PatchManifest) Type() string { return "patchManifest" }

// Tasks implements workflows.StageType.
func (PatchManifest) Tasks(s *pipeline.Stage) []workflows.Task {
	return []workflows.Task{
		{Name: "resolveTargetManifest", Run: resolveTarget},
		{Name: "resolvePatchSourceManifest", Timeout: sourceTimeout, Run: resolvePatch},
		{Name: "patchManifest", Timeout: operationTimeout, Run: patch},
		instant("monitorPatch"),
		{Name: "promoteManifestKatoOutputs", Run: promotePatch},
		becomesStable(s),
		workflows.BindProducedArtifacts(),
	}
}

// Check implements workflows.Checker.
func (PatchManifest) Check(s *pipeline.Stage) error {
	if err := checkSource(s); err != nil {
		return err
	}
	_, _, err := patchOptions(s)
	return err
}

// patchOptions are the merge strategy, strategic by default, and whether the
// change's cause is recorded, true by default.
func patchOptions(s *pipeline.Stage) (strategy string, record bool, err error) {
	options := s.Context.Map("options")
	strategy, record = options.String("mergeStrategy"), true
	if strategy == "" {
		strategy = activities.MergeStrategic
	}
	if options["record"] != nil {
		record = options.Bool("record")
	}
	known := []string{activities.MergeStrategic, activities.MergeMerge, activities.MergeJSON}
	if !slices.Contains(known, strategy) {
		return "", false, pipeline.Errorf(pipeline.CodeInvalid, "The stage '%s' has the merge strategy '%s': set options.mergeStrategy to %s.", s.Name, strategy, strings.Join(known, ", "))
	}
	return strategy, record, nil
}

func resolvePatch(ctx workflow.Context, t *workflows.TaskRun) (workflows.Outcome, error) {
	if err := (PatchManifest{}).Check(t.Stage); err != nil {
		return workflows.Outcome{}, err
	}
	body, err := sourceManifests(ctx, t, "patchBody")
	if err != nil {
		return workflows.Outcome{}, err
	}
	if len(body) == 0 {
		return workflows.Outcome{}, pipeline.Errorf(pipeline.CodeInvalid, "The Patch (Manifest) stage requires a valid patch body. Please add a patch body inline or with an artifact.")
	}
	if strategy, _, _ := patchOptions(t.Stage); strategy != activities.MergeJSON && len(body) > 1 {
		return workflows.Outcome{}, pipeline.Errorf(pipeline.CodeInvalid, "Only one patch object is valid when patching with `strategic` and `merge` patch strategies.")
	}
	required, err := requiredArtifacts(ctx, t)
	if err != nil {
		return workflows.Outcome{}, err
	}
	bound, err := artifactValues(required)
	if err != nil {
		return workflows.Outcome{}, err
	}
	out := pipeline.Map{"manifests": manifestValues(body), "requiredArtifacts": bound}
	return workflows.Outcome{Context: out, Outputs: out.Clone()}, nil
}

func patch(ctx workflow.Context, t *workflows.TaskRun) (workflows.Outcome, error) {
	in := activities.PatchManifestInput{}
	var err error
	if in.ManifestInput, err = targetOf(t); err != nil {
		return workflows.Outcome{}, err
	}
	if _, err := findAccount(ctx, t); err != nil {
		return workflows.Outcome{}, err
	}
	if in.Strategy, in.Record, err = patchOptions(t.Stage); err != nil {
		return workflows.Outcome{}, err
	}
	// From the context: the workflow may have continued as new since the source was
	// resolved.
	for _, v := range t.Stage.Context.List("manifests") {
		in.Body = append(in.Body, pipeline.AsMap(v))
	}
	for _, v := range t.Stage.Context.List("requiredArtifacts") {
		var a pipeline.Artifact
		if err := pipeline.Bind(v, &a); err != nil {
			return workflows.Outcome{}, pipeline.Wrap(pipeline.CodeInvalid, err, "A required artifact of stage '%s' cannot be read.", t.Stage.Name)
		}
		in.RequiredArtifacts = append(in.RequiredArtifacts, a)
	}
	if in.AllArtifacts, err = t.Artifacts(); err != nil {
		return workflows.Outcome{}, err
	}
	out, err := workflows.Call(ctx, t, activities.PatchManifest, in)
	if err != nil {
		return workflows.Outcome{}, err
	}
	context := katoTasks(t)
	context["deploy.account.name"] = in.Account
	promoted, err := manifestOutputs(activities.DeployManifestOutput{
		Manifests: out.Manifests, ManifestNamesByNamespace: out.ManifestNamesByNamespace, BoundArtifacts: out.BoundArtifacts,
	})
	maps.Copy(context, promoted)
	return workflows.Outcome{Context: context}, err
}

// promotePatch makes what the operation answered outputs of the stage.
func promotePatch(_ workflow.Context, t *workflows.TaskRun) (workflows.Outcome, error) {
	outputs := pipeline.Map{}
	for _, key := range promotedKeys {
		if v, ok := t.Stage.Context[key]; ok {
			outputs[key] = v
		}
	}
	return workflows.Outcome{Outputs: outputs}, nil
}

// Received implements workflows.Receiver: what the cluster answered, and a patch
// that was fetched, whose expressions are evaluated once.
func (PatchManifest) Received(s *pipeline.Stage) []string {
	if fromArtifact(s) {
		return append([]string{deployedKey, "manifests"}, waitingKeys...)
	}
	return append([]string{deployedKey}, waitingKeys...)
}

// Calls implements workflows.Caller.
func (PatchManifest) Calls(s *pipeline.Stage) []string {
	calls := callOn("patch", s)
	if fromArtifact(s) {
		return append([]string{fetchCall(s)}, calls...)
	}
	return calls
}

// Describe implements workflows.Documented.
func (PatchManifest) Describe() workflows.Description {
	return workflows.Description{
		Summary: "Patches a live Kubernetes object and waits until it is stable.",
		Inputs: targetInputs(
			sourceField("the patch comes"), manifestArtifactField, manifestArtifactIDField, manifestArtifactAccountField,
			workflows.Field{Name: "patchBody", Type: "object or list", Text: "The patch, with source text: one object, or with the strategy json the list of {op, path, value}."},
			workflows.Field{Name: "options", Type: "map", Text: "`mergeStrategy` (strategic, merge or json; default strategic) and `record` (default true), which writes the command to the annotation kubernetes.io/change-cause."},
			requiredArtifactsField, requiredArtifactIDsField, stableField),
		Outputs: []workflows.Field{
			{Name: "outputs.manifests", Type: "list of objects", Text: "Kind, namespace and name of what was patched."},
			{Name: "outputs.manifestNamesByNamespace", Type: "map", Text: "\"kind name\" under each namespace."},
			{Name: "outputs.boundArtifacts", Type: "list of artifacts", Text: "The artifacts that were bound into the patch."},
			{Name: "manifests", Type: "list of objects", Text: "The patch itself."},
			targetField,
		},
		Notes: []string{
			"A patch that changes nothing is no failure. A json patch binds no artifacts.",
			"A worker that dies leaves no doubt: the patch carries the stage's key, so it is applied once, also a json patch that appends.",
			stabilityNote,
		},
	}
}
