package pipeline

import (
	"bytes"
	"encoding/json"
	"math"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"
)

func TestDecodeValue(t *testing.T) {
	t.Parallel()
	for _, tt := range []struct {
		in   string
		want any
	}{
		{`null`, nil},
		{`true`, true},
		{`"a<b>&c"`, "a<b>&c"},
		{`5`, int64(5)},
		{`-0`, int64(0)},
		{`5.0`, float64(5)},
		{`5.25`, 5.25},
		{`5e3`, float64(5000)},
		{`9223372036854775807`, int64(math.MaxInt64)},
		{`-9223372036854775808`, int64(math.MinInt64)},
		{`9223372036854775808`, json.Number("9223372036854775808")},
		{`123456789012345678901234567890`, json.Number("123456789012345678901234567890")},
		{`1e400`, json.Number("1e400")},
		{`[]`, []any{}},
		{`[1,[2.0,{}]]`, []any{int64(1), []any{float64(2), map[string]any{}}}},
		{" {\"a\": {\"b\": [null, 7]}}\n", map[string]any{"a": map[string]any{"b": []any{nil, int64(7)}}}},
	} {
		got, err := DecodeValue([]byte(tt.in))
		require.NoError(t, err, tt.in)
		require.Equal(t, tt.want, got, tt.in)
	}
}

func TestDecodeValueRefuses(t *testing.T) {
	t.Parallel()
	for _, tt := range []struct{ name, in, want string }{
		{"nothing", ``, "EOF"},
		{"half a document", `{"a":`, "unexpected EOF"},
		{"trailing word", `{} x`, "unexpected data after the JSON document"},
		{"trailing document", `{}{}`, "unexpected data after the JSON document"},
		{"trailing number", `1 2`, "unexpected data after the JSON document"},
		{"too deep in lists", strings.Repeat("[", MaxDepth+2) + strings.Repeat("]", MaxDepth+2), "nested more than 200 levels"},
		{"too deep in objects", strings.Repeat(`{"a":`, MaxDepth+1) + "1" + strings.Repeat("}", MaxDepth+1), "nested more than 200 levels"},
		{"absurdly deep", strings.Repeat("[", 1_000_000), "depth"},
	} {
		t.Run(tt.name, func(t *testing.T) {
			_, err := DecodeValue([]byte(tt.in))
			require.ErrorContains(t, err, tt.want)
		})
	}
	_, err := DecodeValue([]byte(strings.Repeat("[", MaxDepth) + strings.Repeat("]", MaxDepth)))
	require.NoError(t, err, "the deepest nesting that is allowed")
}

func TestEncodeValueKeepsNumbersAndText(t *testing.T) {
	t.Parallel()
	for _, tt := range []struct {
		in   any
		want string
	}{
		{nil, `null`},
		{int64(5), `5`},
		{5, `5`},
		{float64(5), `5.0`},
		{float64(-0.5), `-0.5`},
		{1e20, `100000000000000000000.0`},
		{1e21, `1e+21`},
		{1e-7, `1e-07`},
		{math.MaxFloat64, `1.7976931348623157e+308`},
		{json.Number("123456789012345678901234567890"), `123456789012345678901234567890`},
		{"<a href=\"x\">&\u2028", `"<a href=\"x\">&\u2028"`},
		{Map(nil), `{}`},
		{Map{"b": int64(1), "a": []any{}}, `{"a":[],"b":1}`},
		{[]string{"x"}, `["x"]`},
		{map[string][]string{"n": {"a"}}, `{"n":["a"]}`},
	} {
		got, err := EncodeValue(tt.in)
		require.NoError(t, err)
		require.Equal(t, tt.want, string(got))
	}
	for _, f := range []float64{math.NaN(), math.Inf(1), math.Inf(-1)} {
		_, err := EncodeValue(map[string]any{"a": []any{f}})
		require.ErrorContains(t, err, "not a JSON number")
	}
}

// Struct fields of type Map go through encoding/json, which must not turn 5.0
// into 5 on the way.
func TestMapInStructKeepsDecimals(t *testing.T) {
	t.Parallel()
	var s Stage
	require.NoError(t, json.Unmarshal([]byte(`{"context":{"a":5.0,"b":5,"c":12345678901234567890}}`), &s))
	require.Equal(t, Map{"a": float64(5), "b": int64(5), "c": json.Number("12345678901234567890")}, s.Context)
	b, err := json.Marshal(s)
	require.NoError(t, err)
	require.Contains(t, string(b), `"context":{"a":5.0,"b":5,"c":12345678901234567890}`)
}

func TestMapUnmarshalRefusesOtherKinds(t *testing.T) {
	t.Parallel()
	for in, want := range map[string]string{
		`[]`: "found a list", `"x"`: "found a string", `1`: "found a number", `1.5`: "found a number", `true`: "found a boolean",
	} {
		var m Map
		require.ErrorContains(t, json.Unmarshal([]byte(in), &m), want)
	}
	m := Map{"a": int64(1)}
	require.NoError(t, json.Unmarshal([]byte(`null`), &m))
	require.Nil(t, m)
}

func TestMapAccessors(t *testing.T) {
	t.Parallel()
	m := Map{
		"s": "text", "t": true, "T": " TRUE ", "f": "yes", "i": int64(7), "int": 8, "d": 7.9, "n": "-12", "nd": "1.5",
		"nan": math.NaN(), "huge": 1e300, "o": map[string]any{"k": "v"}, "m": Map{"k": "w"},
		"l": []any{"a", int64(1), "b"}, "sl": []string{"x"}, "null": nil,
	}
	require.Equal(t, "text", m.String("s"))
	require.Empty(t, m.String("i"))
	require.True(t, m.Bool("t"))
	require.True(t, m.Bool("T"))
	require.False(t, m.Bool("f"))
	require.False(t, m.Bool("i"))
	for key, want := range map[string]int64{"i": 7, "int": 8, "d": 7, "n": -12} {
		got, ok := m.Int(key)
		require.True(t, ok, key)
		require.Equal(t, want, got, key)
	}
	for _, key := range []string{"nan", "huge", "nd", "s", "null", "absent", "l"} {
		_, ok := m.Int(key)
		require.False(t, ok, key)
	}
	require.Equal(t, "v", m.Map("o").String("k"))
	require.Equal(t, "w", m.Map("m").String("k"))
	require.Nil(t, m.Map("s"))
	require.Len(t, m.List("l"), 3)
	require.Nil(t, m.List("s"))
	require.Equal(t, []string{"a", "b"}, m.Strings("l"))
	require.Equal(t, []string{"text"}, m.Strings("s"))
	require.Equal(t, []string{"x"}, m.Strings("sl"))
	require.Nil(t, m.Strings("i"))
	require.Empty(t, Map(nil).String("x"))
}

func TestCloneSharesNothing(t *testing.T) {
	t.Parallel()
	m := Map{"o": map[string]any{"l": []any{map[string]any{"x": int64(1)}}}, "m": Map{"y": "z"}, "nilList": []any(nil), "nilMap": map[string]any(nil)}
	c := m.Clone()
	require.Equal(t, map[string]any{"y": "z"}, c["m"])
	m.Map("o").List("l")[0].(map[string]any)["x"] = int64(2)
	m.Map("m")["y"] = "changed"
	require.Equal(t, int64(1), c.Map("o").List("l")[0].(map[string]any)["x"])
	require.Equal(t, "z", c.Map("m").String("y"))
	require.Nil(t, Map(nil).Clone())
}

func TestBind(t *testing.T) {
	t.Parallel()
	var into struct {
		A int    `json:"a"`
		B string `json:"b"`
	}
	require.NoError(t, Bind(Map{"a": int64(3), "b": "x", "c": true}, &into))
	require.Equal(t, 3, into.A)
	require.Error(t, Bind(Map{"a": "three"}, &into))
}

func FuzzMap(f *testing.F) {
	for _, s := range []string{`{}`, `{"a":5.0,"b":[1,2e3,{"c":null}]}`, `{"a":"\ud800"}`, `{"a":1}{}`, `[[[[`, `{"":-0.0}`, `{"a":1e-999}`} {
		f.Add([]byte(s))
	}
	f.Fuzz(func(t *testing.T, data []byte) {
		var m Map
		if m.UnmarshalJSON(data) != nil {
			return
		}
		first, err := m.MarshalJSON()
		require.NoError(t, err)
		require.True(t, json.Valid(first))
		var again Map
		require.NoError(t, again.UnmarshalJSON(first))
		second, err := again.MarshalJSON()
		require.NoError(t, err)
		require.True(t, bytes.Equal(first, second), "%s\n%s", first, second)
		_ = m.Clone()
	})
}
