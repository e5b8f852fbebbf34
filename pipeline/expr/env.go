package expr

import (
	"maps"
	"slices"
	"strings"
	"time"

	"github.com/gennaker/gennaker/pipeline"
)

// Env is what expressions see. It refers to the execution and its maps and never
// copies or changes them; it may be used for many evaluations as long as they
// do not change. It is not safe for use by several goroutines at once.
type Env struct {
	// Context holds the root names: a stage's own context, or for a whole
	// configuration {trigger, templateVariables}.
	Context map[string]any
	// Variables are seen before Context: what an Evaluate Variables stage has set
	// so far.
	Variables map[string]any
	// Execution is what execution and trigger mean, and what #stage searches; nil
	// outside an execution.
	Execution *pipeline.Execution
	// Stage is the stage being evaluated, or nil. Names that Context lacks are
	// looked up in the outputs of its ancestors, nearest first.
	Stage *pipeline.Stage
	// DisallowUnknownKeys makes a missing key of a map an error instead of null,
	// as in the pass over a whole configuration (reference: expressions section 3).
	DisallowUnknownKeys bool
	// SpelEvaluator overrides the execution's evaluator version ("v3", "v4").
	SpelEvaluator string
	// Now is the moment that dates are made from, and the timestamp of summary
	// entries.
	Now time.Time
	// Zone is the time zone of dates; nil is UTC. Zones knows further zones by
	// their name.
	Zone  *time.Location
	Zones map[string]*time.Location
	// Seed is where random numbers and UUIDs start; the same seed gives the same
	// values.
	Seed uint64
	// User is what #currentUser answers; empty is "anonymous".
	User string
	// Fetched holds answers by [Request.Key].
	Fetched map[string]Answer
	// CheckURL decides whether a helper may fetch a URL; nil means [CheckURL].
	CheckURL func(string) error
	// ArtifactStore makes ref://application/hash texts be read from the store.
	ArtifactStore bool
	// ExpandTypes are the artifact types whose maps are read through to the stored
	// object; nil means remote/map/base64.
	ExpandTypes []string
	// DoNotEvalDisabled removes #doNotEval (expression.do-not-eval-spel.enabled).
	DoNotEvalDisabled bool

	trigger mapping
	graph   *graph
	scm     any
	scmDone bool
	draws   uint64 // sources of random numbers handed out
}

// NewEnv returns the names that the expressions of a stage see; stage may be nil
// for expressions of the execution itself, such as its notifications. Now, Zone,
// Seed and User are left to the caller.
func NewEnv(execution *pipeline.Execution, stage *pipeline.Stage) *Env {
	env := &Env{Execution: execution, Stage: stage}
	if execution != nil {
		env.User = execution.Authentication.User
	}
	if stage != nil {
		env.Context = stage.Context
	}
	return env
}

// NewConfigEnv returns the names of the pass over a whole configuration at the
// start of a pipeline: trigger, parameters and templateVariables only, unknown
// keys being errors (reference: expressions section 7).
func NewConfigEnv(trigger pipeline.Trigger, templateVariables map[string]any) *Env {
	env := &Env{Context: map[string]any{}, DisallowUnknownKeys: true, User: trigger.User}
	env.Context["trigger"] = triggerMap(&trigger)
	if len(templateVariables) > 0 {
		env.Context["templateVariables"] = templateVariables
	}
	return env
}

// EvaluatesAtStart reports whether stages are evaluated with the rest of a
// configuration when the pipeline starts: for every version but v4 (reference:
// expressions section 7).
func EvaluatesAtStart(spelEvaluator string) bool {
	return !strings.EqualFold(spelEvaluator, "v4")
}

// Share lets the environment use a graph that others use too.
func (env *Env) Share(g Graph) { env.graph = g.graph }

func (env *Env) isPipeline() bool {
	return env.Execution != nil && env.Execution.Type != pipeline.TypeOrchestration
}

func (env *Env) isV4() bool {
	version := env.SpelEvaluator
	if version == "" && env.Execution != nil {
		version = env.Execution.SpelEvaluator
	}
	return !EvaluatesAtStart(version)
}

// rootMap is the root object: the context, overlaid by the names that Spinnaker
// computes, with the outputs of ancestors behind.
type rootMap struct {
	env     *Env
	overlay map[string]any // names the expression itself assigned
}

func (r *rootMap) set(name string, v any) {
	if r.overlay == nil {
		r.overlay = map[string]any{}
	}
	r.overlay[name] = v
}

func (r *rootMap) class() string { return "StageContext" }

func (r *rootMap) lookup(key any) (any, bool) {
	name, ok := key.(string)
	if !ok {
		return nil, false
	}
	if v, ok := r.own(name); ok {
		return v, true
	}
	return r.env.ancestorOutput(name)
}

// own looks a name up without the ancestors.
func (r *rootMap) own(name string) (any, bool) {
	if v, ok := r.overlay[name]; ok {
		return v, true
	}
	env := r.env
	if v, ok := env.Variables[name]; ok && name != "parameters" && name != "scmInfo" {
		return v, true
	}
	switch name {
	case "execution":
		if env.isPipeline() {
			return &executionObject{env.Execution, env.stageGraph()}, true
		}
	case "trigger":
		if env.isPipeline() {
			return env.triggerMap(), true
		}
	case "templateVariables":
		if env.isPipeline() && env.isV4() && len(env.Execution.TemplateVariables) > 0 {
			return map[string]any(env.Execution.TemplateVariables), true
		}
	case "parameters":
		return env.parameters(), true
	case "scmInfo":
		return env.scmInfo(), true
	}
	v, ok := env.Context[name]
	return v, ok
}

func (r *rootMap) keys() []string {
	keys := []string{"parameters", "scmInfo"}
	if r.env.isPipeline() {
		keys = append(keys, "execution", "trigger")
	}
	for _, m := range []map[string]any{r.env.Context, r.env.Variables, r.overlay} {
		keys = slices.AppendSeq(keys, maps.Keys(m))
	}
	slices.Sort(keys)
	return slices.Compact(keys)
}

func (r *rootMap) entries(yield func(k, v any) bool) {
	for _, k := range r.keys() {
		v, _ := r.own(k)
		if !yield(k, v) {
			return
		}
	}
}

func (r *rootMap) size() int { return len(r.keys()) }

func (env *Env) triggerMap() mapping {
	if env.trigger == nil {
		env.trigger = triggerMap(&env.Execution.Trigger)
	}
	return env.trigger
}

// parameters is the trigger's when it has any, otherwise the context's own.
func (env *Env) parameters() any {
	if env.isPipeline() {
		if p := env.Execution.Trigger.Parameters; len(p) > 0 {
			return map[string]any(p)
		}
	} else if t, ok := asMapping(normal(env.Context["trigger"])); ok {
		v, _ := t.lookup("parameters")
		if p, ok := asMapping(normal(v)); ok && p.size() > 0 {
			return v
		}
	}
	if p, ok := env.Variables["parameters"]; ok {
		return p
	}
	if p, ok := env.Context["parameters"]; ok {
		return p
	}
	return map[string]any{}
}

// scmInfo picks the commit of a Jenkins or Concourse trigger's build, preferring
// a branch that is neither master nor develop.
func (env *Env) scmInfo() any {
	if env.scmDone {
		return env.scm
	}
	env.scmDone = true
	list, _ := elements(normal(env.Context["scmInfo"]))
	if list == nil {
		var trigger mapping
		if env.isPipeline() {
			trigger = env.triggerMap()
		} else if t, ok := asMapping(normal(env.Context["trigger"])); ok {
			trigger = t
		}
		if trigger != nil {
			kind, _ := trigger.lookup("type")
			build, _ := trigger.lookup("buildInfo")
			if b, ok := asMapping(normal(build)); ok && (kind == "jenkins" || kind == "concourse") {
				scm, _ := b.lookup("scm")
				list, _ = elements(normal(scm))
			}
		}
	}
	var first any
	for i, e := range list {
		m, ok := asMapping(normal(e))
		if !ok {
			continue
		}
		o := &scmObject{m}
		if i == 0 {
			first = o
		}
		branch, _ := m.lookup("branch")
		if branch != "master" && branch != "develop" {
			first = o
			break
		}
	}
	env.scm = first
	return env.scm
}

func (env *Env) stageGraph() *graph {
	if env.graph == nil {
		env.graph = newGraph(env.Execution)
	}
	return env.graph
}

// known lists the stages whose outputs the stage sees, for hints.
func (env *Env) known() []*pipeline.Stage {
	if env.Stage == nil || env.Execution == nil {
		return nil
	}
	return env.stageGraph().ancestorsOf(env.Execution, env.Stage)
}

func (env *Env) ancestorOutput(name string) (any, bool) {
	for _, s := range env.known() {
		if v, ok := s.Outputs[name]; ok {
			return v, true
		}
	}
	return nil, false
}
