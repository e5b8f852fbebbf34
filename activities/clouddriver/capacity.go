package clouddriver

import (
	"context"

	apierrors "k8s.io/apimachinery/pkg/api/errors"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/apis/meta/v1/unstructured"
)

// useSourceCapacity copies spec.replicas from the live predecessor: the object
// of the same name, or the highest version of a versioned one (reference:
// clouddriver section 5.3).
func (cl *cluster) useSourceCapacity(ctx context.Context, m *manifest, priors []*unstructured.Unstructured) error {
	if !m.info.scale || m.resource == nil || !m.strategy("use-source-capacity") {
		return nil
	}
	source := highest(priors)
	if m.version < 0 {
		live, err := cl.get(ctx, *m.resource, m.obj.GetNamespace(), m.name)
		if err != nil && !apierrors.IsNotFound(err) {
			return fromAPI(ctx, err, cl.account.Name, "read "+m.kind.String()+" "+m.name)
		}
		source = live
	}
	if source == nil {
		return nil
	}
	replicas, found := sourceReplicas(source)
	if !found {
		return nil
	}
	if spec := ensure(m.obj.Object, "spec"); spec != nil {
		spec["replicas"] = replicas
	}
	return nil
}

func sourceReplicas(obj *unstructured.Unstructured) (int64, bool) {
	spec, _ := dig(obj.Object, "spec")
	n, ok := number(spec["replicas"])
	return int64(n), ok
}

// highest returns the object with the highest version, or nil.
func highest(objects []*unstructured.Unstructured) *unstructured.Unstructured {
	best, version := (*unstructured.Unstructured)(nil), -1
	for _, obj := range objects {
		if n := parseVersion(annotationOf(obj, artifactVersionAnnotation)); n > version {
			best, version = obj, n
		}
	}
	return best
}

// get reads one object. It returns nil with the error.
func (cl *cluster) get(ctx context.Context, r resource, namespace, name string) (*unstructured.Unstructured, error) {
	ctx, cancel := within(ctx)
	defer cancel()
	obj, err := cl.client(r, namespace).Get(ctx, name, metav1.GetOptions{})
	if err != nil {
		return nil, err
	}
	return obj, nil
}
