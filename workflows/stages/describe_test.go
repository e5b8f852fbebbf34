package stages_test

import (
	"reflect"
	"slices"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/gennaker/gennaker/internal/docexample"
	"github.com/gennaker/gennaker/pipeline"
	"github.com/gennaker/gennaker/workflows"
	"github.com/gennaker/gennaker/workflows/stages"
	"github.com/gennaker/gennaker/workflows/workflowstest"
)

// Every stage type has a page: a summary, fields that say what they are, and an
// example whose keys are among them.
func TestEveryTypeIsDescribed(t *testing.T) {
	t.Parallel()
	examples, err := docexample.In(".")
	require.NoError(t, err)
	common := fieldNames(t, "every stage", stages.CommonFields())
	for _, kind := range stages.All() {
		if _, unavailable := kind.(stages.Unavailable); unavailable {
			continue
		}
		name := kind.Type()
		documented, ok := kind.(workflows.Documented)
		require.True(t, ok, "%s has no Describe", name)
		d := documented.Describe()
		require.NotEmpty(t, d.Summary, name)
		inputs := fieldNames(t, name, d.Inputs)
		fieldNames(t, name, d.Outputs)
		for _, note := range d.Notes {
			require.NotEmpty(t, note, name)
		}
		example := examples[reflect.TypeOf(kind).Name()]
		require.NotEmpty(t, example, "the doc comment of %s has no example", name)
		v, err := pipeline.DecodeValue([]byte(docexample.Retype(example, name)))
		require.NoError(t, err, name)
		for key := range pipeline.AsMap(v) {
			require.True(t, slices.Contains(inputs, key) || slices.Contains(common, key), "the example of %s has the key %s, which its inputs do not tell of", name, key)
		}
	}
}

func fieldNames(t *testing.T, of string, fields []workflows.Field) []string {
	t.Helper()
	var out []string
	for _, f := range fields {
		require.NotEmpty(t, f.Name, of)
		require.NotEmpty(t, f.Type, "%s of %s", f.Name, of)
		require.NotEmpty(t, f.Text, "%s of %s", f.Name, of)
		require.NotContains(t, out, f.Name, of)
		out = append(out, f.Name)
	}
	return out
}

// What a stage would call is told in words, for every example and for contexts
// of the wrong kind, without changing anything.
func TestCallsOnlyRead(t *testing.T) {
	t.Parallel()
	examples, err := docexample.In(".")
	require.NoError(t, err)
	for _, kind := range stages.All() {
		caller, ok := kind.(workflows.Caller)
		if !ok {
			continue
		}
		p := workflowstest.ParsePipeline(t, `{"stages":[`+docexample.Retype(examples[reflect.TypeOf(kind).Name()], kind.Type())+`]}`)
		s := workflowstest.NewExecution(t, p).Stages[0]
		before := s.Context.Clone()
		calls := caller.Calls(s)
		require.NotEmpty(t, calls, kind.Type())
		require.NotContains(t, calls, "", kind.Type())
		require.Equal(t, before, s.Context, kind.Type())
		for _, context := range []pipeline.Map{{}, {"manifests": "x", "pipeline": int64(1), "preconditions": []any{int64(1)}, "executionIds": "x", "yamlConfig": "x"}} {
			caller.Calls(&pipeline.Stage{Context: context})
		}
	}
}
