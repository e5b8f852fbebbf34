package expr_test

import (
	"encoding/json"
	"fmt"
	"os"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/gennaker/gennaker/pipeline"
	"github.com/gennaker/gennaker/pipeline/expr"
)

func decode(t testing.TB, text string) any {
	v, err := pipeline.DecodeValue([]byte(text))
	require.NoError(t, err, text)
	return v
}

func decodeMap(t testing.TB, text string) map[string]any {
	m, ok := decode(t, text).(map[string]any)
	require.True(t, ok, text)
	return m
}

func encode(t testing.TB, v any) string {
	b, err := pipeline.EncodeValue(v)
	require.NoError(t, err)
	return string(b)
}

// execution decodes an execution from JSON.
func execution(t testing.TB, text string) *pipeline.Execution {
	var e pipeline.Execution
	require.NoError(t, json.Unmarshal([]byte(text), &e))
	return &e
}

const c0 = `{"testArray":["good",{"arrayVal":"bad"},[{"one":"two"}]],"replaceMe":"newValue","h1":{"h1":"h1Val"},
	"hierarchy":{"h2":"hierarchyValue","h3":{"h4":"h4Val"}},"replaceTest":"stack-with-hyphens","withUpperCase":"baconBacon"}`

const jenkins = `{"trigger":{"type":"jenkins","master":"m","job":"j","buildNumber":1,"buildInfo":{"scm":%s},"properties":{"key1":"val1"}}}`

const wait1 = `{"type":"PIPELINE","id":"e","application":"a","stages":[
	{"id":"1","refId":"1","type":"wait","name":"Wait1","status":"SUCCEEDED","context":{"comments":"succeeded: ${#toJson(execution)}"},"outputs":{}},
	{"id":"2","refId":"2","type":"manualJudgment","name":"manualJudgment stage","status":"SUCCEEDED","context":{"judgmentInput":"Real Judgment"},"outputs":{}}]}`

const stageRows = `{"type":"PIPELINE","id":"e","application":"a","trigger":{"resolvedExpectedArtifacts":[
		{"id":"x","boundArtifact":{"type":"docker/image","name":"artifact1"}}]},"stages":[
	{"id":"1","refId":"1.0","type":"deploy","name":"My First Stage","status":"SUCCEEDED","context":{"region":"us-east-1"},"outputs":{}},
	{"id":"2","refId":"2.0","type":"deploy","name":"My Second Stage","status":"RUNNING","context":{"region":"us-west-1"},"outputs":{}},
	{"id":"3","refId":"3.0","type":"deployManifest","name":"Deploy ReplicaSet","status":"SUCCEEDED","outputs":{},"context":{"outputs.manifests":[
		{"kind":"ReplicaSet","spec":{"template":{"metadata":{"labels":{"moniker.spinnaker.io/sequence":"0"}}}}}]}}]}`

// Each case is one row of the examples of the reference (expressions section 9),
// under its number.
func TestExampleTable(t *testing.T) {
	const info, failed = "INFO", "ERROR"
	cases := []struct {
		row       string
		context   string // JSON; "" is {}
		execution string // JSON; the stage named by stage is evaluated
		stage     string
		strict    bool // unknown keys are not allowed
		expr      string
		want      string // JSON; "" means the text itself
		level     string // of the summary's one entry; "" means none
		says      string // part of the entry's description
	}{
		{row: "1", context: c0, expr: "just a string"},
		{row: "2", context: c0, expr: "${replaceMe}", want: `"newValue"`},
		{row: "3", context: c0, expr: "${replaceMe} and ${replaceMe}", want: `"newValue and newValue"`},
		{row: "4", context: c0, expr: "${notResolvable}", level: info, says: "notResolvable not found"},
		{row: "5", context: c0, expr: "${testArray[1].arrayVal}", want: `"bad"`},
		{row: "6", context: c0, expr: "${ h1.h2  ?: 60 }", want: `60`},
		{row: "7", context: c0, expr: `${ replaceTest.replaceAll("-","") }`, want: `"stackwithhyphens"`},
		{row: "8", context: c0, expr: `${#readJson('{ "newValue":"two" }')[#root.replaceMe]}`, want: `"two"`},
		{row: "9", context: c0, expr: "a.${ENV1}.b.${replaceMe}", want: `"a.${ENV1}.b.newValue"`, level: info, says: "a.ENV1.b.replaceMe not found"},
		{row: "10", context: c0, expr: `${ "jeyrs!".replaceAll("\W", "") }`, want: `"jeyrs"`},
		{row: "11", context: c0, expr: "a.${'${ESCAPED_LITERAL}'}.b.${replaceMe}", want: `"a.${ESCAPED_LITERAL}.b.newValue"`},
		{row: "12", expr: "${ #fromUrl('file:///etc/passwd')}", level: failed},
		{row: "13", expr: "${ #fromUrl('http://localhost/')}", level: failed},
		{row: "14", expr: `${#toBase64("Yo Dawg")}`, want: `"WW8gRGF3Zw=="`},
		{row: "15", expr: "${T(java.lang.System).exit(1)}", level: failed},
		{row: "16", expr: "${ new java.net.URL('http://google.com').openConnection() }", level: failed},
		{row: "17", expr: "${ new java.lang.Integer(1).wait(100000) }", level: failed},
		{row: "18", execution: `{"type":"PIPELINE","status":"PAUSED","stages":[]}`, expr: "${execution.status.getMetaClass()}", level: failed},
		{row: "19", context: `{"exists":"yay"}`, strict: true, expr: "${noexists}-foo", level: failed},
		{row: "20", context: `{"exists":"yay"}`, expr: `${noexists ?: "bacon"}`, want: `"bacon"`},
		{row: "21", context: `{"exists":"yay"}`, strict: true, expr: `${noexists ?: "bacon"}`, level: failed},
		{row: "22", context: `{"isnull":null}`, expr: `${isnull ?: "bacon"}`, want: `"bacon"`},
		{row: "22 strict", context: `{"isnull":null}`, strict: true, expr: `${isnull ?: "bacon"}`, want: `"bacon"`},
		{row: "23", context: `{"isempty":""}`, strict: true, expr: `${isempty ?: "bacon"}`, want: `"bacon"`},
		{row: "27", context: fmt.Sprintf(jenkins, `[]`), expr: "${scmInfo.branch}", level: failed},
		{row: "28", context: fmt.Sprintf(jenkins, `[{"branch":"branch1"},{"branch":"master"}]`), expr: "${scmInfo.branch}", want: `"branch1"`},
		{row: "31", context: `{"list":{"regions":"us-east-1,us-west-2"}}`, expr: `${#toJson(list["regions"].split(",")).contains("us-west-2")}`, want: `true`},
		{row: "32", context: `{"str":"1"}`, expr: "${#toInt( str )}", want: `1`},
		{row: "33", context: `{"str":"7"}`, expr: "${#toFloat( str )}", want: `7.0`},
		{row: "34", context: `{"str":"true"}`, expr: "${#toBoolean( str )}", want: `true`},
		{row: "35", execution: wait1, expr: `succeeded: ${#stage("Wait1")["status"] == "SUCCEEDED"}`, want: `"succeeded: true"`},
		{row: "36", execution: wait1, expr: `${#stage("Wait1").hasSucceeded}`, want: `true`},
		{row: "37", execution: wait1, expr: `${#stage("Wait1").hasFailed}`, want: `false`},
		{row: "38", execution: wait1, expr: `${#toJson(execution)}`, level: failed, says: "result for toJson cannot contain an expression"},
		{row: "39", execution: wait1, expr: `${#stage("manualJudgment stage")["status"]}`, want: `"SUCCEEDED"`},
		{row: "40", context: `{"parameters":{"notFound":"xyz"}}`, expr: `${parameters["branch"] ?: "noValue"}`, want: `"noValue"`},
		{row: "42", context: `{"a":{"owner":"managed-by-${team}"}}`, expr: "${#toJson(a)}", level: failed, says: "cannot contain an expression"},
		{row: "43", context: `{"file_json":{"json_file":"${#toJson(#doNotEval(file_json))}"}}`, expr: "${#toJson(#doNotEval(file_json))}",
			want: `"{\"json_file\":\"${#toJson(#doNotEval(file_json))}\"}"`},
		{row: "46", expr: `${ T(Long).getLong("long") }`, level: failed},
		{row: "47", expr: `${ T(Long).parseLong("123") }`, want: `123`},
		{row: "48", expr: `${ {'foo': 'bar'}.toString() }`, want: `"{foo=bar}"`},
		{row: "51", execution: `{"type":"PIPELINE","status":"TERMINAL","stages":[]}`, expr: `${execution.status == "TERMINAL"}`, want: `true`},
		{row: "52", execution: `{"type":"PIPELINE","status":"TERMINAL","stages":[]}`, expr: `${execution.status.toString() == "SUCCEEDED"}`, want: `false`},
		{row: "66", execution: `{"type":"PIPELINE","trigger":{"type":"manual"},"stages":[]}`, expr: "${trigger.quax ?: 'no quax'}", want: `"no quax"`},
		{row: "71", execution: stageRows, expr: `${#stage("My Second Stage").context.region}`, want: `"us-west-1"`},
		{row: "72", execution: stageRows, expr: `${#stageByRefId("1.0").name}`, want: `"My First Stage"`},
		{row: "72 unknown", execution: stageRows, expr: `${#stageByRefId("9")}`, level: failed},
		{row: "73", execution: stageRows, stage: "2", expr: `${#currentStage().name}`, want: `"My Second Stage"`},
		{row: "73 outside a stage", execution: stageRows, expr: `${#currentStage().name}`, level: failed},
		{row: "74", execution: stageRows, expr: `${#triggerResolvedArtifact("artifact1").type}`, want: `"docker/image"`},
		{row: "75", execution: stageRows, expr: `${#manifestLabelValue("Deploy ReplicaSet","ReplicaSet","moniker.spinnaker.io/sequence")}`, want: `"0"`},
		{row: "77", context: `{"y":"---\na: 1\nb: 2\n"}`, expr: "${#readYaml(y)}", want: `{"a":1,"b":2}`},
	}
	for _, c := range cases {
		t.Run(c.row, func(t *testing.T) {
			env := &expr.Env{}
			if c.execution != "" {
				e := execution(t, c.execution)
				env = expr.NewEnv(e, e.Stage(c.stage))
			}
			if c.context != "" {
				env.Context = decodeMap(t, c.context)
			}
			env.DisallowUnknownKeys = c.strict
			out, summary, err := expr.EvaluateString(env, c.expr, expr.Options{})
			require.NoError(t, err)
			want := c.want
			if want == "" {
				want = encode(t, c.expr)
			}
			require.Equal(t, want, encode(t, out), summary.Descriptions())
			if c.level == "" {
				require.False(t, summary.Failed(), summary.Descriptions())
				return
			}
			require.Len(t, summary.Expressions(), 1)
			r := summary.Results(summary.Expressions()[0])[0]
			require.Equal(t, c.level, string(r.Level))
			require.Contains(t, r.Description, c.says)
			require.NotContains(t, r.Description, "$")
		})
	}
}

// Rows whose source is a document rather than one text.
func TestExampleTableOfDocuments(t *testing.T) {
	cases := []struct{ row, context, source, want string }{
		{"24", `{"replaceMe":"newVal"}`, `{"${replaceMe}":"a","${replaceMe}again":["b"]}`, `{"newVal":"a","newValagain":["b"]}`},
		{"25", `{"map1":{"map1key":"map1val"}}`, `{"test":{"k2":"${map1}"}}`, `{"test":{"k2":{"map1key":"map1val"}}}`},
		{"26", `{"h1":"h1val"}`, `{"nest":{"nest2":["${h1}","${h1}"]},"n":4}`, `{"n":4,"nest":{"nest2":["h1val","h1val"]}}`},
		{"65", `{}`, `{"key":{"key":"${1 == 1}"}}`, `{"key":{"key":true}}`},
		{"69", `{"trigger":{"parameters":{"region":"us-west-1"}}}`, `{"name":"${parameters.region}"}`, `{"name":"us-west-1"}`},
		{"70", `{"trigger":{"parameters":{"reference":"gs://bucket"}}}`,
			`{"expectedArtifacts":[{"defaultArtifact":{"reference":"${parameters.reference}"}}]}`,
			`{"expectedArtifacts":[{"defaultArtifact":{"reference":"gs://bucket"}}]}`},
		{"68", fmt.Sprintf(jenkins, `[]`), `{"id":"${trigger.properties.key1}"}`, `{"id":"val1"}`},
	}
	for _, c := range cases {
		t.Run(c.row, func(t *testing.T) {
			source := decodeMap(t, c.source)
			before := encode(t, source)
			out, summary, err := expr.Evaluate(&expr.Env{Context: decodeMap(t, c.context)}, source, expr.Options{})
			require.NoError(t, err)
			require.Empty(t, summary.Descriptions())
			require.Equal(t, c.want, encode(t, out))
			require.Equal(t, before, encode(t, source), "the source is not changed")
		})
	}
	t.Run("41", func(t *testing.T) {
		e := execution(t, `{"type":"PIPELINE","stages":[
			{"id":"1","refId":"1","type":"a","name":"a","status":"SUCCEEDED","context":{},"outputs":{"keyA":"valueA"}},
			{"id":"2","refId":"2","type":"b","name":"b","status":"SUCCEEDED","context":{},"outputs":{"keyB":"valueB"},"requisiteStageRefIds":["1"]},
			{"id":"3","refId":"3","type":"c","name":"c","status":"RUNNING","outputs":{},"requisiteStageRefIds":["2"],
				"context":{"manifests":[{"name":"${keyA}","namespace":"${keyB}"}]}}]}`)
		out, _, err := expr.EvaluateStage(expr.NewEnv(e, e.Stages[2]), expr.Options{})
		require.NoError(t, err)
		require.Equal(t, `{"manifests":[{"name":"valueA","namespace":"valueB"}]}`, encode(t, out))
	})
	t.Run("67", func(t *testing.T) {
		e := execution(t, `{"type":"PIPELINE","trigger":{"parameters":{"dummy":"foo"}},"stages":[
			{"id":"1","refId":"1","type":"wait","name":"w","context":{"parameters":{"message":"o hai"},"d":"${parameters.dummy}"},"outputs":{}}]}`)
		out, _, err := expr.EvaluateStage(expr.NewEnv(e, e.Stages[0]), expr.Options{})
		require.NoError(t, err)
		require.Equal(t, `{"d":"foo","parameters":{"message":"o hai"}}`, encode(t, out))
	})
	t.Run("76", func(t *testing.T) {
		env := expr.Sample()
		env.Fetched = map[string]expr.Answer{
			expr.Request{Kind: expr.FetchPipeline, Application: "shop", Name: "NAME"}.Key(): {Value: "my-pipeline-id"},
			expr.Request{Kind: expr.FetchPipeline, Application: "shop", Name: "no"}.Key():   {},
		}
		for text, want := range map[string]string{
			"${#pipelineId('NAME')}": "my-pipeline-id", "${#pipelineId('no')}": "${#pipelineId('no')}", "${#pipelineIdOrNull('no')}": "${#pipelineIdOrNull('no')}",
		} {
			out, _, err := expr.EvaluateString(env, text, expr.Options{})
			require.NoError(t, err)
			require.Equal(t, want, out)
		}
	})
}

// Rows that read what an artifact store holds.
func TestExampleTableOfTheArtifactStore(t *testing.T) {
	const hello, foo = "SGVsbG8gd29ybGQ=", "eyJuYW1lIjoiZm9vIn0="
	stored := func(reference string) map[string]any {
		return map[string]any{"type": "remote/map/base64", "reference": reference}
	}
	env := &expr.Env{
		ArtifactStore: true,
		Context: map[string]any{
			"artifact": map[string]any{"reference": "ref://app/sha2"},
			"manifest": stored("ref://app/map"), "manifests": []any{stored("ref://app/map")},
		},
		Fetched: map[string]expr.Answer{},
	}
	for reference, content := range map[string]string{"ref://app/sha1": hello, "ref://app/sha2": hello, "ref://app/map": foo} {
		env.Fetched[expr.Request{Kind: expr.FetchArtifact, Reference: reference}.Key()] = expr.Answer{Value: content}
	}
	for _, c := range []struct{ row, expr, want string }{
		{"44", `${#fromBase64("ref://app/sha1")}`, "Hello world"},
		{"45", `${#fetchReference(artifact.reference)}`, hello},
		{"49", `${ manifest.name }`, "foo"},
		{"50", `${ manifests[0].name }`, "foo"},
	} {
		t.Run(c.row, func(t *testing.T) {
			out, summary, err := expr.EvaluateString(env, c.expr, expr.Options{})
			require.NoError(t, err)
			require.Empty(t, summary.Descriptions())
			require.Equal(t, c.want, out)
		})
	}
}

func TestExampleTableDeployedServerGroups(t *testing.T) {
	data, err := os.ReadFile("testdata/deployed_server_groups.json")
	require.NoError(t, err)
	e := execution(t, string(data))
	for row, text := range map[string]string{"29": "${deployedServerGroups}", "30": "${#deployedServerGroups()}"} {
		t.Run(row, func(t *testing.T) {
			out, summary, err := expr.EvaluateString(expr.NewEnv(e, nil), text, expr.Options{})
			require.NoError(t, err)
			require.Empty(t, summary.Descriptions())
			rows := out.([]any)
			require.Len(t, rows, 2)
			first, second := rows[0].(map[string]any), rows[1].(map[string]any)
			require.Equal(t, "flex-test-v043", first["serverGroup"])
			require.Equal(t, "us-east-1", first["region"])
			require.Equal(t, "ami-06362b6e", first["ami"])
			require.Equal(t, `[{"serverGroupName":"flex-test-v043"}]`, encode(t, first["deployments"]))
			require.Equal(t, "flex-prestaging-v011", second["serverGroup"])
			require.Equal(t, "us-west-1", second["region"])
			require.Equal(t, "ami-f759b7b3", second["ami"])
			require.Equal(t, `[]`, encode(t, second["deployments"]))
		})
	}
}

// stageEnabled and preconditions hold expressions without delimiters.
func TestExampleTableOfConditions(t *testing.T) {
	const pipelineJSON = `{"type":"PIPELINE","trigger":{"parameters":{"p1":"v1","triggerKey":"triggerVal"}},"stages":[
		{"id":"1","refId":"1","type":"wait","name":"Test1","status":"FAILED_CONTINUE","context":{},"outputs":{}},
		{"id":"2","refId":"2","type":"wait","name":"Test2","status":"SUCCEEDED","context":{"param1":null},"outputs":{}}]}`
	for _, c := range []struct {
		row, expr string
		want      any
		fails     bool
	}{
		{row: "59", expr: "parameters.p1 == 'v2'", want: false},
		{row: "60", expr: "execution.stages.?[name == 'Test2'][0]['status'].toString() == 'FAILED_CONTINUE'", want: false},
		{row: "61", expr: "execution.stages.?[name == 'Test1'][0]['status'].toString() == 'FAILED_CONTINUE'", want: true},
		{row: "62", expr: "param1 == 'true'", want: false},
		{row: "63", expr: "param1.xxx() == 'true'", fails: true},
		{row: "64", expr: "trigger.parameters.triggerKey == 'triggerVal'", want: true},
	} {
		t.Run(c.row, func(t *testing.T) {
			e := execution(t, pipelineJSON)
			v, err := expr.EvaluateExpression(expr.NewEnv(e, e.Stages[1]), c.expr, expr.Options{})
			if c.fails {
				require.Error(t, err)
				out, _, err := expr.EvaluateString(expr.NewEnv(e, e.Stages[1]), "${"+c.expr+"}", expr.Options{})
				require.NoError(t, err)
				require.Equal(t, "${"+c.expr+"}", out)
				return
			}
			require.NoError(t, err)
			require.Equal(t, c.want, v)
		})
	}
	e := execution(t, pipelineJSON)
	_, err := expr.EvaluateExpression(expr.NewEnv(e, nil), "${1 == 1}", expr.Options{})
	require.Error(t, err, "an expression that is already wrapped fails")
}
