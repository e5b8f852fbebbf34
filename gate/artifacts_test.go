package gate_test

import (
	"net/http"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/gennaker/gennaker/pipeline"
)

// ran is an earlier run of a configuration whose trigger brought a jar.
func ran(configID, id string, start pipeline.Millis, jar string) *pipeline.Execution {
	return &pipeline.Execution{
		ID: id, Application: "bakery", Name: "Parent", PipelineConfigID: configID, BuildTime: 1, StartTime: start, Status: pipeline.Succeeded,
		Trigger: pipeline.Trigger{Artifacts: []pipeline.Artifact{{Type: "jar", Name: jar}}},
	}
}

func TestStartsWithExpectedArtifacts(t *testing.T) {
	t.Parallel()
	for _, tt := range []struct {
		name, expected, trigger string
		// bound is the name of the jar; why the start is refused.
		bound, why string
	}{
		{"sent", `{"id":"j","matchArtifact":{"type":"jar"}}`, `{"artifacts":[{"type":"jar","name":"sent"}],"expectedArtifactIds":["j"]}`, "sent", ""},
		{"not sent", `{"id":"j","matchArtifact":{"type":"jar"}}`, `{"expectedArtifactIds":["j"]}`, "", "Unmatched expected artifact 'j' {type: jar} could not be resolved."},
		{"of the execution that started last", `{"id":"j","matchArtifact":{"type":"jar"},"usePriorArtifact":true}`, `{}`, "newest", ""},
		{"sent in place of the prior one", `{"id":"j","matchArtifact":{"type":"jar"},"usePriorArtifact":true}`, `{"artifacts":[{"type":"jar","name":"sent"}]}`, "sent", ""},
		{"of the parent", `{"id":"j","matchArtifact":{"type":"jar"},"usePriorArtifact":true}`, `{"parentPipelineId":"mum"}`, "parents", ""},
		{"of a parent that is gone", `{"id":"j","matchArtifact":{"type":"jar"},"usePriorArtifact":true}`, `{"parentPipelineId":"gone"}`, "newest", ""},
	} {
		t.Run(tt.name, func(t *testing.T) {
			t.Parallel()
			w := newWorld(t)
			id := w.pipeline(`{"name":"Deploy","application":"bakery","stages":[{"type":"wait"}],"expectedArtifacts":[` + tt.expected + `]}`)
			w.execution(ran(id, "a", 10, "older"))
			w.execution(ran(id, "b", 30, "newest"))
			w.execution(ran(id, "c", 20, "old"))
			w.execution(ran("other", "mum", 90, "parents"))
			out := w.do("POST", "/pipelines/bakery/Deploy", tt.trigger)
			if tt.why != "" {
				require.Equal(t, http.StatusBadRequest, out.Code, out.Body.String())
				require.Contains(t, out.Body.String(), tt.why)
				require.Empty(t, w.engine.started)
				return
			}
			require.Equal(t, http.StatusAccepted, out.Code, out.Body.String())
			require.Len(t, w.engine.started, 1)
			trigger := w.engine.started[0].Trigger
			require.Len(t, trigger.ResolvedExpectedArtifacts, 1)
			require.Equal(t, tt.bound, trigger.ResolvedExpectedArtifacts[0].BoundArtifact.Name)
			require.Equal(t, tt.bound, trigger.Artifacts[0].Name)
			if tt.bound == "parents" {
				require.Equal(t, &pipeline.ParentRef{ExecutionID: "mum", Application: "bakery", Pipeline: "Parent"}, trigger.Parent)
				require.Equal(t, pipeline.Map{"isPipeline": true, "parentStatus": "SUCCEEDED", "parentPipelineName": "Parent", "parentPipelineId": "mum"},
					without(trigger.Other, "expectedArtifacts"))
			} else {
				require.Nil(t, trigger.Parent)
			}
		})
	}
}

func without(m pipeline.Map, key string) pipeline.Map {
	out := m.Clone()
	delete(out, key)
	return out
}

// A world that does not answer is no missing artifact.
func TestStartsWhenNobodyKnowsThePriorArtifacts(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	w.pipeline(`{"name":"Deploy","application":"bakery","stages":[{"type":"wait"}],"expectedArtifacts":[{"id":"j","usePriorArtifact":true}]}`)
	w.memory.fail = pipeline.Errorf(pipeline.CodeUnavailable, "The store does not answer.")
	out := w.do("POST", "/pipelines/bakery/Deploy", `{}`)
	require.Equal(t, http.StatusServiceUnavailable, out.Code, out.Body.String())
	require.Empty(t, w.engine.started)
	require.Empty(t, w.engine.failed)
}
