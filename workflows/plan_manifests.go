package workflows

import (
	"slices"
	"strings"

	"github.com/gennaker/gennaker/activities"
	"github.com/gennaker/gennaker/pipeline"
	"github.com/gennaker/gennaker/pipeline/expr"
	"github.com/gennaker/gennaker/pipeline/templates"
)

// PlannedManifests is what one stage would change in a cluster, as its API server
// says that it would.
type PlannedManifests struct {
	Account string `json:"account"`
	// Objects are those of the stage in its order, then what it would take away,
	// then what it leaves orphaned.
	Objects []activities.PlannedObject `json:"objects"`
	// Counts says how many objects there are for each action, those in Cut included.
	Counts map[activities.PlanAction]int `json:"counts"`
	// Cut is how many objects are not listed.
	Cut int `json:"cut,omitempty"`
	// Message says why nothing could be told.
	Message string `json:"message,omitempty"`
}

// ManifestPlanner is implemented by stage types that change objects of a cluster
// and can have the change tried without effect.
type ManifestPlanner interface {
	// PlanManifests returns the call that tries what a stage with this context
	// would do. It calls nothing and changes nothing. Errors: invalid, as the
	// stage's own tasks would fail.
	PlanManifests(k ManifestKnowledge, s *pipeline.Stage) (activities.PlanManifestsInput, error)
}

// ManifestKnowledge is what a plan knows beside a stage's context.
type ManifestKnowledge struct {
	Application string
	// Manifests are the stage's, whatever their source.
	Manifests []pipeline.Map
	// Required are the artifacts that must be bound, Artifacts all that the stage
	// sees.
	Required, Artifacts []pipeline.Artifact
}

// ManifestTry is a stage of a [Plan] whose change of a cluster can be tried. Tries
// follow one another in the order in which the stages can run: what one would
// create is known to those behind it.
type ManifestTry struct {
	plan  *Plan
	kind  ManifestPlanner
	stage *pipeline.Stage
	out   *PlannedStage
	// fetched are the manifests of the stage's artifact.
	fetched []pipeline.Map
	// unknown are manifests that cannot be tried.
	unknown []activities.PlannedObject
}

// ManifestTries lists the stages that can be tried. A stage whose own account is
// unknown or not to be used, which the plan has told, is none of them.
func (p *Plan) ManifestTries() []*ManifestTry {
	var out []*ManifestTry
	for i := range p.Stages {
		planned := &p.Stages[i]
		kind, ok := p.planner.runs[planned.RefID].(ManifestPlanner)
		if !ok || p.planner.stuck[planned.RefID] != "" {
			continue
		}
		at := slices.IndexFunc(p.planner.exec.Stages, func(s *pipeline.Stage) bool { return s.RefID == planned.RefID })
		try := &ManifestTry{plan: p, kind: kind, stage: p.planner.exec.Stages[at], out: planned}
		account := try.Account()
		planned.Manifests = &PlannedManifests{Account: account, Objects: []activities.PlannedObject{}, Counts: map[activities.PlanAction]int{}}
		switch {
		case account == "" || expr.IsTemplate(account):
			planned.Manifests.Message = "The account is not known before the pipeline runs."
		case p.planner.lookups.Accounts != nil && !slices.Contains(p.planner.lookups.Accounts, account):
			planned.Manifests.Message = "The account does not exist, or is not yours to change."
		case p.planner.skipped(try.stage):
			planned.Manifests.Message = "The stage is skipped: its condition is false."
		default:
			if why := try.unknownOption(); why != "" {
				planned.Manifests.Message = why
				continue
			}
			out = append(out, try)
		}
	}
	return out
}

// skipped reports whether a stage's condition is known to be false.
func (p *planner) skipped(s *pipeline.Stage) bool {
	condition := s.Context.Map("stageEnabled")
	text := strings.TrimSpace(plainText(condition["expression"]))
	if condition["expression"] == nil || text == "" || !strings.EqualFold(condition.String("type"), "expression") {
		return false
	}
	before := len(p.plan.Unknown) + len(p.plan.Problems)
	value := p.text(s, "stageEnabled.expression", "${"+text+"}")
	known := len(p.plan.Unknown)+len(p.plan.Problems) == before
	return known && strings.EqualFold(plainText(value), "false")
}

// Account is the cloud account that the stage names.
func (t *ManifestTry) Account() string {
	if account := t.stage.Context.String("account"); account != "" {
		return account
	}
	return t.stage.Context.String("credentials")
}

// RefID names the stage.
func (t *ManifestTry) RefID() string { return t.stage.RefID }

// Type is the stage's type.
func (t *ManifestTry) Type() string { return t.stage.Type }

// After reports whether one of the tries is of a stage before this one.
func (t *ManifestTry) After(tries []*ManifestTry) bool {
	before := t.sight().ancestors
	return slices.ContainsFunc(tries, func(other *ManifestTry) bool {
		return other != t && slices.Contains(before, other.stage)
	})
}

// ownManifests are the keys of a stage whose manifests are tried one by one.
var ownManifests = []string{"manifests", "manifest"}

// unknownOption says which part of the stage only the run tells, apart from single
// manifests; empty when all is known.
func (t *ManifestTry) unknownOption() string {
	documented, ok := t.kind.(Documented)
	if !ok {
		return ""
	}
	inputs := documented.Describe().Inputs
	for _, u := range t.plan.planner.plan.Unknown {
		key := u.Path
		if end := strings.IndexAny(key, ".["); end >= 0 {
			key = key[:end]
		}
		read := slices.ContainsFunc(inputs, func(f Field) bool { return f.Name == key })
		if u.RefID == t.stage.RefID && read && !slices.Contains(ownManifests, key) {
			return "It cannot be tried before the pipeline runs: " + u.Path + " is not known. " + u.Why
		}
	}
	return ""
}

// Artifact is the artifact that holds the stage's manifests, to be fetched before
// [ManifestTry.Input]; nil when they stand in the stage. The error says that it is
// not known before the run.
func (t *ManifestTry) Artifact() (*pipeline.Artifact, error) {
	c := t.stage.Context
	if !strings.EqualFold(c.String("source"), "artifact") {
		return nil, nil
	}
	artifact, err := t.artifact(c.String("manifestArtifactId"), c.Map("manifestArtifact"))
	if err != nil {
		return nil, err
	}
	if account := c.String("manifestArtifactAccount"); account != "" {
		artifact.ArtifactAccount = account
	}
	if artifact.ArtifactAccount == "" && strings.HasPrefix(artifact.Type, "embedded/") {
		artifact.ArtifactAccount = activities.EmbeddedAccount
	}
	return artifact, nil
}

// artifact resolves an artifact as [TaskRun.BoundArtifact] does, as far as it is
// known.
func (t *ManifestTry) artifact(id string, inline pipeline.Map) (*pipeline.Artifact, error) {
	var out pipeline.Artifact
	if id != "" {
		found, err := t.sight().resolvedTo(id)
		if err != nil {
			return nil, err
		}
		if found == nil {
			return nil, pipeline.Errorf(pipeline.CodeNotFound, "the artifact '%s' is not known before the pipeline runs", id)
		}
		out = *found
	} else if err := pipeline.Bind(map[string]any(inline), &out); err != nil {
		return nil, err
	}
	value, err := pipeline.ToValue(out)
	if err != nil {
		return nil, err
	}
	if holdsExpression(value) {
		unknown := len(t.plan.planner.plan.Unknown)
		value = t.plan.planner.value(t.stage, "artifact", value)
		t.plan.planner.plan.Unknown = t.plan.planner.plan.Unknown[:unknown] // the reason is told once, below
		if holdsExpression(value) {
			return nil, pipeline.Errorf(pipeline.CodeNotFound, "the artifact '%s' holds an expression that is not known before the pipeline runs", out.Name)
		}
	}
	var evaluated pipeline.Artifact
	return &evaluated, pipeline.Bind(value, &evaluated)
}

func (t *ManifestTry) sight() sight {
	return sight{exec: t.plan.planner.exec, stage: t.stage, ancestors: expr.Ancestors(t.plan.planner.exec, t.stage)}
}

// Fetched hands in the manifests of the stage's artifact; their expressions are
// evaluated as far as they can be known.
func (t *ManifestTry) Fetched(manifests []pipeline.Map) {
	t.fetched = make([]pipeline.Map, 0, len(manifests))
	for _, m := range manifests {
		if !t.stage.Context.Bool("skipExpressionEvaluation") {
			m = pipeline.AsMap(t.plan.planner.value(t.stage, "manifests", map[string]any(m)))
		}
		t.fetched = append(t.fetched, m)
	}
}

// Input returns the call that tries the stage. Errors: those of
// [ManifestPlanner.PlanManifests]; not_found for artifacts that are not known
// before the run.
func (t *ManifestTry) Input() (activities.PlanManifestsInput, error) {
	p := t.plan.planner
	k := ManifestKnowledge{Application: p.exec.Application}
	var err error
	if k.Artifacts, err = t.sight().artifacts(); err != nil {
		return activities.PlanManifestsInput{}, err
	}
	for _, id := range t.stage.Context.Strings("requiredArtifactIds") {
		a, err := t.artifact(id, nil)
		if err != nil {
			return activities.PlanManifestsInput{}, err
		}
		k.Required = append(k.Required, *a)
	}
	for _, e := range t.stage.Context.List("requiredArtifacts") {
		entry := pipeline.AsMap(e)
		a, err := t.artifact(entry.String("expectedArtifactId"), entry.Map("artifact"))
		if err != nil {
			return activities.PlanManifestsInput{}, err
		}
		k.Required = append(k.Required, *a)
	}
	k.Manifests = t.known()
	in, err := t.kind.PlanManifests(k, t.stage)
	if err != nil {
		return in, err
	}
	in.Account = t.Account()
	in.Scope = activities.Scope{
		Application: p.exec.Application, Execution: p.exec.ID, Stage: t.stage.ID, StageName: t.stage.Name, Task: "plan", User: p.exec.Authentication.User,
	}
	in.Earlier = t.earlier()
	return in, nil
}

// known are the stage's manifests without those that hold expressions which only
// the run tells: these are marked untried.
func (t *ManifestTry) known() []pipeline.Map {
	all := t.fetched
	if all == nil {
		for _, key := range ownManifests {
			if v := t.stage.Context[key]; v != nil {
				all = spreadManifests(nil, v)
				break
			}
		}
	}
	if t.stage.Context.Bool("skipExpressionEvaluation") {
		return all
	}
	out := make([]pipeline.Map, 0, len(all))
	t.unknown = nil
	for _, m := range all {
		if !holdsExpression(m) {
			out = append(out, m)
			continue
		}
		metadata := m.Map("metadata")
		t.unknown = append(t.unknown, activities.PlannedObject{
			Kind: m.String("kind"), APIVersion: m.String("apiVersion"), Namespace: metadata.String("namespace"), Name: metadata.String("name"),
			Action: activities.PlanUntried, Message: "It holds an expression whose value only the run tells.",
		})
	}
	return out
}

// spreadManifests flattens nested lists; what is no object is for the stage's type
// to refuse.
func spreadManifests(out []pipeline.Map, v any) []pipeline.Map {
	if list, isList := v.([]any); isList {
		for _, e := range list {
			out = spreadManifests(out, e)
		}
		return out
	}
	if m := pipeline.AsMap(v); m != nil {
		out = append(out, m)
	}
	return out
}

// maxEarlier bounds what a stage is told of those before it.
const maxEarlier = 500

// earlier are the objects that stages before this one would create in its account.
func (t *ManifestTry) earlier() []activities.PlannedRef {
	var out []activities.PlannedRef
	for _, a := range t.sight().ancestors {
		for _, s := range t.plan.Stages {
			if s.RefID != a.RefID || a == t.stage || s.Manifests == nil || s.Manifests.Account != t.Account() {
				continue
			}
			for _, o := range s.Manifests.Objects {
				if (o.Action == activities.PlanCreated || o.Action == activities.PlanUntried) && len(out) < maxEarlier {
					out = append(out, o.Ref())
				}
			}
		}
	}
	return out
}

// Told takes what the cluster said, or why it said nothing, into the plan.
func (t *ManifestTry) Told(found activities.ManifestPlan, err error) {
	m := t.out.Manifests
	p := t.plan.planner
	if err != nil {
		m.Message = pipeline.MessageOf(err)
		severity := templates.Fatal
		if code := pipeline.CodeOf(err); code.Retryable() || code == pipeline.CodeTimeout || code == pipeline.CodeInternal {
			severity = templates.Warn
		}
		p.problem(severity, t.stage.RefID, "What the stage '"+t.stage.Name+"' would change cannot be told: "+m.Message)
		return
	}
	m.Objects, m.Cut = append(append(m.Objects, t.unknown...), found.Objects...), found.Cut
	if found.Counts != nil {
		m.Counts = found.Counts
	}
	if len(t.unknown) > 0 {
		m.Counts[activities.PlanUntried] += len(t.unknown)
		p.problem(templates.Warn, t.stage.RefID, "The stage '"+t.stage.Name+"' has manifests that hold expressions which only the run tells: they are not tried, and what others take from them may differ.")
	}
	for _, o := range m.Objects {
		if o.Action == activities.PlanRefused {
			p.problem(templates.Fatal, t.stage.RefID, "The stage '"+t.stage.Name+"' would fail at "+titleOf(o)+": "+o.Message)
		}
	}
	for _, problem := range found.Problems {
		severity := templates.Fatal
		if problem.Passing {
			severity = templates.Warn
		}
		p.problem(severity, t.stage.RefID, "The stage '"+t.stage.Name+"': "+problem.Message)
	}
	if value, err := pipeline.ToValue(found.CreatedArtifacts); err == nil && len(found.CreatedArtifacts) > 0 {
		t.stage.Outputs["artifacts"] = value // for the stages behind it
	}
}

// NotKnown says why the stage cannot be tried before the run.
func (t *ManifestTry) NotKnown(why string) { t.out.Manifests.Message = why }

func titleOf(o activities.PlannedObject) string {
	title := o.Kind + " " + o.Name
	if o.Namespace != "" {
		title += " in " + o.Namespace
	}
	return title
}

// Settle ends the trying: an object that one stage leaves and another deploys is no
// orphan, and the problems that were found come into the plan.
func (p *Plan) Settle() {
	type place struct {
		account string
		ref     activities.PlannedRef
	}
	used := map[place]bool{}
	for _, s := range p.Stages {
		if s.Manifests == nil {
			continue
		}
		for _, o := range s.Manifests.Objects {
			if o.Action != activities.PlanOrphaned {
				used[place{s.Manifests.Account, o.Ref()}] = true
			}
		}
	}
	for _, s := range p.Stages {
		if s.Manifests == nil {
			continue
		}
		m := s.Manifests
		before := len(m.Objects)
		m.Objects = slices.DeleteFunc(m.Objects, func(o activities.PlannedObject) bool {
			return o.Action == activities.PlanOrphaned && used[place{m.Account, o.Ref()}]
		})
		if gone := before - len(m.Objects); gone > 0 {
			if m.Counts[activities.PlanOrphaned] -= gone; m.Counts[activities.PlanOrphaned] == 0 {
				delete(m.Counts, activities.PlanOrphaned)
			}
		}
	}
	p.Unknown, p.Problems = p.planner.plan.Unknown, p.planner.plan.Problems
}
