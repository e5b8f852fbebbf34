package cli

import (
	"context"
	"errors"
	"fmt"
	"strconv"
	"strings"
	"sync"

	"github.com/gennaker/gennaker/cli/client"
	"github.com/gennaker/gennaker/cli/render"
	"github.com/gennaker/gennaker/cli/transfer"
)

// importCommand brings configuration over from a Spinnaker's Gate. It only tells
// what it would do unless --apply is set.
type importCommand struct {
	Flags
	Gate        string   `name:"gate" help:"Address of the Gate to read from; else the one that --gate-config names." placeholder:"URL"`
	GateConfig  string   `name:"gate-config" help:"Configuration file of the CLI with how to sign in there, in the format of spin's; else ~/.spin/config if it is there." placeholder:"FILE"`
	To          string   `name:"to" help:"Address of the Gate to bring it to; the same as --gate-endpoint." placeholder:"URL"`
	Apply       bool     `xor:"mode" help:"Save it. Without this nothing is changed."`
	DryRun      bool     `name:"dry-run" xor:"mode" help:"Only tell what would be saved; so it is without --apply too."`
	Application []string `short:"a" help:"Only these applications, with what belongs to them." placeholder:"APPLICATION,..."`
	Kind        []string `help:"Only documents of these kinds: application, template, pipeline, strategy, notification, project." placeholder:"KIND,..." enum:"application,template,pipeline,strategy,notification,project"`
	AtOnce      int      `name:"at-once" default:"8" help:"How many documents to ask for at a time."`
	All         bool     `help:"List what is left as it is, too."`
}

// errImportFailed is the end of an import of which some documents failed, which
// are listed already.
var errImportFailed = errors.New("not everything could be brought over")

// Run implements the command.
func (c *importCommand) Run(p *Process) error {
	const most = 64
	if c.AtOnce < 1 || c.AtOnce > most {
		return usagef("--at-once is %d: give 1 to %d", c.AtOnce, most)
	}
	if c.To != "" {
		p.flags.GateEndpoint = c.To
	}
	from, err := p.open(client.Options{Endpoint: c.Gate, ConfigFile: c.GateConfig, Insecure: p.flags.Insecure})
	if err != nil {
		return fmt.Errorf("the Gate to read from: %w", err)
	}
	to, err := p.gate()
	if err != nil {
		return fmt.Errorf("the Gate to bring it to: %w", err)
	}
	if from.Endpoint() == to.Endpoint() {
		return usagef("both are the same Gate, %s: name the one to read from with --gate, the other with --to", to.Endpoint())
	}
	kinds := make([]transfer.Kind, len(c.Kind))
	for i, k := range c.Kind {
		kinds[i] = transfer.Kind(k)
	}
	looked := newCounter(p, "documents looked at")
	report, err := transfer.Run(p.Ctx, from, to, transfer.Options{
		Apply: c.Apply, Applications: c.Application, Kinds: kinds, AtOnce: c.AtOnce,
		Done: func(transfer.Item) { looked.add(1) },
	})
	looked.end()
	if written := c.report(p, report); written != nil {
		return written
	}
	switch failed := report.Count("", transfer.Failed); {
	case errors.Is(err, context.Canceled):
		return fmt.Errorf("%w: what is listed is done, run it again for the rest", ErrInterrupted)
	case err != nil:
		return err
	case failed > 0:
		return fmt.Errorf("%w: %d failed", errImportFailed, failed)
	}
	return nil
}

// report writes what happened, and sums it up.
func (c *importCommand) report(p *Process, r transfer.Report) error {
	if p.scripted() {
		items := make([]any, len(r.Items))
		for i, item := range r.Items {
			items[i] = map[string]any{
				"kind": string(item.Kind), "application": item.Application, "name": item.Name, "id": item.ID, "action": string(item.Action),
				"added": int64(item.Added), "removed": int64(item.Removed), "message": item.Message,
			}
		}
		counts := map[string]any{}
		for _, a := range []transfer.Action{transfer.Created, transfer.Changed, transfer.Left, transfer.Failed} {
			counts[string(a)] = int64(r.Count("", a))
		}
		return p.answers.format.Write(p.scriptOut(), map[string]any{"applied": c.Apply, "counts": counts, "items": items})
	}
	t := render.Table{Head: []string{"KIND", "APPLICATION", "NAME", "ACTION", "LINES", "MESSAGE"}}
	for _, i := range r.Items {
		if i.Action == transfer.Left && i.Message == "" && !c.All {
			continue
		}
		diff := ""
		if i.Action == transfer.Changed {
			diff = fmt.Sprintf("+%d -%d", i.Added, i.Removed)
		}
		t.Add(string(i.Kind), i.Application, i.Name, c.word(i.Action), diff, render.Cut(i.Message, 300))
	}
	if err := p.table(&t, "There is nothing to bring over."); err != nil {
		return err
	}
	if t.Len() > 0 {
		_, _ = fmt.Fprintln(p.Stdout)
	}
	sums := render.Table{Head: []string{"KIND", "CREATED", "CHANGED", "LEFT", "FAILED"}}
	for _, k := range append(transfer.Kinds(), "") {
		row := []any{string(k)}
		if k == "" {
			row[0] = "all"
		}
		total := 0
		for _, a := range []transfer.Action{transfer.Created, transfer.Changed, transfer.Left, transfer.Failed} {
			n := r.Count(k, a)
			total += n
			row = append(row, strconv.Itoa(n))
		}
		if total > 0 {
			sums.Add(row...)
		}
	}
	if sums.Len() > 0 {
		if err := sums.Write(p.Stdout, p.style()); err != nil {
			return err
		}
	}
	if !c.Apply && r.Count("", transfer.Created)+r.Count("", transfer.Changed) > 0 {
		p.say("This was a dry run: nothing is changed. Say --apply to save it.")
	}
	return nil
}

// word is an action as it is done, or would be.
func (c *importCommand) word(a transfer.Action) string {
	if c.Apply || a == transfer.Left || a == transfer.Failed {
		return string(a)
	}
	return "would be " + string(a)
}

// counter tells a person how far something long has come: in place on a terminal,
// else now and then.
type counter struct {
	p    *Process
	what string
	mu   sync.Mutex
	n    int64
	told int64
}

// tellEvery is after how many a reader without a terminal is told.
const tellEvery = 500

func newCounter(p *Process, what string) *counter { return &counter{p: p, what: what} }

func (c *counter) add(n int64) {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.set(c.n + n)
}

// set tells the present count. The lock is held, or nobody else counts.
func (c *counter) set(n int64) {
	c.n = n
	switch {
	case c.p.answers.Quiet:
	case terminal(c.p.Stderr):
		const seldom = 10
		if c.n-c.told >= seldom || c.told == 0 {
			c.told = c.n
			_, _ = fmt.Fprintf(c.p.Stderr, "\r%d %s", c.n, c.what)
		}
	case c.n-c.told >= tellEvery:
		c.told = c.n
		_, _ = fmt.Fprintf(c.p.Stderr, "%d %s\n", c.n, c.what)
	}
}

// end clears the line.
func (c *counter) end() {
	if c.told > 0 && !c.p.answers.Quiet && terminal(c.p.Stderr) {
		_, _ = fmt.Fprintf(c.p.Stderr, "\r%s\r", strings.Repeat(" ", len(c.what)+22))
	}
}
