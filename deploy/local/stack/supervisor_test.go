package stack_test

import (
	"bytes"
	"context"
	"fmt"
	"net"
	"os"
	"os/exec"
	"path/filepath"
	"syscall"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/gennaker/gennaker/deploy/local/stack"
)

const patience = 20 * time.Second

// newEnv is a fresh environment in which Redis can run.
func newEnv(t *testing.T) *stack.Env {
	t.Helper()
	return envIn(t, t.TempDir())
}

func envIn(t *testing.T, dir string) *stack.Env {
	t.Helper()
	path, err := stack.RedisProgram.Path("")
	require.NoError(t, err)
	ports, err := stack.FreePorts(stack.PortRedis)
	require.NoError(t, err)
	return &stack.Env{Dir: dir, Bin: map[string]string{stack.RedisProgram.Name: path}, Ports: ports}
}

// supervise runs a supervisor until the test ends it; the returned functions end it and give what it printed.
func supervise(t *testing.T, env *stack.Env, parts ...stack.Part) (stop func() error, printed func() string) {
	t.Helper()
	file, err := os.Create(filepath.Join(t.TempDir(), "console"))
	require.NoError(t, err)
	ctx, cancel := context.WithCancel(t.Context())
	ended := make(chan error, 1)
	go func() { ended <- stack.NewSupervisor(env, parts, stack.NewConsole(file)).Run(ctx) }()
	t.Cleanup(cancel)
	stop = func() error {
		cancel()
		return <-ended
	}
	return stop, func() string {
		raw, err := os.ReadFile(file.Name())
		require.NoError(t, err)
		return string(raw)
	}
}

// state waits until the only part is as wanted.
func state(t *testing.T, env *stack.Env, wanted func(stack.PartState) bool) stack.PartState {
	t.Helper()
	var part stack.PartState
	require.Eventually(t, func() bool {
		s, running, err := stack.ReadState(env.Dir)
		if err != nil || !running || len(s.Parts) != 1 {
			return false
		}
		part = s.Parts[0]
		return wanted(part)
	}, patience, 10*time.Millisecond)
	return part
}

func TestSupervisorRestartsWhatDiesAndStopsAll(t *testing.T) {
	t.Parallel()
	env := newEnv(t)
	stop, printed := supervise(t, env, stack.Redis())
	first := state(t, env, func(p stack.PartState) bool { return p.Ready })

	require.NoError(t, syscall.Kill(first.Pid, syscall.SIGKILL))
	second := state(t, env, func(p stack.PartState) bool { return p.Ready && p.Restarts == 1 })
	require.NotEqual(t, first.Pid, second.Pid)
	require.Contains(t, printed(), "redis died (signal: killed): starting it again in 500ms")
	require.Eventually(t, func() bool {
		return bytes.Contains([]byte(printed()), []byte("redis is ready again"))
	}, patience, 10*time.Millisecond)

	// A second supervisor of the same folder is refused.
	err := stack.NewSupervisor(env, nil, stack.NewConsole(os.Stdout)).Run(t.Context())
	require.ErrorIs(t, err, stack.ErrRunning)

	require.NoError(t, stop())
	require.ErrorIs(t, syscall.Kill(second.Pid, 0), syscall.ESRCH)
	require.NoError(t, stack.PortFree(env.Ports[stack.PortRedis]))
	_, running, err := stack.ReadState(env.Dir)
	require.NoError(t, err)
	require.False(t, running)
}

func TestSupervisorSaysWhyAPartCannotStart(t *testing.T) {
	t.Parallel()
	env := newEnv(t)
	broken := stack.Redis()
	broken.Name = "broken"
	broken.Args = func(*stack.Env) ([]string, error) { return []string{"--no-such-setting", "1"}, nil }
	err := stack.NewSupervisor(env, []stack.Part{broken}, stack.NewConsole(os.Stdout)).Run(t.Context())
	require.ErrorContains(t, err, "broken died before it was ready")
	require.ErrorContains(t, err, env.Log("broken"))
	require.ErrorContains(t, err, "no-such-setting", "the end of the log tells why")
}

func TestSupervisorKeepsTryingWhileAPortIsTaken(t *testing.T) {
	t.Parallel()
	env := newEnv(t)
	stop, printed := supervise(t, env, stack.Redis())
	first := state(t, env, func(p stack.PartState) bool { return p.Ready })

	// Whoever is quicker takes the port of a part that has died.
	require.NoError(t, syscall.Kill(first.Pid, syscall.SIGKILL))
	var thief net.Listener
	require.Eventually(t, func() bool {
		var err error
		thief, err = net.Listen("tcp", env.Address(stack.PortRedis))
		return err == nil
	}, patience, time.Millisecond)
	require.Eventually(t, func() bool {
		return bytes.Contains([]byte(printed()), fmt.Appendf(nil, "its port %d is taken by", env.Ports[stack.PortRedis]))
	}, patience, 10*time.Millisecond)
	require.NoError(t, thief.Close())

	state(t, env, func(p stack.PartState) bool { return p.Ready && p.Restarts > 1 })
	require.NoError(t, stop())
}

// TestPartsDieWithTheirParent runs this test again in a process of its own, which starts a part and is then killed.
func TestPartsDieWithTheirParent(t *testing.T) {
	const variable = "GENNAKER_TEST_STACK_PARENT"
	if dir := os.Getenv(variable); dir != "" {
		// The folder is the parent's, for this process cannot clean up behind itself.
		process, err := stack.Start(stack.Redis(), envIn(t, dir))
		require.NoError(t, err)
		require.NoError(t, process.WaitReady(t.Context()))
		require.NoError(t, os.WriteFile(filepath.Join(dir, "pid"), fmt.Append(nil, process.Pid()), 0o600))
		<-t.Context().Done()
		return
	}
	dir := t.TempDir()
	parent := exec.CommandContext(t.Context(), os.Args[0], "-test.run=^TestPartsDieWithTheirParent$")
	parent.Env = append(os.Environ(), variable+"="+dir)
	require.NoError(t, parent.Start())
	var pid int
	require.Eventually(t, func() bool {
		raw, err := os.ReadFile(filepath.Join(dir, "pid"))
		if err != nil {
			return false
		}
		_, err = fmt.Sscan(string(raw), &pid)
		return err == nil
	}, patience, 10*time.Millisecond)

	require.NoError(t, parent.Process.Kill())
	_ = parent.Wait() // it was killed
	require.Eventually(t, func() bool { return stack.RSS(pid) == 0 }, patience, 10*time.Millisecond)
}
