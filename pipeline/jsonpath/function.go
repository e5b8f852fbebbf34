package jsonpath

import (
	"encoding/json"
	"errors"
	"maps"
	"math"
	"slices"
	"strconv"
	"strings"

	"github.com/gennaker/gennaker/pipeline"
)

// function is a call at the end of a path.
type function struct {
	name      string
	arguments []operand
}

var functionNames = []string{
	"append", "avg", "concat", "first", "index", "keys", "last", "length", "max", "min", "size", "stddev", "sum",
}

// call applies a path's function to what the path led to.
func (e *evaluation) call(p *Path, v any) (any, error) {
	var arguments []any
	for _, a := range p.function.arguments {
		// Arguments count from the root, also when they are written with "@".
		value, found, err := a.value(e, e.root)
		if err != nil {
			return nil, err
		}
		if !found {
			return nil, pipeline.Wrap(pipeline.CodeNotFound, ErrNotFound, "The document has nothing at the path '%s' in '%s'.", a.path.text, p.text)
		}
		arguments = append(arguments, value)
	}
	refuse := func(why string) error {
		return pipeline.Errorf(pipeline.CodeInvalid, "The function %s() in '%s' %s.", p.function.name, p.text, why)
	}
	switch name := p.function.name; name {
	case "length", "size":
		if len(arguments) > 0 {
			v = arguments[0]
		}
		if n := size(v); n >= 0 {
			return int64(n), nil
		}
		return nil, refuse("takes a list, an object or text")
	case "keys":
		m := pipeline.AsMap(v)
		if m == nil {
			return nil, refuse("takes an object")
		}
		keys := slices.Sorted(maps.Keys(m))
		out := make([]any, len(keys))
		for i, k := range keys {
			out[i] = k
		}
		return out, nil
	case "concat":
		var b strings.Builder
		for _, part := range flatten(v, arguments) {
			b.WriteString(text(part))
		}
		return b.String(), nil
	case "append":
		list, ok := v.([]any)
		if !ok {
			return nil, refuse("takes a list")
		}
		return append(slices.Clone(list), arguments...), nil
	case "first", "last", "index":
		out, err := element(name, v, arguments)
		if err != nil {
			return nil, refuse(err.Error())
		}
		return out, nil
	default:
		out, err := aggregate(name, flatten(v, arguments))
		if err != nil {
			return nil, refuse(err.Error())
		}
		return out, nil
	}
}

// flatten lists the elements of v when it is a list, and the arguments with
// those of their lists.
func flatten(v any, arguments []any) []any {
	var out []any
	if list, ok := v.([]any); ok {
		out = append(out, list...)
	}
	for _, a := range arguments {
		if list, ok := a.([]any); ok {
			out = append(out, list...)
		} else {
			out = append(out, a)
		}
	}
	return out
}

func element(name string, v any, arguments []any) (any, error) {
	list, ok := v.([]any)
	if !ok {
		return nil, errors.New("takes a list")
	}
	i := 0
	switch name {
	case "last":
		i = len(list) - 1
	case "index":
		if len(arguments) != 1 {
			return nil, errors.New("takes one number")
		}
		n, ok := arguments[0].(int64)
		if !ok {
			return nil, errors.New("takes a whole number")
		}
		i = int(max(min(n, math.MaxInt32), math.MinInt32))
		if i < 0 {
			i += len(list)
		}
	}
	if i < 0 || i >= len(list) {
		return nil, errors.New("finds no such element in a list of " + strconv.Itoa(len(list)))
	}
	return list[i], nil
}

// aggregate reckons with the numbers among the values; all else is passed over.
func aggregate(name string, values []any) (any, error) {
	var numbers []float64
	for _, v := range values {
		if f, ok := number(v); ok {
			numbers = append(numbers, f)
		}
	}
	if len(numbers) == 0 {
		return nil, errors.New("finds no numbers")
	}
	sum, squares := 0.0, 0.0
	for _, f := range numbers {
		sum += f
		squares += f * f
	}
	n := float64(len(numbers))
	switch name {
	case "min":
		return slices.Min(numbers), nil
	case "max":
		return slices.Max(numbers), nil
	case "avg":
		return sum / n, nil
	case "stddev":
		return math.Sqrt(max(squares/n-sum*sum/n/n, 0)), nil
	}
	return sum, nil
}

// number returns the value of a number.
func number(v any) (float64, bool) {
	switch v := v.(type) {
	case int64:
		return float64(v), true
	case float64:
		return v, true
	case json.Number:
		f, err := v.Float64()
		return f, err == nil
	}
	return 0, false
}

// numeric returns the value of a number, also of one written as text.
func numeric(v any) (float64, bool) {
	if s, ok := v.(string); ok {
		f, err := strconv.ParseFloat(strings.TrimSpace(s), 64)
		return f, err == nil
	}
	return number(v)
}

// text is a value as text: the text itself, everything else as JSON.
func text(v any) string {
	if s, ok := v.(string); ok {
		return s
	}
	b, err := pipeline.EncodeValue(v)
	if err != nil {
		return ""
	}
	return string(b)
}

// equal compares two values; a number equals the text that writes it.
func equal(a, b any) bool {
	if order, comparable := compare(a, b); comparable {
		return order == 0
	}
	left, err := pipeline.EncodeValue(a)
	if err != nil {
		return false
	}
	right, err := pipeline.EncodeValue(b)
	return err == nil && string(left) == string(right)
}

// compare orders two numbers, a number and text that writes one, or two texts.
func compare(a, b any) (int, bool) {
	_, aText := a.(string)
	_, bText := b.(string)
	if aText && bText {
		return strings.Compare(a.(string), b.(string)), true
	}
	// Whole numbers first: they may be larger than decimals can tell apart.
	if x, ok := a.(int64); ok {
		if y, ok := b.(int64); ok {
			switch {
			case x < y:
				return -1, true
			case x > y:
				return 1, true
			}
			return 0, true
		}
	}
	x, ok := numeric(a)
	if !ok {
		return 0, false
	}
	y, ok := numeric(b)
	if !ok || math.IsNaN(x) || math.IsNaN(y) {
		return 0, false
	}
	switch {
	case x < y:
		return -1, true
	case x > y:
		return 1, true
	}
	return 0, true
}
