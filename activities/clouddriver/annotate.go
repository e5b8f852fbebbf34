package clouddriver

import (
	"strconv"

	"github.com/gennaker/gennaker/activities"
	"github.com/gennaker/gennaker/pipeline"
)

// annotateArtifact says on the object which artifact it is. Values that are
// already there stay.
func annotateArtifact(m *manifest, a pipeline.Artifact) {
	m.annotateBoth(map[string]string{
		artifactTypeAnnotation:      a.Type,
		artifactNameAnnotation:      a.Name,
		artifactPrefix + "location": a.Location,
		artifactVersionAnnotation:   a.Version,
	})
}

// annotateMoniker says on the object what it belongs to, in annotations and
// labels (reference: clouddriver section 7).
func (s Settings) annotateMoniker(m *manifest, moniker activities.Moniker, skipTemplateLabels bool) {
	values := map[string]string{monikerPrefix + "cluster": moniker.Cluster}
	for key, value := range map[string]string{"application": moniker.App, "stack": moniker.Stack, "detail": moniker.Detail} {
		if value != "" {
			values[monikerPrefix+key] = value
		}
	}
	if m.version >= 0 {
		values[sequenceLabel] = strconv.Itoa(m.version)
	}
	m.annotateBoth(values)
	if s.SkipAppLabels {
		return
	}
	s.label(m, moniker.App, ensure(m.obj.Object, "metadata", "labels"))
	if template := m.templateMetadata(); template != nil && !skipTemplateLabels {
		s.label(m, moniker.App, ensure(template, "labels"))
	}
}

func (s Settings) label(m *manifest, app string, labels map[string]any) {
	if labels == nil {
		return
	}
	if _, taken := labels[nameLabel]; !taken && app != "" {
		labels[nameLabel] = app
	}
	labels[managedByLabel] = "spinnaker"
	if s.ManagedBySuffix != "" {
		labels[managedByLabel] = "spinnaker-" + s.ManagedBySuffix
	}
	if m.version >= 0 {
		labels[sequenceLabel] = strconv.Itoa(m.version)
	}
}

// annotateBoth writes annotations to the object and to its pod template, never
// over an existing value.
func (m *manifest) annotateBoth(values map[string]string) {
	targets := []map[string]any{ensure(m.obj.Object, "metadata", "annotations")}
	if template := m.templateMetadata(); template != nil {
		targets = append(targets, ensure(template, "annotations"))
	}
	for _, target := range targets {
		if target == nil {
			continue
		}
		for key, value := range values {
			if _, taken := target[key]; !taken {
				target[key] = value
			}
		}
	}
}

// templateMetadata returns spec.template.metadata, or nil when the object has
// no such block.
func (m *manifest) templateMetadata() map[string]any {
	template, _ := dig(m.obj.Object, "spec", "template", "metadata")
	return template
}
