package templates

import (
	"fmt"
	"slices"
	"strings"
	"time"

	"github.com/gennaker/gennaker/pipeline"
)

// templatedType is the type of a pipeline that is made from a template.
const templatedType = "templatedPipeline"

// Loader returns the version of a template that a reference names. It returns
// not_found when there is none; any other error ends the resolution as it is.
type Loader func(Reference) (Template, error)

// Options are what a resolution needs from outside.
type Options struct {
	// Load fetches the template.
	Load Loader
	// Trigger is what the expressions in the reference and in the defaults of
	// variables see.
	Trigger pipeline.Trigger
	// Now is what dates in those expressions are made from.
	Now time.Time
}

// Resolution is a pipeline that can run.
type Resolution struct {
	// Pipeline is a configuration without a template. It is the argument itself
	// when that had none.
	Pipeline pipeline.Pipeline
	// Template names the version that was used, nil for none.
	Template *Reference
	// Warnings are what was passed over.
	Warnings []Fault
}

// Resolve returns the plain pipeline that a templated one stands for, with the
// values of its variables under templateVariables; a pipeline without a template
// comes back as it is. The argument is not changed.
//
// The template's pipeline is the base. Stages of the configuration replace, join
// or are injected between the template's; its triggers, notifications and
// parameters come after the template's, which are marked inherited, or stand
// alone where exclude says so. Expected artifacts and all other keys are the
// template's (reference: orca, template schema v2).
//
// Errors: [*Error] (invalid) with every fault, and what Load returns.
func Resolve(config pipeline.Pipeline, o Options) (Resolution, error) {
	if !config.Templated() {
		return Resolution{Pipeline: config}, nil
	}
	o.Trigger = withDefaults(o.Trigger, config)
	var found faults
	checkConfig(config, &found)
	reference, err := referenceOf(config, o, &found)
	if err == nil {
		err = found.err()
	}
	if err != nil {
		return Resolution{}, err
	}
	template, err := o.Load(reference)
	switch {
	case err != nil && pipeline.CodeOf(err) == pipeline.CodeNotFound:
		found.add(Fault{
			Message: "failed loading template", Location: "configuration:template.reference", Cause: pipeline.MessageOf(err),
			Suggestion: "Correct the reference, or save the template under it.",
		})
		return Resolution{}, found.err()
	case err != nil:
		return Resolution{}, err
	}
	template = template.Clone()
	out, err := apply(template, config, o, &found)
	if err != nil {
		return Resolution{}, err
	}
	return Resolution{Pipeline: out, Template: &reference, Warnings: found}, nil
}

// withDefaults gives the configuration's own parameters their values.
func withDefaults(t pipeline.Trigger, config pipeline.Pipeline) pipeline.Trigger {
	t.Parameters = t.Parameters.Clone()
	if t.Parameters == nil {
		t.Parameters = pipeline.Map{}
	}
	for _, p := range config.Parameters() {
		if _, present := t.Parameters[p.Name]; !present && p.HasDefault {
			t.Parameters[p.Name] = pipeline.CloneValue(p.Default)
		}
	}
	return t
}

// checkConfig finds what is wrong with the configuration alone.
func checkConfig(config pipeline.Pipeline, found *faults) {
	m := pipeline.Map(config)
	if schema := m.String("schema"); schema != Schema {
		found.add(Fault{
			Message: "unexpected schema version '" + schema + "'", Location: "configuration:schema",
			Suggestion: "Use templates of schema \"" + Schema + "\".",
		})
	}
	if config.Application() == "" {
		found.add(Fault{Message: "Missing 'application' configuration", Location: "configuration:application", Suggestion: "Set application to its name."})
	}
	for _, key := range []string{"template", "variables"} {
		if v := m[key]; v != nil && pipeline.AsMap(v) == nil {
			found.add(Fault{Message: "What the pipeline holds under '" + key + "' is not an object", Location: "configuration:" + key, Suggestion: "Write {...}."})
		}
	}
	for _, key := range []string{"exclude", "triggers", "notifications", "parameters", "parameterConfig"} {
		if v := m[key]; v != nil && m.List(key) == nil {
			found.add(Fault{Message: "What the pipeline holds under '" + key + "' is not a list", Location: "configuration:" + key, Suggestion: "Write [...]."})
		}
	}
}

// referenceOf evaluates and reads the reference to the template.
func referenceOf(config pipeline.Pipeline, o Options, found *faults) (Reference, error) {
	artifact := pipeline.Map(config).Map("template")
	malformed := func(cause string) (Reference, error) {
		found.add(Fault{Message: "malformed template configuration", Location: "configuration:template", Cause: named(config) + " " + cause})
		return Reference{}, found.err()
	}
	if kind := artifact.String("type"); kind != "" && kind != ArtifactType {
		return malformed(fmt.Sprintf("The template is an artifact of the type '%s': save it to Front50 and use an artifact of the type '%s'.", kind, ArtifactType))
	}
	text, isText := artifact["reference"].(string)
	if !isText || text == "" {
		return malformed("The pipeline names no template: set template.reference to " + Scheme + "id.")
	}
	if strings.Contains(text, "${") {
		evaluated, isText := render(environment(config, nil, nil, Options{Trigger: o.Trigger, Now: o.Now}), text).(string)
		if !isText || strings.Contains(evaluated, "${") {
			return malformed(fmt.Sprintf("The template reference %q cannot be evaluated: use values of the trigger that every start has.", text))
		}
		text = evaluated
	}
	r, err := ParseReference(text)
	if err != nil {
		return malformed(pipeline.MessageOf(err))
	}
	return r, nil
}

// apply makes the pipeline from the template, which it may change.
func apply(template Template, config pipeline.Pipeline, o Options, found *faults) (pipeline.Pipeline, error) {
	if schema := template.Schema(); schema != Schema {
		found.add(Fault{
			Message: "template schema version is unsupported: expected '" + Schema + "', got '" + schema + "'", Location: "template:schema",
			Suggestion: "Save the template with the schema \"" + Schema + "\".",
		})
	}
	out := template.Pipeline()
	if out == nil {
		found.add(Fault{Message: "The template has no pipeline", Location: "template:pipeline", Suggestion: "Write {\"stages\": [...]}."})
	}
	for _, fault := range template.variableFaults() {
		found.add(Fault{Message: fault, Location: "template:variables"})
	}
	if err := found.err(); err != nil {
		return nil, err
	}
	variables := template.Variables()
	env := environment(config, template.Clone(), variables, o)
	for i := range variables {
		variables[i].Default = render(env, variables[i].Default)
	}
	values := assign(config, variables, found)
	stages := combine(template, config, found)
	if err := found.err(); err != nil {
		return nil, err
	}
	out = out.Clone()
	fill(out, config)
	out["stages"] = stages
	out["templateVariables"] = map[string]any(values)
	for _, part := range parts {
		out[part.key] = merge(part, template, config)
	}
	warnOfArtifacts(out, config, found)
	checkGraph(out, found)
	return out, found.err()
}

// fill sets what a pipeline has of its own and what the template leaves open.
func fill(out, config pipeline.Pipeline) {
	m := pipeline.Map(config)
	delete(out, "id")
	if id := config.ID(); id != "" {
		out["id"] = id
	} else if id := m.String("pipelineConfigId"); id != "" {
		out["id"] = id
	}
	out["application"], out["name"] = config.Application(), config.Name()
	if config.Name() == "" {
		out["name"] = "Unnamed Execution"
	}
	for key, missing := range map[string]any{"limitConcurrent": true, "maxConcurrentExecutions": int64(0), "keepWaitingPipelines": false} {
		if _, own := out[key]; own {
			continue
		}
		if v := m[key]; v != nil {
			missing = v
		}
		out[key] = missing
	}
	for _, key := range []string{"disabled", "executionId", "initialConfig"} {
		if v := m[key]; v != nil {
			out[key] = pipeline.CloneValue(v)
		}
	}
	if out["source"] == nil {
		out["source"] = map[string]any{"type": templatedType, "version": Schema}
	}
}

// part is a list that template and configuration both bring.
type part struct {
	// key is the list in a pipeline, exclude its name in exclude.
	key, exclude string
	// config are the keys of the list in a configuration: Orca reads the first,
	// Deck writes the last.
	config []string
}

var parts = []part{
	{key: "notifications", exclude: "notifications", config: []string{"notifications"}},
	{key: "parameterConfig", exclude: "parameters", config: []string{"parameters", "parameterConfig"}},
	{key: "triggers", exclude: "triggers", config: []string{"triggers"}},
}

// merge returns the template's entries, marked inherited, followed by those of
// the configuration, each once.
func merge(p part, template Template, config pipeline.Pipeline) []any {
	var all []any
	if !slices.Contains(pipeline.Map(config).Strings("exclude"), p.exclude) {
		for _, e := range pipeline.Map(template.Pipeline()).List(p.key) {
			if m := pipeline.AsMap(e).Clone(); m != nil {
				m["inherited"] = true
				// Whoever saves a configuration may use the accounts that its triggers run
				// as; nobody has asked that of a template's.
				delete(m, "runAsUser")
				all = append(all, map[string]any(m))
			}
		}
	}
	for _, key := range p.config {
		for _, e := range pipeline.Map(config).List(key) {
			all = append(all, pipeline.CloneValue(e))
		}
	}
	out := []any{}
	seen := map[string]bool{}
	for _, e := range all {
		text, err := pipeline.EncodeValue(e)
		if err != nil || !seen[string(text)] {
			out = append(out, e)
		}
		seen[string(text)] = true
	}
	return out
}

// warnOfArtifacts tells of expected artifacts that only the configuration has.
func warnOfArtifacts(out, config pipeline.Pipeline, found *faults) {
	known := map[string]bool{}
	for _, e := range pipeline.Map(out).List("expectedArtifacts") {
		known[pipeline.AsMap(e).String("id")] = true
	}
	var lost []string
	for _, e := range pipeline.Map(config).List("expectedArtifacts") {
		if id := pipeline.AsMap(e).String("id"); id != "" && !known[id] {
			lost = append(lost, id)
		}
	}
	if len(lost) > 0 {
		found.add(Fault{
			Severity: Warn, Location: "configuration:expectedArtifacts",
			Message:    "Expected artifacts of the pipeline are passed over: " + strings.Join(lost, ", "),
			Suggestion: "Declare them in the template.",
		})
	}
}

// checkGraph finds stages that cannot run.
func checkGraph(out pipeline.Pipeline, found *faults) {
	stages, err := out.Stages()
	if err == nil {
		err = pipeline.ValidateGraph(stages)
	}
	if err == nil {
		return
	}
	details := pipeline.DetailsOf(err)
	if len(details) == 0 {
		details = []string{pipeline.MessageOf(err)}
	}
	for _, d := range details {
		found.add(Fault{Message: d, Location: "template:pipeline.stages"})
	}
}
