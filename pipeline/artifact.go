package pipeline

import "encoding/json"

// Artifact is a reference to something that a pipeline consumes or produces:
// an image, a file, a Kubernetes object (reference: orca section 5).
type Artifact struct {
	Type            string `json:"type,omitempty"`
	CustomKind      bool   `json:"customKind,omitempty"`
	Name            string `json:"name,omitempty"`
	Version         string `json:"version,omitempty"`
	Location        string `json:"location,omitempty"`
	Reference       string `json:"reference,omitempty"`
	Metadata        Map    `json:"metadata,omitempty"`
	ArtifactAccount string `json:"artifactAccount,omitempty"`
	Provenance      string `json:"provenance,omitempty"`
	UUID            string `json:"uuid,omitempty"`
}

// UnmarshalJSON folds unknown keys into metadata and drops kind, as Spinnaker
// does.
func (a *Artifact) UnmarshalJSON(data []byte) error {
	type plain Artifact
	var p plain
	extra, err := splitUnknown(data, &p)
	if err != nil {
		return err
	}
	delete(extra, "kind")
	for k, v := range extra {
		if p.Metadata == nil {
			p.Metadata = Map{}
		}
		if _, taken := p.Metadata[k]; !taken {
			p.Metadata[k] = v
		}
	}
	*a = Artifact(p)
	return nil
}

// Clone returns a deep copy.
func (a Artifact) Clone() Artifact {
	a.Metadata = a.Metadata.Clone()
	return a
}

func cloneArtifact(a *Artifact) *Artifact {
	if a == nil {
		return nil
	}
	c := a.Clone()
	return &c
}

// ExpectedArtifact says what a pipeline or stage waits for (reference: orca
// section 5).
type ExpectedArtifact struct {
	ID                 string    `json:"id"`
	DisplayName        string    `json:"displayName,omitempty"`
	MatchArtifact      *Artifact `json:"matchArtifact,omitempty"`
	UsePriorArtifact   bool      `json:"usePriorArtifact"`
	UseDefaultArtifact bool      `json:"useDefaultArtifact"`
	DefaultArtifact    *Artifact `json:"defaultArtifact,omitempty"`
	BoundArtifact      *Artifact `json:"boundArtifact,omitempty"`
}

// UnmarshalJSON passes over unknown keys and takes booleans that are written as
// text, as Spinnaker does.
func (x *ExpectedArtifact) UnmarshalJSON(data []byte) error {
	type plain ExpectedArtifact
	var p plain
	if _, err := splitUnknown(data, &p); err != nil {
		return err
	}
	*x = ExpectedArtifact(p)
	return nil
}

var (
	_ json.Unmarshaler = (*Artifact)(nil)
	_ json.Unmarshaler = (*ExpectedArtifact)(nil)
)
