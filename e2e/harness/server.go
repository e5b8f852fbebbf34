package harness

import (
	"context"
	"fmt"
	"sync"
	"syscall"
	"time"

	"github.com/gennaker/gennaker/deploy/local/stack"
)

// stopWithin is how long a process may take to end by itself.
const stopWithin = 15 * time.Second

// Server is one process of the system, which may be killed and started again on
// the ports and the data that it had.
type Server struct {
	part    stack.Part
	env     *stack.Env
	mu      sync.Mutex
	process *stack.Process
}

// Name says which process it is.
func (s *Server) Name() string { return s.part.Name }

// Log returns the path of the process's log.
func (s *Server) Log() string { return s.env.Log(s.part.Name) }

// Start starts the process and waits until it works. Starting a running one
// does nothing.
func (s *Server) Start(ctx context.Context) error {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.process != nil {
		return nil
	}
	process, err := stack.Start(s.part, s.env)
	if err != nil {
		return err
	}
	if err := process.WaitReady(ctx); err != nil {
		process.Kill()
		return err
	}
	s.process = process
	return nil
}

// Launch starts the process and does not wait until it works, for when
// something that it needs is away. Launching a running one does nothing.
func (s *Server) Launch() error {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.process != nil {
		return nil
	}
	var err error
	s.process, err = stack.Start(s.part, s.env)
	return err
}

// Ready waits until a launched process works.
func (s *Server) Ready(ctx context.Context) error {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.process == nil {
		return fmt.Errorf("%s does not run", s.Name())
	}
	return s.process.WaitReady(ctx)
}

// Kill ends the process as kill -9 does and returns when it is gone.
func (s *Server) Kill() { s.end(func(p *stack.Process) { p.Kill() }) }

// Stop asks the process to end, as a service manager does.
func (s *Server) Stop() { s.end(func(p *stack.Process) { p.Stop(stopWithin) }) }

func (s *Server) end(how func(*stack.Process)) {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.process != nil {
		how(s.process)
		s.process = nil
	}
}

// Pause stops the process where it is: it holds its connections and answers
// nothing, as a machine does that hangs. Resume lets it go on.
func (s *Server) Pause() error { return s.signal(syscall.SIGSTOP) }

// Resume ends a [Server.Pause].
func (s *Server) Resume() error { return s.signal(syscall.SIGCONT) }

func (s *Server) signal(sig syscall.Signal) error {
	pid := s.Pid()
	if pid == 0 {
		return fmt.Errorf("%s does not run", s.Name())
	}
	return syscall.Kill(pid, sig)
}

// Pid returns the process's id, 0 when it does not run.
func (s *Server) Pid() int {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.process == nil {
		return 0
	}
	return s.process.Pid()
}

// Died tells how the process ended when it ended by itself, and returns nil
// while it runs or after it was killed or stopped on purpose.
func (s *Server) Died() error {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.process == nil {
		return nil
	}
	select {
	case <-s.process.Done():
		return s.process.Err()
	default:
		return nil
	}
}
