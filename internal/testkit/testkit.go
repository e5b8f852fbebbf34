// Package testkit starts real servers for tests: Temporal, MinIO and Redis here, Kubernetes in package testcluster.
//
// Every server listens on free ports of 127.0.0.1, keeps its data in a temporary folder, and ends with its test or, when
// tests share it, with the test binary, however that ends. The programs are those of the local stack (package stack), so
// tests run what people run; "make build" makes them, once for a machine.
//
// A server of its own, to crash and restart:
//
//	temporal := testkit.Temporal(t)
//	client := dial(temporal.Address, temporal.Namespace)
//	temporal.Kill()     // as kill -9 does
//	temporal.Restart(t) // same port, same data
//
// A server that all tests of a package share, quicker when nobody kills it:
//
//	store := testkit.SharedMinIO(t) // one server, a fresh bucket for t
package testkit

import (
	"os"
	"sync"
	"testing"
	"time"

	"github.com/gennaker/gennaker/deploy/local/stack"
)

// stopWithin is how long a server may take to end by itself.
const stopWithin = 10 * time.Second

// Server is a running server of one part of the stack.
type Server struct {
	part    stack.Part
	env     *stack.Env
	mu      sync.Mutex
	process *stack.Process
}

// NewEnv returns an environment for parts of the stack in a folder, with a free port for each name.
func NewEnv(t testing.TB, dir string, ports ...string) *stack.Env {
	t.Helper()
	working, err := os.Getwd()
	if err != nil {
		t.Fatal(err)
	}
	root, err := stack.FindRoot(working)
	if err != nil {
		t.Fatal(err)
	}
	numbers, err := stack.FreePorts(ports...)
	if err != nil {
		t.Fatal(err)
	}
	return &stack.Env{Root: root, Dir: dir, Ports: numbers, Bin: map[string]string{}, Namespace: stack.DefaultNamespace, Test: true}
}

// Start starts a part in an environment and waits until it works; the test that asks fails with the end of the server's
// log otherwise.
func Start(t testing.TB, program stack.Program, part stack.Part, env *stack.Env) *Server {
	t.Helper()
	path, err := program.Built(env.Root)
	if err != nil {
		t.Fatal(err)
	}
	env.Bin[part.Program] = path
	s := &Server{part: part, env: env}
	s.Restart(t)
	return s
}

// own starts a server that belongs to t alone and ends with it.
func own(t testing.TB, program stack.Program, part stack.Part) *Server {
	t.Helper()
	s := Start(t, program, part, NewEnv(t, t.TempDir(), part.Ports...))
	t.Cleanup(func() {
		s.Kill()
		if t.Failed() {
			t.Log(stack.LogTail(s.Log()))
		}
	})
	return s
}

// Kill ends the server at once, as a crash does. Killing a dead server does nothing.
func (s *Server) Kill() {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.process != nil {
		s.process.Kill()
		s.process = nil
	}
}

// Stop lets the server end by itself.
func (s *Server) Stop() {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.process != nil {
		s.process.Stop(stopWithin)
		s.process = nil
	}
}

// Restart starts the server on the ports and the data it had, after killing it if it still runs, and waits until it works.
func (s *Server) Restart(t testing.TB) {
	t.Helper()
	s.Kill()
	s.mu.Lock()
	defer s.mu.Unlock()
	process, err := stack.Start(s.part, s.env)
	if err != nil {
		t.Fatal(err)
	}
	// Not t.Context(): it is over when a cleanup restarts a server.
	if err := process.WaitReady(background()); err != nil {
		process.Kill()
		t.Fatal(err)
	}
	s.process = process
}

// Pid returns the server's process id, 0 when it is dead.
func (s *Server) Pid() int {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.process == nil {
		return 0
	}
	return s.process.Pid()
}

// Log returns the path of the server's log.
func (s *Server) Log() string { return s.env.Log(s.part.Name) }
