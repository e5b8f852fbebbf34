package sandbox_test

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"net"
	"os"
	"os/exec"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/gennaker/gennaker/internal/sandbox"
	"github.com/gennaker/gennaker/pipeline"
)

// TestMain is the child too.
func TestMain(m *testing.M) {
	if len(os.Args) > 1 && os.Args[1] == "sandbox" {
		os.Exit(sandbox.Serve(os.Stdin, os.Stdout, os.Stderr, tasks))
	}
	os.Exit(m.Run())
}

var tasks = map[string]sandbox.Task{
	"echo": func(in json.RawMessage) (any, error) { return in, nil },
	"fail": func(json.RawMessage) (any, error) {
		return nil, &pipeline.Error{Code: pipeline.CodeInvalid, Message: "Wrong.", Details: []string{"here"}}
	},
	"error": func(json.RawMessage) (any, error) { return nil, errors.New("wrong") },
	"panic": func(json.RawMessage) (any, error) { panic("oh") },
	"exit":  func(json.RawMessage) (any, error) { os.Exit(3); return nil, nil },
	"spin": func(json.RawMessage) (any, error) {
		for n := 0; ; n++ {
			if n < 0 {
				return n, nil
			}
		}
	},
	"eat": func(json.RawMessage) (any, error) {
		var all [][]byte
		for n := 0; n >= 0; n++ {
			all = append(all, []byte(strings.Repeat("x", 1<<20)))
		}
		return all, nil
	},
	"once":  func(json.RawMessage) (any, error) { return len(make([]byte, 8<<30)), nil },
	"nest":  func(json.RawMessage) (any, error) { return nest(0), nil },
	"speak": func(json.RawMessage) (any, error) { return strings.Repeat("x", 2<<20), nil },
	"reach": func(in json.RawMessage) (any, error) {
		var address string
		if err := json.Unmarshal(in, &address); err != nil {
			return nil, err
		}
		_, file := os.ReadFile("/etc/hostname")
		_, dial := net.Dial("tcp", address)
		run := exec.Command("/bin/true").Run()
		return []bool{file == nil, dial == nil, run == nil, os.Getenv("HOME") != ""}, nil
	},
}

func nest(n int) int {
	if n < 0 {
		return n
	}
	var a [256]int
	a[n%256] = nest(n + 1)
	return a[(n+1)%256]
}

func runner(c sandbox.Config) *sandbox.Runner {
	if c.Memory == 0 {
		c.Memory = 512 << 20
	}
	if c.Time == 0 {
		c.Time = time.Second
	}
	return sandbox.New(c, sandbox.Self("sandbox")...)
}

func TestRun(t *testing.T) {
	t.Parallel()
	var out map[string]any
	require.NoError(t, runner(sandbox.Config{}).Run(t.Context(), "echo", "The test", map[string]any{"a": "b"}, &out))
	require.Equal(t, map[string]any{"a": "b"}, out)
	for _, tt := range []struct {
		task, words string
		code        pipeline.Code
	}{
		{"fail", "Wrong.", pipeline.CodeInvalid},
		{"error", "wrong", pipeline.CodeFailed},
		{"panic", "cannot be processed: oh", pipeline.CodeFailed},
		{"exit", "ended before its answer (exit status 3)", pipeline.CodeUnavailable},
		{"spin", "The test took longer than 1s", pipeline.CodeFailed},
		{"eat", "The test needed more than 536870912 bytes of memory", pipeline.CodeTooLarge},
		{"once", "The test needed more than 536870912 bytes of memory", pipeline.CodeTooLarge},
		{"nest", "nests without end", pipeline.CodeFailed},
		{"speak", "more than 1048576 bytes", pipeline.CodeTooLarge},
		{"none", "ended before its answer", pipeline.CodeUnavailable},
	} {
		t.Run(tt.task, func(t *testing.T) {
			t.Parallel()
			var out any
			err := runner(sandbox.Config{MaxOutput: 1 << 20}).Run(t.Context(), tt.task, "The test", nil, &out)
			require.Equal(t, tt.code, pipeline.CodeOf(err), fmt.Sprint(err))
			require.Contains(t, pipeline.MessageOf(err), tt.words)
		})
	}
}

// The process reaches neither files nor the network nor other programs, and does
// not see the environment.
func TestConfined(t *testing.T) {
	t.Parallel()
	l, err := new(net.ListenConfig).Listen(t.Context(), "tcp", "127.0.0.1:0")
	require.NoError(t, err)
	defer func() { require.NoError(t, l.Close()) }()
	var reached []bool
	require.NoError(t, runner(sandbox.Config{}).Run(t.Context(), "reach", "The test", l.Addr().String(), &reached))
	require.Equal(t, []bool{false, false, false, false}, reached)
}

// Cancelling ends the process at once.
func TestCanceled(t *testing.T) {
	t.Parallel()
	ctx, cancel := context.WithTimeout(t.Context(), 200*time.Millisecond)
	defer cancel()
	began := time.Now()
	err := runner(sandbox.Config{Time: time.Minute}).Run(ctx, "spin", "The test", nil, nil)
	require.ErrorIs(t, err, context.DeadlineExceeded)
	require.Less(t, time.Since(began), 10*time.Second)
}

func TestValidate(t *testing.T) {
	t.Parallel()
	require.NoError(t, sandbox.Config{Memory: 1 << 30, Time: time.Minute}.Validate())
	err := sandbox.Config{Memory: 1, Processes: -1}.Validate()
	for _, words := range []string{"sandbox-memory", "sandbox-time", "sandbox-processes"} {
		require.ErrorContains(t, err, words)
	}
}
