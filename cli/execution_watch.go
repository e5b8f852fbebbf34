package cli

import (
	"context"
	"errors"
	"fmt"
	"strings"
	"time"

	"github.com/gennaker/gennaker/cli/client"
	"github.com/gennaker/gennaker/cli/render"
	"github.com/gennaker/gennaker/pipeline"
)

type executionWatchCommand struct{ oneExecution }

// Run implements the command.
func (c *executionWatchCommand) Run(p *Process) error {
	gate, id, err := c.of(p)
	if err != nil {
		return err
	}
	return p.follow(gate, id, true)
}

// redrawEvery is how often a tree is drawn without a change, for its clocks.
const redrawEvery = time.Second

// follow waits for the end of an execution, and with show tells how it goes. The
// error is errNotSucceeded unless it succeeded.
func (p *Process) follow(gate *client.Client, id string, show bool) error {
	return p.followFrom(gate, id, show, nil)
}

// followFrom is follow for an execution that was restarted: its old state, which
// may still be shown for a moment, is not its end.
func (p *Process) followFrom(gate *client.Client, id string, show bool, old *pipeline.Execution) error {
	ctx, cancel := context.WithCancel(p.Ctx)
	defer cancel()
	states := make(chan *pipeline.Execution)
	ended := make(chan error, 1)
	go func() {
		ended <- gate.Watch(ctx, id, func(e *pipeline.Execution) bool {
			select {
			case states <- e:
				return !e.Status.Complete() || old != nil && e.EndTime == old.EndTime
			case <-ctx.Done():
				return false
			}
		})
	}()
	view := p.view(show)
	tick := time.NewTicker(redrawEvery)
	defer tick.Stop()
	var last *pipeline.Execution
	for {
		select {
		case last = <-states:
			if err := view.changed(last); err != nil {
				return err
			}
		case <-tick.C:
			if err := view.tick(last); err != nil {
				return err
			}
		case err := <-ended:
			return p.watched(id, last, err)
		}
	}
}

// watched turns the end of a watch into that of the command.
func (p *Process) watched(id string, last *pipeline.Execution, err error) error {
	switch {
	case errors.Is(err, context.Canceled):
		return fmt.Errorf("%w: the execution %s goes on", ErrInterrupted, id)
	case err != nil:
		return err
	}
	if p.scripted() {
		if err := p.answers.format.Write(p.scriptOut(), asMap(last)); err != nil {
			return err
		}
	}
	if last.Status == pipeline.Succeeded {
		return nil
	}
	var reasons strings.Builder
	for _, s := range last.Stages {
		if s.Status.Failure() {
			for _, text := range render.Errors(s) {
				reasons.WriteString("\n  " + s.Name + ": " + render.Clean(text))
			}
		}
	}
	return fmt.Errorf("%w: %s%s", errNotSucceeded, last.Status, reasons.String())
}

// asMap returns an execution as a value that can be written.
func asMap(e *pipeline.Execution) any {
	raw, err := pipeline.EncodeValue(e)
	if err != nil {
		return nil
	}
	v, err := pipeline.DecodeValue(raw)
	if err != nil {
		return nil
	}
	return v
}

// view shows an execution as it goes.
type view interface {
	// changed takes a new state.
	changed(e *pipeline.Execution) error
	// tick passes a second; e is the last state, nil before the first.
	tick(e *pipeline.Execution) error
}

// view returns a live tree for a person at a terminal, lines for other readers,
// and a word now and then for scripts and those who only wait.
func (p *Process) view(show bool) view {
	switch {
	case !show || p.scripted() || p.answers.Quiet:
		return &waiting{p: p}
	case terminal(p.Stdout):
		return &tree{p: p, live: render.NewLive(p.Stdout)}
	}
	return &lines{p: p}
}

// waiting tells now and then, on standard error, that it waits and for what.
type waiting struct {
	p     *Process
	ticks int
}

// waitTicks is how many seconds pass between two words of [waiting].
const waitTicks = 30

func (w *waiting) changed(*pipeline.Execution) error { return nil }

func (w *waiting) tick(e *pipeline.Execution) error {
	if w.ticks++; e == nil || w.ticks%waitTicks != 0 {
		return nil
	}
	var at []string
	for _, s := range e.Stages {
		if s.Status == pipeline.Running && s.ParentStageID == "" {
			at = append(at, render.Line(s.Name))
		}
	}
	w.p.say("%s for %s: %s", e.Status, render.Duration(e.StartTime, 0, time.Now()), strings.Join(at, ", "))
	return nil
}

// tree draws the stages in place.
type tree struct {
	p    *Process
	live *render.Live
}

func (t *tree) changed(e *pipeline.Execution) error {
	columns, rows := t.p.size()
	return t.live.Draw(render.Tree(e, t.p.style(), time.Now()), columns, rows)
}

func (t *tree) tick(e *pipeline.Execution) error {
	if e == nil || e.Status.Complete() {
		return nil
	}
	return t.changed(e)
}

// lines tells each change on a line of its own.
type lines struct {
	p       *Process
	changes render.Changes
}

func (l *lines) changed(e *pipeline.Execution) error {
	for _, line := range l.changes.Next(e, time.Now()) {
		if _, err := fmt.Fprintln(l.p.Stdout, line); err != nil {
			return err
		}
	}
	return nil
}

func (l *lines) tick(*pipeline.Execution) error { return nil }
