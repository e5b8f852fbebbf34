package cli

import (
	"cmp"
	"errors"
	"fmt"
	"net/url"
	"strconv"
	"strings"
	"sync"
	"time"

	"github.com/gennaker/gennaker/cli/client"
	"github.com/gennaker/gennaker/cli/render"
	gateway "github.com/gennaker/gennaker/gate"
	"github.com/gennaker/gennaker/pipeline"
)

// accountCommand are the commands on cloud accounts.
type accountCommand struct {
	Flags
	List   accountListCommand   `cmd:"" aliases:"ls" help:"List the cloud accounts and how they are."`
	Get    accountGetCommand    `cmd:"" help:"Show one cloud account: its health, and who serves it."`
	Whoami accountWhoamiCommand `cmd:"" aliases:"user" help:"Show who Gate takes you for."`
}

type accountListCommand struct{}

type accountGetCommand struct {
	Name string `arg:"" help:"Name of the account."`
}

type accountWhoamiCommand struct{}

// errAccountNotUp is the end of a look at an account that is not UP, which is
// printed already.
var errAccountNotUp = errors.New("the account is not UP")

// Run implements the command. A Gate that does not know how accounts are, as
// Spinnaker's, has them listed without it.
func (c *accountListCommand) Run(p *Process) error {
	gate, err := p.gate()
	if err != nil {
		return err
	}
	accounts, err := gate.List(p.Ctx, "/credentials", url.Values{"expand": {"true"}})
	if err != nil {
		return err
	}
	known := make([]accountHealth, len(accounts))
	var asking sync.WaitGroup
	turns := make(chan struct{}, 8)
	for i, a := range accounts {
		asking.Go(func() {
			turns <- struct{}{}
			defer func() { <-turns }()
			known[i] = p.health(gate, a.String("name"))
		})
	}
	asking.Wait()
	if p.scripted() {
		out := make([]any, len(accounts))
		for i, a := range accounts {
			out[i] = known[i].with(a)
		}
		return p.answers.format.Write(p.scriptOut(), out)
	}
	t := render.Table{Head: []string{"NAME", "TYPE", "ENVIRONMENT", "STATUS", "VERSION", "WORKERS", "CHECKED", "MESSAGE"}}
	for i, a := range accounts {
		h := known[i].AccountHealth
		serving := 0
		for _, worker := range h.Workers {
			if worker.Serving {
				serving++
			}
		}
		t.Add(a.String("name"), a.String("type"), a.String("environment"), h.Status, h.ServerVersion, strconv.Itoa(serving), ago(h.CheckedAt), h.Message)
	}
	return p.table(&t, "There are no accounts that you may see.")
}

// Run implements the command.
func (c *accountGetCommand) Run(p *Process) error {
	gate, err := p.gate()
	if err != nil {
		return err
	}
	account, err := gate.Get(p.Ctx, client.Path("credentials", c.Name), nil)
	if err != nil {
		return err
	}
	if len(account) == 0 { // how Spinnaker's Gate answers
		return fmt.Errorf("account not found (name: %s)", c.Name)
	}
	h := p.health(gate, c.Name)
	err = p.answer(h.with(account), func() error { return p.printAccount(account, h.AccountHealth) })
	if err == nil && h.known && h.Status != gateway.AccountUp {
		err = errAccountNotUp
	}
	return err
}

// Run implements the command.
func (c *accountWhoamiCommand) Run(p *Process) error {
	gate, err := p.gate()
	if err != nil {
		return err
	}
	user, err := gate.Get(p.Ctx, "/auth/user", nil)
	if err != nil {
		return err
	}
	return p.answer(user, func() error {
		var f render.Fields
		f.Add("name", user.String("username"))
		f.Add("email", user.String("email"))
		f.Add("roles", joined(user, "roles"))
		f.Add("accounts", joined(user, "allowedAccounts"))
		if user.Bool("isAdmin") || user.Bool("admin") {
			f.Add("admin", "yes")
		}
		return f.Write(p.Stdout, p.style())
	})
}

// accountHealth is how an account is, as Gate's answer and as read.
type accountHealth struct {
	gateway.AccountHealth
	raw   pipeline.Map
	known bool
}

// with is the answer for scripts.
func (h accountHealth) with(account pipeline.Map) map[string]any {
	return map[string]any{"account": map[string]any(account), "health": map[string]any(h.raw)}
}

// health asks how an account is. What cannot be asked has the status "?".
func (p *Process) health(gate *client.Client, account string) accountHealth {
	var h accountHealth
	var err error
	h.raw, err = gate.Get(p.Ctx, client.Path("credentials", account, "health"), nil)
	if err == nil {
		err = pipeline.Bind(map[string]any(h.raw), &h.AccountHealth)
	}
	h.known = !client.IsNotFound(err)
	if err != nil {
		h.AccountHealth = gateway.AccountHealth{Status: "?", Message: err.Error()}
		if !h.known {
			h.Message = "" // this Gate does not tell
		}
	}
	return h
}

// printAccount prints an account for people.
func (p *Process) printAccount(account pipeline.Map, h gateway.AccountHealth) error {
	var w render.Fields
	line := func(name, format string, args ...any) { w.Add(name, fmt.Sprintf(format, args...)) }
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
	if h.LastWorker != "" && h.Status == gateway.AccountUnserved {
		line("last served", "by %s, %s", h.LastWorker, ago(h.LastSeen))
	}
	for _, refused := range h.Refused {
		line("refused", "%s: %s", refused.Worker, refused.Reason)
	}
	for _, missing := range h.MissingPermissions {
		line("missing", "%s", missing)
	}
	return w.Write(p.Stdout, p.style())
}

func ago(at pipeline.Millis) string {
	if at == 0 {
		return "never"
	}
	return time.Since(at.Time()).Round(time.Second).String() + " ago"
}
