package workflows_test

import (
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/gennaker/gennaker/pipeline"
	"github.com/gennaker/gennaker/pipeline/templates"
	"github.com/gennaker/gennaker/workflows"
	"github.com/gennaker/gennaker/workflows/stages"
	"github.com/gennaker/gennaker/workflows/workflowstest"
)

// plan plans a configuration against the real stage types and the account prod.
func plan(t *testing.T, config, trigger string) (workflows.Plan, error) {
	t.Helper()
	l := pipeline.Launch{ID: "x", User: "ann", Now: time.Date(2026, 3, 4, 12, 0, 0, 0, time.UTC), StageID: func(ref string) string { return "id-" + ref }}
	if trigger != "" {
		require.NoError(t, l.Trigger.UnmarshalJSON([]byte(trigger)))
	}
	return workflows.NewPlan(workflowstest.ParsePipeline(t, config), l, workflows.PlanLookups{Types: stages.All(), Accounts: []string{"prod"}})
}

func mustPlan(t *testing.T, config, trigger string) workflows.Plan {
	t.Helper()
	p, err := plan(t, config, trigger)
	require.NoError(t, err)
	return p
}

func TestPlanEvaluatesWhatIsKnown(t *testing.T) {
	t.Parallel()
	for _, evaluator := range []string{"v3", "v4"} {
		p := mustPlan(t, `{"name":"Deploy","spelEvaluator":"`+evaluator+`","templateVariables":{"n":7},
			"parameterConfig":[{"name":"tag","default":"1.0"},{"name":"size"}],
			"stages":[
			{"refId":"2","requisiteStageRefIds":["1"],"type":"wait","name":"Wait ${ parameters.tag }","waitTime":"${ doubled }",
			 "own":5,"texts":["${ own }","${ trigger.user } of ${ execution.name }","${ status }","${ #stage('Set')['status'] }","${ execution.startTime }"],
			 "${ parameters.tag }":"key","date":"${ new java.util.Date() }","remote":"${ #fromUrl('http://example.com/x') }"},
			{"refId":"1","type":"evaluateVariables","variables":[{"key":"doubled","value":"${ #toInt(parameters.size) * 2 }"},{"key":"n","value":"${ templateVariables.n }"}]}]}`,
			`{"user":"ann","parameters":{"size":"4"}}`)
		require.Equal(t, pipeline.Map{"tag": "1.0", "size": "4"}, p.Parameters)
		require.Equal(t, []string{"1", "2"}, []string{p.Stages[0].RefID, p.Stages[1].RefID}, "in an order in which they can run")
		wait := p.Stages[1]
		require.Equal(t, "Wait 1.0", wait.Name)
		require.Equal(t, int64(8), wait.Context["waitTime"], "the variable of the stage before")
		require.Equal(t, "key", wait.Context["1.0"])
		require.Equal(t, []any{int64(5), "ann of Deploy", "${ status }", "${ #stage('Set')['status'] }", "${ execution.startTime }"}, wait.Context["texts"])
		require.Equal(t, []string{"wait"}, wait.Tasks)
		why := map[string]string{}
		for _, u := range p.Unknown {
			require.Equal(t, "2", u.RefID)
			require.NotEmpty(t, u.Expression)
			why[u.Path] = u.Why
		}
		require.Equal(t, map[string]string{
			"texts[2]": "'status' is not in the stage: it comes from a stage before it, or is missing.",
			"texts[3]": "#stage reads what the pipeline has done by then.",
			"texts[4]": "'execution.startTime' is known when the pipeline runs.",
			"date":     "What new java.util.Date gives may change from run to run.",
			"remote":   "#fromUrl asks the outside world when the pipeline runs.",
		}, why)
		require.Empty(t, p.Problems)
	}
}

func TestPlanFindsProblems(t *testing.T) {
	t.Parallel()
	for name, c := range map[string]struct {
		config, trigger string
		want            []string // refId, severity and words of each problem
	}{
		"unknown account":          {`{"stages":[{"refId":"1","type":"deployManifest","account":"nope","manifests":[{"kind":"Pod"}]}]}`, "", []string{"1 FATAL known accounts are prod"}},
		"account from outside":     {`{"stages":[{"refId":"1","type":"deployManifest","account":"${ parameters.a }","manifests":[]}]}`, `{"parameters":{"a":"prod"}}`, nil},
		"expression without end":   {`{"stages":[{"refId":"1","type":"wait","comments":"${ parameters."}]}`, "", []string{"1 FATAL cannot be read"}},
		"expression without value": {`{"stages":[{"refId":"1","type":"wait","comments":"${ parameters.nope.deep }"}]}`, "", []string{"1 WARN has no value"}},
		"unknown type": {`{"stages":[{"refId":"1","type":"dance"},{"refId":"2","type":"wait","requisiteStageRefIds":["1"]},{"refId":"3","type":"wait","requisiteStageRefIds":["2"]}]}`, "",
			[]string{"1 FATAL Gennaker does not know", "2 FATAL is never reached: 'dance'", "3 FATAL is never reached: 'dance'"}},
		"type that goes on": {`{"stages":[{"refId":"1","type":"dance","failPipeline":false,"continuePipeline":true},{"refId":"2","type":"wait","requisiteStageRefIds":["1"]}]}`, "",
			[]string{"1 FATAL Gennaker does not know"}},
		"type that goes on by continuePipeline alone": {`{"stages":[{"refId":"1","type":"dance","continuePipeline":true},{"refId":"2","type":"wait","requisiteStageRefIds":["1"]}]}`, "",
			[]string{"1 FATAL Gennaker does not know"}},
		"manifests of an artifact": {`{"stages":[{"refId":"1","type":"deployManifest","account":"prod","source":"artifact"},{"refId":"2","type":"wait","requisiteStageRefIds":["1"]}]}`, "",
			[]string{"1 FATAL No manifest artifact was specified", "2 FATAL is never reached"}},
		"manifests of an artifact that stands there": {`{"stages":[{"refId":"1","type":"deployManifest","account":"prod","source":"artifact","manifestArtifact":{"type":"http/file","reference":"https://x.example/m.yaml"}}]}`, "", nil},
		"bake without an artifact": {`{"stages":[{"refId":"1","type":"bakeManifest","templateRenderer":"HELM3","expectedArtifacts":[{"id":"a"}]}]}`, "",
			[]string{"1 FATAL At least one input artifact to bake must be supplied"}},
		"bake of an artifact that nobody expects": {`{"stages":[{"refId":"1","type":"bakeManifest","templateRenderer":"HELM3","inputArtifacts":[{"id":"b"}],"expectedArtifacts":[{"id":"a"}]}]}`, "",
			[]string{"1 FATAL which neither the pipeline nor a stage before it expects"}},
		"artifact that the source does not name": {`{"stages":[{"refId":"1","type":"deployManifest","account":"prod","source":"text","manifests":[{}],"manifestArtifactId":"a"}]}`, "", nil},
		"dynamic target":                         {`{"stages":[{"refId":"1","type":"deleteManifest","account":"prod","location":"shop","mode":"dynamic","criteria":"newest","kind":"replicaSet","cluster":"replicaSet web"}]}`, "", nil},
		"unknown strategy": {`{"stages":[{"refId":"1","type":"deployManifest","account":"prod","manifests":[{}],"trafficManagement":{"enabled":true,"options":{"strategy":"slow"}}}]}`, "",
			[]string{"1 FATAL has the rollout strategy 'slow'"}},
		"properties of a Job's logs": {`{"stages":[{"refId":"1","type":"runJobManifest","alias":"runJob","account":"prod","manifest":{"kind":"Job"},"propertyFile":"main"}]}`, "", nil},
		"properties of an artifact":  {`{"stages":[{"refId":"1","type":"runJob","account":"prod","manifest":{"kind":"Job"},"consumeArtifactSource":"artifact"}]}`, "", nil},
		"Job of an artifact":         {`{"stages":[{"refId":"1","type":"runJob","account":"prod","source":"artifact"}]}`, "", []string{"1 FATAL No manifest artifact was specified"}},
		"two Jobs":                   {`{"stages":[{"refId":"1","type":"runJob","account":"prod","manifests":[{"kind":"Job"},{"kind":"Job"}]}]}`, "", []string{"1 FATAL holds 2 manifests"}},
		"Job to be evaluated":        {`{"stages":[{"refId":"1","type":"runJob","account":"prod","manifest":"${ job }"}]}`, "", nil},
		"custom strategy":            {`{"stages":[{"refId":"1","type":"pipeline","pipelineId":"s1","pipelineParameters":{"strategy":true}}]}`, "", []string{"1 FATAL needs strategies in Front50"}},
		"build that needs CI":        {`{"stages":[{"refId":"1","type":"jenkins","master":"m","job":"j"}]}`, "", []string{"1 FATAL has the type 'jenkins', which needs the Igor role"}},
		"type of Spinnaker's":        {`{"stages":[{"refId":"1","type":"cloneServerGroup"}]}`, "", []string{"1 FATAL"}},
		"missing parameter":          {`{"parameterConfig":[{"name":"tag","required":true}],"stages":[]}`, "", []string{" FATAL requires the parameters 'tag'"}},
		"missing parameter, read by expressions": {`{"spelEvaluator":"v4","parameterConfig":[{"name":"tag","required":true},{"name":"size","default":"s"}],"stages":[
			{"refId":"1","type":"wait","a":"${ parameters.tag }","b":"${ parameters['tag'] }","c":"x-${ trigger.parameters.tag }","d":"${ trigger['parameters']['tag'] }","e":"${ parameters.size }"}]}`, "",
			[]string{" FATAL requires the parameters 'tag'"}},
		"missing parameter, read by expressions at the start": {`{"parameterConfig":[{"name":"tag","required":true}],"stages":[{"refId":"1","type":"wait","a":"${ parameters.tag }","b":"${ #alphanumerical(parameters.tag) }"}]}`, "",
			[]string{" FATAL requires the parameters 'tag'"}},
		"missing parameter, and another fault": {`{"parameterConfig":[{"name":"tag","required":true}],"stages":[{"refId":"1","type":"wait","a":"${ parameters.nope.deep }"}]}`, "",
			[]string{" FATAL requires the parameters 'tag'", "1 WARN has no value"}},
		"artifact that nobody expects": {`{"stages":[{"refId":"1","type":"deployManifest","account":"prod","manifests":[{}],"requiredArtifactIds":["a"]}]}`, "",
			[]string{"1 FATAL which neither the pipeline nor a stage before it expects"}},
		"artifact that does not come": {`{"expectedArtifacts":[{"id":"a","matchArtifact":{"type":"docker/image","name":"web"}}],
			"stages":[{"refId":"1","type":"deployManifest","account":"prod","manifests":[{}],"requiredArtifactIds":["a"]}]}`, "", []string{"1 FATAL which this trigger does not bring"}},
		"artifact that comes": {`{"expectedArtifacts":[{"id":"a","matchArtifact":{"type":"docker/image","name":"web"}}],
			"stages":[{"refId":"1","type":"deployManifest","account":"prod","manifests":[{}],"requiredArtifactIds":["a"]}]}`,
			`{"artifacts":[{"type":"docker/image","name":"web","reference":"web:1"}],"expectedArtifactIds":["a"]}`, nil},
		"artifact that the trigger must bring": {`{"expectedArtifacts":[{"id":"a","matchArtifact":{"type":"docker/image","name":"web"}}],"stages":[]}`, `{"expectedArtifactIds":["a"]}`, []string{" FATAL"}},
		"artifact of a stage before": {`{"stages":[{"refId":"0","type":"wait","expectedArtifacts":[{"id":"a"}]},
			{"refId":"1","requisiteStageRefIds":["0"],"type":"deployManifest","account":"prod","manifests":[{}],"requiredArtifactIds":["a"]}]}`, "", nil},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			p := mustPlan(t, c.config, c.trigger)
			require.Len(t, p.Problems, len(c.want), "%v", p.Problems)
			for i, want := range c.want {
				ref, rest, _ := strings.Cut(want, " ")
				severity, words, _ := strings.Cut(rest, " ")
				require.Equal(t, ref, p.Problems[i].RefID)
				require.Equal(t, templates.Severity(severity), p.Problems[i].Severity)
				require.Contains(t, p.Problems[i].Message, words)
			}
		})
	}
}

// What could not even be recorded is refused, as a start is.
func TestPlanRefuses(t *testing.T) {
	t.Parallel()
	for _, config := range []string{
		`{"stages":[{"refId":"1","type":"wait","requisiteStageRefIds":["1"]}]}`, `{"stages":[{"refId":"1"}]}`, `{"disabled":true,"stages":[]}`, `{}`,
	} {
		_, err := plan(t, config, "")
		require.Equal(t, pipeline.CodeInvalid, pipeline.CodeOf(err), config)
	}
}

// A plan only looks: the configuration is as it was, and every type of stage has
// an answer to whatever it is given.
func TestPlanOnlyReads(t *testing.T) {
	t.Parallel()
	for _, kind := range stages.All() {
		for _, context := range []string{``, `,"account":5,"manifests":5,"variables":["x"],"inputArtifacts":[1],"requiredArtifactIds":5,"conditions":{}`, `,"manifests":["${ x }"],"variables":"${ y }"`} {
			config := workflowstest.ParsePipeline(t, `{"stages":[{"type":"`+kind.Type()+`"`+context+`}]}`)
			before := config.Clone()
			p, err := workflows.NewPlan(config, pipeline.Launch{ID: "x", StageID: func(string) string { return "s" }}, workflows.PlanLookups{Types: stages.All()})
			require.NoError(t, err)
			require.Len(t, p.Stages, 1)
			require.Equal(t, before, config)
		}
	}
}
