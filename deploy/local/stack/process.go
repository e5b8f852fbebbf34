package stack

import (
	"context"
	"errors"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"runtime"
	"sync"
	"syscall"
	"time"
)

// Process is a running part.
type Process struct {
	part Part
	env  *Env
	cmd  *exec.Cmd
	done chan struct{}
	err  error
}

// Start starts a part and returns at once; [Process.WaitReady] tells when it works. The process leads a group of its own,
// so a terminal's Ctrl-C reaches only the parent, and it is killed by the kernel when the parent dies in any way (a part
// with an Interrupt of its own gets that, since it has something to put in order).
func Start(part Part, env *Env) (*Process, error) {
	for _, name := range part.Ports {
		if err := PortFree(env.Ports[name]); err != nil {
			return nil, explainPort(part.Name, name, env.Ports[name], err)
		}
	}
	if err := env.handOver(part); err != nil {
		return nil, err
	}
	if part.Prepare != nil {
		if err := part.Prepare(env); err != nil {
			return nil, fmt.Errorf("prepare %s: %w", part.Name, explainDisk(err))
		}
	}
	cmd, err := command(part, env)
	if err != nil {
		return nil, err
	}
	log, err := openLog(env.Log(part.Name))
	if err != nil {
		return nil, fmt.Errorf("open the log of %s: %w", part.Name, explainDisk(err))
	}
	defer func() { _ = log.Close() }()
	cmd.Stdout, cmd.Stderr = log, log
	if err := startChild(cmd); err != nil {
		return nil, fmt.Errorf("start %s: %w", part.Name, err)
	}
	_, _ = fmt.Fprintf(log, "--- %s started %s as pid %d\n", part.Name, time.Now().Format(time.RFC3339), cmd.Process.Pid)
	p := &Process{part: part, env: env, cmd: cmd, done: make(chan struct{})}
	go func() {
		p.err = cmd.Wait()
		close(p.done)
	}()
	return p, nil
}

func command(part Part, env *Env) (*exec.Cmd, error) {
	var args, environ []string
	var err error
	if part.Args != nil {
		if args, err = part.Args(env); err != nil {
			return nil, fmt.Errorf("arguments of %s: %w", part.Name, err)
		}
	}
	if part.Environ != nil {
		if environ, err = part.Environ(env); err != nil {
			return nil, fmt.Errorf("environment of %s: %w", part.Name, err)
		}
	}
	dir, err := env.Data(part.Name)
	if err != nil {
		return nil, explainDisk(err)
	}
	cmd := exec.Command(env.Bin[part.Program], args...)
	cmd.Dir = dir
	cmd.Env = append(os.Environ(), environ...)
	credential, err := accountCredential(part.Account)
	if err != nil {
		return nil, err
	}
	cmd.SysProcAttr = &syscall.SysProcAttr{Credential: credential, Pdeathsig: part.Interrupt}
	return cmd, nil
}

// Pid returns the process's id.
func (p *Process) Pid() int { return p.cmd.Process.Pid }

// Done is closed when the process has ended.
func (p *Process) Done() <-chan struct{} { return p.done }

// Err says how the process ended, once Done is closed.
func (p *Process) Err() error {
	if p.err == nil {
		return errors.New("it ended by itself")
	}
	return p.err
}

// WaitReady returns nil as soon as the part works and its After step is done. It fails when the process ends first, when
// the part's time is over, or when ctx ends.
func (p *Process) WaitReady(ctx context.Context) error {
	ctx, cancel := context.WithTimeout(ctx, p.part.startWithin())
	defer cancel()
	tick := time.NewTicker(20 * time.Millisecond)
	defer tick.Stop()
	var last error
	for {
		if last = p.tryReady(ctx); last == nil {
			return nil
		}
		select {
		case <-p.done:
			return fmt.Errorf("%s died before it was ready: %w%s", p.part.Name, p.Err(), p.logTail())
		case <-ctx.Done():
			if errors.Is(ctx.Err(), context.DeadlineExceeded) {
				return fmt.Errorf("%s was not ready within %s: %w%s", p.part.Name, p.part.startWithin(), last, p.logTail())
			}
			return ctx.Err()
		case <-tick.C:
		}
	}
}

func (p *Process) tryReady(ctx context.Context) error {
	// Another process may answer on the part's port after this one has died.
	select {
	case <-p.done:
		return p.Err()
	default:
	}
	if p.part.Ready != nil {
		attempt, cancel := context.WithTimeout(ctx, 2*time.Second)
		defer cancel()
		if err := p.part.Ready(attempt, p.env); err != nil {
			return err
		}
	}
	if p.part.After != nil {
		attempt, cancel := context.WithTimeout(ctx, 10*time.Second)
		defer cancel()
		return p.part.After(attempt, p.env)
	}
	return nil
}

// Stop asks the process to end, waits as long as it may take, then kills what is left of its group.
func (p *Process) Stop(within time.Duration) {
	interrupt := syscall.SIGTERM
	if p.part.Interrupt != 0 {
		interrupt = p.part.Interrupt
	}
	_ = p.cmd.Process.Signal(interrupt)
	timer := time.NewTimer(within)
	defer timer.Stop()
	select {
	case <-p.done:
	case <-timer.C:
	}
	p.Kill()
}

// Kill ends the process and its group at once, as a crash would, and waits until it is gone.
func (p *Process) Kill() {
	_ = syscall.Kill(-p.Pid(), syscall.SIGKILL)
	<-p.done
}

// logTail returns the end of the part's log as an indented block under its path.
func (p *Process) logTail() string { return LogTail(p.env.Log(p.part.Name)) }

// spawner runs functions on one operating-system thread that lives as long as the program: the kernel sends a child's
// parent-death signal when the thread that made it ends, and Go may end any other thread.
var spawner = sync.OnceValue(func() chan<- func() {
	work := make(chan func())
	go func() {
		runtime.LockOSThread()
		for f := range work {
			f()
		}
	}()
	return work
})

// startChild starts a command that dies with this program and leads its own process group. It dies of SIGKILL, or of the
// signal that the command names already, which it must not survive.
func startChild(cmd *exec.Cmd) error {
	if cmd.SysProcAttr == nil {
		cmd.SysProcAttr = &syscall.SysProcAttr{}
	}
	cmd.SysProcAttr.Setpgid = true
	if cmd.SysProcAttr.Pdeathsig == 0 {
		cmd.SysProcAttr.Pdeathsig = syscall.SIGKILL
	}
	result := make(chan error)
	spawner() <- func() { result <- cmd.Start() }
	return <-result
}

// longestLog is the size at which a log is put aside when its part starts; one older log is kept.
const longestLog = 16 << 20

func openLog(path string) (*os.File, error) {
	if err := os.MkdirAll(filepath.Dir(path), 0o700); err != nil {
		return nil, err
	}
	if info, err := os.Stat(path); err == nil && info.Size() > longestLog {
		if err := os.Rename(path, path+".1"); err != nil {
			return nil, err
		}
	}
	return os.OpenFile(path, os.O_CREATE|os.O_APPEND|os.O_WRONLY, 0o600)
}
