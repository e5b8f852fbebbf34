package pipeline

import (
	"encoding/json"
	"reflect"
	"slices"
	"strings"
)

// splitUnknown decodes data into the struct that into points to and returns
// the keys that the struct has no field for. Keys match exactly: a key that
// differs from a field's in case only is unknown, where encoding/json alone
// would read it into the field as well. Numbers and booleans are taken for text
// and the texts "true" and "false" for booleans, as Spinnaker takes them.
func splitUnknown(data []byte, into any) (Map, error) {
	var all Map
	if err := json.Unmarshal(data, &all); err != nil {
		return nil, err
	}
	known := make(Map)
	t := reflect.TypeOf(into).Elem()
	for i := range t.NumField() {
		name := fieldName(t.Field(i))
		if v, present := all[name]; present && name != "" {
			known[name] = coerce(v, t.Field(i).Type.Kind())
			delete(all, name)
		}
	}
	if err := Bind(known, into); err != nil {
		return nil, err
	}
	return all, nil
}

// joinUnknown encodes the struct v and adds the keys of extra that v has no
// field for.
func joinUnknown(v any, extra Map) ([]byte, error) {
	b, err := json.Marshal(v)
	if err != nil || len(extra) == 0 {
		return b, err
	}
	var all Map
	if err := json.Unmarshal(b, &all); err != nil {
		return nil, err
	}
	known := fieldNames(reflect.TypeOf(v))
	for k, e := range extra {
		if _, taken := all[k]; !taken && !slices.Contains(known, k) {
			all[k] = e
		}
	}
	return all.MarshalJSON()
}

// coerce turns a scalar of another type into what a field of the given kind
// takes, or returns it as it is.
func coerce(v any, kind reflect.Kind) any {
	switch text, isText := v.(string); {
	case kind == reflect.Bool && isText:
		return strings.EqualFold(strings.TrimSpace(text), "true")
	case kind == reflect.String && !isText && isScalar(v):
		b, err := EncodeValue(v)
		if err == nil {
			return string(b)
		}
	}
	return v
}

func isScalar(v any) bool {
	switch v.(type) {
	case bool, int64, float64, json.Number:
		return true
	}
	return false
}

func fieldNames(t reflect.Type) []string {
	names := make([]string, 0, t.NumField())
	for i := range t.NumField() {
		if name := fieldName(t.Field(i)); name != "" {
			names = append(names, name)
		}
	}
	return names
}

// fieldName returns the field's JSON name, "" for a field that is not encoded.
func fieldName(f reflect.StructField) string {
	name, _, _ := strings.Cut(f.Tag.Get("json"), ",")
	if name == "-" {
		return ""
	}
	return name
}
