package testkit_test

import (
	"fmt"
	"os"
	"strconv"
	"strings"
	"syscall"
	"testing"
	"time"

	"github.com/stretchr/testify/require"
	"go.temporal.io/api/workflowservice/v1"
	"go.temporal.io/sdk/client"
	"go.temporal.io/sdk/temporal"
	"go.temporal.io/sdk/worker"
	"go.temporal.io/sdk/workflow"

	"github.com/gennaker/gennaker/internal/testkit"
)

// TestPostgresIsNotRootAndEnds: root's server runs as another account, and a stop ends all its processes.
func TestPostgresIsNotRootAndEnds(t *testing.T) {
	t.Parallel()
	server := testkit.Postgres(t)
	var info syscall.Stat_t
	require.NoError(t, syscall.Stat(fmt.Sprintf("/proc/%d", server.Pid()), &info))
	require.NotZero(t, info.Uid)
	children := childrenOf(t, server.Pid())
	require.NotEmpty(t, children, "the server's helpers")
	server.Stop()
	for _, child := range children {
		require.ErrorIs(t, syscall.Kill(child, 0), syscall.ESRCH, "process %d", child)
	}
	server.Restart(t)
}

func TestTemporalKeepsWorkflowsOnPostgres(t *testing.T) {
	t.Parallel()
	server, database := testkit.TemporalOnPostgres(t)
	c, err := client.Dial(client.Options{HostPort: server.Address, Namespace: server.Namespace, Logger: silent{}})
	require.NoError(t, err)
	t.Cleanup(c.Close)
	w := worker.New(c, "somebody", worker.Options{})
	w.RegisterWorkflowWithOptions(func(ctx workflow.Context, in string) (string, error) {
		return "done " + in, workflow.Sleep(ctx, time.Millisecond)
	}, workflow.RegisterOptions{Name: "do"})
	require.NoError(t, w.Start())
	t.Cleanup(w.Stop)
	attributes := temporal.NewSearchAttributes(temporal.NewSearchAttributeKeyKeyword("Application").ValueSet("kept"))
	done, err := c.ExecuteWorkflow(t.Context(), client.StartWorkflowOptions{ID: "done", TaskQueue: "somebody", TypedSearchAttributes: attributes}, "do", "this")
	require.NoError(t, err)
	var result string
	require.NoError(t, done.Get(t.Context(), &result))
	require.Equal(t, "done this", result)
	open, err := c.ExecuteWorkflow(t.Context(), client.StartWorkflowOptions{ID: "open", TaskQueue: "nobody", TypedSearchAttributes: attributes}, "anything")
	require.NoError(t, err)

	server.Kill()
	database.Stop()
	database.Restart(t)
	server.Restart(t)

	result = ""
	require.Eventually(t, func() bool {
		return c.GetWorkflow(t.Context(), "done", done.GetRunID()).Get(t.Context(), &result) == nil
	}, 20*time.Second, 50*time.Millisecond)
	require.Equal(t, "done this", result)
	description, err := c.DescribeWorkflowExecution(t.Context(), "open", open.GetRunID())
	require.NoError(t, err)
	require.Equal(t, "Running", description.GetWorkflowExecutionInfo().GetStatus().String())
	require.Eventually(t, func() bool {
		listed, err := c.CountWorkflow(t.Context(), &workflowservice.CountWorkflowExecutionsRequest{Query: `Application = "kept"`})
		return err == nil && listed.GetCount() == 2
	}, 20*time.Second, 50*time.Millisecond, "the database that lists workflows has both")
}

// childrenOf lists the processes that a process has started.
func childrenOf(t *testing.T, pid int) []int {
	t.Helper()
	raw, err := os.ReadFile(fmt.Sprintf("/proc/%d/task/%d/children", pid, pid))
	require.NoError(t, err)
	var out []int
	for _, field := range strings.Fields(string(raw)) {
		child, err := strconv.Atoi(field)
		require.NoError(t, err)
		out = append(out, child)
	}
	return out
}
