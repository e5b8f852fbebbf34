package clouddriver

import (
	"strconv"
	"strings"

	"k8s.io/apimachinery/pkg/apis/meta/v1/unstructured"
)

// manifest is one object of a request on its way to the cluster.
type manifest struct {
	// index is the place in the flattened input, from 0. It is part of the
	// idempotency key, so it is taken before sorting.
	index int
	obj   *unstructured.Unstructured
	kind  Kind
	info  kindInfo
	// resource is how the cluster serves the kind; absent while the request
	// itself brings the CustomResourceDefinition.
	resource *resource
	// brought: the request itself defines the kind.
	brought bool
	// name is the name as written, without a version.
	name string
	// version is -1 for what is not versioned; fresh says that it is new to the
	// cluster.
	version int
	fresh   bool
	// priors are the live versions, oldest first.
	priors []*unstructured.Unstructured
	// generateName: the name was drawn for the object by [manifest.settleName].
	generateName bool
	// reading is the live object, read before the manifest's turn; nil when it is
	// not. It is used once.
	reading  *liveRead
	usedRead bool
}

// label names the manifest for people: `Manifest 3 (deployment web)`.
func (m *manifest) label() string {
	what := strings.TrimSpace(m.kind.String() + " " + m.obj.GetName())
	return "Manifest " + strconv.Itoa(m.index+1) + " (" + what + ")"
}

// once reports whether making the object is an act that a repetition must not
// repeat, even if the object has gone since.
func (m *manifest) once() bool { return m.generateName || m.strategy("recreate") }

// strategy reads a boolean strategy annotation: "true" in any case.
func (m *manifest) strategy(name string) bool {
	return strings.EqualFold(m.annotation(strategyPrefix+name), "true")
}

func (m *manifest) annotation(key string) string { return annotationOf(m.obj, key) }

func (m *manifest) generated() bool {
	return m.obj.GetName() == "" && m.obj.GetGenerateName() != ""
}
