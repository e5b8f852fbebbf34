package workflows_test

import (
	"encoding/json"
	"strconv"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/gennaker/gennaker/pipeline"
	"github.com/gennaker/gennaker/workflows"
	"github.com/gennaker/gennaker/workflows/workflowstest"
)

var scripted = []workflows.StageType{workflowstest.Scripted{}}

func newRun(t *testing.T, w *workflowstest.World, config string) *workflowstest.Run {
	t.Helper()
	return workflowstest.NewRun(t, w, scripted, config)
}

// status maps what a pipeline's stages end as to what the pipeline ends as
// (reference: orca sections 3.3 and 3.4).
func TestHowPipelinesEnd(t *testing.T) {
	t.Parallel()
	for _, tt := range []struct {
		name, stages string
		want         pipeline.Status
		stageWant    map[string]pipeline.Status
	}{
		{"one", `{"refId":"1"}`, "SUCCEEDED", map[string]pipeline.Status{"1": "SUCCEEDED"}},
		{"none", ``, "TERMINAL", map[string]pipeline.Status{}},
		{"linear", `{"refId":"1","takes":5},{"refId":"2","requisiteStageRefIds":["1"],"takes":5},{"refId":"3","requisiteStageRefIds":["2"]}`,
			"SUCCEEDED", map[string]pipeline.Status{"1": "SUCCEEDED", "2": "SUCCEEDED", "3": "SUCCEEDED"}},
		{"diamond", `{"refId":"4","requisiteStageRefIds":["2","3"]},{"refId":"2","requisiteStageRefIds":["1"],"takes":9},{"refId":"3","requisiteStageRefIds":["1"],"takes":1},{"refId":"1"}`,
			"SUCCEEDED", map[string]pipeline.Status{"1": "SUCCEEDED", "2": "SUCCEEDED", "3": "SUCCEEDED", "4": "SUCCEEDED"}},
		{"no tasks", `{"refId":"1","noTasks":true},{"refId":"2","requisiteStageRefIds":["1"]}`,
			"SUCCEEDED", map[string]pipeline.Status{"1": "SKIPPED", "2": "SUCCEEDED"}},
		{"alias", `{"refId":"1","type":"somethingElse","alias":"scriptedToo"}`, "SUCCEEDED", map[string]pipeline.Status{"1": "SUCCEEDED"}},

		{"halt the pipeline", `{"refId":"1","code":"failed"},{"refId":"2","takes":60},{"refId":"3","requisiteStageRefIds":["1"]}`,
			"TERMINAL", map[string]pipeline.Status{"1": "TERMINAL", "2": "CANCELED", "3": "NOT_STARTED"}},
		{"halt by status", `{"refId":"1","ends":"TERMINAL","takes":5},{"refId":"2","takes":60}`,
			"TERMINAL", map[string]pipeline.Status{"1": "TERMINAL", "2": "CANCELED"}},
		{"halt written as text", `{"refId":"1","code":"failed","failPipeline":"true"}`, "TERMINAL", map[string]pipeline.Status{"1": "TERMINAL"}},
		{"halt the branch", `{"refId":"1","code":"failed","failPipeline":false},{"refId":"2","takes":60},{"refId":"3","requisiteStageRefIds":["1","2"]},{"refId":"4","requisiteStageRefIds":["2"]}`,
			"SUCCEEDED", map[string]pipeline.Status{"1": "STOPPED", "2": "SUCCEEDED", "3": "NOT_STARTED", "4": "SUCCEEDED"}},
		{"halt the branch by status", `{"refId":"1","ends":"STOPPED"},{"refId":"2","requisiteStageRefIds":["1"]}`,
			"SUCCEEDED", map[string]pipeline.Status{"1": "STOPPED", "2": "NOT_STARTED"}},
		{"halt the branch and fail in the end", `{"refId":"1","code":"failed","failPipeline":false,"completeOtherBranchesThenFail":true},{"refId":"2","takes":60},{"refId":"3","requisiteStageRefIds":["2"]}`,
			"TERMINAL", map[string]pipeline.Status{"1": "STOPPED", "2": "SUCCEEDED", "3": "SUCCEEDED"}},
		{"ignore the failure", `{"refId":"1","code":"failed","continuePipeline":true},{"refId":"2","requisiteStageRefIds":["1"]}`,
			"SUCCEEDED", map[string]pipeline.Status{"1": "FAILED_CONTINUE", "2": "SUCCEEDED"}},
		{"ignore wins over halting the branch", `{"refId":"1","code":"failed","failPipeline":false,"continuePipeline":true}`,
			"SUCCEEDED", map[string]pipeline.Status{"1": "FAILED_CONTINUE"}},
		{"a later failure wins over a stopped branch", `{"refId":"1","code":"failed","failPipeline":false},{"refId":"2","takes":9,"code":"failed"}`,
			"TERMINAL", map[string]pipeline.Status{"1": "STOPPED", "2": "TERMINAL"}},

		{"a stage that cancels itself", `{"refId":"1","ends":"CANCELED"},{"refId":"2","takes":60},{"refId":"3","requisiteStageRefIds":["1"]}`,
			"CANCELED", map[string]pipeline.Status{"1": "CANCELED", "2": "CANCELED", "3": "NOT_STARTED"}},
		{"cancels itself in a branch", `{"refId":"1","ends":"CANCELED","failPipeline":false},{"refId":"2","takes":60}`,
			"SUCCEEDED", map[string]pipeline.Status{"1": "STOPPED", "2": "SUCCEEDED"}},
		{"cancels itself and is ignored", `{"refId":"1","ends":"CANCELED","continuePipeline":true}`,
			"SUCCEEDED", map[string]pipeline.Status{"1": "FAILED_CONTINUE"}},

		{"expired stage", `{"refId":"1","startTimeExpiry":1000},{"refId":"2","requisiteStageRefIds":["1"]}`,
			"SUCCEEDED", map[string]pipeline.Status{"1": "SKIPPED", "2": "SUCCEEDED"}},
		{"unexpired stage", `{"refId":"1","startTimeExpiry":"99999999999999"}`, "SUCCEEDED", map[string]pipeline.Status{"1": "SUCCEEDED"}},

		{"unknown type", `{"refId":"1","type":"telepathy"},{"refId":"2","takes":60}`,
			"TERMINAL", map[string]pipeline.Status{"1": "TERMINAL", "2": "CANCELED"}},
		{"unknown type in a branch", `{"refId":"1","type":"telepathy","failPipeline":false},{"refId":"2","takes":60}`,
			"SUCCEEDED", map[string]pipeline.Status{"1": "STOPPED", "2": "SUCCEEDED"}},
	} {
		t.Run(tt.name, func(t *testing.T) {
			t.Parallel()
			w := workflowstest.NewWorld()
			e := newRun(t, w, `{"stages":[`+withType(t, tt.stages)+`]}`).Done()
			require.Equal(t, tt.want, e.Status)
			require.Equal(t, tt.stageWant, workflowstest.Statuses(e))
			for _, s := range e.Stages {
				ran := s.Status != pipeline.NotStarted && s.StartTimeExpiry != 1000
				require.Equal(t, ran, s.StartTime != 0, s.RefID)
				require.Equal(t, ran, s.EndTime != 0, s.RefID)
			}
		})
	}
}

// withType adds the type scripted to stages that have none.
func withType(t *testing.T, stages string) string {
	t.Helper()
	v, err := pipeline.DecodeValue([]byte("[" + stages + "]"))
	require.NoError(t, err)
	for _, e := range v.([]any) {
		m := pipeline.AsMap(e)
		if m["type"] == nil {
			m["type"] = "scripted"
		}
	}
	b, err := pipeline.EncodeValue(v)
	require.NoError(t, err)
	return string(b[1 : len(b)-1])
}

func TestStagesRunInParallelAndJoinsWait(t *testing.T) {
	t.Parallel()
	e := newRun(t, workflowstest.NewWorld(), `{"stages":[`+withType(t, `{"refId":"1","takes":10},{"refId":"2","takes":30},{"refId":"3","requisiteStageRefIds":["1","2"],"takes":5}`)+`]}`).Done()
	require.Equal(t, e.StageByRef("1").StartTime, e.StageByRef("2").StartTime)
	require.Equal(t, e.StageByRef("2").EndTime, e.StageByRef("3").StartTime)
	require.Equal(t, e.StartTime+35_000, e.EndTime)
}

func TestTasksAreRecorded(t *testing.T) {
	t.Parallel()
	e := newRun(t, workflowstest.NewWorld(), `{"stages":[{"type":"scripted"},{"type":"scripted","code":"invalid"}]}`).Done()
	tasks := e.StageByRef("0").Tasks
	require.Len(t, tasks, 2)
	require.Equal(t, "1", tasks[0].ID)
	require.Equal(t, "first", tasks[0].Name)
	require.Equal(t, "gennaker.scripted.first", tasks[0].ImplementingClass)
	require.True(t, tasks[0].StageStart)
	require.False(t, tasks[0].StageEnd)
	require.True(t, tasks[1].StageEnd)
	require.Equal(t, pipeline.Succeeded, tasks[1].Status)

	failed := e.StageByRef("1")
	require.Equal(t, pipeline.Terminal, failed.Tasks[0].Status)
	require.Equal(t, pipeline.NotStarted, failed.Tasks[1].Status)
	exception := failed.Context.Map("exception")
	require.Equal(t, "invalid", exception["exceptionType"])
	require.Equal(t, "first", exception["operation"])
	require.Equal(t, false, exception["shouldRetry"])
	require.Equal(t, []string{"scripted went wrong.", "the first detail"}, workflowstest.Errors(e, "1"))
	require.NotNil(t, failed.Tasks[0].TaskException.Map("exception"))
}

func TestUnknownTypeNamesTheKnownOnes(t *testing.T) {
	t.Parallel()
	e := newRun(t, workflowstest.NewWorld(), `{"stages":[{"type":"telepathy","name":"Guess"}]}`).Done()
	require.Equal(t, []string{
		"The stage 'Guess' has the type 'telepathy', which Gennaker does not know: change the type or remove the stage.",
		"Known types: scripted, scriptedToo.",
	}, workflowstest.Errors(e, "0"))
	require.Equal(t, true, e.Stages[0].Context["beforeStagePlanningFailed"])
}

func TestExpiredPipelineIsCanceled(t *testing.T) {
	t.Parallel()
	e := newRun(t, workflowstest.NewWorld(), `{"startTimeExpiry":"1000","stages":[{"type":"scripted"}]}`).Done()
	require.Equal(t, pipeline.Canceled, e.Status)
	require.Equal(t, "spinnaker", e.CanceledBy)
	require.Equal(t, "Could not begin execution before start time expiry", e.CancellationReason)
	require.Equal(t, pipeline.NotStarted, e.Stages[0].Status)
}

func TestContextAndOutputs(t *testing.T) {
	t.Parallel()
	e := newRun(t, workflowstest.NewWorld(), `{"stages":[`+withType(t, `
		{"refId":"1","outputs":{"k":"far","only":1,"stageTimeoutMs":5,"l":["a"]}},
		{"refId":"2","requisiteStageRefIds":["1"],"outputs":{"k":"near"}},
		{"refId":"3","requisiteStageRefIds":["2"],"reads":"k"},
		{"refId":"4","requisiteStageRefIds":["2"],"reads":"only"},
		{"refId":"5","requisiteStageRefIds":["2"],"reads":"k","k":null},
		{"refId":"6","reads":"k"}`)+`]}`).Done()
	require.Equal(t, pipeline.Succeeded, e.Status)
	require.NotContains(t, e.StageByRef("1").Outputs, "stageTimeoutMs")
	require.Equal(t, "near", e.StageByRef("3").Context["read"])
	require.Equal(t, []any{"near", "far"}, e.StageByRef("3").Context["all"])
	require.Equal(t, int64(1), e.StageByRef("4").Context["read"])
	require.Nil(t, e.StageByRef("5").Context["read"], "the stage's own key wins, even null")
	require.Nil(t, e.StageByRef("6").Context["read"], "unrelated stages are not seen")
}

func TestInputIsNotTrusted(t *testing.T) {
	t.Parallel()
	for name, in := range map[string]workflows.Input{
		"nothing": {}, "another ID": {Execution: &pipeline.Execution{ID: "other"}},
	} {
		t.Run(name, func(t *testing.T) {
			w := workflowstest.NewWorld()
			r := newRun(t, w, `{"stages":[]}`)
			r.Env.ExecuteWorkflow(workflows.PipelineWorkflow, in)
			require.ErrorContains(t, r.Env.GetWorkflowError(), "holds no execution with the workflow's own ID")
		})
	}
}

func TestStagesWithoutMapsRun(t *testing.T) {
	t.Parallel()
	w := workflowstest.NewWorld()
	r := newRun(t, w, `{"stages":[{"type":"scripted","code":"failed"}]}`)
	r.Execution.Stages[0].Context = nil
	r.Execution.Stages[0].Outputs = nil
	require.Equal(t, pipeline.Succeeded, r.Done().Status)
}

func TestTwoTypesOfOneNameAreRefused(t *testing.T) {
	t.Parallel()
	_, err := workflows.NewEngine(append(scripted, workflowstest.Scripted{}), workflowstest.NewWorld())
	require.ErrorContains(t, err, `answer to the name "scripted"`)
}

// Large pipelines cost what they are, not the square of it.
func TestLargePipelines(t *testing.T) {
	t.Parallel()
	const n = 200
	for name, requisites := range map[string]func(i int) []string{
		"chain": func(i int) []string {
			if i == 0 {
				return nil
			}
			return []string{strconv.Itoa(i - 1)}
		},
		"fan": func(int) []string { return nil },
	} {
		t.Run(name, func(t *testing.T) {
			stages := make([]any, n)
			for i := range stages {
				stages[i] = map[string]any{"type": "scripted", "refId": strconv.Itoa(i), "requisiteStageRefIds": requisites(i), "takes": 1}
			}
			b, err := json.Marshal(map[string]any{"stages": stages})
			require.NoError(t, err)
			start := time.Now()
			e := newRun(t, workflowstest.NewWorld(), string(b)).Done()
			require.Equal(t, pipeline.Succeeded, e.Status)
			require.Less(t, time.Since(start), 20*time.Second)
			t.Log(time.Since(start))
		})
	}
}
