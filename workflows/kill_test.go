package workflows_test

import (
	"context"
	"encoding/json"
	"fmt"
	"io"
	"log/slog"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/require"
	"go.temporal.io/sdk/client"
	"go.temporal.io/sdk/log"
	"go.temporal.io/sdk/worker"

	"github.com/gennaker/gennaker/activities/limits"
	"github.com/gennaker/gennaker/internal/payload"
	"github.com/gennaker/gennaker/internal/testkit"
	"github.com/gennaker/gennaker/pipeline"
	"github.com/gennaker/gennaker/workflows"
	"github.com/gennaker/gennaker/workflows/workflowstest"
)

// workerEnv tells the test binary to be a worker, to be killed.
const workerEnv = "GENNAKER_TEST_WORKER"

// orcaWorker is a worker of the workflow queue in a process of its own.
type orcaWorker struct {
	Address, Namespace, Queue, Account string
	// Bucket keeps large payloads.
	Bucket bucket
	// Diary is the file to which the worker adds what it publishes.
	Diary string
}

func TestMain(m *testing.M) {
	if config := os.Getenv(workerEnv); config != "" {
		if err := serve(config); err != nil {
			fmt.Fprintln(os.Stderr, err)
			os.Exit(1)
		}
		return
	}
	os.Exit(m.Run())
}

// serve is the worker process. It ends when its standard input does, so that it
// never outlives the test.
func serve(config string) error {
	var o orcaWorker
	if err := json.Unmarshal([]byte(config), &o); err != nil {
		return err
	}
	diary, err := os.OpenFile(o.Diary, os.O_APPEND|os.O_CREATE|os.O_WRONLY, 0o600)
	if err != nil {
		return err
	}
	options := client.Options{HostPort: o.Address, Namespace: o.Namespace, Logger: log.NewStructuredLogger(slog.New(slog.DiscardHandler))}
	payloads, err := o.Bucket.payloads(context.Background())
	if err != nil {
		return err
	}
	payloads.Apply(&options)
	c, err := client.Dial(options)
	if err != nil {
		return err
	}
	world := workflowstest.NewWorld(pipeline.Pipeline{"id": "p"})
	world.Account = o.Account
	world.UseLimits(limits.New(c))
	engine, err := workflows.NewEngine(everyType, diarist{world, diary})
	if err != nil {
		return err
	}
	w := worker.New(c, o.Queue, payload.Worker(worker.Options{}))
	engine.Register(w)
	world.Register(w)
	if err := w.Start(); err != nil {
		return err
	}
	_, err = io.Copy(io.Discard, os.Stdin)
	return err
}

type diarist struct {
	*workflowstest.World
	file *os.File
}

// Publish implements workflows.Publisher.
func (d diarist) Publish(s workflows.Snapshot) {
	_, _ = fmt.Fprintln(d.file, s.Sequence)
}

// start starts the process and returns what kills it.
func (o orcaWorker) start(t *testing.T) (kill func()) {
	t.Helper()
	config, err := json.Marshal(o)
	require.NoError(t, err)
	self, err := os.Executable()
	require.NoError(t, err)
	cmd := exec.Command(self)
	cmd.Env = append(os.Environ(), workerEnv+"="+string(config))
	cmd.Stderr = os.Stderr
	_, err = cmd.StdinPipe()
	require.NoError(t, err)
	require.NoError(t, cmd.Start())
	dead := false
	kill = func() {
		if !dead {
			dead = true
			_ = cmd.Process.Kill()
			_ = cmd.Wait()
		}
	}
	t.Cleanup(kill)
	return kill
}

// sequences returns what was published so far.
func (o orcaWorker) sequences(t *testing.T) []int64 {
	t.Helper()
	b, err := os.ReadFile(o.Diary)
	if os.IsNotExist(err) {
		return nil
	}
	require.NoError(t, err)
	var out []int64
	for line := range strings.FieldsSeq(string(b)) {
		var n int64
		_, err := fmt.Sscan(line, &n)
		require.NoError(t, err)
		out = append(out, n)
	}
	return out
}

// Whenever the worker of the workflows is killed, the execution goes on with
// the next one: no operation reaches the cluster twice, nothing stays RUNNING,
// and the last state that was published is the newest.
func TestKilledWorkers(t *testing.T) {
	t.Parallel()
	server := testkit.SharedTemporal(t)
	w := workflowstest.NewWorld(pipeline.Pipeline{"id": "p"})
	l := newLive(t, w)
	o := orcaWorker{Address: server.Address, Namespace: server.Namespace, Queue: l.Queue + "-killed", Account: w.Account, Bucket: bucketOf(t), Diary: filepath.Join(t.TempDir(), "diary")}
	l.Queue = o.Queue

	// Each round has operations, local calls and waits, for a kill to fall upon.
	const rounds = 6
	var stages []string
	for range rounds {
		stages = append(stages, deploy, `{"type":"scripted","calls":"p"}`, `{"type":"wait","waitTime":1}`)
	}
	config := strings.ReplaceAll(`{"stages":[`+strings.Join(stages, ",")+`]}`, "ACCOUNT", w.Account)
	e := l.Start(config)
	for range 3 {
		before := len(o.sequences(t))
		kill := o.start(t)
		require.Eventually(t, func() bool { return len(o.sequences(t)) > before+4 }, workflowstest.Patience, time.Millisecond)
		kill()
	}
	lost := o.sequences(t)

	l.StartWorker()
	res, err := l.End(e.ID)
	require.NoError(t, err)
	require.Equal(t, pipeline.Succeeded, res.Status)
	final := workflowstest.RequireEnd(t, w, e.ID)
	for _, s := range final.Stages {
		require.Equal(t, pipeline.Succeeded, s.Status)
	}
	require.Len(t, w.Asked("clouddriver.deployManifest"), rounds)
	require.Len(t, w.Asked("clouddriver.awaitStable"), rounds)
	last := w.Archived(e.ID)[0].Sequence
	for _, n := range lost {
		require.Less(t, n, last)
	}
	require.NoError(t, replay(t, everyType, w, l.History(e.ID)))
}

// The server may be killed as well.
func TestKilledServer(t *testing.T) {
	t.Parallel()
	server := testkit.Temporal(t)
	w := workflowstest.NewWorld()
	l := workflowstest.NewLive(t, server.Address, server.Namespace, w, everyType)
	e := l.Start(strings.ReplaceAll(`{"stages":[{"type":"manualJudgment","refId":"a"},{"type":"wait","refId":"b","waitTime":2},`+
		strings.Replace(deploy, `{`, `{"refId":"c","requisiteStageRefIds":["a","b"],`, 1)+`]}`, "ACCOUNT", w.Account))
	l.UntilTask(e.ID, "a", "waitForJudgment")
	server.Kill()
	server.Restart(t)
	require.Eventually(t, func() bool {
		_, err := l.Patch(e, "a", pipeline.Map{"judgmentStatus": "continue"})
		// A judgment whose answer was lost with the server has been made.
		return err == nil || l.Query(e.ID).Execution.StageByRef("a").Status == pipeline.Succeeded
	}, workflowstest.Patience, 100*time.Millisecond)
	res, err := l.End(e.ID)
	require.NoError(t, err)
	require.Equal(t, pipeline.Succeeded, res.Status)
	workflowstest.RequireEnd(t, w, e.ID)
	require.Len(t, w.Asked("clouddriver.deployManifest"), 1)
}
