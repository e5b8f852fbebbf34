package workflows_test

import (
	"crypto/rand"
	"encoding/hex"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"
	"google.golang.org/protobuf/proto"

	"github.com/gennaker/gennaker/pipeline"
	"github.com/gennaker/gennaker/workflows"
	"github.com/gennaker/gennaker/workflows/workflowstest"
)

// noise is text that hardly gets smaller.
func noise(size int) string {
	raw := make([]byte, size/2)
	_, _ = rand.Read(raw) // it never fails
	return hex.EncodeToString(raw)
}

// However large an execution grows, it can be judged, read and ended: what goes
// through Temporal stays small.
func TestLargeExecutions(t *testing.T) {
	t.Parallel()
	const size = 5 << 20
	big := `"` + noise(size) + `"`
	w := workflowstest.NewWorld(
		workflowstest.ParsePipeline(t, `{"id":"kid","name":"Kid","stages":[{"type":"scripted","outputs":{"big":`+big+`}}]}`),
		workflowstest.ParsePipeline(t, `{"id":"huge","name":"Huge","stages":[{"type":"scripted","outputs":{"big":"`+strings.Repeat("x", workflows.MaxOutputs)+`"}}]}`))
	l := newLive(t, w)

	e := l.Start(strings.NewReplacer("BIG", big, "ACCOUNT", w.Account).Replace(`{"stages":[
		{"refId":"outputs","type":"scripted","outputs":{"big":BIG}},
		{"refId":"manifest","requisiteStageRefIds":["outputs"],"type":"deployManifest","account":"ACCOUNT","cloudProvider":"kubernetes",
		 "manifests":[{"apiVersion":"v1","kind":"ConfigMap","metadata":{"name":"large"},"data":{"big":BIG}}]},
		{"refId":"child","requisiteStageRefIds":["manifest"],"type":"pipeline","pipeline":"kid"},
		{"refId":"judge","requisiteStageRefIds":["child"],"type":"manualJudgment"}]}`))
	l.UntilTask(e.ID, "judge", "waitForJudgment")
	require.Len(t, l.Query(e.ID).Execution.StageByRef("child").Outputs.String("big"), size)
	_, err := l.Patch(e, "judge", pipeline.Map{"judgmentStatus": "continue"})
	require.NoError(t, err)
	res, err := l.End(e.ID)
	require.NoError(t, err)
	require.Equal(t, pipeline.Succeeded, res.Status)
	final := workflowstest.RequireEnd(t, w, e.ID)
	require.Len(t, final.StageByRef("outputs").Outputs.String("big"), size)
	deployed := w.Asked("clouddriver.deployManifest")[0]
	require.Greater(t, len(toJSON(t, deployed)), size)
	require.Less(t, proto.Size(l.History(e.ID)), 200<<10)

	e = l.Start(`{"stages":[{"type":"pipeline","pipeline":"huge"}]}`)
	res, _ = l.End(e.ID)
	require.Equal(t, pipeline.Terminal, res.Status)
	require.Contains(t, workflowstest.Errors(workflowstest.RequireEnd(t, w, e.ID), "0")[0], "left outputs of 16777226 bytes, and a parent takes at most 16777216")

	e = l.Start(`{"stages":[{"type":"pipeline","pipeline":"huge","skipDownstreamOutput":true}]}`)
	res, err = l.End(e.ID)
	require.NoError(t, err)
	require.Equal(t, pipeline.Succeeded, res.Status)
	l.RequireAllEnded()
}
