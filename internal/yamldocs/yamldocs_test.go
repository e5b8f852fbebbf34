package yamldocs_test

import (
	"fmt"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/gennaker/gennaker/internal/yamldocs"
	"github.com/gennaker/gennaker/pipeline"
)

func TestParse(t *testing.T) {
	t.Parallel()
	for name, tt := range map[string]struct {
		text string
		want []any
	}{
		"nothing":           {"", nil},
		"comments alone":    {"# nothing\n", nil},
		"several documents": {"a: 1\n---\nb: 2\n---\n", []any{map[string]any{"a": int64(1)}, map[string]any{"b": int64(2)}, nil}},
		"a null document":   {"---\n---\na: ~\n", []any{nil, map[string]any{"a": nil}}},
		"a list":            {"- a\n- [b, {c: d}]\n", []any{[]any{"a", []any{"b", map[string]any{"c": "d"}}}}},
		"JSON":              {`{"a": [1, 2.5, "x", null, true]}`, []any{map[string]any{"a": []any{int64(1), 2.5, "x", nil, true}}}},
		"booleans of YAML 1.1": {"{a: yes, b: Off, c: 'yes', d: !!str on, e: True, f: n}",
			[]any{map[string]any{"a": true, "b": false, "c": "yes", "d": "on", "e": true, "f": "n"}}},
		"numbers": {"{a: 0644, b: 0x1F, c: 1_000, d: -5, e: 1e3, f: '5', g: 18446744073709551616, h: 1.10}",
			[]any{map[string]any{"a": int64(420), "b": int64(31), "c": int64(1000), "d": int64(-5), "e": float64(1000), "f": "5", "g": 18446744073709551616.0, "h": 1.1}}},
		"dates stay text":     {"{a: 2026-01-02, b: 2026-01-02T03:04:05Z}", []any{map[string]any{"a": "2026-01-02", "b": "2026-01-02T03:04:05Z"}}},
		"keys become text":    {"{1: a, true: b, yes: c}", []any{map[string]any{"1": "a", "true": "b", "yes": "c"}}},
		"aliases":             {"a: &x {b: 1}\nc: *x\n", []any{map[string]any{"a": map[string]any{"b": int64(1)}, "c": map[string]any{"b": int64(1)}}}},
		"merged maps":         {"a: &x {b: 1, c: 2}\nd:\n  <<: *x\n  c: 3\n", []any{map[string]any{"a": map[string]any{"b": int64(1), "c": int64(2)}, "d": map[string]any{"b": int64(1), "c": int64(3)}}}},
		"several merged maps": {"x: &x {a: 1}\ny: &y {a: 2, b: 3}\nz: {<<: [*x, *y]}\n", []any{map[string]any{"x": map[string]any{"a": int64(1)}, "y": map[string]any{"a": int64(2), "b": int64(3)}, "z": map[string]any{"a": int64(1), "b": int64(3)}}}},
		"the last key counts": {"a: 1\na: 2\n", []any{map[string]any{"a": int64(2)}}},
		"expressions":         {"a: ${ parameters['x'] }\nb: \"${#toInt('5')}\"\n", []any{map[string]any{"a": "${ parameters['x'] }", "b": "${#toInt('5')}"}}},
		"binary":              {"a: !!binary |\n  YWJj\n", []any{map[string]any{"a": "YWJj"}}},
		"blocks":              {"a: |\n  x\n  y\nb: >-\n  x\n  y\n", []any{map[string]any{"a": "x\ny\n", "b": "x y"}}},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			got, err := yamldocs.Parse([]byte(tt.text), yamldocs.Defaults)
			require.NoError(t, err)
			require.Equal(t, tt.want, got)
		})
	}
}

func TestParseRefuses(t *testing.T) {
	t.Parallel()
	bomb := "a: &a [x, x, x, x, x, x, x, x, x, x]\n"
	for c := 'b'; c <= 'j'; c++ {
		bomb += fmt.Sprintf("%c: &%c [%s*%c]\n", c, c, strings.Repeat(fmt.Sprintf("*%c, ", c-1), 9), c-1)
	}
	for name, tt := range map[string]struct {
		text, words string
		code        pipeline.Code
	}{
		"no YAML":               {"a: [b\n", "The YAML cannot be read: line", pipeline.CodeInvalid},
		"tabs":                  {"a:\n\tb: c\n", "line 2", pipeline.CodeInvalid},
		"an unknown alias":      {"a: *b\n", "unknown anchor", pipeline.CodeInvalid},
		"infinity":              {"a: 1\nb: .inf\n", "Line 2 of the YAML holds the number .inf", pipeline.CodeInvalid},
		"no number":             {"a: !!int x\n", "marked as a number and is not", pipeline.CodeInvalid},
		"no boolean":            {"a: !!bool x\n", "marked as a boolean and is not", pipeline.CodeInvalid},
		"a key that is a map":   {"? {a: b}\n: c\n", "a key that is no text", pipeline.CodeInvalid},
		"a merge of text":       {"a: {<<: x}\n", "merges something that is no map", pipeline.CodeInvalid},
		"aliases of aliases":    {bomb, "past the 1000000 values", pipeline.CodeTooLarge},
		"one that holds itself": {"a: &a\n  b: *a\n", "nested deeper than 200 levels", pipeline.CodeTooLarge},
		"repeated text":         {"a: &a " + strings.Repeat("x", 1<<20) + "\nb: [" + strings.Repeat("*a, ", 40) + "]\n", "past the 33554432 bytes", pipeline.CodeTooLarge},
		"nesting":               {strings.Repeat("[", 5000) + strings.Repeat("]", 5000), "nested deeper than 200", pipeline.CodeTooLarge},
		"very deep nesting":     {strings.Repeat("[", 50000), "The YAML cannot be read", pipeline.CodeInvalid},
		"many values":           {"[" + strings.Repeat("1,", 4_000_000) + "]", "may hold more than 1000000 values", pipeline.CodeTooLarge},
		"many documents":        {strings.Repeat("---\n", 1_000_000), "1000000 values", pipeline.CodeTooLarge},
		"a long text":           {strings.Repeat("x", 10<<20+1), "at most 10485760 are read", pipeline.CodeTooLarge},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			began := time.Now()
			_, err := yamldocs.Parse([]byte(tt.text), yamldocs.Defaults)
			require.Equal(t, tt.code, pipeline.CodeOf(err), fmt.Sprint(err))
			require.ErrorContains(t, err, tt.words)
			require.Less(t, time.Since(began), 30*time.Second)
		})
	}
}

// Whatever comes in, it comes out as values that JSON can hold, or as an error.
func FuzzParse(f *testing.F) {
	for _, seed := range []string{"a: 1\n---\n- b\n", "{a: &x [1, *x]}", "<<: {a: b}", "? [a]\n: b", "a: !!binary x", "a: .nan", "%YAML 1.1\n---\n!!set {a, b}", "'", "\x00", "- - - -", "&a *a", "a: |\n b\n"} {
		f.Add([]byte(seed))
	}
	limits := yamldocs.Limits{Bytes: 1 << 16, Values: 1000, Depth: 20, Expanded: 1 << 17}
	f.Fuzz(func(t *testing.T, text []byte) {
		docs, err := yamldocs.Parse(text, limits)
		if err != nil {
			require.Contains(t, []pipeline.Code{pipeline.CodeInvalid, pipeline.CodeTooLarge}, pipeline.CodeOf(err))
			return
		}
		for _, d := range docs {
			encoded, err := pipeline.EncodeValue(d)
			require.NoError(t, err)
			_, err = pipeline.DecodeValue(encoded)
			require.NoError(t, err)
		}
	})
}
