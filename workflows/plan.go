package workflows

import (
	"errors"
	"slices"
	"strings"

	"github.com/gennaker/gennaker/pipeline"
	"github.com/gennaker/gennaker/pipeline/templates"
)

// Plan is what a run of a configuration would do, as far as that is known
// before it.
type Plan struct {
	// Parameters are those that the run would have, defaults filled in.
	Parameters pipeline.Map `json:"parameters"`
	// Stages are in an order in which they can run.
	Stages []PlannedStage `json:"stages"`
	// Unknown are the expressions whose value only the run tells.
	Unknown []UnknownExpression `json:"unknown"`
	// Problems are what would go wrong, or looks as if.
	Problems []Problem `json:"problems"`

	planner *planner
}

// PlannedStage is one stage of a [Plan].
type PlannedStage struct {
	RefID                string   `json:"refId"`
	Type                 string   `json:"type"`
	Name                 string   `json:"name"`
	RequisiteStageRefIDs []string `json:"requisiteStageRefIds"`
	// Context is the stage's, with every expression evaluated that can be known.
	Context pipeline.Map `json:"context"`
	// Tasks are the names of what the stage does, Before those of the stages that
	// it runs first.
	Tasks  []string `json:"tasks"`
	Before []string `json:"before"`
	// Calls say what the stage would call outside, one line each.
	Calls []string `json:"calls"`
	// Manifests is what would change in the cluster, where that was asked for.
	Manifests *PlannedManifests `json:"manifests,omitempty"`
}

// UnknownExpression is an expression whose value only the run tells.
type UnknownExpression struct {
	// RefID names the stage, Path where in its context the expression is.
	RefID      string `json:"refId"`
	Path       string `json:"path"`
	Expression string `json:"expression"`
	// Why says what has to be known first.
	Why string `json:"why"`
}

// Problem is one thing that is wrong with a configuration or with how it is
// started.
type Problem struct {
	// Severity is FATAL for what keeps the pipeline from succeeding, WARN for
	// what may be meant.
	Severity templates.Severity `json:"severity"`
	// RefID names the stage; empty for the pipeline itself.
	RefID   string `json:"refId,omitempty"`
	Message string `json:"message"`
}

// PlanLookups are what a plan is checked against.
type PlanLookups struct {
	// Types are the stage types that would run.
	Types []StageType
	// Accounts are the cloud accounts that there are; nil leaves them unchecked.
	Accounts []string
	// Warnings are those of the resolution of the configuration's template.
	Warnings []templates.Fault
}

// NewPlan returns what a run of config, which has no template any more, would do
// if it were started by l. It calls nothing and changes nothing.
//
// Errors: invalid for a configuration that could not even be started and
// recorded: a graph that cannot run, stages without a type, a disabled pipeline.
func NewPlan(config pipeline.Pipeline, l pipeline.Launch, k PlanLookups) (Plan, error) {
	engine, err := NewEngine(k.Types, nil)
	if err != nil {
		return Plan{}, err
	}
	p := &planner{engine: engine, lookups: k, runs: map[string]StageType{}, plan: Plan{Stages: []PlannedStage{}, Unknown: []UnknownExpression{}, Problems: []Problem{}}}
	for _, w := range k.Warnings {
		p.problem(w.Severity, "", w.String())
	}
	l.Trigger = p.fillParameters(config, l.Trigger)
	e, err := pipeline.NewExecution(config, l)
	if err != nil && (e == nil || !errors.Is(err, pipeline.ErrUnresolved)) {
		return Plan{}, err
	}
	if err != nil {
		p.problem(templates.Fatal, "", pipeline.MessageOf(err))
	}
	p.exec, p.now = e, l.Now
	p.plan.Parameters = e.Trigger.Parameters
	p.expected = expectedIDs(pipeline.Map(config))
	for _, s := range inOrder(e) {
		p.stage(s)
	}
	p.plan.planner = p
	return p.plan, nil
}

// fillParameters gives required parameters that the trigger lacks a value, so
// that the rest can be planned, and tells of them.
func (p *planner) fillParameters(config pipeline.Pipeline, t pipeline.Trigger) pipeline.Trigger {
	t = t.Clone()
	var missing []string
	for _, d := range config.Parameters() {
		_, given := t.Parameters[d.Name]
		if given || !d.Required || d.HasDefault && d.Default != nil && d.Default != "" {
			continue
		}
		if t.Parameters == nil {
			t.Parameters = pipeline.Map{}
		}
		t.Parameters[d.Name] = nil
		missing = append(missing, "'"+d.Name+"'")
		p.missing = append(p.missing, d.Name)
	}
	if len(missing) > 0 {
		slices.Sort(missing)
		p.problem(templates.Fatal, "", "The pipeline requires the parameters "+strings.Join(missing, ", ")+", which have no default: set them in parameters.")
	}
	return t
}

// inOrder returns the stages of an execution so that each comes after its
// requisites, and otherwise in the configuration's order.
func inOrder(e *pipeline.Execution) []*pipeline.Stage {
	out := make([]*pipeline.Stage, 0, len(e.Stages))
	done := map[string]bool{}
	for len(out) < len(e.Stages) {
		before := len(out)
		for _, s := range e.Stages {
			if !done[s.RefID] && !slices.ContainsFunc(s.RequisiteStageRefIDs, func(ref string) bool { return !done[ref] }) {
				out = append(out, s)
				done[s.RefID] = true
			}
		}
		if len(out) == before {
			break // a circle, which a new execution does not have
		}
	}
	return out
}

// expectedIDs lists the expected artifacts that a configuration or the context
// of a stage declares.
func expectedIDs(m pipeline.Map) []string {
	var out []string
	for _, e := range m.List("expectedArtifacts") {
		if id := pipeline.AsMap(e).String("id"); id != "" {
			out = append(out, id)
		}
	}
	return out
}
