package clouddriver

import (
	"context"
	"encoding/json"
	"fmt"
	"slices"
	"strconv"
	"strings"

	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/apis/meta/v1/unstructured"

	"github.com/gennaker/gennaker/pipeline"
)

// listPage is how many objects one list request asks for.
const listPage = 500

// versionText is how Spinnaker writes a version: v000, v012, v1000.
func versionText(n int) string { return fmt.Sprintf("v%03d", n) }

// parseVersion reads what versionText writes; -1 when it is no version.
func parseVersion(text string) int {
	digits, ok := strings.CutPrefix(text, "v")
	if !ok {
		return -1
	}
	n, err := strconv.Atoi(digits)
	if err != nil || n < 0 {
		return -1
	}
	return n
}

// fullName is the name under which the object is sent.
func (m *manifest) fullName() string {
	if m.version < 0 {
		return m.name
	}
	return m.name + "-" + versionText(m.version)
}

// wantsVersion decides whether the object gets a version: its annotation, then
// the request, then the kind. Generated names are unique already.
func (m *manifest) wantsVersion(override *bool) bool {
	const key = strategyPrefix + "versioned"
	switch {
	case m.generated():
		return false
	case hasAnnotation(m.obj, key):
		return strings.EqualFold(m.annotation(key), "true")
	case override != nil:
		return *override
	}
	return m.info.versioned
}

// priorVersions lists the live versions of an artifact, oldest first.
func (cl *cluster) priorVersions(ctx context.Context, r resource, namespace, name string) ([]*unstructured.Unstructured, error) {
	versions, err := cl.versionsOf(ctx, r, namespace, func(other string) bool { return other == name })
	return versions[name], err
}

// versionsOf lists the live versions of artifacts by their names, oldest first.
func (cl *cluster) versionsOf(ctx context.Context, r resource, namespace string, wanted func(name string) bool) (map[string][]*unstructured.Unstructured, error) {
	out := map[string][]*unstructured.Unstructured{}
	err := cl.each(ctx, r, namespace, metav1.ListOptions{}, func(obj *unstructured.Unstructured) {
		name := annotationOf(obj, artifactNameAnnotation)
		if wanted(name) && isVersionOf(obj, name) {
			out[name] = append(out[name], obj)
		}
	})
	for _, versions := range out {
		slices.SortStableFunc(versions, func(a, b *unstructured.Unstructured) int {
			return strings.Compare(created(a), created(b))
		})
	}
	return out, err
}

// isVersionOf reports whether an object is a version of the artifact: its
// annotations say so, names do not.
func isVersionOf(obj *unstructured.Unstructured, name string) bool {
	return annotationOf(obj, artifactNameAnnotation) == name && annotationOf(obj, artifactTypeAnnotation) != ""
}

// taken reports whether another operation made the version that this manifest
// chose as new. An object of that name which is no version of the artifact is
// written over, as by Spinnaker.
func (m *manifest) taken(live *unstructured.Unstructured, t target) bool {
	return t.fresh && !madeBy(live, t.operation, m.index) && isVersionOf(live, m.name)
}

// created is the creation time as text, which sorts like time.
func created(obj *unstructured.Unstructured) string {
	text, _, _ := unstructured.NestedString(obj.Object, "metadata", "creationTimestamp")
	return text
}

// each calls see for every object of a resource, page by page. What see keeps
// is the only thing that stays in memory.
func (cl *cluster) each(ctx context.Context, r resource, namespace string, options metav1.ListOptions, see func(*unstructured.Unstructured)) error {
	options.Limit = listPage
	for {
		page, err := cl.list(ctx, r, namespace, options)
		if err != nil {
			return fromAPI(ctx, err, cl.account.Name, "list "+r.gvr.Resource+" in namespace "+cl.orDefault(namespace))
		}
		for i := range page.Items {
			see(page.Items[i].DeepCopy())
		}
		if options.Continue = page.GetContinue(); options.Continue == "" {
			return nil
		}
	}
}

func (cl *cluster) list(ctx context.Context, r resource, namespace string, options metav1.ListOptions) (*unstructured.UnstructuredList, error) {
	ctx, cancel := within(ctx)
	defer cancel()
	return cl.client(r, namespace).List(ctx, options)
}

// chooseVersion returns the version of a manifest among its predecessors, and
// whether it is new to the cluster: the one that this very operation made
// before, else the oldest with the same content, else the next free number.
func chooseVersion(m *manifest, priors []*unstructured.Unstructured, operation string) (version int, fresh bool) {
	next := 0
	reuse := -1
	for _, prior := range priors {
		n := parseVersion(annotationOf(prior, artifactVersionAnnotation))
		if n < 0 {
			continue
		}
		if madeBy(prior, operation, m.index) {
			return n, false
		}
		next = max(next, n+1)
		if reuse < 0 && prior.GetDeletionTimestamp() == nil && sameContent(m.obj, prior) {
			reuse = n
		}
	}
	if reuse >= 0 {
		return reuse, false
	}
	return next, true
}

// madeBy reports whether an object carries the mark of this manifest of this
// operation.
func madeBy(obj *unstructured.Unstructured, operation string, index int) bool {
	return operation != "" && annotationOf(obj, operationAnnotation) == operation &&
		annotationOf(obj, operationIndexAnnotation) == strconv.Itoa(index)
}

// mark writes that mark.
func (m *manifest) mark(operation string) {
	setAnnotation(m.obj, operationAnnotation, operation)
	setAnnotation(m.obj, operationIndexAnnotation, strconv.Itoa(m.index))
}

// sameContent compares a manifest with what a live object was applied from,
// without metadata.
func sameContent(obj, live *unstructured.Unstructured) bool {
	text := annotationOf(live, lastAppliedAnnotation)
	if text == "" {
		return false
	}
	applied, err := pipeline.DecodeValue([]byte(text))
	if err != nil {
		return false
	}
	was, ok := applied.(map[string]any)
	if !ok {
		return false
	}
	return equalWithout(obj.Object, was, "metadata")
}

func equalWithout(a, b map[string]any, skip string) bool {
	count := func(m map[string]any) int {
		n := len(m)
		if _, ok := m[skip]; ok {
			n--
		}
		return n
	}
	if count(a) != count(b) {
		return false
	}
	for key, value := range a {
		other, ok := b[key]
		if key != skip && (!ok || !equalValues(value, other)) {
			return false
		}
	}
	return true
}

// equalValues compares decoded JSON; 1 and 1.0 are equal, because one of the
// two sides has been through another encoder.
func equalValues(a, b any) bool {
	switch a := a.(type) {
	case map[string]any:
		b, ok := b.(map[string]any)
		return ok && (a == nil) == (b == nil) && equalWithout(a, b, "\x00")
	case []any:
		b, ok := b.([]any)
		return ok && slices.EqualFunc(a, b, equalValues)
	}
	x, isNumber := number(a)
	y, alsoNumber := number(b)
	if isNumber || alsoNumber {
		return isNumber && alsoNumber && x == y
	}
	return a == b
}

func number(v any) (float64, bool) {
	switch v := v.(type) {
	case int64:
		return float64(v), true
	case int:
		return float64(v), true
	case float64:
		return v, true
	case json.Number:
		f, err := v.Float64()
		return f, err == nil
	}
	return 0, false
}
