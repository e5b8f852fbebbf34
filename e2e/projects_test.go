package e2e

import (
	"net/http"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/gennaker/gennaker/pipeline"
)

// TestProjects: a project is saved and deleted by tasks, as spin and Terraform do it,
// and goes on without a deleted application; strategies, notifications and tags are
// kept. Gate reads them from a Front50 of its own process.
func TestProjects(t *testing.T) {
	t.Parallel()
	ctx := within(t, 3*time.Minute)
	w := newWorld(t, ctx)
	name, other := w.Application+" project", w.Application+"other"
	require.NoError(t, w.Gate.CreateApplication(ctx, other))
	project := map[string]any{"name": name, "email": "a@b.c", "config": map[string]any{"applications": []any{w.Application, other}, "clusters": []any{}, "pipelineConfigs": []any{}}}
	task, err := w.Gate.Task(ctx, "spinnaker", pipeline.Map{"type": "upsertProject", "project": project})
	require.NoError(t, err)
	require.Equal(t, "SUCCEEDED", task["status"], "%v", task)
	path := "/projects/" + w.Application + "%20project"
	var read pipeline.Map
	require.NoError(t, w.Gate.Call(ctx, http.MethodGet, path, nil, &read))
	require.Len(t, read.String("id"), 36)
	require.Equal(t, "a@b.c", read["email"])
	var byID pipeline.Map
	require.NoError(t, w.Gate.Call(ctx, http.MethodGet, "/projects/"+read.String("id"), nil, &byID))
	require.Equal(t, read, byID)

	read["email"] = "new@b.c" // as spin sends it: the whole document
	task, err = w.Gate.Task(ctx, "spinnaker", pipeline.Map{"type": "upsertProject", "project": map[string]any(read)})
	require.NoError(t, err)
	require.Equal(t, "SUCCEEDED", task["status"], "%v", task)
	task, err = w.Gate.Task(ctx, "spinnaker", pipeline.Map{"type": "upsertProject", "project": map[string]any{"name": name}})
	require.NoError(t, err)
	require.Equal(t, "TERMINAL", task["status"], "a name that is taken")

	require.NoError(t, w.Gate.Call(ctx, http.MethodPost, "/strategies", pipeline.Map{"name": "Slow", "application": other, "id": other, "stages": []any{}}, nil))
	require.NoError(t, w.Gate.Call(ctx, http.MethodPost, "/notifications/application/"+other, pipeline.Map{"slack": []any{map[string]any{"address": "#x"}}}, nil))
	task, err = w.Gate.Task(ctx, other, pipeline.Map{"type": "upsertEntityTags", "tags": []any{map[string]any{"name": "owner", "value": "me"}},
		"entityRef": map[string]any{"cloudProvider": "kubernetes", "entityType": "application", "entityId": other}})
	require.NoError(t, err)
	require.Equal(t, "SUCCEEDED", task["status"], "%v", task)
	var tags pipeline.Map
	require.NoError(t, w.Gate.Call(ctx, http.MethodGet, "/tags/kubernetes:application:"+other+":*:*", nil, &tags))
	require.Len(t, tags.List("tags"), 1)

	task, err = w.Gate.Task(ctx, other, pipeline.Map{"type": "deleteApplication", "application": map[string]any{"name": other}})
	require.NoError(t, err)
	require.Equal(t, "SUCCEEDED", task["status"], "%v", task)
	require.NoError(t, w.Gate.Call(ctx, http.MethodGet, path, nil, &read))
	require.Equal(t, []string{w.Application}, read.Map("config").Strings("applications"))
	require.Equal(t, "new@b.c", read["email"])
	var strategies []any
	require.NoError(t, w.Gate.Call(ctx, http.MethodGet, "/applications/"+other+"/strategyConfigs", nil, &strategies))
	require.Empty(t, strategies)
	var notifications pipeline.Map
	require.NoError(t, w.Gate.Call(ctx, http.MethodGet, "/notifications/application/"+other, nil, &notifications))
	require.Empty(t, notifications)

	task, err = w.Gate.Task(ctx, "spinnaker", pipeline.Map{"type": "deleteProject", "project": map[string]any{"name": name}}) // as Terraform sends it
	require.NoError(t, err)
	require.Equal(t, "SUCCEEDED", task["status"], "%v", task)
	answer, err := w.Gate.Do(ctx, http.MethodGet, path, nil)
	require.NoError(t, err)
	require.Equal(t, http.StatusNotFound, answer.Status)
}
