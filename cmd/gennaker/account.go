package main

import (
	"cmp"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net/http"
	"net/url"
	"strings"
	"sync"
	"text/tabwriter"
	"time"

	"github.com/gennaker/gennaker/gate"
	"github.com/gennaker/gennaker/pipeline"
)

// accountCommand are the commands on cloud accounts.
type accountCommand struct {
	List accountListCommand `cmd:"" help:"List the cloud accounts and how they are."`
	Get  accountGetCommand  `cmd:"" help:"Show one cloud account: its health, and who serves it."`
}

// gateFlag names Gate.
type gateFlag struct {
	JSON bool   `name:"json" help:"Print Gate's answers."`
	Gate string `name:"gate-url" help:"Address of Gate." default:"http://localhost:8084" placeholder:"URL"`
}

type accountListCommand struct{ gateFlag }

type accountGetCommand struct {
	Name string `arg:"" help:"Name of the account."`
	gateFlag
}

// errAccountNotUp is the end of a look at an account that is not UP, which is
// printed already.
var errAccountNotUp = errors.New("the account is not UP")

// Run implements the command.
func (c *accountListCommand) Run(p *process) error {
	ctx, cancel := context.WithTimeout(p.ctx, gateTimeout)
	defer cancel()
	accounts, err := askGateList(ctx, c.Gate, "/credentials?expand=true")
	if err != nil {
		return err
	}
	health := make([]gate.AccountHealth, len(accounts))
	raw := make([]pipeline.Map, len(accounts))
	var asking sync.WaitGroup
	turns := make(chan struct{}, 8)
	for i, a := range accounts {
		asking.Go(func() {
			turns <- struct{}{}
			defer func() { <-turns }()
			var err error
			if health[i], raw[i], err = askHealth(ctx, c.Gate, a.String("name")); err != nil {
				health[i] = gate.AccountHealth{Status: "?", Message: err.Error()}
			}
		})
	}
	asking.Wait()
	if c.JSON {
		out := make([]any, len(accounts))
		for i, a := range accounts {
			out[i] = map[string]any{"account": map[string]any(a), "health": map[string]any(raw[i])}
		}
		return printJSON(p.stdout, out)
	}
	w := tabwriter.NewWriter(p.stdout, 0, 4, 2, ' ', 0)
	fmt.Fprintln(w, "NAME\tTYPE\tENVIRONMENT\tSTATUS\tVERSION\tWORKERS\tCHECKED\tMESSAGE")
	for i, a := range accounts {
		h := health[i]
		serving := 0
		for _, worker := range h.Workers {
			if worker.Serving {
				serving++
			}
		}
		fmt.Fprintf(w, "%s\t%s\t%s\t%s\t%s\t%d\t%s\t%s\n", a.String("name"), a.String("type"), a.String("environment"),
			h.Status, cmp.Or(h.ServerVersion, "-"), serving, ago(h.CheckedAt), oneLine(h.Message))
	}
	return w.Flush()
}

// Run implements the command.
func (c *accountGetCommand) Run(p *process) error {
	ctx, cancel := context.WithTimeout(p.ctx, gateTimeout)
	defer cancel()
	account, err := askGate(ctx, http.MethodGet, c.Gate, "/credentials/"+url.PathEscape(c.Name), nil)
	if err != nil {
		return err
	}
	h, raw, err := askHealth(ctx, c.Gate, c.Name)
	if err != nil {
		return err
	}
	if c.JSON {
		err = printJSON(p.stdout, map[string]any{"account": map[string]any(account), "health": map[string]any(raw)})
	} else {
		err = printAccount(p.stdout, account, h)
	}
	if err == nil && h.Status != gate.AccountUp {
		err = errAccountNotUp
	}
	return err
}

// printAccount prints an account for people.
func printAccount(out io.Writer, account pipeline.Map, h gate.AccountHealth) error {
	w := tabwriter.NewWriter(out, 0, 4, 2, ' ', 0)
	line := func(name, format string, args ...any) {
		fmt.Fprintf(w, "%s\t%s\n", name, oneLine(fmt.Sprintf(format, args...)))
	}
	line("name", "%s", account.String("name"))
	line("type", "%s", account.String("type"))
	line("environment", "%s", account.String("environment"))
	line("status", "%s", h.Status)
	if h.Message != "" {
		line("message", "%s", h.Message)
	}
	line("cluster", "%s", cmp.Or(h.Cluster, "not known"))
	line("version", "%s", cmp.Or(h.ServerVersion, "not known"))
	line("checked", "%s", ago(h.CheckedAt))
	line("task queue", "%s", h.Queue)
	namespaces := account.Strings("namespaces")
	const shown = 10
	more := ""
	if n := len(namespaces) - shown; n > 0 {
		namespaces, more = namespaces[:shown], fmt.Sprintf(" and %d more", n)
	}
	line("namespaces", "%s%s", cmp.Or(strings.Join(namespaces, ", "), "not known"), more)
	for _, access := range []string{"READ", "WRITE", "EXECUTE"} {
		if roles := account.Map("permissions").Strings(access); len(roles) > 0 {
			line(access, "%s", strings.Join(roles, ", "))
		}
	}
	for _, worker := range h.Workers {
		state := "does not poll"
		switch {
		case worker.Serving && worker.Reachable:
			state = "serves, cluster reachable"
		case worker.Serving && worker.Error != "":
			state = "serves, " + worker.Error
		case worker.Serving:
			state = "serves"
		}
		line("worker", "%s: %s", worker.Worker, state)
		if worker.Configuration != "" {
			line("", "%s", worker.Configuration)
		}
	}
	if h.LastWorker != "" && h.Status == gate.AccountUnserved {
		line("last served", "by %s, %s", h.LastWorker, ago(h.LastSeen))
	}
	for _, refused := range h.Refused {
		line("refused", "%s: %s", refused.Worker, refused.Reason)
	}
	for _, missing := range h.MissingPermissions {
		line("missing", "%s", missing)
	}
	return w.Flush()
}

func ago(at pipeline.Millis) string {
	if at == 0 {
		return "never"
	}
	return time.Since(at.Time()).Round(time.Second).String() + " ago"
}

func oneLine(s string) string { return strings.Join(strings.Fields(s), " ") }

func askHealth(ctx context.Context, gateURL, account string) (gate.AccountHealth, pipeline.Map, error) {
	var h gate.AccountHealth
	raw, err := askGate(ctx, http.MethodGet, gateURL, "/credentials/"+url.PathEscape(account)+"/health", nil)
	if err == nil {
		err = pipeline.Bind(map[string]any(raw), &h)
	}
	return h, raw, err
}

// askGateList is [askGate] for answers that are lists of objects.
func askGateList(ctx context.Context, gateURL, path string) ([]pipeline.Map, error) {
	ctx, cancel := context.WithTimeout(ctx, gateTimeout)
	defer cancel()
	request, err := http.NewRequestWithContext(ctx, http.MethodGet, strings.TrimSuffix(gateURL, "/")+path, nil)
	if err != nil {
		return nil, fmt.Errorf("the address of Gate %q is not valid: %w", gateURL, err)
	}
	response, err := http.DefaultClient.Do(request)
	if err != nil {
		return nil, fmt.Errorf("gate at %s does not answer; --gate-url names another: %w", gateURL, err)
	}
	defer response.Body.Close() //nolint:errcheck // it was only read
	text, err := io.ReadAll(io.LimitReader(response.Body, maxDocument))
	if err != nil {
		return nil, err
	}
	if response.StatusCode != http.StatusOK {
		var refusal struct {
			Message string `json:"message"`
		}
		_ = json.Unmarshal(text, &refusal) //nolint:errcheck // what is no JSON has no message
		return nil, errors.New(cmp.Or(refusal.Message, "gate answered "+response.Status))
	}
	var out []pipeline.Map
	if err := json.Unmarshal(text, &out); err != nil {
		return nil, fmt.Errorf("gate's answer is no list: %w", err)
	}
	return out, nil
}
