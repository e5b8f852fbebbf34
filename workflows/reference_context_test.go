package workflows_test

import (
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/gennaker/gennaker/pipeline"
	"github.com/gennaker/gennaker/workflows/workflowstest"
)

// Which value a stage reads under the key k, and in which order it sees the
// outputs of others (reference: orca section 4).
func TestReferenceOfContextAndOutputs(t *testing.T) {
	t.Parallel()
	for _, tt := range []struct {
		name, stages string
		reader       string // the refId of the stage that reads
		read         any
		all          []any
	}{
		{"its own context first", `{"refId":"1","outputs":{"k":"far"}},{"refId":"2","requisiteStageRefIds":["1"],"k":"own","reads":"k"}`, "2", "own", []any{"far"}},
		{"its own context also when that is null", `{"refId":"1","outputs":{"k":"far"}},{"refId":"2","requisiteStageRefIds":["1"],"k":null,"reads":"k"}`, "2", nil, []any{"far"}},
		{"its own context also when that is empty", `{"refId":"1","outputs":{"k":"far"}},{"refId":"2","requisiteStageRefIds":["1"],"k":"","reads":"k"}`, "2", "", []any{"far"}},
		{"the nearest stage upstream, at any distance",
			`{"refId":"1","outputs":{"k":"far"}},{"refId":"2","requisiteStageRefIds":["1"],"outputs":{"k":"near"}},{"refId":"3","requisiteStageRefIds":["2"]},{"refId":"4","requisiteStageRefIds":["3"],"reads":"k"}`,
			"4", "near", []any{"near", "far"}},
		{"an output that is null too", `{"refId":"1","outputs":{"k":"far"}},{"refId":"2","requisiteStageRefIds":["1"],"outputs":{"k":null}},{"refId":"3","requisiteStageRefIds":["2"],"reads":"k"}`,
			"3", nil, []any{nil, "far"}},
		{"never a branch aside", `{"refId":"1","outputs":{"k":"aside"}},{"refId":"2","takes":5,"reads":"k"}`, "2", nil, nil},
		{"never what comes after it", `{"refId":"1","takes":5,"reads":"k"},{"refId":"2","requisiteStageRefIds":["1"],"outputs":{"k":"later"}}`, "1", nil, nil},
		{"all direct requisites before those behind them", `{"refId":"0","outputs":{"k":"far"}},{"refId":"1","requisiteStageRefIds":["0"],"outputs":{"k":"one"}},
			{"refId":"2","outputs":{"k":"two"}},{"refId":"3","requisiteStageRefIds":["1","2"],"reads":"k"}`, "3", "one", []any{"one", "two", "far"}},
		{"synthetic stages after their parents", `{"refId":"1","before":[{"outputs":{"k":"inner"}}],"outputs":{"k":"outer"}},{"refId":"2","requisiteStageRefIds":["1"],"reads":"k"}`,
			"2", "outer", []any{"outer", "inner"}},
		{"a stage before sees what its parent sees", `{"refId":"1","outputs":{"k":"far"}},{"refId":"2","requisiteStageRefIds":["1"],"before":[{"reads":"k"}]}`, "2<1", "far", []any{"far"}},
		{"a stage before does not see its parent's context", `{"refId":"1","k":"private","before":[{"reads":"k"}]}`, "1<1", nil, nil},
		{"a stage after sees those before, then the parent, then what that sees",
			`{"refId":"1","outputs":{"k":"far"}},{"refId":"2","requisiteStageRefIds":["1"],"outputs":{"k":"parent"},"before":[{"outputs":{"k":"before"}}],"after":[{"reads":"k"}]}`,
			"2>1", "before", []any{"before", "parent", "far"}},
	} {
		t.Run(tt.name, func(t *testing.T) {
			t.Parallel()
			e := newRun(t, workflowstest.NewWorld(), `{"stages":[`+withType(t, tt.stages)+`]}`).Done()
			require.Equal(t, pipeline.Succeeded, e.Status)
			s := e.StageByRef(tt.reader)
			require.Equal(t, tt.read, s.Context["read"])
			require.Equal(t, tt.all, s.Context["all"])
		})
	}
}

// targetReferences goes only from executions that succeeded (reference: orca
// section 4).
func TestReferenceTargetReferencesStayWithFailures(t *testing.T) {
	t.Parallel()
	for options, want := range map[string]pipeline.Status{
		`"code":"failed"`:                         pipeline.Terminal,
		`"ends":"CANCELED"`:                       pipeline.Canceled,
		`"code":"failed","continuePipeline":true`: pipeline.Succeeded,
	} {
		e := newRun(t, workflowstest.NewWorld(), `{"stages":[`+withType(t, `{"refId":"1","leaves":{"targetReferences":[1]},`+options+`}`)+`]}`).Done()
		require.Equal(t, want, e.Status)
		_, there := e.Stages[0].Context["targetReferences"]
		require.Equal(t, want != pipeline.Succeeded, there, options)
	}
}
