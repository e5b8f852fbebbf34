package pipeline

import (
	"bytes"
	"encoding/json"
	"fmt"
	"io"
	"maps"
	"math"
	"slices"
	"strconv"
	"strings"
)

// MaxDepth is the deepest nesting of objects and lists that [DecodeValue]
// accepts. Deeper input is refused as invalid, so that no document can exhaust
// the stack of a process that walks it.
const MaxDepth = 200

// Map is a JSON object of unknown shape: a stage's context, a trigger's
// parameters, a whole configuration document.
//
// After decoding, values are nil, bool, string, int64, float64, json.Number
// (only for integers beyond int64), []any and map[string]any. Integers and
// decimals stay apart, as they do in Spinnaker's own JSON handling: 5 decodes
// to int64 and 5.0 to float64, and each is written back as it came.
type Map map[string]any

// UnmarshalJSON implements json.Unmarshaler; see [Map] for the value types.
func (m *Map) UnmarshalJSON(data []byte) error {
	v, err := DecodeValue(data)
	if err != nil {
		return err
	}
	switch v := v.(type) {
	case nil:
		*m = nil
	case map[string]any:
		*m = v
	default:
		return fmt.Errorf("expected a JSON object, found %s", kindOf(v))
	}
	return nil
}

// MarshalJSON implements json.Marshaler. Keys are sorted; a nil Map is {}.
func (m Map) MarshalJSON() ([]byte, error) {
	return AppendValue(make([]byte, 0, 64), map[string]any(m))
}

// Clone returns a deep copy of m; nil stays nil.
func (m Map) Clone() Map {
	if m == nil {
		return nil
	}
	return CloneValue(map[string]any(m)).(map[string]any)
}

// String returns the string under key, or "" when it is absent or not a string.
func (m Map) String(key string) string {
	s, _ := m[key].(string)
	return s
}

// Bool returns the boolean under key. Text that reads "true" in any case counts
// as true, since hand-written pipelines hold both forms; all else is false.
func (m Map) Bool(key string) bool {
	switch v := m[key].(type) {
	case bool:
		return v
	case string:
		return strings.EqualFold(strings.TrimSpace(v), "true")
	}
	return false
}

// Int returns the number under key as an integer and whether there is one.
// Decimals are cut towards zero; text that holds a number counts.
func (m Map) Int(key string) (int64, bool) {
	switch v := m[key].(type) {
	case int64:
		return v, true
	case int:
		return int64(v), true
	case float64:
		if math.IsNaN(v) || v >= math.MaxInt64 || v <= math.MinInt64 {
			return 0, false
		}
		return int64(v), true
	case string:
		n, err := strconv.ParseInt(strings.TrimSpace(v), 10, 64)
		return n, err == nil
	}
	return 0, false
}

// Map returns the object under key, or nil when it is absent or not an object.
// The result shares memory with m.
func (m Map) Map(key string) Map {
	return AsMap(m[key])
}

// List returns the list under key, or nil when it is absent or not a list.
// The result shares memory with m.
func (m Map) List(key string) []any {
	l, _ := m[key].([]any)
	return l
}

// Strings returns the text elements of the list under key. A single string is
// a list of one, as Spinnaker accepts for requisiteStageRefIds.
func (m Map) Strings(key string) []string {
	switch v := m[key].(type) {
	case string:
		return []string{v}
	case []string:
		return v
	case []any:
		out := make([]string, 0, len(v))
		for _, e := range v {
			if s, ok := e.(string); ok {
				out = append(out, s)
			}
		}
		return out
	}
	return nil
}

// AsMap returns v as a Map, or nil when it is not an object.
func AsMap(v any) Map {
	switch v := v.(type) {
	case map[string]any:
		return v
	case Map:
		return v
	}
	return nil
}

// CloneValue returns a deep copy of a decoded JSON value.
func CloneValue(v any) any {
	switch v := v.(type) {
	case Map:
		return CloneValue(map[string]any(v))
	case map[string]any:
		if v == nil {
			return v
		}
		out := make(map[string]any, len(v))
		for k, e := range v {
			out[k] = CloneValue(e)
		}
		return out
	case []any:
		if v == nil {
			return v
		}
		out := make([]any, len(v))
		for i, e := range v {
			out[i] = CloneValue(e)
		}
		return out
	}
	return v
}

// DecodeValue decodes one JSON document into the value types of [Map]. Trailing
// data after the document and nesting beyond [MaxDepth] are errors.
func DecodeValue(data []byte) (any, error) {
	dec := json.NewDecoder(bytes.NewReader(data))
	dec.UseNumber()
	var v any
	if err := dec.Decode(&v); err != nil {
		return nil, err
	}
	if _, err := dec.Token(); err != io.EOF {
		return nil, fmt.Errorf("unexpected data after the JSON document at byte %d", dec.InputOffset())
	}
	return settle(v, 0)
}

// settle replaces json.Number by int64 or float64 in place.
func settle(v any, depth int) (any, error) {
	if depth > MaxDepth {
		return nil, fmt.Errorf("JSON is nested more than %d levels deep", MaxDepth)
	}
	var err error
	switch v := v.(type) {
	case json.Number:
		return settleNumber(v), nil
	case map[string]any:
		for k, e := range v {
			if v[k], err = settle(e, depth+1); err != nil {
				return nil, err
			}
		}
		return v, nil
	case []any:
		for i, e := range v {
			if v[i], err = settle(e, depth+1); err != nil {
				return nil, err
			}
		}
		return v, nil
	}
	return v, nil
}

func settleNumber(n json.Number) any {
	text := n.String()
	if !strings.ContainsAny(text, ".eE") {
		if i, err := strconv.ParseInt(text, 10, 64); err == nil {
			return i
		}
		return n
	}
	f, err := strconv.ParseFloat(text, 64)
	if err != nil {
		return n
	}
	return f
}

// EncodeValue returns v as compact JSON with sorted keys and without escaping
// of <, > and &. See [AppendValue].
func EncodeValue(v any) ([]byte, error) {
	return AppendValue(nil, v)
}

// AppendValue appends v as compact JSON to dst. It writes the value types of
// [Map] itself, so that float64(5) stays "5.0", and any other type through
// encoding/json. NaN and infinities are errors.
func AppendValue(dst []byte, v any) ([]byte, error) {
	var err error
	switch v := v.(type) {
	case nil:
		return append(dst, "null"...), nil
	case bool:
		return strconv.AppendBool(dst, v), nil
	case string:
		return appendString(dst, v)
	case int:
		return strconv.AppendInt(dst, int64(v), 10), nil
	case int64:
		return strconv.AppendInt(dst, v, 10), nil
	case float64:
		return appendFloat(dst, v)
	case json.Number:
		return append(dst, v.String()...), nil
	case Map:
		return AppendValue(dst, map[string]any(v))
	case map[string]any:
		dst = append(dst, '{')
		for i, k := range slices.Sorted(maps.Keys(v)) {
			if i > 0 {
				dst = append(dst, ',')
			}
			if dst, err = appendString(dst, k); err != nil {
				return nil, err
			}
			dst = append(dst, ':')
			if dst, err = AppendValue(dst, v[k]); err != nil {
				return nil, err
			}
		}
		return append(dst, '}'), nil
	case []any:
		dst = append(dst, '[')
		for i, e := range v {
			if i > 0 {
				dst = append(dst, ',')
			}
			if dst, err = AppendValue(dst, e); err != nil {
				return nil, err
			}
		}
		return append(dst, ']'), nil
	}
	b, err := json.Marshal(v)
	if err != nil {
		return nil, err
	}
	return append(dst, b...), nil
}

func appendFloat(dst []byte, f float64) ([]byte, error) {
	if math.IsNaN(f) || math.IsInf(f, 0) {
		return nil, fmt.Errorf("%v is not a JSON number", f)
	}
	format := byte('f')
	if abs := math.Abs(f); abs != 0 && (abs < 1e-6 || abs >= 1e21) {
		format = 'e'
	}
	start := len(dst)
	dst = strconv.AppendFloat(dst, f, format, -1, 64)
	if !bytes.ContainsAny(dst[start:], ".e") {
		dst = append(dst, ".0"...)
	}
	return dst, nil
}

func appendString(dst []byte, s string) ([]byte, error) {
	if plainText(s) {
		dst = append(dst, '"')
		dst = append(dst, s...)
		return append(dst, '"'), nil
	}
	var buf bytes.Buffer
	enc := json.NewEncoder(&buf)
	enc.SetEscapeHTML(false)
	if err := enc.Encode(s); err != nil {
		return nil, err
	}
	return append(dst, bytes.TrimSuffix(buf.Bytes(), []byte("\n"))...), nil
}

// plainText reports whether s stands in JSON as it is, which nearly all keys and
// values do.
func plainText(s string) bool {
	for i := range len(s) {
		if c := s[i]; c < ' ' || c >= 0x80 || c == '"' || c == '\\' {
			return false
		}
	}
	return true
}

// ToValue turns any value that encodes to JSON into the value types of [Map].
func ToValue(v any) (any, error) {
	b, err := EncodeValue(v)
	if err != nil {
		return nil, err
	}
	return DecodeValue(b)
}

// Bind decodes the value v (of the types of [Map]) into the struct that into
// points to, by its JSON tags. Unknown keys are passed over.
func Bind(v any, into any) error {
	b, err := EncodeValue(v)
	if err != nil {
		return err
	}
	return json.Unmarshal(b, into)
}

func kindOf(v any) string {
	switch v.(type) {
	case nil:
		return "null"
	case bool:
		return "a boolean"
	case string:
		return "a string"
	case int64, float64, json.Number:
		return "a number"
	case []any:
		return "a list"
	}
	return "an object"
}
