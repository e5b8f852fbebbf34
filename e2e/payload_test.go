package e2e

import (
	"context"
	"crypto/rand"
	"encoding/hex"
	"fmt"
	"net/http"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/require"
	"go.temporal.io/api/common/v1"
	"go.temporal.io/api/enums/v1"
	"google.golang.org/protobuf/encoding/protojson"

	"github.com/gennaker/gennaker/e2e/harness"
	"github.com/gennaker/gennaker/pipeline"
)

// TestLargeManifests: megabytes of manifests are deployed although the object
// store, where they rest meanwhile, dies and comes back; nothing fails but what
// is asked for in that time.
func TestLargeManifests(t *testing.T) {
	const count, size = 40, 128 << 10
	ctx := within(t, 4*time.Minute)
	w := newWorld(t, ctx)
	var manifests []any
	raw := make([]byte, size/2)
	for n := range count {
		_, _ = rand.Read(raw) // it never fails
		manifests = append(manifests, map[string]any{
			"apiVersion": "v1", "kind": "ConfigMap", "data": map[string]any{"noise": hex.EncodeToString(raw)},
			"metadata": map[string]any{"name": fmt.Sprintf("large-%d", n), "namespace": w.Namespace},
		})
	}
	_, err := w.Gate.Save(ctx, pipeline.Map{"application": w.Application, "name": "large", "stages": []any{
		map[string]any{"refId": "1", "type": "wait", "name": "Wait", "waitTime": 5},
		map[string]any{"refId": "2", "requisiteStageRefIds": []any{"1"}, "type": "deployManifest", "name": "Deploy",
			"cloudProvider": "kubernetes", "account": harness.Account, "moniker": map[string]any{"app": w.Application}, "manifests": manifests},
	}})
	require.NoError(t, err)
	id, err := w.Gate.Start(ctx, w.Application, "large", nil)
	require.NoError(t, err)

	// Temporal holds a reference; whoever may ask Gate sees what is behind it.
	input := w.firstInput(t, id)
	require.Less(t, len(input), 4<<10)
	answer, err := w.Gate.Do(ctx, http.MethodPost, "/codec/decode", input)
	require.NoError(t, err)
	require.Equal(t, http.StatusOK, answer.Status, "%.300s", answer.Body)
	require.Greater(t, len(answer.Body), count*size)

	killed(t, w.MinIO)
	_, err = w.Gate.Start(ctx, w.Application, "large", nil)
	var refusal *harness.Refusal
	require.ErrorAs(t, err, &refusal)
	require.Equal(t, http.StatusServiceUnavailable, refusal.Answer.Status, "%s", refusal)
	require.NoError(t, harness.Until(ctx, "a task of the workflow fails for want of the object store", func(ctx context.Context) (bool, error) {
		return w.taskFailed(t, id), nil
	}))
	restart(t, ctx, w.MinIO)
	e, err := w.Gate.AwaitEnd(ctx, id)
	require.NoError(t, err)
	require.Equal(t, pipeline.Succeeded, e.Status, harness.Describe(e))
	writes, err := w.Cluster.Writes(w.Namespace)
	require.NoError(t, err)
	made := map[string]int{}
	for _, one := range writes {
		if strings.HasPrefix(one.Object, "configmaps/large-") && one.Code == http.StatusCreated {
			made[one.Object]++
		}
	}
	require.Len(t, made, count)
	requireNothingOpen(t, ctx, w)
}

// firstInput is the input of an execution's workflow as Temporal holds it, in
// the form of the codec endpoint.
func (w *world) firstInput(t *testing.T, id string) []byte {
	t.Helper()
	events := w.Temporal.GetWorkflowHistory(t.Context(), id, "", false, enums.HISTORY_EVENT_FILTER_TYPE_ALL_EVENT)
	first, err := events.Next()
	require.NoError(t, err)
	body, err := protojson.Marshal(&common.Payloads{Payloads: first.GetWorkflowExecutionStartedEventAttributes().GetInput().GetPayloads()})
	require.NoError(t, err)
	return body
}

func (w *world) taskFailed(t *testing.T, id string) bool {
	t.Helper()
	for events := w.Temporal.GetWorkflowHistory(t.Context(), id, "", false, enums.HISTORY_EVENT_FILTER_TYPE_ALL_EVENT); events.HasNext(); {
		event, err := events.Next()
		require.NoError(t, err)
		if strings.Contains(event.GetWorkflowTaskFailedEventAttributes().GetFailure().GetMessage(), "The object store did not take") {
			return true
		}
	}
	return false
}
