package templates

import (
	"fmt"
	"regexp"
	"strings"

	"github.com/gennaker/gennaker/pipeline"
)

// Schema is the schema that this package knows.
const Schema = "v2"

// MaxVariables is the most variables that one template may declare.
const MaxVariables = 1000

// Template is a template as people write it and Front50 stores it. The document
// is kept whole, unknown keys included (reference: front50 section 2).
type Template pipeline.Map

// MarshalJSON implements json.Marshaler.
func (t Template) MarshalJSON() ([]byte, error) { return pipeline.Map(t).MarshalJSON() }

// UnmarshalJSON implements json.Unmarshaler.
func (t *Template) UnmarshalJSON(data []byte) error { return (*pipeline.Map)(t).UnmarshalJSON(data) }

// Clone returns a deep copy.
func (t Template) Clone() Template { return Template(pipeline.Map(t).Clone()) }

// ID returns the template's own ID, without tag or digest.
func (t Template) ID() string { return strings.TrimSpace(pipeline.Map(t).String("id")) }

// Tag returns the tag under which this version was saved, or "".
func (t Template) Tag() string { return pipeline.Map(t).String("tag") }

// Digest returns the digest under which this version was saved, or "".
func (t Template) Digest() string { return pipeline.Map(t).String("digest") }

// Reference returns the name of this version.
func (t Template) Reference() Reference {
	return Reference{ID: t.ID(), Tag: t.Tag(), Digest: t.Digest()}
}

// Schema returns the schema, "v2" for a template of this package.
func (t Template) Schema() string { return pipeline.Map(t).String("schema") }

// Name returns metadata.name.
func (t Template) Name() string { return pipeline.Map(t).Map("metadata").String("name") }

// Scopes returns metadata.scopes: who the template is meant for, as names or
// regular expressions.
func (t Template) Scopes() []string { return pipeline.Map(t).Map("metadata").Strings("scopes") }

// Protected reports whether pipelines may not change the template's stages.
func (t Template) Protected() bool { return pipeline.Map(t).Bool("protect") }

// Pipeline returns the templated configuration, nil when there is none. It
// shares memory with t.
func (t Template) Pipeline() pipeline.Pipeline {
	return pipeline.Pipeline(pipeline.Map(t).Map("pipeline"))
}

// Variable is one declared variable.
type Variable struct {
	Name        string `json:"name"`
	Description string `json:"description"`
	// Type is object, string, int, float, bool, boolean, list or map; empty is
	// object, which takes any value.
	Type string `json:"type"`
	// Default is the value of a pipeline that gives none; nil is no default.
	Default any `json:"defaultValue"`
	// Nullable lets the value be null or missing.
	Nullable bool `json:"nullable"`
}

// Variables returns the declared variables. What is not an object with a name
// is left out; [Template.Validate] tells of it.
func (t Template) Variables() []Variable {
	var out []Variable
	for _, e := range pipeline.Map(t).List("variables") {
		m := pipeline.AsMap(e)
		if m.String("name") == "" {
			continue
		}
		v := Variable{
			Name: m.String("name"), Description: m.String("description"), Type: m.String("type"),
			Default: m["defaultValue"], Nullable: m.Bool("nullable"),
		}
		if v.Type == "" {
			v.Type = "object"
		}
		out = append(out, v)
	}
	return out
}

// What names look like (reference: orca, template schema v2).
var (
	templateName = regexp.MustCompile(`^[a-zA-Z0-9\-&\s_\[\]\\^` + "`" + `]+$`)
	variableName = regexp.MustCompile(`^[a-zA-Z0-9_]+$`)
)

// Validate reports what makes a template unfit to be saved, every fault in the
// details: a missing or unusable field, a variable that cannot be told by its
// name.
//
// Errors: invalid.
func (t Template) Validate() error {
	var faults []string
	fault := func(format string, args ...any) { faults = append(faults, fmt.Sprintf(format, args...)) }
	if strings.Contains(t.ID(), ".") {
		fault("Pipeline Template IDs cannot have dots: the id is '%s'.", t.ID())
	}
	if missing := t.missing(); len(missing) > 0 {
		fault("Missing required fields: %s.", strings.Join(missing, ","))
	}
	if s := t.Schema(); s != "" && s != Schema {
		fault("Invalid schema version: %s. Use \"%s\".", s, Schema)
	}
	if name := t.Name(); name != "" && !templateName.MatchString(name) {
		fault("Illegal template name: %s. Use letters, digits, spaces, '-', '_' and '&'.", name)
	}
	if v, present := t["pipeline"]; present && pipeline.AsMap(v) == nil {
		fault("The template's pipeline is not an object: write {\"stages\": [...]}.")
	}
	faults = append(faults, t.variableFaults()...)
	var illegal []string
	for _, v := range t.Variables() {
		if !variableName.MatchString(v.Name) {
			illegal = append(illegal, v.Name)
		}
	}
	if len(illegal) > 0 {
		fault("Illegal variable names: %s. Use letters, digits and '_'.", strings.Join(illegal, ", "))
	}
	if len(faults) == 0 {
		return nil
	}
	return &pipeline.Error{Code: pipeline.CodeInvalid, Message: strings.Join(faults, " "), Details: faults}
}

// missing lists the required fields that are not there.
func (t Template) missing() []string {
	var out []string
	metadata := pipeline.Map(t).Map("metadata")
	for _, key := range []string{"name", "description"} {
		if metadata.String(key) == "" {
			out = append(out, "metadata."+key)
		}
	}
	if len(t.Scopes()) == 0 {
		out = append(out, "metadata.scopes")
	}
	if t.Schema() == "" {
		out = append(out, "schema")
	}
	return out
}

// variableFaults tells what keeps the variables from being read.
func (t Template) variableFaults() []string {
	var faults []string
	switch list := t["variables"].(type) {
	case nil:
	case []any:
		if len(list) > MaxVariables {
			return []string{fmt.Sprintf("The template declares %d variables: use at most %d.", len(list), MaxVariables)}
		}
		for i, e := range list {
			if pipeline.AsMap(e).String("name") == "" {
				faults = append(faults, fmt.Sprintf("Variable %d of the template has no name: write {\"name\": \"...\", \"type\": \"...\"}.", i+1))
			}
		}
	default:
		faults = append(faults, "The template's variables are not a list: write [{\"name\": \"...\", \"type\": \"...\"}].")
	}
	return faults
}
