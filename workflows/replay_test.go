package workflows_test

import (
	"bytes"
	"compress/gzip"
	"flag"
	"log/slog"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/require"
	"go.temporal.io/api/history/v1"
	"go.temporal.io/api/temporalproto"
	"go.temporal.io/sdk/client"
	"go.temporal.io/sdk/log"
	"go.temporal.io/sdk/worker"
	"go.temporal.io/sdk/workflow"

	"github.com/gennaker/gennaker/internal/payload"
	"github.com/gennaker/gennaker/pipeline"
	"github.com/gennaker/gennaker/workflows"
	"github.com/gennaker/gennaker/workflows/workflowstest"
)

// The histories in testdata are what released versions of the engine wrote.
// They are added to, never replaced: a change of workflow code that cannot
// replay one of them would break executions that run while it is deployed. A
// change that must is guarded by workflow.GetVersion. To add the histories of
// new scenarios:
//
//	go test ./workflows -run TestScenariosOnARealServer -update
var update = flag.Bool("update", false, "keep the histories of scenarios that have none yet")

const historyDir = "testdata/histories"

func historyFile(name string) string { return filepath.Join(historyDir, name+".json.gz") }

// keep writes the history of a scenario when asked to and there is none.
func keep(t *testing.T, name string, h *history.History) {
	t.Helper()
	if _, err := os.Stat(historyFile(name)); err == nil || !*update {
		return
	}
	b, err := temporalproto.CustomJSONMarshalOptions{}.Marshal(h)
	require.NoError(t, err)
	host, err := os.Hostname()
	require.NoError(t, err)
	b = bytes.ReplaceAll(b, []byte(`"`+host+`:`), []byte(`"host:`)) // in the names of sticky queues
	require.NoError(t, os.MkdirAll(historyDir, 0o755))
	f, err := os.Create(historyFile(name))
	require.NoError(t, err)
	z, err := gzip.NewWriterLevel(f, gzip.BestCompression)
	require.NoError(t, err)
	_, err = z.Write(b)
	require.NoError(t, err)
	require.NoError(t, z.Close())
	require.NoError(t, f.Close())
}

func readHistory(t *testing.T, file string) *history.History {
	t.Helper()
	f, err := os.Open(file)
	require.NoError(t, err)
	defer func() { require.NoError(t, f.Close()) }()
	z, err := gzip.NewReader(f)
	require.NoError(t, err)
	h, err := client.HistoryFromJSON(z, client.HistoryJSONOptions{})
	require.NoError(t, err)
	return h
}

func replay(t *testing.T, types []workflows.StageType, w *workflowstest.World, h *history.History) error {
	t.Helper()
	engine, err := workflows.NewEngine(types, w)
	require.NoError(t, err)
	codec, err := payload.NewCodec(nil)
	require.NoError(t, err)
	replayer, err := worker.NewWorkflowReplayerWithOptions(worker.WorkflowReplayerOptions{DataConverter: payload.NewDataConverter(codec)})
	require.NoError(t, err)
	engine.Register(replayer)
	// The workflow knows its ID, which the history's first event tells.
	started := h.GetEvents()[0].GetWorkflowExecutionStartedEventAttributes()
	return replayer.ReplayWorkflowHistoryWithOptions(log.NewStructuredLogger(slog.New(slog.DiscardHandler)), h, worker.ReplayWorkflowHistoryOptions{
		OriginalExecution: workflow.Execution{ID: started.GetWorkflowId(), RunID: started.GetOriginalExecutionRunId()},
	})
}

func TestReleasedHistoriesReplay(t *testing.T) {
	t.Parallel()
	files, err := filepath.Glob(historyFile("*"))
	require.NoError(t, err)
	kept := map[string]bool{}
	for _, file := range files {
		name := strings.TrimSuffix(filepath.Base(file), ".json.gz")
		kept[name] = true
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			w := workflowstest.NewWorld()
			require.NoError(t, replay(t, everyType, w, readHistory(t, file)))
		})
	}
	for _, s := range scenarios() {
		require.True(t, kept[s.name], "the scenario %s has no history: go test ./workflows -run TestScenariosOnARealServer -update", s.name)
	}
}

// changed is a wait stage as a careless change would leave it: one more timer.
type changed struct{}

func (changed) Type() string { return "wait" }

func (changed) Tasks(*pipeline.Stage) []workflows.Task {
	return []workflows.Task{{Name: "wait", Run: func(ctx workflow.Context, _ *workflows.TaskRun) (workflows.Outcome, error) {
		return workflows.Outcome{}, workflow.Sleep(ctx, time.Hour)
	}}}
}

// The replay is worth something: it notices workflow code that no longer does
// what it did.
func TestReplayNoticesChanges(t *testing.T) {
	t.Parallel()
	err := replay(t, []workflows.StageType{changed{}}, workflowstest.NewWorld(), readHistory(t, historyFile("cancel_with_child")))
	require.ErrorContains(t, err, "TMPRL1100") // the SDK's code for nondeterminism
	err = replay(t, []workflows.StageType{changed{}}, workflowstest.NewWorld(), readHistory(t, historyFile("diamond")))
	require.ErrorContains(t, err, "TMPRL1100") // the SDK's code for nondeterminism
}
