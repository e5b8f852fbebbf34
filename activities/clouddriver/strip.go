package clouddriver

import (
	"k8s.io/apimachinery/pkg/apis/meta/v1/unstructured"

	"github.com/gennaker/gennaker/pipeline"
)

// shown returns an object as it may leave this room: without field management,
// and of a Secret without its values, wherever they stand.
func shown(obj *unstructured.Unstructured) pipeline.Map {
	out := obj.DeepCopy()
	out.SetManagedFields(nil)
	if KindOf(out.GroupVersionKind()).is("secret") {
		delete(out.Object, "data")
		delete(out.Object, "stringData")
		if annotations, ok := dig(out.Object, "metadata", "annotations"); ok {
			delete(annotations, lastAppliedAnnotation)
		}
	}
	return out.Object
}
