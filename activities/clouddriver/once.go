package clouddriver

import (
	"context"
	"encoding/json"
	"slices"
	"strings"
	"time"

	apierrors "k8s.io/apimachinery/pkg/api/errors"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/apis/meta/v1/unstructured"
	"k8s.io/apimachinery/pkg/types"

	"github.com/gennaker/gennaker/pipeline"
)

const (
	// doneAnnotation lists the keys of the last operations that changed an object,
	// the newest first, separated by spaces. An operation writes its key with its
	// change, in one request; a repetition that finds it changes nothing.
	doneAnnotation = "gennaker.io/operations-done"
	// doneKept is how many keys are listed: how many operations may change an
	// object between a crash and the repetition.
	doneKept = 5
	// changePatience is how long a change is computed anew because the object
	// changed meanwhile; controllers write its status all the time.
	changePatience = 30 * time.Second
)

// change is one change of a live object.
type change struct {
	kind types.PatchType
	// fields is the body of a merge or strategic patch, ops that of a JSON patch.
	fields  map[string]any
	ops     []any
	manager string
}

// changeOnce changes one live object, or nothing when this operation already
// did. propose computes the change from the object's present state, and anew when
// that changed before the change reached it; nil means there is nothing to do. It
// returns the object, and whether the change was made now.
func (cl *cluster) changeOnce(ctx context.Context, o object, operation, verb string, propose func(*unstructured.Unstructured) (*change, error)) (*unstructured.Unstructured, bool, error) {
	var contest contest
	for {
		live, err := cl.get(ctx, o.resource, o.namespace, o.name)
		if err != nil {
			return nil, false, cl.missing(ctx, err, o, verb)
		}
		if slices.Contains(doneOperations(live), operation) {
			return live, false, nil
		}
		c, err := propose(live)
		if err != nil || c == nil {
			return live, false, err
		}
		changed, err := cl.write(ctx, o, *c, live, operation)
		if err == nil {
			return changed, true, nil
		}
		if !outrun(err) || c.pinned() {
			return nil, false, cl.missing(ctx, err, o, verb)
		}
		if err := contest.lost(ctx, cl, err, verb, o); err != nil {
			return nil, false, err
		}
	}
}

// pinned reports whether the request itself names the version that it is for.
func (c change) pinned() bool {
	metadata, _ := dig(c.fields, "metadata")
	return metadata["resourceVersion"] != nil
}

// outrun reports whether an error says that another writer was faster; an
// admission webhook that answers so has decided.
func outrun(err error) bool { return apierrors.IsConflict(err) && !denied(err.Error()) }

// contest is a change of an object that others change too.
type contest struct {
	began time.Time
	tries int
}

// lost lets the other writer finish before the next try. Errors: conflict with
// err as its cause when others were faster for [changePatience].
func (c *contest) lost(ctx context.Context, cl *cluster, err error, verb string, o object) error {
	if c.tries++; c.tries == 1 {
		c.began = time.Now()
	}
	if time.Since(c.began) > changePatience {
		return pipeline.Wrap(pipeline.CodeConflict, err,
			"Account %q could not %s %s: the object changed %d times before the change reached it. Find out who writes to it all the time (its metadata.managedFields name them), then restart the stage.",
			cl.account.Name, verb, o, c.tries)
	}
	return pause(ctx, min(time.Duration(c.tries)*10*time.Millisecond, 200*time.Millisecond))
}

// missing words an error about an object that is to be changed.
func (cl *cluster) missing(ctx context.Context, err error, o object, verb string) error {
	if apierrors.IsNotFound(err) && unknownPath(err) {
		cl.catalog.forget() // the kind went away since discovery
	}
	return fromAPI(ctx, err, cl.account.Name, verb+" "+o.String())
}

// write sends a change with the operation's mark. It takes effect only on the
// very state that it was computed from, so that a request which a dead process
// sent cannot arrive after the repetition's.
func (cl *cluster) write(ctx context.Context, o object, c change, live *unstructured.Unstructured, operation string) (*unstructured.Unstructured, error) {
	var body any
	if c.kind == types.JSONPatchType {
		body = c.markedOps(live, operation)
	} else {
		body = c.markedFields(live, operation)
	}
	data, err := json.Marshal(body)
	if err != nil {
		return nil, pipeline.Wrap(pipeline.CodeInvalid, err, "The patch cannot be written as JSON: %s.", err)
	}
	return cl.patch(ctx, target{object: o}, c.kind, data, metav1.PatchOptions{FieldManager: c.manager})
}

// markedFields adds the mark to a merge patch. A patch that takes away all
// annotations stays as it is.
func (c change) markedFields(live *unstructured.Unstructured, operation string) map[string]any {
	out, _ := plain(c.fields).(map[string]any)
	if value, present := out["metadata"]; present && value == nil {
		return out // refused by the API server, in its own words
	}
	metadata := ensure(out, "metadata")
	if metadata == nil {
		return out
	}
	if _, pinned := metadata["resourceVersion"]; !pinned {
		metadata["resourceVersion"] = live.GetResourceVersion()
	}
	if value, present := metadata["annotations"]; present && value == nil {
		return out
	}
	if annotations := ensure(metadata, "annotations"); annotations != nil {
		annotations[doneAnnotation] = nextDone(live, operation)
	}
	return out
}

// markedOps adds the mark to a JSON patch, unless it overwrites the metadata as a
// whole.
func (c change) markedOps(live *unstructured.Unstructured, operation string) []any {
	op := func(op, path string, value any) any {
		return map[string]any{"op": op, "path": path, "value": value}
	}
	var out []any
	if _, there := dig(live.Object, "metadata", "annotations"); !there {
		out = append(out, op("add", "/metadata/annotations", map[string]any{}))
	}
	out = append(out, c.ops...)
	for _, o := range c.ops {
		m, _ := o.(map[string]any)
		switch path, _ := m["path"].(string); {
		case path == "/metadata" || path == "":
			return out
		case path == "/metadata/annotations" && m["op"] == "remove":
			return append(out, op("add", "/metadata/resourceVersion", live.GetResourceVersion()))
		}
	}
	return append(out,
		op("add", "/metadata/annotations/"+escapePointer(doneAnnotation), nextDone(live, operation)),
		op("add", "/metadata/resourceVersion", live.GetResourceVersion()))
}

// escapePointer writes a key as a part of a JSON pointer.
func escapePointer(key string) string {
	return strings.NewReplacer("~", "~0", "/", "~1").Replace(key)
}

func doneOperations(obj *unstructured.Unstructured) []string {
	return strings.Fields(annotationOf(obj, doneAnnotation))
}

func nextDone(obj *unstructured.Unstructured, operation string) string {
	done := append([]string{operation}, doneOperations(obj)...)
	return strings.Join(done[:min(len(done), doneKept)], " ")
}

// capable refuses an object whose kind lacks a capability; what names it as
// Spinnaker does: "scale".
func (cl *cluster) capable(o object, what string, can func(kindInfo) bool) error {
	if can(cl.account.info(KindOf(o.resource.gvk))) {
		return nil
	}
	var able []string
	for _, info := range kinds {
		if can(info) {
			able = append(able, info.name)
		}
	}
	slices.Sort(able)
	return pipeline.Errorf(pipeline.CodeInvalid, "Resource with %s does not support %s. Kinds that do: %s.", o, what, strings.Join(able, ", "))
}
