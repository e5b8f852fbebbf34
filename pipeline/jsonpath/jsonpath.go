// Package jsonpath reads values out of JSON documents by paths as Spinnaker's
// users write them: the dialect and the rules of Jayway's JsonPath, which
// Spinnaker uses for the status of webhooks and the constraints of triggers.
//
//	$.build.status            a property; "build.status" is the same
//	$['build status']         a property with any name; ['a','b'] several
//	$.steps[0], $.steps[-1]   an element, counted from the end when negative
//	$.steps[0,2], [1:], [:-1] several elements
//	$.steps[*].name, $.*      every element or value
//	$..id                     a property at any depth
//	$.steps[?(@.ok == true)]  the elements that pass a filter
//	$.steps.length()          a function of what the path leads to
//
// A path that can lead to one place only is definite: its value is what stands
// there, and a place that does not exist is an error. Every other path gives the
// list of what it found, which may be empty. Objects are walked in the order of
// their keys, so that the same document always gives the same answer.
package jsonpath

import (
	"errors"
	"maps"
	"slices"

	"github.com/gennaker/gennaker/pipeline"
)

// Bounds of a path and of its evaluation.
const (
	// MaxLength is the longest path, in bytes.
	MaxLength = 4096
	// maxSteps is how many values one evaluation may look at.
	maxSteps = 200_000
	// maxNesting is how deep filters and function arguments may be nested.
	maxNesting = 20
)

// ErrNotFound is what the error of a definite path wraps when nothing stands at
// its place.
var ErrNotFound = errors.New("the document has nothing at the path")

// Path is a compiled path. It is not changed by use.
type Path struct {
	text   string
	tokens []token
	// function is applied to what the tokens lead to; nil for none.
	function *function
}

// token is one step of a path.
type token interface {
	// definite reports whether the step leads to one place at most.
	definite() bool
}

type (
	// names leads to properties of an object.
	names []string
	// indexes leads to elements of a list.
	indexes []int
	// slice leads to a range of elements; nil is an open end.
	slice struct{ from, to *int }
	// wildcard leads to every element or value.
	wildcard struct{}
	// scan leads to everything below, itself included, to which the next token
	// applies.
	scan struct{}
	// filter leads to the elements that pass.
	filter struct{ condition condition }
)

func (n names) definite() bool   { return len(n) == 1 }
func (n indexes) definite() bool { return len(n) == 1 }
func (slice) definite() bool     { return false }
func (wildcard) definite() bool  { return false }
func (scan) definite() bool      { return false }
func (filter) definite() bool    { return false }

// Read compiles a path and reads it in a document of the value types of
// pipeline.Map. See [Compile] and [Path.Read] for the errors.
func Read(document any, text string) (any, error) {
	p, err := Compile(text)
	if err != nil {
		return nil, err
	}
	return p.Read(document)
}

// Definite reports whether the path leads to one value at most. Several
// properties at its end make one object.
func (p *Path) Definite() bool {
	for i, t := range p.tokens {
		_, several := t.(names)
		if !t.definite() && (!several || i < len(p.tokens)-1) {
			return false
		}
	}
	return true
}

// String returns the path as it was written.
func (p *Path) String() string { return p.text }

// Read returns what stands at the path. The result shares memory with the
// document.
//
// Errors: not_found, wrapping [ErrNotFound]; too_large when the document is too
// large for such a path; invalid for a function that does not fit the value.
func (p *Path) Read(document any) (any, error) {
	e := &evaluation{root: document, left: maxSteps}
	return e.read(p, document)
}

// evaluation is one reading of a path, with those of its filters and arguments.
type evaluation struct {
	root any
	// left is how many values may still be looked at.
	left int
}

func (e *evaluation) read(p *Path, from any) (any, error) {
	found, err := e.walk(p.tokens, true, from)
	if err != nil {
		return nil, e.explain(err, p)
	}
	var value any = found
	if p.Definite() {
		if len(found) == 0 {
			return nil, e.explain(ErrNotFound, p)
		}
		value = found[0]
	}
	if p.function == nil {
		return value, nil
	}
	return e.call(p, value)
}

func (e *evaluation) explain(err error, p *Path) error {
	if errors.Is(err, ErrNotFound) {
		return pipeline.Wrap(pipeline.CodeNotFound, ErrNotFound, "The document has nothing at the path '%s'.", p.text)
	}
	return err
}

// walk returns what the tokens lead to from a value. Steps that lead nowhere
// are an error while the way up to them is definite, and else passed over.
func (e *evaluation) walk(tokens []token, definite bool, from any) ([]any, error) {
	if e.left--; e.left < 0 {
		return nil, pipeline.Errorf(pipeline.CodeTooLarge,
			"The document is too large for its path: more than %d values would have to be looked at.", maxSteps)
	}
	if len(tokens) == 0 {
		return []any{from}, nil
	}
	if _, ok := tokens[0].(scan); ok {
		return e.scan(tokens[1:], from)
	}
	next, err := e.step(tokens[0], len(tokens) == 1, definite, from)
	if err != nil {
		return nil, err
	}
	out := []any{}
	for _, v := range next {
		more, err := e.walk(tokens[1:], definite && tokens[0].definite(), v)
		if err != nil {
			return nil, err
		}
		out = append(out, more...)
	}
	return out, nil
}

// scan applies the tokens to a value and to everything below it.
func (e *evaluation) scan(tokens []token, from any) ([]any, error) {
	out := []any{}
	if len(tokens) == 0 {
		out = append(out, from)
	} else if scannable(tokens[0], from) {
		found, err := e.walk(tokens, false, from)
		if err != nil {
			return nil, err
		}
		out = append(out, found...)
	}
	for _, child := range children(from) {
		if e.left--; e.left < 0 {
			return nil, pipeline.Errorf(pipeline.CodeTooLarge,
				"The document is too large for a path with '..': more than %d values would have to be looked at.", maxSteps)
		}
		found, err := e.scan(tokens, child)
		if err != nil {
			return nil, err
		}
		out = append(out, found...)
	}
	return out, nil
}

// scannable reports whether a token after ".." applies to a value. A filter
// there tests objects, each where it stands, not the elements of lists.
func scannable(t token, v any) bool {
	isList := false
	switch v.(type) {
	case []any:
		isList = true
	case map[string]any, pipeline.Map:
	default:
		return false
	}
	switch t.(type) {
	case names, filter:
		return !isList
	case indexes, slice:
		return isList
	}
	return true
}

// step takes one token from a value. last is set on the last token of the path.
func (e *evaluation) step(t token, last, definite bool, from any) ([]any, error) {
	switch t := t.(type) {
	case names:
		return properties(t, last, definite, from)
	case wildcard:
		return children(from), nil
	case filter:
		return e.filter(t, definite, from)
	}
	list, ok := from.([]any)
	if !ok {
		return nowhere(definite)
	}
	if s, ok := t.(slice); ok {
		return s.of(list), nil
	}
	var out []any
	wanted, _ := t.(indexes)
	for _, i := range wanted {
		if i < 0 {
			i += len(list)
		}
		if i >= 0 && i < len(list) {
			out = append(out, list[i])
		}
	}
	if len(out) == 0 && len(wanted) == 1 {
		return nowhere(definite)
	}
	return out, nil
}

// nowhere is a step that leads to nothing.
func nowhere(definite bool) ([]any, error) {
	if definite {
		return nil, ErrNotFound
	}
	return nil, nil
}

// properties takes properties of an object. Several at the end of a path give
// one object that holds those of them that are there.
func properties(wanted names, last, definite bool, from any) ([]any, error) {
	m := pipeline.AsMap(from)
	if m == nil {
		return nowhere(definite)
	}
	if len(wanted) == 1 {
		v, present := m[wanted[0]]
		if !present {
			return nowhere(definite)
		}
		return []any{v}, nil
	}
	some := map[string]any{}
	var out []any
	for _, name := range wanted {
		if v, present := m[name]; present {
			some[name] = v
			out = append(out, v)
		}
	}
	if last {
		return []any{some}, nil
	}
	return out, nil
}

// filter takes the elements of a list that pass, or an object that passes.
func (e *evaluation) filter(f filter, definite bool, from any) ([]any, error) {
	candidates, isList := from.([]any)
	if !isList {
		if pipeline.AsMap(from) == nil {
			return nowhere(definite)
		}
		candidates = []any{from}
	}
	var out []any
	for _, v := range candidates {
		if e.left--; e.left < 0 {
			return nil, pipeline.Errorf(pipeline.CodeTooLarge,
				"The document is too large for a filter: more than %d values would have to be looked at.", maxSteps)
		}
		passes, err := f.condition.holds(e, v)
		if err != nil {
			return nil, err
		}
		if passes {
			out = append(out, v)
		}
	}
	return out, nil
}

func (s slice) of(list []any) []any {
	bound := func(i *int, otherwise int) int {
		if i == nil {
			return otherwise
		}
		n := *i
		if n < 0 {
			n += len(list)
		}
		return min(max(n, 0), len(list))
	}
	from, to := bound(s.from, 0), bound(s.to, len(list))
	if from >= to {
		return nil
	}
	return list[from:to]
}

// children lists the elements of a list, or the values of an object in the order
// of its keys.
func children(v any) []any {
	switch v := v.(type) {
	case []any:
		return v
	case pipeline.Map:
		return children(map[string]any(v))
	case map[string]any:
		out := make([]any, 0, len(v))
		for _, k := range slices.Sorted(maps.Keys(v)) {
			out = append(out, v[k])
		}
		return out
	}
	return nil
}
