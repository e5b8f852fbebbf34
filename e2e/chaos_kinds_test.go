package e2e

import (
	"context"
	"strconv"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/gennaker/gennaker/pipeline"
)

// kind is a pipeline of the chaos run.
type kind struct {
	name string
	// stages is the pipeline's. HOOK is a URL whose effects are counted, of each
	// execution its own; PAUSE and LONG are numbers of seconds; APPLICATION is the
	// application, CHILD and BADCHILD are the pipelines that parents run.
	stages string
	// decide is what a person does while the stage Judge or Endless runs.
	decide string
	want   pipeline.Status
	// effects are the paths below HOOK that are asked for once.
	effects []string
}

// The decisions that people take.
const (
	proceed = "continue"
	refuse  = "stop"
	cancel  = "cancel"
)

// kinds are the pipelines of the chaos run.
var kinds = []kind{
	{
		name: "waits", want: pipeline.Succeeded, effects: []string{"ab", "beside", "end"},
		stages: `[
			{"refId":"1","type":"wait","name":"Wait","waitTime":LONG},
			{"refId":"2","type":"evaluateVariables","name":"Name","requisiteStageRefIds":["1"],"variables":[{"key":"path","value":"${'a' + 'b'}"}]},
			{"refId":"3","type":"webhook","name":"Tell","requisiteStageRefIds":["2"],"method":"POST","url":"HOOK/${path}"},
			{"refId":"4","type":"webhook","name":"Tell beside","method":"POST","url":"HOOK/beside"},
			{"refId":"5","type":"webhook","name":"Tell the end","requisiteStageRefIds":["3","4"],"method":"PUT","url":"HOOK/end"}]`,
	},
	{
		name: "judged", decide: proceed, want: pipeline.Succeeded, effects: []string{"before", "after"},
		stages: `[
			{"refId":"1","type":"webhook","name":"Tell","method":"POST","url":"HOOK/before"},
			{"refId":"2","type":"manualJudgment","name":"Judge"},
			{"refId":"3","type":"webhook","name":"Tell again","requisiteStageRefIds":["1","2"],"method":"POST","url":"HOOK/after"}]`,
	},
	{
		name: "parent", want: pipeline.Succeeded, effects: []string{"child", "parent"},
		stages: `[
			{"refId":"1","type":"pipeline","name":"Child","application":"APPLICATION","pipeline":"CHILD","pipelineParameters":{"hook":"HOOK"},"waitForCompletion":true},
			{"refId":"2","type":"webhook","name":"Tell","requisiteStageRefIds":["1"],"method":"POST","url":"HOOK/parent"}]`,
	},
	{
		name: "failure", want: pipeline.Terminal, effects: []string{"refused"},
		stages: `[
			{"refId":"1","type":"wait","name":"Wait","waitTime":PAUSE},
			{"refId":"2","type":"webhook","name":"Fail","requisiteStageRefIds":["1"],"method":"POST","url":"HOOK/refused"},
			{"refId":"3","type":"webhook","name":"Never","requisiteStageRefIds":["2"],"method":"POST","url":"HOOK/never"},
			{"refId":"4","type":"wait","name":"Long","waitTime":36000}]`,
	},
	{
		name: "job", want: pipeline.Succeeded, effects: []string{"job", "after"},
		stages: `[
			{"refId":"1","type":"webhook","name":"Run","method":"POST","url":"HOOK/job","waitForCompletion":true,"statusUrlResolution":"webhookResponse",
			 "statusUrlJsonPath":"$.status","statusJsonPath":"$.state","successStatuses":"DONE","terminalStatuses":"FAILED"},
			{"refId":"2","type":"webhook","name":"Tell","requisiteStageRefIds":["1"],"method":"POST","url":"HOOK/after"}]`,
	},
	{
		name: "stopped", decide: refuse, want: pipeline.Terminal,
		stages: `[
			{"refId":"1","type":"manualJudgment","name":"Judge"},
			{"refId":"2","type":"webhook","name":"Never","requisiteStageRefIds":["1"],"method":"POST","url":"HOOK/never"}]`,
	},
	{
		name: "badparent", want: pipeline.Terminal, effects: []string{"child/refused"},
		stages: `[
			{"refId":"1","type":"pipeline","name":"Child","application":"APPLICATION","pipeline":"BADCHILD","pipelineParameters":{"hook":"HOOK"},"waitForCompletion":true},
			{"refId":"2","type":"webhook","name":"Never","requisiteStageRefIds":["1"],"method":"POST","url":"HOOK/never"}]`,
	},
	{
		name: "canceled", decide: cancel, want: pipeline.Canceled, effects: []string{"endless", "cancel"},
		stages: `[
			{"refId":"1","type":"webhook","name":"Endless","method":"POST","url":"HOOK/endless","waitForCompletion":true,"statusUrlResolution":"webhookResponse",
			 "statusUrlJsonPath":"$.status","statusJsonPath":"$.state","successStatuses":"DONE","cancelEndpoint":"HOOK/cancel","cancelMethod":"POST"},
			{"refId":"2","type":"webhook","name":"Never","requisiteStageRefIds":["1"],"method":"POST","url":"HOOK/never"}]`,
	},
	{
		name: "ignored", want: pipeline.Succeeded, effects: []string{"refused", "on"},
		stages: `[
			{"refId":"1","type":"webhook","name":"Fail","method":"POST","url":"HOOK/refused","continuePipeline":true},
			{"refId":"2","type":"checkPreconditions","name":"Check","requisiteStageRefIds":["1"],"preconditions":[{"type":"expression","failPipeline":true,"context":{"expression":"1 < 2"}}]},
			{"refId":"3","type":"wait","name":"Wait","requisiteStageRefIds":["2"],"waitTime":LONG},
			{"refId":"4","type":"webhook","name":"Tell","requisiteStageRefIds":["3"],"method":"POST","url":"HOOK/on"}]`,
	},
	{
		name: "late", want: pipeline.Terminal, effects: []string{"before"},
		stages: `[
			{"refId":"1","type":"webhook","name":"Tell","method":"POST","url":"HOOK/before"},
			{"refId":"2","type":"webhook","name":"Poll","requisiteStageRefIds":["1"],"url":"HOOK/endless","monitorOnly":true,"waitForCompletion":true,
			 "statusJsonPath":"$.state","successStatuses":"DONE","stageTimeoutMs":PAUSE000},
			{"refId":"3","type":"webhook","name":"Never","requisiteStageRefIds":["2"],"method":"POST","url":"HOOK/never"}]`,
	},
}

// children are the pipelines that parents run.
var children = []kind{
	{name: "child", want: pipeline.Succeeded, stages: `[
		{"refId":"1","type":"wait","name":"Wait","waitTime":LONG},
		{"refId":"2","type":"webhook","name":"Tell","requisiteStageRefIds":["1"],"method":"POST","url":"${parameters.hook}/child"}]`},
	{name: "badchild", want: pipeline.Terminal, stages: `[
		{"refId":"1","type":"wait","name":"Wait","waitTime":LONG},
		{"refId":"2","type":"webhook","name":"Fail","requisiteStageRefIds":["1"],"method":"POST","url":"${parameters.hook}/child/refused"}]`},
}

// childOf is the pipeline that a parent runs, by its own name.
var childOf = map[string]string{"parent": "child", "badparent": "badchild"}

// saveKinds stores the pipelines, whose effects go to the URL and whose waits
// take some seconds.
func saveKinds(t *testing.T, ctx context.Context, w *world, hook string, pause int) {
	t.Helper()
	id := map[string]string{}
	for _, k := range append(children[:len(children):len(children)], kinds...) {
		text := strings.NewReplacer("HOOK", hook+"/${parameters.run}", "PAUSE", strconv.Itoa(pause), "LONG", strconv.Itoa(2*pause), "APPLICATION", w.Application,
			"BADCHILD", id["badchild"], "CHILD", id["child"]).Replace(k.stages)
		stages, err := pipeline.DecodeValue([]byte(text))
		require.NoError(t, err)
		id[k.name], err = w.Gate.Save(ctx, pipeline.Map{"application": w.Application, "name": k.name, "spelEvaluator": "v4", "stages": stages})
		require.NoError(t, err)
	}
}
