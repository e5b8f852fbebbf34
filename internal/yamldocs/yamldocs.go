// Package yamldocs reads YAML texts from users into plain values, within bounds:
// aliases that multiply, nesting and sheer size end in an error with the line
// where it went wrong.
//
// Scalars are read as Spinnaker and kubectl read them (YAML 1.1): yes, no, on
// and off are booleans and 0644 is octal, while dates stay text.
package yamldocs

import (
	"bytes"
	"encoding/base64"
	"errors"
	"io"
	"math"
	"strconv"
	"strings"

	"go.yaml.in/yaml/v3"

	"github.com/gennaker/gennaker/pipeline"
)

// Limits bound a text.
type Limits struct {
	// Bytes is how long it may be.
	Bytes int
	// Values is how many values its documents may hold, those that aliases repeat
	// counted each time; Depth is how deep they may be nested.
	Values, Depth int
	// Expanded is how many bytes of text they may hold, aliases included.
	Expanded int
}

// Defaults are the limits for manifests.
var Defaults = Limits{Bytes: 10 << 20, Values: 1_000_000, Depth: 200, Expanded: 32 << 20}

// Parse returns the documents of a text as values of the types of pipeline.Map.
// Documents without content are nil.
//
// Errors: too_large beyond a limit; invalid for what is no YAML or has no place
// in JSON.
func Parse(text []byte, l Limits) ([]any, error) {
	if len(text) > l.Bytes {
		return nil, pipeline.Errorf(pipeline.CodeTooLarge, "The YAML is %d bytes: at most %d are read.", len(text), l.Bytes)
	}
	if err := refuseDense(text, l); err != nil {
		return nil, err
	}
	p := &parser{limits: l}
	decoder := yaml.NewDecoder(bytes.NewReader(text))
	var out []any
	for {
		var n yaml.Node
		err := decode(decoder, &n)
		if errors.Is(err, io.EOF) {
			return out, nil
		}
		if err != nil {
			return nil, pipeline.Errorf(pipeline.CodeInvalid, "The YAML cannot be read: %s.", strings.TrimPrefix(err.Error(), "yaml: "))
		}
		v, err := p.value(&n, 0)
		if err != nil {
			return nil, err
		}
		out = append(out, v)
		if len(out) > l.Values {
			return nil, p.tooMany(&n)
		}
	}
}

// refuseDense refuses a text that may hold more nodes than the limit before any
// memory is spent on them: each node costs many times its text.
func refuseDense(text []byte, l Limits) error {
	marks := 0
	for _, c := range text {
		switch c {
		case ',', ':', '[', '{', '-', '?', '&', '*', '!', '\n':
			marks++
		}
	}
	// Every value needs a mark, and in manifests has one or two.
	if marks > 2*l.Values {
		return pipeline.Errorf(pipeline.CodeTooLarge, "The YAML may hold more than %d values: split it.", l.Values)
	}
	return nil
}

// decode keeps a fault of the library from taking the program with it.
func decode(d *yaml.Decoder, n *yaml.Node) (err error) {
	defer func() {
		if v := recover(); v != nil {
			err = errors.New("it is beyond what the parser understands")
		}
	}()
	return d.Decode(n)
}

type parser struct {
	limits   Limits
	values   int
	expanded int
}

func (p *parser) tooMany(n *yaml.Node) error {
	return pipeline.Errorf(pipeline.CodeTooLarge, "Line %d of the YAML is past the %d values that are read; aliases count each time that they are used. Split it.", n.Line, p.limits.Values)
}

func (p *parser) value(n *yaml.Node, depth int) (any, error) {
	if p.values++; p.values > p.limits.Values {
		return nil, p.tooMany(n)
	}
	if depth > p.limits.Depth {
		return nil, pipeline.Errorf(pipeline.CodeTooLarge, "Line %d of the YAML is nested deeper than %d levels.", n.Line, p.limits.Depth)
	}
	switch n.Kind {
	case yaml.DocumentNode:
		if len(n.Content) == 0 {
			return nil, nil
		}
		return p.value(n.Content[0], depth)
	case yaml.AliasNode:
		if n.Alias == nil {
			return nil, nil
		}
		return p.value(n.Alias, depth+1)
	case yaml.SequenceNode:
		out := make([]any, 0, min(len(n.Content), 1024))
		for _, e := range n.Content {
			v, err := p.value(e, depth+1)
			if err != nil {
				return nil, err
			}
			out = append(out, v)
		}
		return out, nil
	case yaml.MappingNode:
		return p.mapping(n, depth)
	}
	return p.scalar(n)
}

func (p *parser) mapping(n *yaml.Node, depth int) (any, error) {
	out := make(map[string]any, min(len(n.Content)/2, 1024))
	var merged []map[string]any
	for i := 0; i+1 < len(n.Content); i += 2 {
		key, value := n.Content[i], n.Content[i+1]
		if key.Kind == yaml.ScalarNode && key.Tag == "!!merge" {
			v, err := p.value(value, depth+1)
			if err != nil {
				return nil, err
			}
			maps, err := mergeable(value, v)
			if err != nil {
				return nil, err
			}
			merged = append(merged, maps...)
			continue
		}
		name, err := p.key(key)
		if err != nil {
			return nil, err
		}
		if out[name], err = p.value(value, depth+1); err != nil {
			return nil, err
		}
	}
	for _, m := range merged { // the first that has a key wins, and own keys before all
		for k, v := range m {
			if _, own := out[k]; !own {
				out[k] = v
			}
		}
	}
	return out, nil
}

// mergeable returns the maps that a merge key names.
func mergeable(n *yaml.Node, v any) ([]map[string]any, error) {
	switch v := v.(type) {
	case map[string]any:
		return []map[string]any{v}, nil
	case []any:
		var out []map[string]any
		for _, e := range v {
			m, ok := e.(map[string]any)
			if !ok {
				return nil, pipeline.Errorf(pipeline.CodeInvalid, "Line %d of the YAML merges something that is no map.", n.Line)
			}
			out = append(out, m)
		}
		return out, nil
	}
	return nil, pipeline.Errorf(pipeline.CodeInvalid, "Line %d of the YAML merges something that is no map.", n.Line)
}

// key returns a map's key as text, which is what JSON has.
func (p *parser) key(n *yaml.Node) (string, error) {
	for hops := 0; n.Kind == yaml.AliasNode && n.Alias != nil && hops < p.limits.Depth; hops++ {
		n = n.Alias
	}
	if n.Kind != yaml.ScalarNode {
		return "", pipeline.Errorf(pipeline.CodeInvalid, "Line %d of the YAML has a key that is no text.", n.Line)
	}
	return n.Value, p.count(n)
}

func (p *parser) count(n *yaml.Node) error {
	if p.expanded += len(n.Value); p.expanded > p.limits.Expanded {
		return pipeline.Errorf(pipeline.CodeTooLarge, "Line %d of the YAML is past the %d bytes that are read; aliases count each time that they are used.", n.Line, p.limits.Expanded)
	}
	return nil
}

func (p *parser) scalar(n *yaml.Node) (any, error) {
	if err := p.count(n); err != nil {
		return nil, err
	}
	plain := n.Style&(yaml.DoubleQuotedStyle|yaml.SingleQuotedStyle|yaml.LiteralStyle|yaml.FoldedStyle) == 0
	switch n.ShortTag() {
	case "!!null":
		return nil, nil
	case "!!bool":
		return p.decoded(n, new(bool))
	case "!!int":
		return p.integer(n)
	case "!!float":
		return p.float(n)
	case "!!binary":
		raw, err := base64.StdEncoding.DecodeString(strings.Join(strings.Fields(n.Value), ""))
		if err != nil {
			return nil, pipeline.Errorf(pipeline.CodeInvalid, "Line %d of the YAML is marked as base64 and is not.", n.Line)
		}
		return base64.StdEncoding.EncodeToString(raw), nil
	}
	if plain && n.Style&yaml.TaggedStyle == 0 {
		switch n.Value {
		case "yes", "Yes", "YES", "on", "On", "ON":
			return true, nil
		case "no", "No", "NO", "off", "Off", "OFF":
			return false, nil
		}
	}
	return strings.ToValidUTF8(n.Value, "\ufffd"), nil
}

func (p *parser) decoded(n *yaml.Node, into *bool) (any, error) {
	switch strings.ToLower(n.Value) { // a tag may stand before any text
	case "true", "yes", "on":
		*into = true
	case "false", "no", "off":
		*into = false
	default:
		return nil, notA(n, "boolean")
	}
	return *into, nil
}

func notA(n *yaml.Node, what string) error {
	return pipeline.Errorf(pipeline.CodeInvalid, "Line %d of the YAML is marked as a %s and is not.", n.Line, what)
}

// integer keeps whole numbers whole; those beyond 64 bits become floating point.
func (p *parser) integer(n *yaml.Node) (any, error) {
	text := strings.ReplaceAll(n.Value, "_", "")
	if v, err := strconv.ParseInt(text, 0, 64); err == nil {
		return v, nil
	}
	if v, err := strconv.ParseInt(strings.TrimPrefix(text, "+"), 10, 64); err == nil {
		return v, nil
	}
	return p.number(n, text)
}

func (p *parser) float(n *yaml.Node) (any, error) {
	return p.number(n, strings.ReplaceAll(n.Value, "_", ""))
}

func (p *parser) number(n *yaml.Node, text string) (any, error) {
	v, err := strconv.ParseFloat(text, 64)
	lower := strings.ToLower(strings.TrimLeft(text, "+-"))
	if math.IsInf(v, 0) || math.IsNaN(v) || lower == ".inf" || lower == ".nan" {
		return nil, pipeline.Errorf(pipeline.CodeInvalid, "Line %d of the YAML holds the number %s, which JSON does not have: write it in quotes if it is text.", n.Line, n.Value)
	}
	if err != nil {
		return nil, notA(n, "number")
	}
	return v, nil
}
