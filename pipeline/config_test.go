package pipeline

import (
	"encoding/json"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"
)

func TestStagesOfRealPipelines(t *testing.T) {
	t.Parallel()
	stages, err := decode[Pipeline](t, readFile(t, "testdata/pipelines/deploy_and_verify.json")).Stages()
	require.NoError(t, err)
	require.Len(t, stages, 4)
	require.Equal(t, "Smoke test", stages[3].Name)
	require.Equal(t, "runJobManifest", stages[3].Type)
	require.Equal(t, "runJob", stages[3].Context.String("alias"))
	require.Equal(t, []string{"2", "3"}, stages[3].RequisiteStageRefIDs)
	for _, key := range []string{"refId", "type", "name", "requisiteStageRefIds", "startTimeExpiry"} {
		require.NotContains(t, stages[3].Context, key)
	}
	require.Equal(t, "steam leaves", stages[2].Context.String("comments"))

	stages, err = decode[Pipeline](t, readFile(t, "testdata/pipelines/unnumbered.json")).Stages()
	require.NoError(t, err)
	require.Equal(t, []string{"0", "1", "2"}, []string{stages[0].RefID, stages[1].RefID, stages[2].RefID})
	require.Empty(t, stages[0].RequisiteStageRefIDs)
	require.Equal(t, []string{"0"}, stages[1].RequisiteStageRefIDs)
	require.Equal(t, []string{"1"}, stages[2].RequisiteStageRefIDs)
	require.Equal(t, "wait", stages[0].Name, "the name is the type when there is none")

	stages, err = decode[Pipeline](t, readFile(t, "testdata/pipelines/numeric_refs.json")).Stages()
	require.NoError(t, err)
	require.Equal(t, "1", stages[0].RefID)
	require.Equal(t, Millis(1719400000001), stages[0].StartTimeExpiry)
	require.Equal(t, "resizeServerGroup_gce", stages[1].Type)
	require.Equal(t, []string{"1"}, stages[1].RequisiteStageRefIDs)
	require.Equal(t, "resizeServerGroup", stages[2].Type)
	require.Equal(t, []string{"2", "3"}, stages[3].RequisiteStageRefIDs)
}

func TestStagesDoNotShareMemoryWithTheDocument(t *testing.T) {
	t.Parallel()
	p := decode[Pipeline](t, readFile(t, "testdata/pipelines/deploy_and_verify.json"))
	before := encode(t, p)
	stages, err := p.Stages()
	require.NoError(t, err)
	AsMap(stages[0].Context.List("manifests")[0])["kind"] = "changed"
	require.Equal(t, string(before), string(encode(t, p)))
}

func TestStagesRefuses(t *testing.T) {
	t.Parallel()
	long := `"a":1`
	for _, tt := range []struct{ name, doc, want string }{
		{"no stages", `{"name":"P"}`, "The pipeline 'P' has no stages: set stages to a list, which may be empty."},
		{"null stages", `{"name":"P","stages":null}`, "has no stages"},
		{"stages of another kind", `{"name":"P","stages":{` + long + `}}`, "The stages of pipeline 'P' are an object: set stages to a list."},
		{"a stage of another kind", `{"name":"P","stages":[{"type":"wait"},"x"]}`, "Stage 2 of pipeline 'P' is a string: write it as an object."},
		{"no type", `{"name":"P","stages":[{"name":"A"}]}`, "Stage 1 (A) of pipeline 'P' has no type"},
		{"no type and no name", `{"name":"P","stages":[{}]}`, "Stage 1 (unnamed) of pipeline 'P' has no type"},
		{"bad requisite", `{"name":"P","stages":[{"type":"wait","requisiteStageRefIds":[null]}]}`, "Stage 'wait' of pipeline 'P' requires a stage by null"},
		{"bad requisites", `{"name":"P","stages":[{"type":"wait","requisiteStageRefIds":{}}]}`, "has requisiteStageRefIds that are an object"},
		{"too many", `{"name":"P","stages":[` + strings.Repeat(`{"type":"wait"},`, MaxStages) + `{"type":"wait"}]}`, "The pipeline 'P' has 2001 stages: use at most 2000."},
	} {
		t.Run(tt.name, func(t *testing.T) {
			_, err := decode[Pipeline](t, []byte(tt.doc)).Stages()
			require.ErrorContains(t, err, tt.want)
			require.Equal(t, CodeInvalid, CodeOf(err))
		})
	}
}

func TestOnlyWholePipelinesWithoutRefIdsAreNumbered(t *testing.T) {
	t.Parallel()
	p := decode[Pipeline](t, []byte(`{"application":"a","name":"P","stages":[{"type":"wait","refId":"x"},{"type":"wait"}]}`))
	stages, err := p.Stages()
	require.NoError(t, err)
	require.Empty(t, stages[1].RefID)
	require.ErrorContains(t, p.Validate(), "has no refId while others have one")
}

func TestValidatePipeline(t *testing.T) {
	t.Parallel()
	for _, tt := range []struct {
		name, doc string
		code      Code
		want      string
	}{
		{"fit", `{"application":"a","name":"P","stages":[]}`, "", ""},
		{"without stages", `{"application":"a","name":"P"}`, "", ""},
		{"of a template", `{"application":"a","name":"P","schema":"v2","template":{"reference":"spinnaker://web"},"stages":[{"type":"wait","refId":"2","requisiteStageRefIds":["of the template"]}]}`, "", ""},
		{"null id", `{"application":"a","name":"P","id":null}`, "", ""},
		{"no name", `{"application":"a","name":"  "}`, CodeUnprocessable, "requires name and application fields"},
		{"no application", `{"name":"P"}`, CodeUnprocessable, "requires name and application fields"},
		{"name of another kind", `{"application":"a","name":5}`, CodeUnprocessable, "requires name and application fields"},
		{"long name", `{"application":"a","name":"` + strings.Repeat("n", 501) + `"}`, CodeInvalid, "501 bytes long: use at most 500"},
		{"numeric id", `{"application":"a","name":"P","id":5}`, CodeInvalid, "The id of pipeline 'P' is a number"},
		{"broken stage", `{"application":"a","name":"P","stages":[{}]}`, CodeInvalid, "has no type"},
		{"circle", `{"application":"a","name":"P","stages":[{"type":"wait","refId":"1","requisiteStageRefIds":["1"]}]}`, CodeInvalid, "requires itself"},
	} {
		t.Run(tt.name, func(t *testing.T) {
			err := decode[Pipeline](t, []byte(tt.doc)).Validate()
			if tt.want == "" {
				require.NoError(t, err)
				return
			}
			require.ErrorContains(t, err, tt.want)
			require.Equal(t, tt.code, CodeOf(err))
		})
	}
}

func TestPipelineAccessors(t *testing.T) {
	t.Parallel()
	p := Pipeline{"id": "i", "name": " n ", "application": " a ", "disabled": "true", "index": int64(4)}
	require.Equal(t, "i", p.ID())
	require.Equal(t, "n", p.Name())
	require.Equal(t, "a", p.Application())
	require.True(t, p.Disabled())
	index, has := p.Index()
	require.True(t, has)
	require.Equal(t, 4, index)
	_, has = Pipeline{}.Index()
	require.False(t, has)
}

func FuzzPipelineStages(f *testing.F) {
	for _, file := range []string{"deploy_and_verify", "unnumbered", "numeric_refs", "templated"} {
		f.Add(readFile(f, "testdata/pipelines/"+file+".json"))
	}
	f.Add([]byte(`{"stages":[{"type":"wait","requisiteStageRefIds":[1.0,null,[]],"refId":{}}],"parameterConfig":[5,{}]}`))
	f.Fuzz(func(t *testing.T, data []byte) {
		var p Pipeline
		if json.Unmarshal(data, &p) != nil {
			return
		}
		_ = p.Validate()
		_ = p.Parameters()
		e, err := NewExecution(p, launch())
		if err != nil {
			require.NotEmpty(t, MessageOf(err))
			return
		}
		// What starts can be written, read back and walked.
		again := decode[*Execution](t, encode(t, e))
		require.Len(t, again.Stages, len(e.Stages))
		for _, s := range again.Stages {
			for _, ref := range s.RequisiteStageRefIDs {
				require.NotNil(t, again.StageByRef(ref))
			}
		}
	})
}
