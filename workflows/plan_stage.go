package workflows

import (
	"maps"
	"slices"
	"strconv"
	"strings"
	"time"

	"github.com/gennaker/gennaker/pipeline"
	"github.com/gennaker/gennaker/pipeline/expr"
	"github.com/gennaker/gennaker/pipeline/templates"
)

// planner makes a [Plan].
type planner struct {
	engine  *Engine
	lookups PlanLookups
	exec    *pipeline.Execution
	now     time.Time
	plan    Plan
	// missing are the required parameters that the start does not give, of which the
	// plan tells once.
	missing []string
	// expected are the expected artifacts of the configuration.
	expected []string
	// stuck holds, by refId, the name of the stage that keeps this one and those
	// behind it from being reached.
	stuck map[string]string
	// runs holds, by refId, the stages that can run at all.
	runs map[string]StageType
}

func (p *planner) problem(severity templates.Severity, ref, message string) {
	p.plan.Problems = append(p.plan.Problems, Problem{Severity: severity, RefID: ref, Message: message})
}

// stage plans one stage; those before it are planned already.
func (p *planner) stage(s *pipeline.Stage) {
	unknown := len(p.plan.Unknown)
	p.evaluateStage(s)
	out := PlannedStage{
		RefID: s.RefID, Type: s.Type, Name: s.Name, RequisiteStageRefIDs: s.RequisiteStageRefIDs, Context: s.Context,
		Tasks: []string{}, Before: []string{}, Calls: []string{},
	}
	runs := false
	kind, err := p.engine.typeOf(s)
	if err != nil {
		p.problem(templates.Fatal, s.RefID, pipeline.MessageOf(err))
	} else {
		runs = p.ask(kind, s, &out, len(p.plan.Unknown) > unknown)
	}
	if runs {
		p.runs[s.RefID] = kind
	}
	p.checkAccount(s)
	p.checkArtifacts(s)
	p.checkReached(s, runs)
	p.plan.Stages = append(p.plan.Stages, out)
}

// ask has the stage's type say what it would do. It reports whether the stage
// can run at all; what it says against a context with unknown expressions does
// not count.
func (p *planner) ask(kind StageType, s *pipeline.Stage, out *PlannedStage, unknown bool) bool {
	for _, t := range kind.Tasks(s.Clone()) {
		out.Tasks = append(out.Tasks, t.Name)
	}
	if c, ok := kind.(Caller); ok {
		out.Calls = append(out.Calls, c.Calls(s.Clone())...)
	}
	if c, ok := kind.(Checker); ok {
		if err := c.Check(s.Clone()); err != nil {
			p.problem(templates.Fatal, s.RefID, pipeline.MessageOf(err))
			return false
		}
	}
	before, ok := kind.(BeforePlanner)
	if !ok {
		return true
	}
	first, err := before.Before(p.exec, s.Clone())
	for _, f := range first {
		name := f.Name
		if name == "" {
			name = f.Type
		}
		out.Before = append(out.Before, name)
	}
	if err == nil || unknown && len(out.Tasks) > 0 {
		return true
	}
	p.problem(templates.Fatal, s.RefID, pipeline.MessageOf(err))
	return false
}

// evaluateStage evaluates what can be known of a stage's name and context.
func (p *planner) evaluateStage(s *pipeline.Stage) {
	if name, isText := p.value(s, "name", s.Name).(string); isText {
		s.Name = name
	}
	before := len(p.plan.Unknown)
	evaluated := pipeline.Map(p.object(s, "", s.Context))
	s.Context = evaluated
	if s.Type != "evaluateVariables" || len(p.plan.Unknown) > before {
		return
	}
	// What the stage sets is known, to those behind it as well.
	for _, e := range evaluated.List("variables") {
		if row := pipeline.AsMap(e); row.String("key") != "" {
			s.Outputs[row.String("key")] = row["value"]
		}
	}
}

// value evaluates the expressions in a value that can be known.
func (p *planner) value(s *pipeline.Stage, path string, v any) any {
	switch v := v.(type) {
	case string:
		if expr.IsTemplate(v) {
			return p.text(s, path, v)
		}
		return v
	case []any:
		out := make([]any, len(v))
		for i, e := range v {
			out[i] = p.value(s, path+"["+strconv.Itoa(i)+"]", e)
		}
		return out
	}
	if m := pipeline.AsMap(v); m != nil {
		return p.object(s, path+".", m)
	}
	return v
}

// object is value for the keys and values of an object; prefix stands before its
// keys in paths. Manifests that are to stay as they are written are passed over.
func (p *planner) object(s *pipeline.Stage, prefix string, m pipeline.Map) map[string]any {
	out := make(map[string]any, len(m))
	for _, key := range slices.Sorted(maps.Keys(m)) {
		if prefix == "" && (key == "manifests" || key == "manifest") && m.Bool("skipExpressionEvaluation") {
			out[key] = m[key]
			continue
		}
		name := key
		if expr.IsTemplate(key) {
			if text, isText := p.text(s, prefix+key, key).(string); isText {
				name = text
			}
		}
		out[name] = p.value(s, prefix+key, m[key])
	}
	return out
}

// text evaluates one template, or tells why it cannot be evaluated yet.
func (p *planner) text(s *pipeline.Stage, path, text string) any {
	parsed, err := expr.Parse(text, expr.Limits{})
	if err != nil {
		p.problem(templates.Fatal, s.RefID, "The expression in "+path+" of the stage '"+s.Name+"' cannot be read: "+err.Error())
		return text
	}
	unknown := func(why string) any {
		p.plan.Unknown = append(p.plan.Unknown, UnknownExpression{RefID: s.RefID, Path: path, Expression: text, Why: why})
		return text
	}
	for _, name := range parsed.Names() {
		if why := p.unknown(s, name); why != "" {
			return unknown(why)
		}
	}
	env := expr.NewEnv(p.exec, s)
	if expr.EvaluatesAtStart(p.exec.SpelEvaluator) && readsOnly(parsed.Names(), "trigger", "parameters", "templateVariables") {
		env = expr.NewConfigEnv(p.exec.Trigger, p.exec.TemplateVariables)
		env.DisallowUnknownKeys = false // later passes leave it null
	}
	env.Now = p.now
	value, summary, err := expr.EvaluateString(env, text, expr.Options{})
	switch {
	case err != nil:
		return unknown("It is fetched when the pipeline runs.")
	case summary.Failed() && p.readsMissing(parsed.Names(), text) != "":
		return unknown("The parameter '" + p.readsMissing(parsed.Names(), text) + "' is missing.")
	case summary.Failed():
		why := strings.Join(summary.Descriptions(), " ")
		p.problem(templates.Warn, s.RefID, "The expression in "+path+" of the stage '"+s.Name+"' has no value: "+why)
		return unknown(why)
	}
	return value
}

// readsMissing returns the first missing parameter that an expression reads, by
// name or by index, or "".
func (p *planner) readsMissing(names []string, text string) string {
	for _, m := range p.missing {
		if slices.Contains(names, "parameters."+m) {
			return m
		}
		indexed := slices.ContainsFunc([]string{"parameters", "trigger.parameters", "trigger"}, func(n string) bool { return slices.Contains(names, n) })
		if indexed && (strings.Contains(text, "'"+m+"'") || strings.Contains(text, `"`+m+`"`) || strings.Contains(text, "."+m)) {
			return m
		}
	}
	return ""
}

func readsOnly(names []string, roots ...string) bool {
	return !slices.ContainsFunc(names, func(n string) bool {
		root, _, _ := strings.Cut(n, ".")
		return !strings.HasPrefix(n, "#") && !slices.Contains(roots, root) || strings.HasPrefix(n, "#") && executionFunctions[n[1:]]
	})
}

// executionFunctions are the helpers that read the execution.
var executionFunctions = func() map[string]bool {
	out := map[string]bool{}
	for _, f := range expr.Functions() {
		if f.Execution {
			out[f.Name] = true
		}
	}
	return out
}()

// fixedProperties are the properties of an execution that no run changes.
var fixedProperties = []string{
	"name", "application", "pipelineConfigId", "trigger", "templateVariables", "initialConfig", "notifications", "origin",
	"spelEvaluator", "authentication", "limitConcurrent", "maxConcurrentExecutions", "keepWaitingPipelines",
}

// unknown says why a name that an expression reads has no value yet, "" when it
// has.
func (p *planner) unknown(s *pipeline.Stage, name string) string {
	root, property, _ := strings.Cut(name, ".")
	switch {
	case strings.HasPrefix(name, "#"):
		return unknownFunction(name[1:])
	case strings.HasPrefix(name, "T(") || strings.HasPrefix(name, "new "):
		for _, changing := range []string{"time.", "Date", "Calendar", "Random", "UUID", "Math"} {
			if strings.Contains(name, changing) {
				return "What " + name + " gives may change from run to run."
			}
		}
		return ""
	case root == "trigger" || root == "parameters" || root == "templateVariables" || root == "scmInfo":
		return ""
	case root == "execution":
		if property == "" || slices.Contains(fixedProperties, property) {
			return "" // alone it is the argument of a helper, which has been asked
		}
		return "'" + name + "' is known when the pipeline runs."
	}
	if _, own := s.Context[root]; own {
		return ""
	}
	for _, a := range expr.Ancestors(p.exec, s) {
		if _, set := a.Outputs[root]; set {
			return ""
		}
	}
	if len(s.RequisiteStageRefIDs) == 0 {
		return "'" + root + "' is neither in the stage nor set by one before it."
	}
	return "'" + root + "' is not in the stage: it comes from a stage before it, or is missing."
}

func unknownFunction(name string) string {
	for _, f := range expr.Functions() {
		switch {
		case f.Name != name:
		case f.Fetches:
			return "#" + name + " asks the outside world when the pipeline runs."
		case f.Execution && !strings.HasPrefix(name, "trigger") && name != "stageExists":
			return "#" + name + " reads what the pipeline has done by then."
		}
	}
	return ""
}
