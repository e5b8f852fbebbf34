package httpjson

import (
	"encoding/json"
	"io"
	"reflect"
	"slices"
	"strconv"
	"strings"
	"sync"

	"github.com/gennaker/gennaker/pipeline"
)

// Encode returns v as compact JSON with the keys of every object sorted,
// structs' included. It says what encoding/json says otherwise, without its
// escaping of <, > and &; what stands in an interface or a free object is
// written as pipeline.AppendValue writes it, so that 5.0 stays 5.0. It makes one
// pass, since a state of a large execution is encoded for every client that
// watches.
func Encode(v any) ([]byte, error) {
	var e encoder
	return e.appendAny(make([]byte, 0, 512), reflect.ValueOf(v))
}

// writeFrom is how many bytes [EncodeTo] gathers before it passes them on.
const writeFrom = 64 << 10

// EncodeTo writes what [Encode] returns, and holds little more than the largest
// element of a list in memory. What is written when it fails is no document.
func EncodeTo(w io.Writer, v any) error {
	e := encoder{out: w}
	rest, err := e.appendAny(make([]byte, 0, 2*writeFrom), reflect.ValueOf(v))
	if err != nil {
		return err
	}
	_, err = w.Write(rest)
	return err
}

// encoder appends JSON to bytes, and passes them on between the elements of
// lists when it has an out.
type encoder struct{ out io.Writer }

// pass empties dst into out once there is enough of it.
func (e encoder) pass(dst []byte) ([]byte, error) {
	if e.out == nil || len(dst) < writeFrom {
		return dst, nil
	}
	_, err := e.out.Write(dst)
	return dst[:0], err
}

// field is one key of a struct.
type field struct {
	name      string
	key       string // the name as JSON with its colon
	index     int
	omitEmpty bool
}

// plan is how a struct is written; nil fields is a struct that goes the slow
// way.
type plan struct {
	fields []field
	slow   bool
}

// plans caches a plan for each struct type that was encoded.
var plans sync.Map

func planOf(t reflect.Type) plan {
	if known, ok := plans.Load(t); ok {
		return known.(plan)
	}
	var p plan
	for i := range t.NumField() {
		f := t.Field(i)
		name, options, _ := strings.Cut(f.Tag.Get("json"), ",")
		switch {
		case f.Anonymous || options != "" && options != "omitempty":
			p.slow = true // embedding and rarer options are encoding/json's business
		case name == "-" || !f.IsExported():
			continue
		case name == "":
			name = f.Name
		}
		p.fields = append(p.fields, field{name: name, key: strconv.Quote(name) + ":", index: i, omitEmpty: options == "omitempty"})
	}
	slices.SortFunc(p.fields, func(a, b field) int { return strings.Compare(a.name, b.name) })
	plans.Store(t, p)
	return p
}

var (
	marshaler = reflect.TypeFor[json.Marshaler]()
	freeMap   = reflect.TypeFor[pipeline.Map]()
)

func (e encoder) appendAny(dst []byte, v reflect.Value) ([]byte, error) {
	if !v.IsValid() {
		return append(dst, "null"...), nil
	}
	t := v.Type()
	if t == freeMap {
		return pipeline.AppendValue(dst, v.Interface())
	}
	if t.Implements(marshaler) && t.Kind() != reflect.Pointer {
		return appendSlowly(dst, v)
	}
	switch t.Kind() {
	case reflect.Pointer, reflect.Interface:
		if v.IsNil() {
			return append(dst, "null"...), nil
		}
		switch v.Elem().Interface().(type) {
		case float64, json.Number, []any:
			return pipeline.AppendValue(dst, v.Elem().Interface())
		}
		return e.appendAny(dst, v.Elem())
	case reflect.String:
		return pipeline.AppendValue(dst, v.String())
	case reflect.Bool:
		return strconv.AppendBool(dst, v.Bool()), nil
	case reflect.Int, reflect.Int8, reflect.Int16, reflect.Int32, reflect.Int64:
		return strconv.AppendInt(dst, v.Int(), 10), nil
	case reflect.Slice:
		return e.appendList(dst, v)
	case reflect.Map:
		return e.appendMap(dst, v)
	case reflect.Struct:
		return e.appendStruct(dst, v)
	}
	return appendSlowly(dst, v)
}

func (e encoder) appendList(dst []byte, v reflect.Value) ([]byte, error) {
	if v.IsNil() {
		return append(dst, "null"...), nil
	}
	if v.Type().Elem().Kind() == reflect.Uint8 {
		return appendSlowly(dst, v) // bytes are text in JSON
	}
	var err error
	dst = append(dst, '[')
	for i := range v.Len() {
		if i > 0 {
			dst = append(dst, ',')
		}
		if dst, err = e.appendAny(dst, v.Index(i)); err != nil {
			return nil, err
		}
		if dst, err = e.pass(dst); err != nil {
			return nil, err
		}
	}
	return append(dst, ']'), nil
}

func (e encoder) appendMap(dst []byte, v reflect.Value) ([]byte, error) {
	if v.IsNil() {
		return append(dst, "null"...), nil
	}
	if free, ok := v.Interface().(map[string]any); ok {
		return pipeline.AppendValue(dst, free)
	}
	if v.Type().Key().Kind() != reflect.String {
		return appendSlowly(dst, v)
	}
	keys := v.MapKeys()
	slices.SortFunc(keys, func(a, b reflect.Value) int { return strings.Compare(a.String(), b.String()) })
	var err error
	dst = append(dst, '{')
	for i, k := range keys {
		if i > 0 {
			dst = append(dst, ',')
		}
		if dst, err = pipeline.AppendValue(dst, k.String()); err != nil {
			return nil, err
		}
		dst = append(dst, ':')
		if dst, err = e.appendAny(dst, v.MapIndex(k)); err != nil {
			return nil, err
		}
	}
	return append(dst, '}'), nil
}

func (e encoder) appendStruct(dst []byte, v reflect.Value) ([]byte, error) {
	p := planOf(v.Type())
	if p.slow {
		return appendSlowly(dst, v)
	}
	var err error
	dst = append(dst, '{')
	first := true
	for _, f := range p.fields {
		value := v.Field(f.index)
		if f.omitEmpty && empty(value) {
			continue
		}
		if !first {
			dst = append(dst, ',')
		}
		first = false
		dst = append(dst, f.key...)
		if dst, err = e.appendAny(dst, value); err != nil {
			return nil, err
		}
	}
	return append(dst, '}'), nil
}

// empty is encoding/json's idea of omitempty.
func empty(v reflect.Value) bool {
	switch v.Kind() {
	case reflect.Array, reflect.Map, reflect.Slice, reflect.String:
		return v.Len() == 0
	case reflect.Struct:
		return false
	}
	return v.IsZero()
}

// appendSlowly lets encoding/json decide what v says.
func appendSlowly(dst []byte, v reflect.Value) ([]byte, error) {
	raw, err := json.Marshal(v.Interface())
	if err != nil {
		return nil, err
	}
	value, err := pipeline.DecodeValue(raw)
	if err != nil {
		return nil, err
	}
	return pipeline.AppendValue(dst, value)
}
