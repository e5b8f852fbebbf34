package main

import (
	"bufio"
	"context"
	"errors"
	"fmt"
	"os"
	"strings"
	"syscall"
	"text/tabwriter"
	"time"

	"github.com/gennaker/gennaker/deploy/local/stack"
)

// downCommand stops a running stack.
type downCommand struct{}

// Run asks the supervisor to end and waits until it has.
func (downCommand) Run(ctx context.Context, at *place) error {
	state, running, err := stack.ReadState(at.dir)
	if err != nil {
		return err
	}
	if !running {
		at.console.Note("nothing runs in %s", at.dir)
		return nil
	}
	if err := syscall.Kill(state.Pid, syscall.SIGTERM); err != nil {
		return fmt.Errorf("stop the stack (pid %d): %w", state.Pid, err)
	}
	tick := time.NewTicker(50 * time.Millisecond)
	defer tick.Stop()
	const patience = 2 * time.Minute
	deadline := time.After(patience)
	for {
		if _, running, err = stack.ReadState(at.dir); err == nil && !running {
			at.console.Note("the stack is down")
			return nil
		}
		select {
		case <-ctx.Done():
			return ctx.Err()
		case <-deadline:
			return fmt.Errorf("the stack (pid %d) still runs after %s: kill it with \"kill -9 %d\", its parts end with it", state.Pid, patience, state.Pid)
		case <-tick.C:
		}
	}
}

// resetCommand removes the stack's state.
type resetCommand struct {
	Force bool `help:"Do not ask." env:"FORCE"`
}

// Run removes the folder, after a person has agreed.
func (c *resetCommand) Run(at *place) error {
	if _, running, err := stack.ReadState(at.dir); err != nil {
		return err
	} else if running {
		return errors.New("the stack is running: \"make down\" first")
	}
	if _, err := os.Stat(at.dir); errors.Is(err, os.ErrNotExist) {
		at.console.Note("there is nothing to remove")
		return nil
	}
	if !c.Force {
		fmt.Printf("Remove %s with all pipelines, executions and the local cluster? [y/N] ", at.dir)
		answer, err := bufio.NewReader(os.Stdin).ReadString('\n')
		if err != nil || !strings.HasPrefix(strings.ToLower(strings.TrimSpace(answer)), "y") {
			return errors.New("nothing removed (FORCE=1 does not ask)")
		}
	}
	if err := os.RemoveAll(at.dir); err != nil {
		return err
	}
	at.console.Note("removed %s", at.dir)
	return nil
}

// statusCommand shows the running stack.
type statusCommand struct{}

// Run prints one line per part and fails when the stack is down or a part is not ready, so that scripts can ask too.
func (statusCommand) Run(ctx context.Context, at *place) error {
	state, running, err := stack.ReadState(at.dir)
	if err != nil {
		return err
	}
	if !running {
		return fmt.Errorf("no stack runs in %s: \"make up\" starts it", at.dir)
	}
	env := &stack.Env{Root: at.root, Dir: at.dir, Ports: state.Ports, Namespace: stack.DefaultNamespace, Kubeconfig: state.Kubeconfig}
	known := map[string]stack.Part{}
	for _, part := range append(stack.Servers(true), stack.Gennaker()) {
		known[part.Name] = part
	}
	var text strings.Builder
	w := tabwriter.NewWriter(&text, 0, 0, 3, ' ', 0)
	_, _ = fmt.Fprintln(w, "PART\tSTATE\tPID\tPORTS\tRSS\tRESTARTS\tLOG")
	unready := 0
	var total int64
	for _, part := range state.Parts {
		word := "ready"
		if !isReady(ctx, known[part.Name], part, env) {
			word = "NOT READY"
			unready++
		}
		rss := stack.RSS(part.Pid)
		total += rss
		_, _ = fmt.Fprintf(w, "%s\t%s\t%d\t%s\t%d MB\t%d\t%s\n", part.Name, word, part.Pid,
			portList(known[part.Name], env), rss>>20, part.Restarts, env.Log(part.Name))
	}
	_ = w.Flush()
	_, _ = fmt.Fprintf(&text, "\nup since %s (pid %d), %d MB in all\n", state.Since.Format(time.DateTime), state.Pid, total>>20)
	at.console.Print(text.String())
	if unready > 0 {
		return fmt.Errorf("%d of %d parts are not ready", unready, len(state.Parts))
	}
	return nil
}

// isReady asks the part itself, now.
func isReady(ctx context.Context, part stack.Part, state stack.PartState, env *stack.Env) bool {
	if state.Pid == 0 || !state.Ready {
		return false
	}
	if part.Ready == nil {
		return true
	}
	ctx, cancel := context.WithTimeout(ctx, 2*time.Second)
	defer cancel()
	return part.Ready(ctx, env) == nil
}

func portList(part stack.Part, env *stack.Env) string {
	var numbers []string
	for _, name := range part.Ports {
		numbers = append(numbers, fmt.Sprint(env.Ports[name]))
	}
	return strings.Join(numbers, ",")
}
