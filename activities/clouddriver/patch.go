package clouddriver

import (
	"context"
	"encoding/json"
	"fmt"
	"log/slog"
	"slices"
	"strings"

	"k8s.io/apimachinery/pkg/apis/meta/v1/unstructured"
	"k8s.io/apimachinery/pkg/types"

	"github.com/gennaker/gennaker/activities"
	"github.com/gennaker/gennaker/pipeline"
)

const (
	// changeCauseAnnotation is where kubectl records the command of a change.
	changeCauseAnnotation = "kubernetes.io/change-cause"
	// maxChangeCause bounds the recorded command, in bytes; all annotations of an
	// object together may hold 256 KiB.
	maxChangeCause = 4096
	// maxPatchOps bounds a JSON patch; the API server takes no more either.
	maxPatchOps = 10_000
)

// PatchManifest implements [activities.ClouddriverOperations] (reference:
// clouddriver section 4). Artifacts are bound into the body of a strategic or
// merge patch by the rules of the object's kind. A patch that changes nothing is
// a success.
func (c *Clouddriver) PatchManifest(ctx context.Context, in activities.PatchManifestInput) (activities.PatchManifestOutput, error) {
	var none activities.PatchManifestOutput
	heart := startHeart(ctx, nil)
	defer heart.rest()
	cl, o, err := c.locate(ctx, in.ManifestInput, Write)
	if err != nil {
		return none, err
	}
	_, changed, bound, err := c.patch(ctx, cl, o, in)
	if err != nil {
		return none, err
	}
	c.log(in.Scope, in.Account).InfoContext(ctx, "manifest patched", slog.String("namespace", o.namespace), slog.String("name", o.fullName()), slog.Bool("changed", changed))
	metadata := map[string]any{"name": o.name}
	if o.namespace != "" {
		metadata["namespace"] = o.namespace
	}
	return activities.PatchManifestOutput{
		Manifests:                []pipeline.Map{{"kind": KindOf(o.resource.gvk).String(), "metadata": metadata}},
		ManifestNamesByNamespace: map[string][]string{scopeOf(o.namespace): {o.fullName()}},
		BoundArtifacts:           bound,
	}, nil
}

// patch patches an object and returns it, whether it changed, and what was bound.
func (c *Clouddriver) patch(ctx context.Context, cl *cluster, o object, in activities.PatchManifestInput) (*unstructured.Unstructured, bool, []pipeline.Artifact, error) {
	made, bound, err := c.patching(cl, o, in)
	if err != nil {
		return nil, false, nil, err
	}
	if in.Record {
		cause := changeCause(o, in.Strategy, made)
		made.record(cause)
	}
	patched, changed, err := cl.changeOnce(ctx, o, in.Scope.Key(), "patch", func(*unstructured.Unstructured) (*change, error) {
		// Each try sends the same patch; only its marks differ.
		return made, nil
	})
	if err != nil {
		return nil, false, nil, patchHint(err, o, in.Strategy)
	}
	return patched, changed, bound, nil
}

// patching reads the request's body as a change.
func (c *Clouddriver) patching(cl *cluster, o object, in activities.PatchManifestInput) (*change, []pipeline.Artifact, error) {
	if len(in.Body) == 0 {
		return nil, nil, pipeline.Errorf(pipeline.CodeInvalid, "The patch of %s requires a valid patch body.", o)
	}
	kind := types.StrategicMergePatchType
	switch in.Strategy {
	case activities.MergeJSON:
		made, err := jsonPatch(o, in.Body)
		return made, []pipeline.Artifact{}, err
	case activities.MergeMerge:
		kind = types.MergePatchType
	case activities.MergeStrategic:
	default:
		return nil, nil, pipeline.Errorf(pipeline.CodeInvalid, "The merge strategy %q of the patch of %s is unknown: use strategic, merge or json.", in.Strategy, o)
	}
	if len(in.Body) > 1 {
		return nil, nil, pipeline.Errorf(pipeline.CodeInvalid, "Only one patch object is valid when patching with `strategic` and `merge` patch strategies; there are %d.", len(in.Body))
	}
	fields, _ := plain(map[string]any(in.Body[0])).(map[string]any)
	gvk := KindOf(o.resource.gvk)
	body := &manifest{obj: &unstructured.Unstructured{Object: fields}, kind: gvk, info: cl.account.info(gvk), version: -1}
	var bound artifactSet
	for _, a := range c.settings.bindIn(body, o.namespace, newPool(in.RequiredArtifacts, in.AllArtifacts), in.Account) {
		bound.add(a)
	}
	if err := checkBound(in.RequiredArtifacts, bound); err != nil {
		return nil, nil, err
	}
	list := bound.list
	if list == nil {
		list = []pipeline.Artifact{}
	}
	return &change{kind: kind, manager: "kubectl-patch", fields: fields}, list, nil
}

// jsonPatch checks the operations of a JSON patch.
func jsonPatch(o object, body []pipeline.Map) (*change, error) {
	if len(body) > maxPatchOps {
		return nil, pipeline.Errorf(pipeline.CodeTooLarge, "The patch of %s has %d operations: at most %d are taken.", o, len(body), maxPatchOps)
	}
	known := []string{"add", "remove", "replace", "move", "copy", "test"}
	out := &change{kind: types.JSONPatchType, manager: "kubectl-patch"}
	for i, operation := range body {
		if !slices.Contains(known, operation.String("op")) {
			return nil, pipeline.Errorf(pipeline.CodeInvalid, "Operation %d of the patch of %s has the op %q: use one of %s.", i+1, o, operation.String("op"), strings.Join(known, ", "))
		}
		out.ops = append(out.ops, plain(map[string]any(operation)))
	}
	return out, nil
}

// record writes the change's cause with the change.
func (c *change) record(cause string) {
	if c.kind != types.JSONPatchType {
		if annotations := ensure(c.fields, "metadata", "annotations"); annotations != nil {
			annotations[changeCauseAnnotation] = cause
		}
		return
	}
	c.ops = append(c.ops, map[string]any{"op": "add", "path": "/metadata/annotations/" + escapePointer(changeCauseAnnotation), "value": cause})
}

// changeCause is the command that kubectl would record: its arguments, then its
// flags. What a patch of a Secret holds is left out.
func changeCause(o object, strategy string, c *change) string {
	var body any = c.fields
	if c.kind == types.JSONPatchType {
		body = c.ops
	}
	text, err := json.Marshal(body)
	kind := KindOf(o.resource.gvk)
	patch := string(text)
	if err != nil || kind.is("secret") {
		patch = "CLASSIFIED"
	}
	var where string
	if o.namespace != "" {
		where = " --namespace=" + o.namespace
	}
	cause := fmt.Sprintf("kubectl patch %s %s%s --record=true --type=%s --patch=%s", kind, o.name, where, strategy, patch)
	if len(cause) <= maxChangeCause {
		return cause
	}
	return strings.ToValidUTF8(cause[:maxChangeCause], "") + "…"
}

// patchHint tells what to do where a kind takes no strategic patch.
func patchHint(err error, o object, strategy string) error {
	if strategy == activities.MergeStrategic && strings.Contains(err.Error(), "strategic merge patch") ||
		strategy == activities.MergeStrategic && strings.Contains(err.Error(), "media type") {
		return pipeline.Wrap(pipeline.CodeInvalid, err, "Objects of the kind %s take no strategic patch: set options.mergeStrategy to merge or json. (%s)", KindOf(o.resource.gvk), pipeline.MessageOf(err))
	}
	return err
}
