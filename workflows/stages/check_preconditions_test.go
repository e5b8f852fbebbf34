package stages_test

import (
	"context"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/gennaker/gennaker/activities"
	"github.com/gennaker/gennaker/pipeline"
	"github.com/gennaker/gennaker/workflows/stages"
	"github.com/gennaker/gennaker/workflows/workflowstest"
)

// checked runs a pipeline whose stage "0" checks preconditions.
func checked(t *testing.T, w *workflowstest.World, preconditions string) *pipeline.Execution {
	t.Helper()
	return newRun(t, w, `{"spelEvaluator":"v4","stages":[{"type":"checkPreconditions","name":"Check","preconditions":`+preconditions+`}]}`).Done()
}

func TestCheckPreconditionsExample(t *testing.T) {
	t.Parallel()
	w := workflowstest.NewWorld()
	e := runExample(t, w, "check_preconditions.go", "CheckPreconditions").Done()
	require.Equal(t, pipeline.Succeeded, e.Status)
	require.Len(t, e.Stages, 3)
	for i, name := range []string{"Check precondition (expression)", "Check precondition (clusterSize)"} {
		s := e.Stages[i]
		require.Equal(t, name, s.Name)
		require.Equal(t, "checkPreconditions", s.Type)
		require.Equal(t, pipeline.StageBefore, s.SyntheticStageOwner)
		require.Equal(t, pipeline.Succeeded, s.Status)
		require.Equal(t, []string{"checkPrecondition"}, taskNames(s))
		require.NotContains(t, s.Context, "preconditions")
	}
	require.Equal(t, "true", e.Stages[0].Context.Map("context")["expressionResult"])
	require.Equal(t, true, e.Stages[0].Context["failPipeline"])
	require.Empty(t, e.StageByRef("1").Tasks)
	in := w.Asked(activities.ClusterSize.Name)[0].(activities.ClusterSizeInput)
	in.Scope = activities.Scope{}
	require.Equal(t, activities.ClusterSizeInput{
		Account: "prod", Application: "shop", Cluster: "deployment web", Namespaces: []string{"shop"},
	}, in)
	require.Equal(t, []string{"count the server groups of cluster deployment web in account prod"},
		stages.CheckPreconditions{}.Calls(e.StageByRef("1")))
}

func TestCheckPreconditionsExpression(t *testing.T) {
	t.Parallel()
	for _, tt := range []struct {
		context, result string
		status          pipeline.Status
		errors          []string
	}{
		{`{"expression":"1 == 1"}`, "true", pipeline.Succeeded, nil},
		{`{"expression":"'TRUE'"}`, "TRUE", pipeline.Succeeded, nil},
		{`{"expression":true}`, "true", pipeline.Succeeded, nil},
		{`{"expression":"#stage('Check')['name'] == 'Check'"}`, "true", pipeline.Succeeded, nil},
		{`{"expression":"1 == 2"}`, "false", pipeline.Terminal, []string{"Precondition check failed: the expression 1 == 2 is false, not true"}},
		{`{}`, "false", pipeline.Terminal, []string{"Precondition check failed: the expression false is false, not true"}},
		{`{"expression":"{1, 'a'}"}`, `[1,"a"]`, pipeline.Terminal, []string{`Precondition check failed: the expression {1, 'a'} is [1,"a"], not true`}},
		{`{"expression":"param1 == 'true'"}`, "false", pipeline.Terminal, nil},
		{`{"expression":"param1.xxx() == 'true'"}`, "param1.xxx() == 'true'", pipeline.Terminal, nil},
	} {
		e := checked(t, workflowstest.NewWorld(), `[{"type":"expression","context":`+tt.context+`}]`)
		require.Equal(t, tt.status, e.Status, tt.context)
		child := e.Stages[0]
		require.Equal(t, tt.result, child.Context.Map("context")["expressionResult"], tt.context)
		if tt.errors != nil {
			require.Equal(t, tt.errors, child.Errors())
		}
	}
}

// What went wrong in an expression is told as for any other.
func TestCheckPreconditionsTellsFailedExpressions(t *testing.T) {
	t.Parallel()
	e := checked(t, workflowstest.NewWorld(), `[{"type":"expression","context":{"expression":"missing.child == 1"}}]`)
	require.Equal(t, pipeline.Terminal, e.Status)
	require.Contains(t, e.Stages[0].Context.Map("expressionEvaluationSummary"), "missing.child == 1")
	require.Len(t, e.Stages[0].Errors(), 2)
}

func TestCheckPreconditionsFailureOptions(t *testing.T) {
	t.Parallel()
	for options, want := range map[string][2]pipeline.Status{
		``:                         {pipeline.Terminal, pipeline.Terminal},
		`,"failPipeline":true`:     {pipeline.Terminal, pipeline.Terminal},
		`,"failPipeline":false`:    {pipeline.Stopped, pipeline.Succeeded},
		`,"continuePipeline":true`: {pipeline.FailedContinue, pipeline.Succeeded},
	} {
		e := checked(t, workflowstest.NewWorld(), `[{"type":"expression","context":{}`+options+`}]`)
		require.Equal(t, want, [2]pipeline.Status{e.Stages[0].Status, e.Status}, options)
	}
	// The stage's own option holds for entries without one.
	e := newRun(t, workflowstest.NewWorld(), `{"stages":[{"type":"checkPreconditions","failPipeline":false,"preconditions":[{"type":"expression"},{"type":"noop"}]}]}`).Done()
	require.Equal(t, pipeline.Stopped, e.Stages[0].Status)
	require.Equal(t, pipeline.Stopped, e.StageByRef("0").Status)
}

func TestCheckPreconditionsStageStatus(t *testing.T) {
	t.Parallel()
	for context, want := range map[string]string{
		`{"stageName":"Wait","stageStatus":"SUCCEEDED"}`: "",
		`{"stageName":"Wait","stageStatus":"TERMINAL"}`:  "The status of stage Wait was asserted to be TERMINAL, but was actually SUCCEEDED",
		`{"stageName":"Later","stageStatus":"X"}`:        "Failed to find stage Later in execution. Please specify a valid stage name",
		`{"stageStatus":"SUCCEEDED"}`:                    "Stage name is required for preconditions of type stageStatus.",
		`{"stageName":"Wait"}`:                           "Stage status is required for preconditions of type stageStatus.",
	} {
		e := newRun(t, workflowstest.NewWorld(), `{"stages":[{"type":"wait","name":"Wait"},
			{"type":"checkPreconditions","preconditions":[{"type":"stageStatus","context":`+context+`}]}]}`).Done()
		if want == "" {
			require.Equal(t, pipeline.Succeeded, e.Status)
			continue
		}
		require.Equal(t, pipeline.Terminal, e.Status)
		require.Equal(t, []string{want}, workflowstest.Errors(e, "1<1"))
	}
}

func TestCheckPreconditionsClusterSize(t *testing.T) {
	t.Parallel()
	const remedy = ". Please clean up the cluster to only have the specific number of server groups, or opt out of this check in your deploy stage."
	for context, want := range map[string]string{
		`{}`:                  "",
		`{"expected":"1"}`:    "",
		`{"comparison":">="}`: "",
		`{"comparison":">","onlyEnabledServerGroups":true}`: "Precondition check failed: expected > 1 enabled server groups in blue but found 1: [replicaSet web-v000]" + remedy +
			", expected > 1 enabled server groups in green but found 1: [replicaSet web-v000]" + remedy,
		`{"expected":2,"regions":["blue"]}`: "Precondition check failed: expected == 2 server groups in blue but found 1: [replicaSet web-v000]" + remedy,
		`{"expected":-1}`:                   "Invalid configuration Invalid value for expected -1",
		`{"comparison":"!="}`:               "Invalid configuration Unsupported comparison !=",
		`{"cluster":"","regions":[],"credentials":"","expected":"x"}`: "Invalid configuration Missing cluster, Invalid value for expected x, Missing regions, Missing credentials",
		`{"credentials":"prud"}`: "The account 'prud' does not exist: use prod.",
	} {
		e := newRun(t, workflowstest.NewWorld(), `{"stages":[{"type":"checkPreconditions","cluster":"web","regions":["blue","green"],"credentials":"prod",
			"preconditions":[{"type":"clusterSize","context":`+context+`}]}]}`).Done()
		if want == "" {
			require.Equal(t, pipeline.Succeeded, e.Status, context)
			continue
		}
		require.Equal(t, []string{want}, workflowstest.Errors(e, "0<1"), context)
	}
}

func TestCheckPreconditionsClusterSizeRetries(t *testing.T) {
	t.Parallel()
	w := workflowstest.NewWorld()
	workflowstest.On(w, activities.ClusterSize, func(context.Context, activities.ClusterSizeInput) (activities.ClusterSizeOutput, error) {
		return activities.ClusterSizeOutput{}, pipeline.Errorf(pipeline.CodeUnavailable, "The cluster does not answer.")
	})
	e := checked(t, w, `[{"type":"clusterSize","context":{"cluster":"c","regions":["r"],"credentials":"prod"}}]`)
	require.Equal(t, pipeline.Terminal, e.Status)
	require.Greater(t, len(w.Asked(activities.ClusterSize.Name)), 5)
	require.Contains(t, workflowstest.Errors(e, "0<1"), "The cluster does not answer.")
}

func TestCheckPreconditionsRefuses(t *testing.T) {
	t.Parallel()
	for list, want := range map[string]string{
		`null`:  "The stage 'Check' holds no list of preconditions: set preconditions to one.",
		`"x"`:   "The stage 'Check' holds no list of preconditions: set preconditions to one.",
		`["x"]`: "The precondition 1 of stage 'Check' is not an object",
	} {
		e := checked(t, workflowstest.NewWorld(), list)
		require.Equal(t, pipeline.Terminal, e.Status)
		require.Contains(t, workflowstest.Errors(e, "0")[0], want)
	}
	e := checked(t, workflowstest.NewWorld(), `[{"type":"weather"}]`)
	require.Equal(t, []string{"no Precondition implementation for type weather: the stage 'Check precondition (weather)' can check expression, stageStatus, clusterSize and noop."},
		workflowstest.Errors(e, "0<1"))
	e = checked(t, workflowstest.NewWorld(), `[]`)
	require.Equal(t, pipeline.Skipped, stage(e).Status)
}

// In a deployment strategy the trigger's parameters name the cluster.
func TestCheckPreconditionsOfStrategy(t *testing.T) {
	t.Parallel()
	e := &pipeline.Execution{Type: pipeline.TypePipeline, Trigger: pipeline.Trigger{Parameters: pipeline.Map{
		"strategy": true, "cluster": "web", "credentials": "prod", "cloudProvider": "kubernetes", "region": "blue",
	}}}
	s := &pipeline.Stage{Context: pipeline.Map{"preconditions": []any{map[string]any{"type": "clusterSize"}}}}
	list, err := stages.CheckPreconditions{}.Before(e, s)
	require.NoError(t, err)
	require.Equal(t, map[string]any{"cluster": "web", "credentials": "prod", "regions": []any{"blue"}}, list[0].Context["context"])
	require.NotContains(t, s.Context, "cluster")
}

// A dry run checks expressions and plays what asks the outside world (reference:
// orca section 3.12).
func TestCheckPreconditionsInDryRun(t *testing.T) {
	t.Parallel()
	const no, size, status = `{"type":"expression"}`, `{"type":"clusterSize","context":{"expected":9}}`, `{"type":"stageStatus","context":{"stageName":"none","stageStatus":"SUCCEEDED"}}`
	for list, want := range map[string]struct {
		status pipeline.Status
		tasks  map[string][]string // by refId
	}{
		no:              {"TERMINAL", map[string][]string{"0<1": {"checkPrecondition"}, "0": {}}},
		size:            {"SUCCEEDED", map[string][]string{"0<1": {"dry run"}, "0": {"dry run"}}},
		status:          {"SUCCEEDED", map[string][]string{"0<1": {"dry run"}, "0": {"dry run"}}},
		size + "," + no: {"TERMINAL", map[string][]string{"0<1": {"dry run"}, "0<2": {"checkPrecondition"}, "0": {"dry run"}}},
	} {
		t.Run(list, func(t *testing.T) {
			t.Parallel()
			w := workflowstest.NewWorld()
			r := newRun(t, w, `{"stages":[{"type":"checkPreconditions","cluster":"web","credentials":"prod","preconditions":[`+list+`]}]}`)
			r.Execution.Trigger.DryRun = true
			e := r.Done()
			require.Equal(t, want.status, e.Status)
			for ref, tasks := range want.tasks {
				require.ElementsMatch(t, tasks, taskNames(e.StageByRef(ref)), ref)
			}
			require.Empty(t, w.Asked(activities.ClusterSize.Name))
		})
	}
}
