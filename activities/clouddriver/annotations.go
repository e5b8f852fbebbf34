package clouddriver

import (
	"encoding/json"
	"strings"

	"k8s.io/apimachinery/pkg/apis/meta/v1/unstructured"
)

// The annotations and labels of reference: clouddriver section 7.
const (
	artifactPrefix = "artifact.spinnaker.io/"
	monikerPrefix  = "moniker.spinnaker.io/"
	strategyPrefix = "strategy.spinnaker.io/"

	artifactNameAnnotation    = artifactPrefix + "name"
	artifactTypeAnnotation    = artifactPrefix + "type"
	artifactVersionAnnotation = artifactPrefix + "version"
	loadBalancersAnnotation   = "traffic.spinnaker.io/load-balancers"
	lastAppliedAnnotation     = "kubectl.kubernetes.io/last-applied-configuration"

	nameLabel      = "app.kubernetes.io/name"
	managedByLabel = "app.kubernetes.io/managed-by"
	sequenceLabel  = monikerPrefix + "sequence"

	// operationAnnotation holds the key of the operation that made an object,
	// operationIndexAnnotation the manifest's place in that operation.
	operationAnnotation      = "gennaker.io/operation"
	operationIndexAnnotation = "gennaker.io/operation-index"
)

// annotationOf reads an annotation. Text that is a quoted JSON string is
// unquoted, since other writers store it so; quoted text that does not decode
// counts as absent.
func annotationOf(obj *unstructured.Unstructured, key string) string {
	annotations, _ := dig(obj.Object, "metadata", "annotations")
	value, _ := annotations[key].(string)
	if len(value) < 2 || !strings.HasPrefix(value, `"`) || !strings.HasSuffix(value, `"`) {
		return value
	}
	var text string
	if json.Unmarshal([]byte(value), &text) != nil {
		return ""
	}
	return text
}

// hasAnnotation reports whether the key is there at all.
func hasAnnotation(obj *unstructured.Unstructured, key string) bool {
	annotations, _ := dig(obj.Object, "metadata", "annotations")
	_, ok := annotations[key]
	return ok
}

// setAnnotation writes an annotation over any earlier value.
func setAnnotation(obj *unstructured.Unstructured, key, value string) {
	if annotations := ensure(obj.Object, "metadata", "annotations"); annotations != nil {
		annotations[key] = value
	}
}

// dig walks objects down a path; it returns the inner map itself.
func dig(m map[string]any, path ...string) (map[string]any, bool) {
	for _, key := range path {
		next, ok := m[key].(map[string]any)
		if !ok {
			return nil, false
		}
		m = next
	}
	return m, true
}

// ensure is dig that makes what is missing. It returns nil where something
// other than an object is in the way; the API server then says what is wrong.
func ensure(m map[string]any, path ...string) map[string]any {
	for _, key := range path {
		if m[key] == nil {
			m[key] = map[string]any{}
		}
		next, ok := m[key].(map[string]any)
		if !ok {
			return nil
		}
		m = next
	}
	return m
}
