package stages_test

import (
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/gennaker/gennaker/activities"
	"github.com/gennaker/gennaker/pipeline"
	"github.com/gennaker/gennaker/workflows/workflowstest"
)

func deleted(w *workflowstest.World) []activities.DeleteManifestInput {
	var out []activities.DeleteManifestInput
	for _, in := range w.Asked(activities.DeleteManifest.Name) {
		out = append(out, in.(activities.DeleteManifestInput))
	}
	return out
}

func TestDeleteManifestExample(t *testing.T) {
	t.Parallel()
	w := workflowstest.NewWorld()
	e := runExample(t, w, "delete_manifest.go", "DeleteManifest").Done()
	require.Equal(t, pipeline.Succeeded, e.Status)
	require.Equal(t, []string{"resolveTargetManifest", "deleteManifest", "monitorDelete", "promoteManifestKatoOutputs"}, taskNames(stage(e)))
	in := deleted(w)[0]
	require.Equal(t, "deployment web-canary", in.ManifestName)
	require.Equal(t, "shop", in.Location)
	require.Equal(t, "prod", in.Account)
	require.Equal(t, pipeline.Map{"cascading": true}, in.Options)
	require.Equal(t, "deleteManifest", in.Scope.Task)
	require.Equal(t, map[string]any{"shop": []any{"deployment web-canary"}}, stage(e).Outputs["outputs.manifestNamesByNamespace"])
}

func TestDeleteManifestByLabel(t *testing.T) {
	t.Parallel()
	w := workflowstest.NewWorld()
	e := newRun(t, w, `{"stages":[{"type":"deleteManifest","account":"prod","location":"shop","mode":"label","manifestName":"deployment other",
		"kinds":["deployment","service"],"labelSelectors":{"selectors":[{"kind":"EQUALS","key":"app","values":["web"]}]}}]}`).Done()
	require.Equal(t, pipeline.Succeeded, e.Status)
	in := deleted(w)[0]
	require.Empty(t, in.ManifestName, "the name of another mode is not meant")
	require.Equal(t, []string{"deployment", "service"}, in.Kinds)
	require.Equal(t, "app", in.LabelSelectors.Selectors[0].Key)
}

func TestDeleteManifestRefuses(t *testing.T) {
	t.Parallel()
	for _, tt := range []struct{ name, stage, want string }{
		{"nothing named", ``, "names nothing to delete"},
		{"criteria without kind", `,"criteria":"newest","cluster":"c"`, "by the criteria 'newest' and has no kind"},
		{"criteria without cluster", `,"criteria":"newest","kind":"replicaSet"`, "has no cluster"},
		{"label without kinds", `,"mode":"label","labelSelectors":{"selectors":[{"kind":"EXISTS","key":"a"}]}`, "deletes by label and names no kinds"},
		{"label without selectors", `,"mode":"label","kinds":["pod"]`, "no labelSelectors"},
		{"kinds alone", `,"kinds":["pod"],"labelSelectors":{"selectors":[]}`, "no labelSelectors"},
		{"unreadable selectors", `,"labelSelectors":{"selectors":{}}`, "cannot be read"},
	} {
		t.Run(tt.name, func(t *testing.T) {
			t.Parallel()
			w := workflowstest.NewWorld()
			e := newRun(t, w, `{"stages":[{"type":"deleteManifest","account":"prod","location":"shop"`+tt.stage+`}]}`).Done()
			require.Equal(t, pipeline.Terminal, e.Status)
			require.Contains(t, workflowstest.Errors(e, "0")[0], tt.want)
			require.Empty(t, deleted(w))
		})
	}
}

func TestDeleteManifestByCriteria(t *testing.T) {
	t.Parallel()
	w := workflowstest.NewWorld()
	e := newRun(t, w, `{"stages":[{"type":"deleteManifest","account":"prod","location":"shop","mode":"dynamic","manifestName":"replicaSet old",
		"kind":"replicaSet","cluster":"replicaSet web","app":"store","criteria":"second_newest"}]}`).Done()
	require.Equal(t, pipeline.Succeeded, e.Status, workflowstest.Errors(e, "0"))
	asked := w.Asked(activities.ResolveTarget.Name)[0].(activities.ResolveTargetInput)
	require.Equal(t, "resolveTargetManifest", asked.Scope.Task)
	asked.Scope = activities.Scope{}
	require.Equal(t, activities.ResolveTargetInput{Account: "prod", Location: "shop", Kind: "replicaSet", Application: "store", Cluster: "replicaSet web", Criteria: "second_newest"}, asked)
	require.Equal(t, "replicaSet second_newest", deleted(w)[0].ManifestName)
	require.Equal(t, "replicaSet second_newest", stage(e).Outputs["manifestName"])
}
