package clouddriver

import (
	"encoding/json"
	"fmt"
	"maps"
	"reflect"
	"slices"
	"strconv"
	"strings"

	"github.com/gennaker/gennaker/pipeline"
)

// decoder binds a document to structs as Spring's relaxed binding does, and says
// what it did not know.
type decoder struct {
	notes  []string
	faults []string
}

// decode binds a document to a struct. Errors: invalid, with every fault.
func decode(path string, document map[string]any, into any) ([]string, error) {
	d := &decoder{}
	d.bind(path, document, reflect.ValueOf(into).Elem())
	if len(d.faults) > 0 {
		return nil, pipeline.Errorf(pipeline.CodeInvalid, "%s.", strings.Join(d.faults, "; "))
	}
	return d.notes, nil
}

func (d *decoder) fault(format string, args ...any) {
	d.faults = append(d.faults, fmt.Sprintf(format, args...))
}

func (d *decoder) bind(path string, v any, into reflect.Value) {
	if v == nil {
		return
	}
	if m, ok := v.(pipeline.Map); ok {
		v = map[string]any(m)
	}
	switch into.Kind() {
	case reflect.Pointer:
		into.Set(reflect.New(into.Type().Elem()))
		d.bind(path, v, into.Elem())
	case reflect.Struct:
		d.object(path, v, into)
	case reflect.Slice:
		d.list(path, v, into)
	case reflect.Map:
		d.keyed(path, v, into)
	case reflect.Interface:
		into.Set(reflect.ValueOf(v))
	default:
		d.scalar(path, v, into)
	}
}

func (d *decoder) object(path string, v any, into reflect.Value) {
	m, ok := v.(map[string]any)
	if !ok {
		d.fault("%s is %s: write an object", path, whatIs(v))
		return
	}
	if name, _ := m["name"].(string); name != "" {
		path += " (" + name + ")"
	}
	fields := map[string]int{}
	var names []string
	for i := range into.NumField() {
		name, _, _ := strings.Cut(into.Type().Field(i).Tag.Get("json"), ",")
		fields[relaxed(name)] = i
		names = append(names, name)
	}
	for _, key := range slices.Sorted(maps.Keys(m)) {
		i, known := fields[relaxed(key)]
		if !known {
			d.unknown(path, key, names)
			continue
		}
		d.bind(path+"."+key, m[key], into.Field(i))
	}
}

// unknown passes a key over, or refuses one that is all but a known one.
func (d *decoder) unknown(path, key string, names []string) {
	nearest, distance := "", 0
	for _, name := range names {
		if n := edits(relaxed(key), relaxed(name)); nearest == "" || n < distance {
			nearest, distance = name, n
		}
	}
	text := fmt.Sprintf("%s has the key %q, which is not known; the nearest is %q", path, key, nearest)
	if distance <= 2 {
		d.fault("%s", text)
		return
	}
	d.notes = append(d.notes, text+": it is passed over")
}

func (d *decoder) list(path string, v any, into reflect.Value) {
	var items []any
	switch list := v.(type) {
	case []any:
		items = list
	case []string:
		for _, s := range list {
			items = append(items, s)
		}
	case string:
		for _, part := range strings.Split(list, ",") {
			if part = strings.TrimSpace(part); part != "" {
				items = append(items, part)
			}
		}
	default:
		d.fault("%s is %s: write a list", path, whatIs(v))
		return
	}
	out := reflect.MakeSlice(into.Type(), len(items), len(items))
	for i, item := range items {
		d.bind(fmt.Sprintf("%s[%d]", path, i), item, out.Index(i))
	}
	if len(items) > 0 {
		into.Set(out)
	}
}

func (d *decoder) keyed(path string, v any, into reflect.Value) {
	m, ok := v.(map[string]any)
	if !ok {
		d.fault("%s is %s: write an object", path, whatIs(v))
		return
	}
	out := reflect.MakeMap(into.Type())
	for _, key := range slices.Sorted(maps.Keys(m)) {
		value := reflect.New(into.Type().Elem()).Elem()
		d.bind(path+"."+key, m[key], value)
		if into.Type().Elem().Kind() == reflect.Slice {
			key = strings.ToUpper(key) // READ, WRITE and EXECUTE are an enumeration
		}
		out.SetMapIndex(reflect.ValueOf(key), value)
	}
	into.Set(out)
}

func (d *decoder) scalar(path string, v any, into reflect.Value) {
	var text string
	switch s := v.(type) {
	case string:
		text = s
	case bool:
		text = strconv.FormatBool(s)
	case float64:
		text = strconv.FormatFloat(s, 'f', -1, 64)
	case int64:
		text = strconv.FormatInt(s, 10)
	case int:
		text = strconv.Itoa(s)
	case json.Number:
		text = s.String()
	default:
		d.fault("%s is %s: write one value", path, whatIs(v))
		return
	}
	switch into.Kind() {
	case reflect.String:
		into.SetString(text)
	case reflect.Bool:
		b, err := strconv.ParseBool(strings.ToLower(strings.TrimSpace(text)))
		if err != nil {
			d.fault("%s is %.80q: write true or false", path, text)
			return
		}
		into.SetBool(b)
	case reflect.Int:
		n, err := strconv.Atoi(strings.TrimSpace(text))
		if err != nil {
			d.fault("%s is %.80q: write a whole number", path, text)
			return
		}
		into.SetInt(int64(n))
	case reflect.Float32:
		n, err := strconv.ParseFloat(strings.TrimSpace(text), 32)
		if err != nil {
			d.fault("%s is %.80q: write a number", path, text)
			return
		}
		into.SetFloat(n)
	}
}

// whatIs says what kind of value one is.
func whatIs(v any) string {
	switch v.(type) {
	case map[string]any:
		return "an object"
	case []any:
		return "a list"
	case string:
		return "text"
	case bool:
		return "true or false"
	}
	return "a number"
}

// relaxed is the form in which keys compare.
func relaxed(key string) string {
	return strings.ToLower(strings.NewReplacer("-", "", "_", "").Replace(key))
}

// nested spreads keys with dots, "v2.apply-app-labels", into objects.
func nested(m map[string]any) map[string]any {
	out := make(map[string]any, len(m))
	for _, key := range slices.Sorted(maps.Keys(m)) {
		value := m[key]
		if inner, ok := value.(map[string]any); ok {
			value = nested(inner)
		}
		at := out
		parts := strings.Split(key, ".")
		for _, part := range parts[:len(parts)-1] {
			inner, ok := at[part].(map[string]any)
			if !ok {
				inner = map[string]any{}
				at[part] = inner
			}
			at = inner
		}
		last := parts[len(parts)-1]
		if inner, ok := at[last].(map[string]any); ok {
			if more, ok := value.(map[string]any); ok {
				maps.Copy(inner, more)
				continue
			}
		}
		at[last] = value
	}
	return out
}

// edits is the number of letters to change, add or remove to make one word of
// another.
func edits(a, b string) int {
	x, y := []rune(a), []rune(b)
	if len(x) > 100 || len(y) > 100 {
		return max(len(x), len(y))
	}
	row := make([]int, len(y)+1)
	for j := range row {
		row[j] = j
	}
	for i := range x {
		before := row[0]
		row[0] = i + 1
		for j := range y {
			change := before
			if x[i] != y[j] {
				change++
			}
			before = row[j+1]
			row[j+1] = min(change, row[j]+1, row[j+1]+1)
		}
	}
	return row[len(y)]
}
