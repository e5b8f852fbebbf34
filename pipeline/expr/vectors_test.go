package expr_test

import (
	"bufio"
	"bytes"
	"encoding/json"
	"math"
	"os"
	"path/filepath"
	"regexp"
	"strconv"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/gennaker/gennaker/pipeline"
	"github.com/gennaker/gennaker/pipeline/expr"
)

// vector is one answer of Spring's and Spinnaker's own libraries; see
// testdata/vectors/README.md.
type vector struct {
	Expr          string          `json:"expr"`
	Stage         string          `json:"stage"`
	Ctx           string          `json:"ctx"`
	Context       pipeline.Map    `json:"context"`
	AllowUnknown  *bool           `json:"allowUnknown"`
	Same          bool            `json:"same"`
	Result        json.RawMessage `json:"result"`
	Type          string          `json:"type"`
	Key           string          `json:"key"`
	Level         string          `json:"level"`
	ExceptionType string          `json:"exceptionType"`
	Description   string          `json:"description"`
	// Deviation says why this package answers otherwise, in deviations.jsonl.
	Deviation string `json:"deviation"`
}

func loadContexts(t testing.TB) map[string]pipeline.Map {
	data, err := os.ReadFile("testdata/vectors/contexts.json")
	require.NoError(t, err)
	var raw map[string]pipeline.Map
	require.NoError(t, json.Unmarshal(data, &raw))
	return raw
}

func loadVectors(t testing.TB, path string) []vector {
	f, err := os.Open(path)
	require.NoError(t, err)
	defer f.Close()
	var out []vector
	s := bufio.NewScanner(f)
	s.Buffer(nil, 1<<20)
	for s.Scan() {
		var v vector
		require.NoError(t, json.Unmarshal(s.Bytes(), &v), s.Text())
		out = append(out, v)
	}
	require.NoError(t, s.Err())
	return out
}

var elCode = regexp.MustCompile(`EL\d{4}E`)

// lastCode is the number of the outermost of Spring's messages.
func lastCode(description string) string {
	codes := elCode.FindAllString(description, -1)
	if len(codes) == 0 {
		return ""
	}
	return codes[0]
}

// check compares an evaluation with a vector and says what differs, or "".
func check(t testing.TB, contexts map[string]pipeline.Map, v vector) string {
	context := v.Context
	if context == nil {
		context = contexts[v.Ctx]
	}
	return checkEnv(t, &expr.Env{Context: context, Now: time.UnixMilli(1_700_000_000_000), DisallowUnknownKeys: v.AllowUnknown != nil && !*v.AllowUnknown}, v)
}

func checkEnv(t testing.TB, env *expr.Env, v vector) string {
	out, summary, err := expr.Evaluate(env, map[string]any{"v": v.Expr}, expr.Options{})
	require.NoError(t, err, v.Expr)
	got, err := pipeline.EncodeValue(withoutNulls(out.(map[string]any)["v"]))
	require.NoError(t, err, v.Expr)
	var want []byte
	if v.Same {
		want, _ = pipeline.EncodeValue(v.Expr)
	} else {
		decoded, err := pipeline.DecodeValue(v.Result)
		require.NoError(t, err, v.Expr)
		want, err = pipeline.EncodeValue(decoded)
		require.NoError(t, err, v.Expr)
	}
	var level, exception, description, key string
	for _, k := range summary.Expressions() {
		r := summary.Results(k)[0]
		level, exception, description, key = string(r.Level), r.ExceptionType, r.Description, k
	}
	if !bytes.Equal(got, want) && !near(got, want) {
		return "result " + string(got) + " want " + string(want) + " (" + description + ") want: " + v.Description
	}
	if level != v.Level {
		return "level " + level + " want " + v.Level
	}
	if level == "" {
		return ""
	}
	if wantKey := v.Key; wantKey != "" && key != wantKey {
		return "key " + key + " want " + wantKey
	}
	if a, b := lastCode(description), lastCode(v.Description); a != b {
		return "code: " + description + " want: " + v.Description
	}
	if exception != v.ExceptionType && v.ExceptionType != "" {
		return "exception " + exception + " want " + v.ExceptionType + ": " + description + " want: " + v.Description
	}
	return ""
}

// withoutNulls drops the keys of maps whose value is null, which Orca's JSON
// leaves out.
func withoutNulls(v any) any {
	switch v := v.(type) {
	case map[string]any:
		out := map[string]any{}
		for k, e := range v {
			if e != nil {
				out[k] = withoutNulls(e)
			}
		}
		return out
	case []any:
		out := make([]any, len(v))
		for i, e := range v {
			out[i] = withoutNulls(e)
		}
		return out
	}
	return v
}

// near reports whether two numbers differ in the last digit only: Go's and
// Java's powers do.
func near(a, b []byte) bool {
	x, e1 := strconv.ParseFloat(string(a), 64)
	y, e2 := strconv.ParseFloat(string(b), 64)
	return e1 == nil && e2 == nil && bytes.ContainsAny(a, ".e") && math.Abs(x-y) <= 4e-16*math.Abs(y)
}

func TestVectors(t *testing.T) {
	contexts := loadContexts(t)
	deviations := map[string]vector{}
	for _, v := range loadVectors(t, "testdata/vectors/deviations.jsonl") {
		require.NotEmpty(t, v.Deviation, v.Expr)
		deviations[v.Ctx+"\x00"+v.Expr] = v
	}
	files, err := filepath.Glob("testdata/vectors/[a-df-z]*.jsonl")
	require.NoError(t, err)
	total := 0
	for _, f := range files {
		name := strings.TrimSuffix(filepath.Base(f), ".jsonl")
		t.Run(name, func(t *testing.T) {
			vectors := loadVectors(t, f)
			for _, v := range vectors {
				if d, ok := deviations[v.Ctx+"\x00"+v.Expr]; ok {
					v = d
				}
				if diff := check(t, contexts, v); diff != "" {
					t.Errorf("%s %v\n\t%s", v.Expr, v.Context, diff)
				}
			}
			total += len(vectors)
		})
	}
	require.Greater(t, total, 5000)
}

func TestExecutionVectors(t *testing.T) {
	data, err := os.ReadFile("testdata/vectors/execution.json")
	require.NoError(t, err)
	deviations := map[string]vector{}
	for _, v := range loadVectors(t, "testdata/vectors/execution_deviations.jsonl") {
		require.NotEmpty(t, v.Deviation, v.Expr)
		deviations[v.Stage+v.Expr] = v
	}
	vectors := loadVectors(t, "testdata/vectors/execution.jsonl")
	require.Greater(t, len(vectors), 200)
	for _, v := range vectors {
		if d, ok := deviations[v.Stage+v.Expr]; ok {
			v = d
		}
		var execution pipeline.Execution
		require.NoError(t, json.Unmarshal(data, &execution))
		env := expr.NewEnv(&execution, execution.Stage(v.Stage))
		env.User = "" // the libraries were asked outside a request
		if diff := checkEnv(t, env, v); diff != "" {
			t.Errorf("%s\n\t%s", v.Expr, diff)
		}
	}
}
