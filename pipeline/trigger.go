package pipeline

// AnonymousUser is the user of a trigger that names none, as Spinnaker writes
// it.
const AnonymousUser = "[anonymous]"

// AutomaticUser is whom an execution runs as that a trigger without runAsUser
// has started.
const AutomaticUser = "anonymous"

// runAsUserKey is the key of a trigger under which it names whom its executions
// run as.
const runAsUserKey = "runAsUser"

// Trigger says why an execution exists (reference: orca section 2.4). Keys
// that Gennaker does not know are kept in Other and written back flat.
type Trigger struct {
	Type                      string             `json:"type,omitempty"`
	CorrelationID             string             `json:"correlationId,omitempty"`
	User                      string             `json:"user,omitempty"`
	Parameters                Map                `json:"parameters"`
	Artifacts                 []Artifact         `json:"artifacts"`
	Notifications             []Map              `json:"notifications"`
	Rebake                    bool               `json:"rebake"`
	DryRun                    bool               `json:"dryRun"`
	Strategy                  bool               `json:"strategy"`
	ResolvedExpectedArtifacts []ExpectedArtifact `json:"resolvedExpectedArtifacts"`
	// Parent refers to the execution whose stage started this one. Clients see
	// it as parentExecution; the engine carries the reference, never a copy.
	Parent *ParentRef `json:"parent,omitempty"`
	// Other holds all further keys.
	Other Map `json:"-"`
}

// ParentRef points at the pipeline stage that started an execution.
type ParentRef struct {
	ExecutionID string `json:"executionId"`
	Application string `json:"application"`
	Pipeline    string `json:"pipeline,omitempty"`
	StageID     string `json:"stageId,omitempty"`
	// RootID is the top-most ancestor's execution ID.
	RootID string `json:"rootId,omitempty"`
}

// UnmarshalJSON keeps unknown keys in Other. A missing type becomes "manual"
// only at launch; here it stays empty.
func (t *Trigger) UnmarshalJSON(data []byte) error {
	type plain Trigger
	var p plain
	extra, err := splitUnknown(data, &p)
	if err != nil {
		return err
	}
	if len(extra) > 0 {
		p.Other = extra
	}
	*t = Trigger(p)
	return nil
}

// MarshalJSON writes the keys of Other flat beside the known ones; lists and
// parameters are written empty rather than null, as Spinnaker's clients expect.
func (t Trigger) MarshalJSON() ([]byte, error) {
	type plain Trigger
	p := plain(t)
	if p.Parameters == nil {
		p.Parameters = Map{}
	}
	if p.Artifacts == nil {
		p.Artifacts = []Artifact{}
	}
	if p.Notifications == nil {
		p.Notifications = []Map{}
	}
	if p.ResolvedExpectedArtifacts == nil {
		p.ResolvedExpectedArtifacts = []ExpectedArtifact{}
	}
	return joinUnknown(p, t.Other)
}

// Clone returns a deep copy of the trigger.
func (t Trigger) Clone() Trigger {
	t.Parameters = t.Parameters.Clone()
	t.Other = t.Other.Clone()
	t.Notifications = cloneMaps(t.Notifications)
	artifacts := make([]Artifact, len(t.Artifacts))
	for i, a := range t.Artifacts {
		artifacts[i] = a.Clone()
	}
	t.Artifacts = artifacts
	expected := make([]ExpectedArtifact, len(t.ResolvedExpectedArtifacts))
	for i, e := range t.ResolvedExpectedArtifacts {
		e.MatchArtifact = cloneArtifact(e.MatchArtifact)
		e.DefaultArtifact = cloneArtifact(e.DefaultArtifact)
		e.BoundArtifact = cloneArtifact(e.BoundArtifact)
		expected[i] = e
	}
	t.ResolvedExpectedArtifacts = expected
	if t.Parent != nil {
		parent := *t.Parent
		t.Parent = &parent
	}
	return t
}
