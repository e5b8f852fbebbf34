package expr_test

import (
	"testing"
	"time"

	"github.com/gennaker/gennaker/pipeline"
	"github.com/gennaker/gennaker/pipeline/expr"
)

func seeds(f *testing.F) {
	for _, file := range []string{"literals", "ops", "regex", "strings", "collections", "functions", "numbers", "times", "templates"} {
		for i, v := range loadVectors(f, "testdata/vectors/"+file+".jsonl") {
			if i%4 == 0 {
				f.Add(v.Expr)
			}
		}
	}
}

// FuzzParse: no text makes the parser panic, hang, or give an error without a
// message.
func FuzzParse(f *testing.F) {
	seeds(f)
	f.Fuzz(func(t *testing.T, text string) {
		start := time.Now()
		if _, err := expr.Parse(text, expr.Limits{}); err != nil && err.Error() == "" {
			t.Fatal("an error without a message")
		}
		if time.Since(start) > time.Minute {
			t.Fatal("took too long")
		}
	})
}

// FuzzEvaluate: no text makes the evaluator panic, hang, change its context or
// give a result that is no JSON; the same text gives the same result.
func FuzzEvaluate(f *testing.F) {
	seeds(f)
	contexts := loadContexts(f)
	f.Fuzz(func(t *testing.T, text string) {
		env := func() *expr.Env {
			e := expr.Sample()
			e.Context = contexts["base"]
			return e
		}
		before := encode(t, contexts["base"])
		options := expr.Options{Limits: expr.Limits{Steps: 200_000, TextSize: 1 << 20}}
		start := time.Now()
		out, _, err := expr.EvaluateString(env(), text, options)
		if time.Since(start) > time.Minute {
			t.Fatal("took too long")
		}
		if err != nil {
			if expr.AsNeedsFetch(err) == nil {
				t.Fatal(err)
			}
			return
		}
		first, err := pipeline.EncodeValue(out)
		if err != nil {
			t.Fatal(err)
		}
		again, _, err := expr.EvaluateString(env(), text, options)
		if err != nil {
			t.Fatal(err)
		}
		if encode(t, again) != string(first) {
			t.Fatalf("%s and %s", first, encode(t, again))
		}
		if after := encode(t, contexts["base"]); after != before {
			t.Fatal("the context was changed")
		}
	})
}

// FuzzYAML: no text makes the YAML reader panic or hang.
func FuzzYAML(f *testing.F) {
	for _, v := range loadVectors(f, "testdata/vectors/functions.jsonl") {
		if y, ok := v.Context["y"].(string); ok {
			f.Add(y)
		}
	}
	f.Fuzz(func(t *testing.T, text string) {
		env := &expr.Env{Context: map[string]any{"y": text}}
		start := time.Now()
		out, _, err := expr.EvaluateString(env, "${#readAllYaml(y)}", expr.Options{})
		if err != nil {
			t.Fatal(err)
		}
		if _, err := pipeline.EncodeValue(out); err != nil {
			t.Fatal(err)
		}
		if time.Since(start) > time.Minute {
			t.Fatal("took too long")
		}
	})
}
