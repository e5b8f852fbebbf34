package workflows_test

import (
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/gennaker/gennaker/pipeline"
	"github.com/gennaker/gennaker/workflows/workflowstest"
)

// Rules of the reference, by section (reference: orca): what an execution of the
// given pipeline, or of these stages alone, ends as.
func TestReference(t *testing.T) {
	t.Parallel()
	for _, tt := range []struct {
		name, config string // a whole pipeline, or its stages
		want         pipeline.Status
		statuses     map[string]pipeline.Status
		check        func(*testing.T, *pipeline.Execution)
	}{
		{"1 stages without refIds are numbered and chained", `{"stages":[{"type":"scripted","takes":5},{"type":"scripted"},{"type":"scripted"}]}`, "SUCCEEDED",
			map[string]pipeline.Status{"0": "SUCCEEDED", "1": "SUCCEEDED", "2": "SUCCEEDED"}, func(t *testing.T, e *pipeline.Execution) {
				require.Equal(t, []string{"1"}, e.StageByRef("2").RequisiteStageRefIDs)
				require.Equal(t, e.StartTime+5000, e.StageByRef("1").StartTime)
			}},
		{"1 stages with refIds and without requisites start together", `{"stages":[{"type":"scripted","refId":"1","takes":5},{"type":"scripted","refId":"2"}]}`, "SUCCEEDED",
			map[string]pipeline.Status{"1": "SUCCEEDED", "2": "SUCCEEDED"}, func(t *testing.T, e *pipeline.Execution) {
				require.Equal(t, e.StartTime, e.StageByRef("2").StartTime)
			}},
		{"1 a requisite may be a single text", `{"stages":[{"type":"scripted","refId":"1","takes":5},{"type":"scripted","refId":"2","requisiteStageRefIds":"1"}]}`, "SUCCEEDED",
			map[string]pipeline.Status{"1": "SUCCEEDED", "2": "SUCCEEDED"}, func(t *testing.T, e *pipeline.Execution) {
				require.Equal(t, []string{"1"}, e.StageByRef("2").RequisiteStageRefIDs)
				require.Equal(t, e.StartTime+5000, e.StageByRef("2").StartTime)
			}},
		{"1 a provider other than aws and titus is part of the type", `{"stages":[{"type":"scripted","refId":"1","providerType":"gce"}]}`, "TERMINAL",
			map[string]pipeline.Status{"1": "TERMINAL"}, func(t *testing.T, e *pipeline.Execution) {
				require.Equal(t, "scripted_gce", e.Stages[0].Type)
			}},
		{"1 the providers aws and titus are not part of the type", `{"stages":[{"type":"scripted","refId":"1","providerType":"aws"},{"type":"scripted","refId":"2","providerType":"titus"}]}`, "SUCCEEDED",
			map[string]pipeline.Status{"1": "SUCCEEDED", "2": "SUCCEEDED"}, nil},
		{"1 the name is the type where there is none", `{"stages":[{"type":"scripted"}]}`, "SUCCEEDED", map[string]pipeline.Status{"0": "SUCCEEDED"},
			func(t *testing.T, e *pipeline.Execution) { require.Equal(t, "scripted", e.Stages[0].Name) }},
		{"1 an alias is looked up before the type", `{"stages":[{"type":"telepathy","alias":"scriptedToo"}]}`, "SUCCEEDED", map[string]pipeline.Status{"0": "SUCCEEDED"}, nil},
		// Orca would fail the stage.
		{"1 an alias that nobody knows leaves the type", `{"stages":[{"type":"scripted","alias":"telepathy"}]}`, "SUCCEEDED", map[string]pipeline.Status{"0": "SUCCEEDED"}, nil},
		{"1 parallel has no effect", `{"parallel":false,"stages":[{"type":"scripted","refId":"1","takes":5},{"type":"scripted","refId":"2"}]}`, "SUCCEEDED",
			map[string]pipeline.Status{"1": "SUCCEEDED", "2": "SUCCEEDED"}, func(t *testing.T, e *pipeline.Execution) {
				require.Equal(t, e.StartTime, e.StageByRef("2").StartTime)
			}},
		{"1 triggers, locks and bookkeeping have no effect on a run", `{"triggers":[{"type":"cron","enabled":true,"runAsUser":"root"}],"locked":{"ui":true},"tags":[{"name":"a"}],"index":7,"respectQuietPeriod":true,"roles":["r"],
			"stages":[{"type":"scripted"}]}`, "SUCCEEDED", map[string]pipeline.Status{"0": "SUCCEEDED"}, func(t *testing.T, e *pipeline.Execution) {
			require.Equal(t, "ines", e.Authentication.User)
		}},
		{"1 every other key becomes context", `{"stages":[{"type":"scripted","comments":"c","group":"g","skipWaitText":"s","anything":[1]}]}`, "SUCCEEDED", map[string]pipeline.Status{"0": "SUCCEEDED"},
			func(t *testing.T, e *pipeline.Execution) {
				c := e.Stages[0].Context
				require.Equal(t, []any{"c", "g", "s", []any{int64(1)}}, []any{c["comments"], c["group"], c["skipWaitText"], c["anything"]})
				require.NotContains(t, c, "type")
			}},
		{"1 parameters that are not given get their default", `{"parameterConfig":[{"name":"text","default":"d"},{"name":"number","default":5}],"stages":[{"type":"scripted"}]}`, "SUCCEEDED",
			map[string]pipeline.Status{"0": "SUCCEEDED"}, func(t *testing.T, e *pipeline.Execution) {
				require.Equal(t, pipeline.Map{"text": "d", "number": int64(5)}, e.Trigger.Parameters)
			}},

		{"2.1 what a stage leaves later in the graph is the execution's", `{"refId":"2","requisiteStageRefIds":["1"],"outputs":{"k":"late"}},{"refId":"1","outputs":{"k":"early"}}`, "SUCCEEDED",
			map[string]pipeline.Status{"1": "SUCCEEDED", "2": "SUCCEEDED"}, func(t *testing.T, e *pipeline.Execution) {
				require.Equal(t, pipeline.Map{"k": "late"}, e.MergedOutputs())
			}},
		{"2.2 synthetic stages nest, before and after", `{"refId":"1","before":[{"after":[{"name":"x"}]}],"after":[{"before":[{"name":"y"}]}]}`, "SUCCEEDED",
			map[string]pipeline.Status{"1<1": "SUCCEEDED", "1<1>1": "SUCCEEDED", "1": "SUCCEEDED", "1>1<1": "SUCCEEDED", "1>1": "SUCCEEDED"}, nil},
		{"2.3 tasks tell where the stage and a loop begin and end", `{"refId":"1"}`, "SUCCEEDED", map[string]pipeline.Status{"1": "SUCCEEDED"}, func(t *testing.T, e *pipeline.Execution) {
			first, second := e.Stages[0].Tasks[0], e.Stages[0].Tasks[1]
			require.Equal(t, []bool{true, false, true, false}, []bool{first.StageStart, first.StageEnd, first.LoopStart, first.LoopEnd})
			require.Equal(t, []bool{false, true, false, true}, []bool{second.StageStart, second.StageEnd, second.LoopStart, second.LoopEnd})
			require.Equal(t, []string{"1", "2"}, []string{first.ID, second.ID})
			require.Equal(t, e.StartTime, second.EndTime)
		}},

		{"3.1 stages without requisites start at once, others wait", `{"refId":"1","takes":5},{"refId":"2"},{"refId":"3","requisiteStageRefIds":["1"]}`, "SUCCEEDED",
			map[string]pipeline.Status{"1": "SUCCEEDED", "2": "SUCCEEDED", "3": "SUCCEEDED"}, func(t *testing.T, e *pipeline.Execution) {
				require.Equal(t, e.StartTime, e.StageByRef("2").StartTime)
				require.Equal(t, e.StartTime+5000, e.StageByRef("3").StartTime)
			}},
		{"3.1 no initial stage", `{"stages":[]}`, "TERMINAL", map[string]pipeline.Status{}, nil},

		{"3.2 nothing behind a halted stage starts, at any distance", `{"refId":"1","code":"failed","failPipeline":false},{"refId":"2","requisiteStageRefIds":["1"]},{"refId":"3","requisiteStageRefIds":["2"]},{"refId":"4","takes":9}`, "SUCCEEDED",
			map[string]pipeline.Status{"1": "STOPPED", "2": "NOT_STARTED", "3": "NOT_STARTED", "4": "SUCCEEDED"}, nil},
		{"3.2 the condition is asked before the expiry", `{"refId":"1","startTimeExpiry":1000,"stageEnabled":{"type":"expression","expression":"false"}},{"refId":"2","startTimeExpiry":1000,"stageEnabled":{"type":"expression","expression":"true"}}`, "SUCCEEDED",
			map[string]pipeline.Status{"1": "SKIPPED", "2": "SKIPPED"}, func(t *testing.T, e *pipeline.Execution) {
				require.Contains(t, e.StageByRef("1").Context, "skipReason")
				require.NotContains(t, e.StageByRef("2").Context, "skipReason")
				require.Empty(t, e.StageByRef("2").Tasks)
			}},
		{"3.2 a stage that cannot be planned ends by its failure options", `{"refId":"1","before":"fails","continuePipeline":true},{"refId":"2","before":"fails","failPipeline":false}`, "SUCCEEDED",
			map[string]pipeline.Status{"1": "FAILED_CONTINUE", "2": "STOPPED"}, func(t *testing.T, e *pipeline.Execution) {
				for _, s := range e.Stages {
					require.Equal(t, true, s.Context["beforeStagePlanningFailed"])
					require.Equal(t, "There are no stages before.", s.Errors()[0])
				}
			}},
		{"3.2 stages after are not planned when a task halts the stage", `{"refId":"1","ends":"STOPPED","after":[{"name":"a"}]}`, "SUCCEEDED", map[string]pipeline.Status{"1": "STOPPED"}, nil},
		{"3.2 a task that is cancelled ends its stage", `{"refId":"1","ends":"CANCELED"}`, "CANCELED", map[string]pipeline.Status{"1": "CANCELED"},
			func(t *testing.T, e *pipeline.Execution) {
				require.Equal(t, pipeline.Canceled, e.Stages[0].Tasks[0].Status)
				require.Equal(t, pipeline.NotStarted, e.Stages[0].Tasks[1].Status)
			}},
		{"3.2 the shape of an exception", `{"refId":"1","takes":5,"code":"unavailable"}`, "TERMINAL", map[string]pipeline.Status{"1": "TERMINAL"}, func(t *testing.T, e *pipeline.Execution) {
			want := pipeline.Map{
				"timestamp": int64(e.EndTime), "exceptionType": "unavailable", "operation": "first", "shouldRetry": true,
				"details": map[string]any{"error": "Unexpected Task Failure", "errors": []any{"scripted went wrong.", "the first detail"}},
			}
			require.Equal(t, want, e.Stages[0].Context["exception"])
			require.Equal(t, pipeline.Map{"exception": want}, e.Stages[0].Tasks[0].TaskException)
		}},
		{"3.2 a task that is skipped lets the next run", `{"refId":"1","ends":"SKIPPED"}`, "SUCCEEDED", map[string]pipeline.Status{"1": "SUCCEEDED"},
			func(t *testing.T, e *pipeline.Execution) {
				require.Equal(t, pipeline.Skipped, e.Stages[0].Tasks[0].Status)
				require.Equal(t, pipeline.Succeeded, e.Stages[0].Tasks[1].Status)
			}},
		// Decision 6: Orca's handlers would run the second task.
		{"3.2 a task whose failure is ignored ends its stage", `{"refId":"1","code":"failed","continuePipeline":true}`, "SUCCEEDED", map[string]pipeline.Status{"1": "FAILED_CONTINUE"},
			func(t *testing.T, e *pipeline.Execution) {
				require.Equal(t, pipeline.FailedContinue, e.Stages[0].Tasks[0].Status)
				require.Equal(t, pipeline.NotStarted, e.Stages[0].Tasks[1].Status)
			}},
		{"3.2 what fails keeps its context and outputs", `{"refId":"1","code":"failed","leaves":{"c":1},"outputs":{"o":2}}`, "TERMINAL", map[string]pipeline.Status{"1": "TERMINAL"},
			func(t *testing.T, e *pipeline.Execution) {
				require.Equal(t, int64(1), e.Stages[0].Context["c"])
				require.Equal(t, int64(2), e.Stages[0].Outputs["o"])
			}},
		{"3.2 a redirect runs the loop again", `{"refId":"1","redirects":2}`, "SUCCEEDED", map[string]pipeline.Status{"1": "SUCCEEDED"},
			func(t *testing.T, e *pipeline.Execution) { require.Equal(t, int64(3), e.Stages[0].Context["started"]) }},

		{"3.3 failPipeline null halts the pipeline", `{"refId":"1","code":"failed","failPipeline":null},{"refId":"2","takes":60}`, "TERMINAL",
			map[string]pipeline.Status{"1": "TERMINAL", "2": "CANCELED"}, nil},
		{"3.3 failPipeline false halts the branch", `{"refId":"1","code":"failed","failPipeline":false},{"refId":"2","requisiteStageRefIds":["1"]},{"refId":"3","takes":60}`, "SUCCEEDED",
			map[string]pipeline.Status{"1": "STOPPED", "2": "NOT_STARTED", "3": "SUCCEEDED"}, nil},
		{"3.3 failPipeline is read from the outputs of stages before",
			`{"refId":"1","outputs":{"failPipeline":false}},{"refId":"2","requisiteStageRefIds":["1"],"code":"failed"}`, "SUCCEEDED",
			map[string]pipeline.Status{"1": "SUCCEEDED", "2": "STOPPED"}, nil},
		{"3.3 continuePipeline is read from the stage alone",
			`{"refId":"1","outputs":{"continuePipeline":true}},{"refId":"2","requisiteStageRefIds":["1"],"code":"failed"}`, "TERMINAL",
			map[string]pipeline.Status{"1": "SUCCEEDED", "2": "TERMINAL"}, nil},
		{"3.3 completeOtherBranchesThenFail needs failPipeline false", `{"refId":"1","code":"failed","completeOtherBranchesThenFail":true},{"refId":"2","takes":60}`, "TERMINAL",
			map[string]pipeline.Status{"1": "TERMINAL", "2": "CANCELED"}, nil},
		{"3.3 a cancelled stage plans nothing after it", `{"refId":"1","ends":"CANCELED","after":[{"name":"a"}],"onFailure":[{"name":"f"}]}`, "CANCELED",
			map[string]pipeline.Status{"1": "CANCELED"}, nil},
		{"3.3 children keep their own options", `{"refId":"1","failPipeline":false,"before":[{"code":"failed","failPipeline":true}]}`, "SUCCEEDED",
			map[string]pipeline.Status{"1<1": "TERMINAL", "1": "STOPPED"}, nil},
		{"3.3 an after phase waits for its other stages", `{"refId":"1","after":[{"takes":9},{"takes":3}]}`, "SUCCEEDED",
			map[string]pipeline.Status{"1": "SUCCEEDED", "1>1": "SUCCEEDED", "1>2": "SUCCEEDED"}, func(t *testing.T, e *pipeline.Execution) {
				require.Equal(t, e.StartTime+9000, e.StageByRef("1").EndTime)
			}},
		{"3.3 TERMINAL goes before STOPPED among the parts of a stage", `{"refId":"1","failPipeline":false,"before":[{"code":"failed","failPipeline":false},{"code":"failed"}]}`, "SUCCEEDED",
			map[string]pipeline.Status{"1<1": "STOPPED", "1<2": "TERMINAL", "1": "STOPPED"}, nil},
		{"3.3 STOPPED goes before CANCELED among the parts of a stage", `{"refId":"1","before":[{"takes":60},{"code":"failed","failPipeline":false}]}`, "SUCCEEDED",
			map[string]pipeline.Status{"1<1": "CANCELED", "1<2": "STOPPED", "1": "STOPPED"}, nil},
		{"3.3 CANCELED goes before FAILED_CONTINUE among the parts of a stage", `{"refId":"1","before":[{"takes":5,"ends":"CANCELED"},{"code":"failed","continuePipeline":true}]}`, "CANCELED",
			map[string]pipeline.Status{"1<1": "CANCELED", "1<2": "FAILED_CONTINUE", "1": "CANCELED"}, nil},
		{"3.3 a child's own option does not ignore for its parent", `{"refId":"1","continuePipeline":true,"before":[{"code":"failed"}]}`, "SUCCEEDED",
			map[string]pipeline.Status{"1<1": "TERMINAL", "1": "FAILED_CONTINUE"}, nil},
		{"3.3 a child that halts makes its parent clean up", `{"refId":"1","after":[{"code":"failed"}]}`, "TERMINAL", map[string]pipeline.Status{"1": "TERMINAL", "1>1": "TERMINAL"},
			func(t *testing.T, e *pipeline.Execution) {
				require.Equal(t, int64(1), e.StageByRef("1").Context["cleaned"])
				require.Equal(t, int64(1), e.StageByRef("1>1").Context["cleaned"])
			}},
		{"3.3 expressions that fail go before ignored failures", `{"refId":"1","failOnFailedExpressions":true,"continuePipeline":true,"gone":"${nothing.at.all}"}`, "TERMINAL",
			map[string]pipeline.Status{"1": "TERMINAL"}, nil},
		{"3.3 an ignored failure is told in the stage", `{"refId":"1","code":"failed","continuePipeline":true}`, "SUCCEEDED", map[string]pipeline.Status{"1": "FAILED_CONTINUE"},
			func(t *testing.T, e *pipeline.Execution) {
				require.Equal(t, []string{"scripted went wrong.", "the first detail", "first:", "Unexpected Task Failure", "scripted went wrong.", "the first detail"}, workflowstest.Errors(e, "1"))
				require.Len(t, e.Stages[0].Tasks[0].TaskException.Map("exception").Map("details").List("errors"), 2, "the task's own stay")
			}},

		{"3.4 a stopped stage at any level fails the pipeline in the end",
			`{"refId":"1","before":[{"code":"failed","failPipeline":false,"completeOtherBranchesThenFail":true}]},{"refId":"2","takes":60}`, "TERMINAL",
			map[string]pipeline.Status{"1<1": "STOPPED", "1": "STOPPED", "2": "SUCCEEDED"}, nil},
		{"3.4 skipped, ignored and succeeded stages make a success", `{"refId":"1","noTasks":true},{"refId":"2","code":"failed","continuePipeline":true},{"refId":"3"}`, "SUCCEEDED",
			map[string]pipeline.Status{"1": "SKIPPED", "2": "FAILED_CONTINUE", "3": "SUCCEEDED"}, nil},
		{"3.4 a stopped branch waits for those that may still start", `{"refId":"1","code":"failed","failPipeline":false},{"refId":"2","takes":5},{"refId":"3","requisiteStageRefIds":["2"],"takes":5,"code":"failed"}`, "TERMINAL",
			map[string]pipeline.Status{"1": "STOPPED", "2": "SUCCEEDED", "3": "TERMINAL"}, nil},
		{"3.4 TERMINAL goes before STOPPED", `{"refId":"1","code":"failed","failPipeline":false},{"refId":"2","takes":5,"code":"failed"},{"refId":"3","takes":60}`, "TERMINAL",
			map[string]pipeline.Status{"1": "STOPPED", "2": "TERMINAL", "3": "CANCELED"}, nil},
		{"3.4 CANCELED goes before STOPPED", `{"refId":"1","code":"failed","failPipeline":false,"completeOtherBranchesThenFail":true},{"refId":"2","takes":5,"ends":"CANCELED"}`, "CANCELED",
			map[string]pipeline.Status{"1": "STOPPED", "2": "CANCELED"}, nil},
		{"3.4 a join behind a stopped branch stays unstarted", `{"refId":"1","code":"failed","failPipeline":false},{"refId":"2"},{"refId":"3","requisiteStageRefIds":["1","2"]}`, "SUCCEEDED",
			map[string]pipeline.Status{"1": "STOPPED", "2": "SUCCEEDED", "3": "NOT_STARTED"}, nil},
		{"3.4 a join behind an ignored failure starts", `{"refId":"1","code":"failed","continuePipeline":true},{"refId":"2"},{"refId":"3","requisiteStageRefIds":["1","2"]}`, "SUCCEEDED",
			map[string]pipeline.Status{"1": "FAILED_CONTINUE", "2": "SUCCEEDED", "3": "SUCCEEDED"}, nil},

		{"3.5 a skipped stage builds nothing", `{"refId":"1","stageEnabled":{"type":"expression","expression":"false"},"before":[{"name":"b"}],"after":[{"name":"a"}]}`, "SUCCEEDED",
			map[string]pipeline.Status{"1": "SKIPPED"}, func(t *testing.T, e *pipeline.Execution) { require.Empty(t, e.Stages[0].Tasks) }},
		{"3.5 a synthetic stage has its own condition", `{"refId":"1","before":[{"stageEnabled":{"type":"expression","expression":"false"}}]}`, "SUCCEEDED",
			map[string]pipeline.Status{"1<1": "SKIPPED", "1": "SUCCEEDED"}, nil},
		{"3.5 a synthetic stage without one has its parent's decision", `{"refId":"1","stageEnabled":{"type":"expression","expression":"!mark"},"mark":false,"before":[{"mark":true}]}`, "SUCCEEDED",
			map[string]pipeline.Status{"1<1": "SUCCEEDED", "1": "SUCCEEDED"}, nil},

		{"3.7 a timeout fails by the failure options", `{"refId":"1","forever":true,"stageTimeoutMs":5000,"failPipeline":false}`, "SUCCEEDED", map[string]pipeline.Status{"1": "STOPPED"}, nil},
		{"3.7 a timeout that is ignored", `{"refId":"1","forever":true,"stageTimeoutMs":5000,"continuePipeline":true}`, "SUCCEEDED", map[string]pipeline.Status{"1": "FAILED_CONTINUE"}, nil},
		{"3.7 a timeout may be a success", `{"refId":"1","forever":true,"stageTimeoutMs":5000,"markSuccessfulOnTimeout":true}`, "SUCCEEDED", map[string]pipeline.Status{"1": "SUCCEEDED"}, nil},

		{"4 own outputs go before those of stages before", `{"refId":"1","outputs":{"k":"far"}},{"refId":"2","requisiteStageRefIds":["1"],"outputs":{"k":"own"},"after":[{"reads":"k"}]}`, "SUCCEEDED",
			map[string]pipeline.Status{"1": "SUCCEEDED", "2": "SUCCEEDED", "2>1": "SUCCEEDED"}, func(t *testing.T, e *pipeline.Execution) {
				require.Equal(t, "own", e.StageByRef("2>1").Context["read"])
			}},
		{"4 of two requisites the one first in the execution is nearer",
			`{"refId":"1","outputs":{"k":"one"}},{"refId":"2","outputs":{"k":"two"}},{"refId":"3","requisiteStageRefIds":["2","1"],"reads":"k"}`, "SUCCEEDED",
			map[string]pipeline.Status{"1": "SUCCEEDED", "2": "SUCCEEDED", "3": "SUCCEEDED"}, func(t *testing.T, e *pipeline.Execution) {
				require.Equal(t, "one", e.StageByRef("3").Context["read"])
			}},
		{"4 contexts are never inherited", `{"refId":"1","k":"private"},{"refId":"2","requisiteStageRefIds":["1"],"reads":"k"}`, "SUCCEEDED",
			map[string]pipeline.Status{"1": "SUCCEEDED", "2": "SUCCEEDED"}, func(t *testing.T, e *pipeline.Execution) {
				require.Nil(t, e.StageByRef("2").Context["read"])
			}},
		{"4 a stage sees the outputs of the synthetic stages of its requisites", `{"refId":"1","before":[{"outputs":{"k":"inner"}}]},{"refId":"2","requisiteStageRefIds":["1"],"reads":"k"}`, "SUCCEEDED",
			map[string]pipeline.Status{"1<1": "SUCCEEDED", "1": "SUCCEEDED", "2": "SUCCEEDED"}, func(t *testing.T, e *pipeline.Execution) {
				require.Equal(t, "inner", e.StageByRef("2").Context["read"])
			}},
		{"4 targetReferences goes once all has succeeded", `{"refId":"1","leaves":{"targetReferences":[1]}}`, "SUCCEEDED", map[string]pipeline.Status{"1": "SUCCEEDED"},
			func(t *testing.T, e *pipeline.Execution) {
				require.NotContains(t, e.Stages[0].Context, "targetReferences")
			}},
	} {
		t.Run(tt.name, func(t *testing.T) {
			t.Parallel()
			config := tt.config
			if strings.HasPrefix(config, `{"refId":`) {
				config = `{"stages":[` + withType(t, config) + `]}`
			}
			e := newRun(t, workflowstest.NewWorld(), config).Done()
			require.Equal(t, tt.statuses, workflowstest.Statuses(e))
			require.Equal(t, tt.want, e.Status)
			if tt.check != nil {
				tt.check(t, e)
			}
		})
	}
}

// How executions that end leave their times (reference: orca section 2.1): a
// stage that never started has none.
func TestReferenceTimes(t *testing.T) {
	t.Parallel()
	e := newRun(t, workflowstest.NewWorld(), `{"stages":[`+withType(t, `{"refId":"1","takes":5,"code":"failed"},{"refId":"2","requisiteStageRefIds":["1"]}`)+`]}`).Done()
	require.Equal(t, e.StartTime+pipeline.Millis(5*time.Second/time.Millisecond), e.EndTime)
	require.Zero(t, e.StageByRef("2").StartTime)
	require.Zero(t, e.StageByRef("2").EndTime)
}
