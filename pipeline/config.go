package pipeline

import (
	"strconv"
	"strings"
)

// Limits on a pipeline configuration. Spinnaker has none; these keep one bad
// document from harming everybody else's executions.
const (
	// MaxStages is the most stages that one pipeline may have.
	MaxStages = 2000
	// MaxNameLength is the longest pipeline name, in bytes.
	MaxNameLength = 500
)

// Pipeline is a pipeline configuration as people write it and Front50 stores
// it. The document is kept whole: what was saved is what is read, unknown keys
// included (reference: orca section 1).
type Pipeline Map

// MarshalJSON implements json.Marshaler.
func (p Pipeline) MarshalJSON() ([]byte, error) { return Map(p).MarshalJSON() }

// UnmarshalJSON implements json.Unmarshaler.
func (p *Pipeline) UnmarshalJSON(data []byte) error { return (*Map)(p).UnmarshalJSON(data) }

// Clone returns a deep copy.
func (p Pipeline) Clone() Pipeline { return Pipeline(Map(p).Clone()) }

// ID returns the configuration's ID, a UUID given by Front50.
func (p Pipeline) ID() string { return Map(p).String("id") }

// Name returns the name, trimmed.
func (p Pipeline) Name() string { return strings.TrimSpace(Map(p).String("name")) }

// Application returns the name of the application it belongs to, trimmed.
func (p Pipeline) Application() string { return strings.TrimSpace(Map(p).String("application")) }

// Disabled reports whether the pipeline refuses to start.
func (p Pipeline) Disabled() bool { return Map(p).Bool("disabled") }

// Templated reports whether the configuration is made from a template.
func (p Pipeline) Templated() bool {
	return Map(p).String("type") == "templatedPipeline" || Map(p).String("schema") == "v2" && p["template"] != nil
}

// Index returns the position in the application's list and whether it has one.
func (p Pipeline) Index() (int, bool) {
	i, ok := Map(p).Int("index")
	return int(i), ok
}

// Parameter is one entry of parameterConfig.
type Parameter struct {
	Name     string `json:"name"`
	Required bool   `json:"required"`
	// Default is used when the trigger does not hold the key; HasDefault tells
	// an absent default from an empty one.
	Default    any  `json:"default"`
	HasDefault bool `json:"-"`
}

// Parameters returns the parameters that the pipeline declares.
func (p Pipeline) Parameters() []Parameter {
	var out []Parameter
	for _, e := range Map(p).List("parameterConfig") {
		m := AsMap(e)
		if m == nil {
			continue
		}
		d, has := m["default"]
		out = append(out, Parameter{Name: m.String("name"), Required: m.Bool("required"), Default: d, HasDefault: has})
	}
	return out
}

// Stages returns the stages of the configuration, decoded and not yet
// validated. When every stage lacks a refId they are numbered "0", "1", … and
// chained; when any has one, nothing is filled in. The error names the stage
// that cannot be read.
func (p Pipeline) Stages() ([]StageConfig, error) {
	raw, present := p["stages"]
	if !present || raw == nil {
		return nil, Errorf(CodeInvalid, "The pipeline '%s' has no stages: set stages to a list, which may be empty.", p.Name())
	}
	list, ok := raw.([]any)
	if !ok {
		return nil, Errorf(CodeInvalid, "The stages of pipeline '%s' are %s: set stages to a list.", p.Name(), kindOf(raw))
	}
	if len(list) > MaxStages {
		return nil, Errorf(CodeInvalid, "The pipeline '%s' has %d stages: use at most %d.", p.Name(), len(list), MaxStages)
	}
	out := make([]StageConfig, 0, len(list))
	numbered := false
	for i, e := range list {
		m := AsMap(e)
		if m == nil {
			return nil, Errorf(CodeInvalid, "Stage %d of pipeline '%s' is %s: write it as an object.", i+1, p.Name(), kindOf(e))
		}
		s, err := parseStage(m, i, p.Name())
		if err != nil {
			return nil, err
		}
		numbered = numbered || s.RefID != ""
		out = append(out, s)
	}
	if !numbered {
		for i := range out {
			out[i].RefID = strconv.Itoa(i)
			out[i].RequisiteStageRefIDs = nil
			if i > 0 {
				out[i].RequisiteStageRefIDs = []string{strconv.Itoa(i - 1)}
			}
		}
	}
	return out, nil
}

// StageConfig is one stage of a configuration: the keys that the engine reads
// pulled out, every other key in Context.
type StageConfig struct {
	RefID                string
	Type                 string
	Name                 string
	RequisiteStageRefIDs []string
	StartTimeExpiry      Millis
	Context              Map
}

func parseStage(m Map, index int, pipelineName string) (StageConfig, error) {
	s := StageConfig{
		RefID: refID(m["refId"]),
		Type:  m.String("type"),
		Name:  m.String("name"),
	}
	if s.Type == "" {
		return s, Errorf(CodeInvalid, "Stage %d (%s) of pipeline '%s' has no type: set type, for example \"wait\".", index+1, orDash(s.Name), pipelineName)
	}
	if s.Name == "" {
		s.Name = s.Type
	}
	switch v := m["requisiteStageRefIds"].(type) {
	case nil:
	case []any:
		for _, e := range v {
			ref := refID(e)
			if ref == "" {
				return s, Errorf(CodeInvalid, "Stage '%s' of pipeline '%s' requires a stage by %s: requisiteStageRefIds holds refIds, which are text.", s.Name, pipelineName, kindOf(e))
			}
			s.RequisiteStageRefIDs = append(s.RequisiteStageRefIDs, ref)
		}
	default:
		ref := refID(v)
		if ref == "" {
			return s, Errorf(CodeInvalid, "Stage '%s' of pipeline '%s' has requisiteStageRefIds that are %s: use a list of refIds.", s.Name, pipelineName, kindOf(v))
		}
		s.RequisiteStageRefIDs = []string{ref}
	}
	if expiry, ok := m.Int("startTimeExpiry"); ok {
		s.StartTimeExpiry = Millis(expiry)
	}
	if provider := m.String("providerType"); provider != "" && provider != "aws" && provider != "titus" {
		s.Type += "_" + provider
	}
	s.Context = m.Clone()
	for _, key := range []string{"refId", "type", "name", "requisiteStageRefIds", "startTimeExpiry"} {
		delete(s.Context, key)
	}
	return s, nil
}

// refID reads a refId, which hand-written pipelines also hold as a number.
func refID(v any) string {
	switch v := v.(type) {
	case string:
		return v
	case int64:
		return strconv.FormatInt(v, 10)
	}
	return ""
}

// Validate reports what makes the configuration unfit to be stored: a missing
// name or application ([CodeUnprocessable]), stages that cannot be read or a
// graph that cannot run ([CodeInvalid]). A configuration without a stages key
// is still empty and is fit; the stages of a templated one mean nothing without
// the template's.
func (p Pipeline) Validate() error {
	if p.Name() == "" || p.Application() == "" {
		return Errorf(CodeUnprocessable, "A pipeline requires name and application fields: set both to text.")
	}
	if len(p.Name()) > MaxNameLength {
		return Errorf(CodeInvalid, "The pipeline name is %d bytes long: use at most %d.", len(p.Name()), MaxNameLength)
	}
	if v, present := p["id"]; present && v != nil {
		if _, ok := v.(string); !ok {
			return Errorf(CodeInvalid, "The id of pipeline '%s' is %s: leave it out for a new pipeline, or use the text that was given.", p.Name(), kindOf(v))
		}
	}
	if _, present := p["stages"]; !present || p.Templated() {
		return nil
	}
	stages, err := p.Stages()
	if err != nil {
		return err
	}
	return ValidateGraph(stages)
}

func orDash(s string) string {
	if s == "" {
		return "unnamed"
	}
	return s
}

func itoa(n int) string { return strconv.Itoa(n) }
