package clouddriver

import (
	"context"
	"encoding/json"
	"errors"

	apierrors "k8s.io/apimachinery/pkg/api/errors"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/apis/meta/v1/unstructured"
	"k8s.io/apimachinery/pkg/runtime"
	"k8s.io/apimachinery/pkg/runtime/schema"
	"k8s.io/apimachinery/pkg/types"
	"k8s.io/apimachinery/pkg/util/jsonmergepatch"
	"k8s.io/apimachinery/pkg/util/mergepatch"
	"k8s.io/apimachinery/pkg/util/strategicpatch"
	"k8s.io/client-go/kubernetes/scheme"

	"github.com/gennaker/gennaker/pipeline"
)

// Field managers are kubectl's, so that objects which Spinnaker deployed with
// kubectl keep one owner when Gennaker takes over, and the reverse.
const (
	applyManager  = "kubectl-client-side-apply"
	serverManager = "kubectl"
	createManager = "kubectl-create"
)

// conflictTries is how often a write is repeated when another writer was
// faster.
const conflictTries = 5

// errVersionTaken says that another operation made the version which this one
// chose; the deployment starts over and chooses the next.
var errVersionTaken = errors.New("the version was taken by another operation")

// apply creates the object or brings it to the manifest by a three-way merge,
// as kubectl's client-side apply does: fields that an earlier apply set and
// this one does not are removed, fields of others stay.
func (cl *cluster) apply(ctx context.Context, m *manifest, t target) (*unstructured.Unstructured, error) {
	modified, err := withLastApplied(m.obj)
	if err != nil {
		return nil, err
	}
	var contest contest
	for try := 1; ; try++ {
		var live *unstructured.Unstructured
		missing := t.fresh && try == 1 // a fresh version is not there: to look would be one request more
		if !missing {
			live, err = cl.live(ctx, m, t)
			missing = apierrors.IsNotFound(err)
		}
		if missing {
			live, err = cl.create(ctx, modified, t, applyManager)
			if apierrors.IsAlreadyExists(err) && try < conflictTries {
				continue
			}
			return live, cl.blame(ctx, err, modified, "create", t)
		}
		if err != nil {
			return nil, cl.blame(ctx, err, modified, "read", t)
		}
		if m.taken(live, t) {
			return nil, errVersionTaken
		}
		patched, err := cl.merge(ctx, live, modified, t)
		if outrun(err) || apierrors.IsNotFound(err) {
			if err := contest.lost(ctx, cl, err, "apply", t.object); err != nil {
				return nil, err
			}
			continue
		}
		return patched, cl.blame(ctx, err, modified, "apply", t)
	}
}

// target says where and for whom a manifest is written.
type target struct {
	object
	operation string
	// fresh: the version was chosen as new, so the object must not exist unless
	// this operation made it.
	fresh bool
}

func (cl *cluster) create(ctx context.Context, obj *unstructured.Unstructured, t target, manager string) (*unstructured.Unstructured, error) {
	ctx, cancel := within(ctx)
	defer cancel()
	obj = obj.DeepCopy()
	pruneNulls(obj.Object)
	return cl.client(t.resource, t.namespace).Create(ctx, obj, metav1.CreateOptions{
		DryRun: dryRun(ctx), FieldManager: manager, FieldValidation: metav1.FieldValidationStrict,
	})
}

func (cl *cluster) merge(ctx context.Context, live, modified *unstructured.Unstructured, t target) (*unstructured.Unstructured, error) {
	kind, patch, err := threeWayPatch(live, modified)
	if err != nil {
		return nil, err
	}
	if string(patch) == "{}" {
		return live, nil
	}
	ctx, cancel := within(ctx)
	defer cancel()
	return cl.client(t.resource, t.namespace).Patch(ctx, t.name, kind, patch, metav1.PatchOptions{
		DryRun: dryRun(ctx), FieldManager: applyManager, FieldValidation: metav1.FieldValidationStrict,
	})
}

// withLastApplied returns a copy whose annotation holds the object itself, in
// kubectl's encoding.
func withLastApplied(obj *unstructured.Unstructured) (*unstructured.Unstructured, error) {
	out := obj.DeepCopy()
	if annotations, ok := dig(out.Object, "metadata", "annotations"); ok {
		delete(annotations, lastAppliedAnnotation)
	} else {
		ensure(out.Object, "metadata", "annotations")
	}
	encoded, err := runtime.Encode(unstructured.UnstructuredJSONScheme, out)
	if err != nil {
		return nil, pipeline.Wrap(pipeline.CodeInvalid, err, "The manifest cannot be written as JSON: %s.", err)
	}
	setAnnotation(out, lastAppliedAnnotation, string(encoded))
	return out, nil
}

// threeWayPatch computes what brings live to modified: a strategic merge for
// Kubernetes' own types, a JSON merge for all others.
func threeWayPatch(live, modified *unstructured.Unstructured) (types.PatchType, []byte, error) {
	current, err := json.Marshal(live)
	if err != nil {
		return "", nil, pipeline.Wrap(pipeline.CodeInternal, err, "The live object cannot be encoded: %s.", err)
	}
	wanted, err := json.Marshal(modified)
	if err != nil {
		return "", nil, pipeline.Wrap(pipeline.CodeInvalid, err, "The manifest cannot be written as JSON: %s.", err)
	}
	var original []byte
	if text := live.GetAnnotations()[lastAppliedAnnotation]; text != "" {
		original = []byte(text)
	}
	if patch, ok := strategic(live.GroupVersionKind(), original, wanted, current); ok {
		return types.StrategicMergePatchType, patch, nil
	}
	patch, err := jsonmergepatch.CreateThreeWayJSONMergePatch(original, wanted, current,
		mergepatch.RequireKeyUnchanged("apiVersion"), mergepatch.RequireKeyUnchanged("kind"),
		mergepatch.RequireMetadataKeyUnchanged("name"))
	if err != nil {
		return "", nil, pipeline.Wrap(pipeline.CodeInvalid, err, "The difference to the live object cannot be computed: %s.", err)
	}
	return types.MergePatchType, patch, nil
}

// strategic returns false for types that have no Go type here, and for objects
// with fields that the Go type does not know: the API server may be newer, and
// if it is not, its strict validation names the field.
func strategic(gvk schema.GroupVersionKind, original, wanted, current []byte) ([]byte, bool) {
	typed, err := scheme.Scheme.New(gvk)
	if err != nil {
		return nil, false
	}
	meta, err := strategicpatch.NewPatchMetaFromStruct(typed)
	if err != nil {
		return nil, false
	}
	patch, err := strategicpatch.CreateThreeWayMergePatch(original, wanted, current, meta, true)
	return patch, err == nil
}

// pruneNulls removes null fields of maps, as a later merge would.
func pruneNulls(m map[string]any) {
	for key, value := range m {
		switch v := value.(type) {
		case nil:
			delete(m, key)
		case map[string]any:
			pruneNulls(v)
		}
	}
}

// blame words an error about one object.
func (cl *cluster) blame(ctx context.Context, err error, obj *unstructured.Unstructured, verb string, t target) error {
	if err == nil {
		return nil
	}
	converted := fromAPI(ctx, err, cl.account.Name, verb+" "+t.String())
	var e *pipeline.Error
	if !errors.As(converted, &e) {
		return converted
	}
	if apierrors.IsNotFound(err) && unknownPath(err) {
		cl.catalog.forget() // the kind went away since discovery
	}
	const annotationLimit = 256 << 10
	if apierrors.IsInvalid(err) && len(obj.GetAnnotations()[lastAppliedAnnotation]) > annotationLimit {
		e.Details = append(e.Details, "The manifest is too large for kubectl's last-applied annotation. "+
			"Set the annotation strategy.spinnaker.io/server-side-apply: \"true\" on it.")
	}
	return e
}

// unknownPath tells a missing API from a missing object.
func unknownPath(err error) bool {
	var status apierrors.APIStatus
	if !errors.As(err, &status) {
		return false
	}
	d := status.Status().Details
	return d == nil || d.Name == ""
}
