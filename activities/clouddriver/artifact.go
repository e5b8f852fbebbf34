package clouddriver

import (
	"fmt"
	"slices"
	"strings"

	"github.com/gennaker/gennaker/pipeline"
)

// pool holds the artifacts that manifests may refer to: one per type, name and
// location.
type pool struct {
	keys []string
	byID map[string]pipeline.Artifact
}

// newPool fills a pool; the first of equals wins, so required artifacts go
// before optional ones.
func newPool(lists ...[]pipeline.Artifact) *pool {
	p := &pool{byID: map[string]pipeline.Artifact{}}
	for _, list := range lists {
		for _, a := range list {
			if _, taken := p.byID[poolKey(a)]; !taken {
				p.put(a)
			}
		}
	}
	return p
}

// put adds an artifact over an equal one.
func (p *pool) put(a pipeline.Artifact) {
	key := poolKey(a)
	if _, taken := p.byID[key]; !taken {
		p.keys = append(p.keys, key)
	}
	p.byID[key] = a
}

// lastToFirst returns the artifacts in the order in which they are tried. Of
// several that match one place the last tried wins, so this order lets the
// artifact that was named first win.
func (p *pool) lastToFirst() []pipeline.Artifact {
	out := make([]pipeline.Artifact, 0, len(p.keys))
	for _, key := range slices.Backward(p.keys) {
		out = append(out, p.byID[key])
	}
	return out
}

func poolKey(a pipeline.Artifact) string {
	return fmt.Sprintf("[%s]-[%s]-[%s]", a.Type, a.Name, a.Location)
}

// artifactKey is what tells artifacts apart when required ones are checked.
type artifactKey struct{ kind, name, version, location, reference string }

func keyOf(a pipeline.Artifact) artifactKey {
	return artifactKey{a.Type, a.Name, a.Version, a.Location, a.Reference}
}

func (k artifactKey) String() string {
	return fmt.Sprintf("{type: %s, name: %s, version: %s, location: %s, reference: %s}",
		k.kind, k.name, k.version, k.location, k.reference)
}

// artifactSet keeps artifacts once each, in order of arrival.
type artifactSet struct {
	list []pipeline.Artifact
	seen map[artifactKey]bool
}

func (s *artifactSet) add(a pipeline.Artifact) {
	if s.seen == nil {
		s.seen = map[artifactKey]bool{}
	}
	if !s.seen[keyOf(a)] {
		s.seen[keyOf(a)] = true
		s.list = append(s.list, a)
	}
}

// checkBound refuses a deployment that leaves a required artifact unused.
func checkBound(required []pipeline.Artifact, bound artifactSet) error {
	var unbound []string
	for _, a := range required {
		if !bound.seen[keyOf(a)] {
			unbound = append(unbound, keyOf(a).String())
		}
	}
	if len(unbound) == 0 {
		return nil
	}
	return &pipeline.Error{
		Code: pipeline.CodeInvalid,
		Message: fmt.Sprintf("The following required artifacts could not be bound: %s. Check that a manifest uses each by the artifact's exact name.",
			strings.Join(unbound, ", ")),
		Details: unbound,
	}
}

// artifact describes the manifest's own object.
func (m *manifest) artifact(account string) pipeline.Artifact {
	a := pipeline.Artifact{
		Type:      "kubernetes/" + m.kind.String(),
		Name:      m.name,
		Location:  m.obj.GetNamespace(),
		Reference: m.fullName(),
		Metadata:  pipeline.Map{"account": account},
	}
	if m.version >= 0 {
		a.Version = versionText(m.version)
	}
	return a
}
