package stack

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"strings"
	"text/tabwriter"
	"time"
)

const (
	// A crashed part is started again after shortestPause, which doubles with every crash up to longestPause.
	shortestPause = 500 * time.Millisecond
	longestPause  = 30 * time.Second
	// steadyAfter is how long a part must run for its crashes to be forgotten.
	steadyAfter = 30 * time.Second
	// stopWithin is how long a part may take to end by itself.
	stopWithin = 10 * time.Second
)

// Supervisor runs parts for a person: it starts them in order, keeps them running and stops them in reverse.
type Supervisor struct {
	env     *Env
	parts   []Part
	console *Console
	state   *stateFile
	keepers []*keeper
}

// NewSupervisor returns a supervisor of parts, of which each may need all before it.
func NewSupervisor(env *Env, parts []Part, console *Console) *Supervisor {
	return &Supervisor{env: env, parts: parts, console: console}
}

// CheckPorts fails when any port of the parts is taken, naming every one and by whom.
func CheckPorts(env *Env, parts []Part) error {
	var taken []error
	for _, part := range parts {
		for _, name := range part.Ports {
			if err := PortFree(env.Ports[name]); err != nil {
				taken = append(taken, explainPort(part.Name, name, env.Ports[name], err))
			}
		}
	}
	return errors.Join(taken...)
}

// Run starts all parts, prints where to find them, and keeps them running until ctx ends; then it stops them and returns
// nil. It fails when a part cannot be started, after stopping the others.
func (s *Supervisor) Run(ctx context.Context) error {
	state, err := claimState(s.env)
	if err != nil {
		return err
	}
	s.state = state
	defer state.release()
	defer s.stop()
	for _, part := range s.parts {
		if err := s.launch(ctx, part); err != nil {
			if ctx.Err() != nil {
				return nil
			}
			return err
		}
	}
	s.console.Print(s.table())
	<-ctx.Done()
	return nil
}

// launch starts one part for the first time.
func (s *Supervisor) launch(ctx context.Context, part Part) error {
	since := time.Now()
	s.console.status("starting " + part.Name)
	process, err := Start(part, s.env)
	if err != nil {
		return err
	}
	s.state.set(part.Name, process.Pid(), 0, false)
	if err := process.WaitReady(ctx); err != nil {
		process.Stop(stopWithin)
		return err
	}
	s.state.set(part.Name, process.Pid(), 0, true)
	k := &keeper{supervisor: s, part: part, process: process, quit: make(chan struct{}), ended: make(chan struct{})}
	s.keepers = append(s.keepers, k)
	go k.run()
	s.console.Step("%s is ready after %s", part.Name, elapsed(since))
	return nil
}

// stop ends all parts, last started first.
func (s *Supervisor) stop() {
	if len(s.keepers) == 0 {
		return
	}
	since := time.Now()
	s.console.Print("\n")
	s.console.Note("stopping %d parts", len(s.keepers))
	for _, k := range slices.Backward(s.keepers) {
		close(k.quit)
		<-k.ended
	}
	s.console.Note("stopped in %s", elapsed(since))
}

// table lists what a person can open.
func (s *Supervisor) table() string {
	var text strings.Builder
	text.WriteString("\n")
	w := tabwriter.NewWriter(&text, 0, 0, 3, ' ', 0)
	for _, part := range slices.Backward(s.parts) {
		if part.URLs == nil {
			continue
		}
		for _, url := range part.URLs(s.env) {
			_, _ = fmt.Fprintf(w, "  %s\t%s\n", url.Name, url.Address)
		}
	}
	_ = w.Flush()
	_, _ = fmt.Fprintf(&text, "\n  State and logs are in %s. Ctrl-C or \"make down\" stops all; \"make reset\" forgets all.\n\n", s.env.Dir)
	return text.String()
}

// keeper holds one part running.
type keeper struct {
	supervisor *Supervisor
	part       Part
	process    *Process
	restarts   int
	quit       chan struct{}
	ended      chan struct{}
}

// run starts the part again whenever it dies, until quit is closed, and then stops it.
func (k *keeper) run() {
	defer close(k.ended)
	ctx, cancel := context.WithCancel(context.Background())
	defer cancel()
	go func() {
		<-k.quit
		cancel()
	}()
	pause := shortestPause
	since := time.Now()
	for {
		select {
		case <-ctx.Done():
			k.process.Stop(stopWithin)
			return
		case <-k.process.Done():
		}
		k.process.Kill() // what it has left of its group
		pause = pauseAfter(time.Since(since), pause)
		k.supervisor.console.Note("! %s died (%v): starting it again in %s (log: %s)",
			k.part.Name, k.process.Err(), pause, k.supervisor.env.Log(k.part.Name))
		if !k.restart(ctx, &pause) {
			return
		}
		since = time.Now()
	}
}

// pauseAfter is the wait before the start that follows a crash, for a part that ran so long and would else wait for pause.
func pauseAfter(ran, pause time.Duration) time.Duration {
	if ran > steadyAfter {
		return shortestPause
	}
	return pause
}

// restart tries until the part is ready again; false means that ctx has ended and nothing runs.
func (k *keeper) restart(ctx context.Context, pause *time.Duration) bool {
	for {
		k.restarts++
		k.supervisor.state.set(k.part.Name, 0, k.restarts, false)
		timer := time.NewTimer(*pause)
		select {
		case <-ctx.Done():
			timer.Stop()
			return false
		case <-timer.C:
		}
		*pause = min(*pause*2, longestPause)
		since := time.Now()
		err := k.attempt(ctx)
		if err == nil {
			k.supervisor.console.Note("  %s is ready again after %s", k.part.Name, elapsed(since))
			return true
		}
		if ctx.Err() != nil {
			return false
		}
		k.supervisor.console.Note("! %v\n          trying again in %s", err, *pause)
	}
}

func (k *keeper) attempt(ctx context.Context) error {
	process, err := Start(k.part, k.supervisor.env)
	if err != nil {
		return err
	}
	k.supervisor.state.set(k.part.Name, process.Pid(), k.restarts, false)
	if err := process.WaitReady(ctx); err != nil {
		process.Kill()
		return err
	}
	k.supervisor.state.set(k.part.Name, process.Pid(), k.restarts, true)
	k.process = process
	return nil
}
