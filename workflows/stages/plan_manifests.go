package stages

import (
	"strings"

	"github.com/gennaker/gennaker/activities"
	"github.com/gennaker/gennaker/pipeline"
	"github.com/gennaker/gennaker/workflows"
)

// What the stages that change one live object would do, for a plan.

var (
	_ workflows.ManifestPlanner = PatchManifest{}
	_ workflows.ManifestPlanner = ScaleManifest{}
	_ workflows.ManifestPlanner = DeleteManifest{}
)

// PlanManifests implements workflows.ManifestPlanner.
func (PatchManifest) PlanManifests(k workflows.ManifestKnowledge, s *pipeline.Stage) (activities.PlanManifestsInput, error) {
	in := activities.PatchManifestInput{RequiredArtifacts: k.Required, AllArtifacts: k.Artifacts, Body: k.Manifests}
	var err error
	if in.Strategy, in.Record, err = patchOptions(s); err != nil {
		return activities.PlanManifestsInput{}, err
	}
	if !fromArtifact(s) {
		if in.Body, err = flattenValue(s, s.Context["patchBody"], "patchBody"); err != nil {
			return activities.PlanManifestsInput{}, err
		}
	}
	out := activities.PlanManifestsInput{Patch: &in}
	in.ManifestInput, out.Target, err = plannedTarget(k, s)
	return out, err
}

// PlanManifests implements workflows.ManifestPlanner.
func (ScaleManifest) PlanManifests(k workflows.ManifestKnowledge, s *pipeline.Stage) (activities.PlanManifestsInput, error) {
	replicas, err := replicasOf(s)
	if err != nil {
		return activities.PlanManifestsInput{}, err
	}
	in := activities.ScaleManifestInput{Replicas: replicas}
	out := activities.PlanManifestsInput{Scale: &in}
	in.ManifestInput, out.Target, err = plannedTarget(k, s)
	return out, err
}

// PlanManifests implements workflows.ManifestPlanner.
func (DeleteManifest) PlanManifests(k workflows.ManifestKnowledge, s *pipeline.Stage) (activities.PlanManifestsInput, error) {
	if s.Context.String("criteria") != "" && !byLabel(s) {
		m, target, err := plannedTarget(k, s)
		return activities.PlanManifestsInput{Delete: &activities.DeleteManifestInput{Location: m.Location, Options: s.Context.Map("options")}, Target: target}, err
	}
	in, err := deletionOf(s)
	return activities.PlanManifestsInput{Delete: &in}, err
}

// plannedTarget is the object that a stage means, or how it is to be found.
func plannedTarget(k workflows.ManifestKnowledge, s *pipeline.Stage) (activities.ManifestInput, *activities.ResolveTargetInput, error) {
	target, err := criteriaOf(s, k.Application)
	if err != nil || target != nil {
		return activities.ManifestInput{Location: s.Context.String("location")}, target, err
	}
	in, err := targetIn(s)
	return in, nil, err
}

// criteriaOf reads the criteria by which a stage chooses its target; nil when it has
// none.
func criteriaOf(s *pipeline.Stage, application string) (*activities.ResolveTargetInput, error) {
	c := s.Context
	criteria := strings.TrimSpace(c.String("criteria"))
	if criteria == "" {
		return nil, nil //nolint:nilnil // none
	}
	for _, key := range []string{"kind", "cluster"} {
		if c.String(key) == "" {
			return nil, pipeline.Errorf(pipeline.CodeInvalid, "The stage '%s' chooses its target by the criteria '%s' and has no %s: set it.", s.Name, criteria, key)
		}
	}
	app := c.String("app")
	if app == "" {
		app = application
	}
	return &activities.ResolveTargetInput{
		Location: c.String("location"), Kind: c.String("kind"), Application: app, Cluster: c.String("cluster"), Criteria: criteria,
	}, nil
}

// targetIn reads which object a stage names.
func targetIn(s *pipeline.Stage) (activities.ManifestInput, error) {
	name := strings.TrimSpace(s.Context.String("manifestName"))
	if name == "" {
		return activities.ManifestInput{}, pipeline.Errorf(pipeline.CodeInvalid, "The stage '%s' names no object: set manifestName to \"kind name\", or kind, cluster and criteria.", s.Name)
	}
	return activities.ManifestInput{Account: accountOf(s), Location: s.Context.String("location"), ManifestName: name}, nil
}

// replicasOf reads how many replicas a stage scales to.
func replicasOf(s *pipeline.Stage) (int64, error) {
	replicas, ok := s.Context.Int("replicas")
	if !ok {
		return 0, pipeline.Errorf(pipeline.CodeInvalid, "The stage '%s' has the replicas %v: set a whole number.", s.Name, s.Context["replicas"])
	}
	return replicas, nil
}
