// Command demo runs a pipeline against the local stack as a user would, and
// checks in the cluster that it did what it says.
//
//	demo                            the sample: staging, judgment, production
//	demo --pipeline FILE            any pipeline's JSON, its judgments approved
//	demo istio                      installs Istio's custom resource definitions
package main

import (
	"context"
	_ "embed"
	"errors"
	"fmt"
	"os"
	"os/signal"
	"syscall"
	"time"

	"github.com/alecthomas/kong"

	"github.com/gennaker/gennaker/pipeline"
)

//go:embed sample.json
var sample []byte

// commands are the demo's subcommands.
type commands struct {
	Dir        string        `help:"Folder of the running stack's state." default:".local" type:"path" env:"GENNAKER_LOCAL"`
	Gate       string        `help:"Address of Gate; the running stack's when empty." env:"GENNAKER_GATE_URL"`
	Deck       string        `help:"Address of Deck, for the links that are printed; the running stack's when empty." env:"GENNAKER_DECK_URL"`
	Kubeconfig string        `help:"Kubeconfig of the cluster that Gate deploys to; the running stack's when empty." type:"path" env:"GENNAKER_KUBECONFIG"`
	Confirm    string        `help:"yes deploys to a cluster that the stack did not start, without asking." env:"CONFIRM"`
	Timeout    time.Duration `help:"Longest time that the demo may take." default:"10m"`

	Run   runCommand   `cmd:"" default:"withargs" help:"Create the application, save the pipeline, run it and approve its judgments."`
	Istio istioCommand `cmd:"" help:"Install Istio's custom resource definitions and the namespace demo."`
}

func main() {
	if err := run(); err != nil {
		fmt.Fprintln(os.Stderr, "demo:", err)
		os.Exit(1)
	}
}

// run runs the command that the arguments name, until it ends, is interrupted
// or takes too long.
func run() error {
	ctx, stop := signal.NotifyContext(context.Background(), syscall.SIGINT, syscall.SIGTERM)
	defer stop()
	var cli commands
	parsed := kong.Parse(&cli, kong.Name("demo"), kong.Description("Runs a pipeline against the local stack."))
	ctx, cancel := context.WithTimeout(ctx, cli.Timeout)
	defer cancel()
	parsed.BindTo(ctx, (*context.Context)(nil))
	return parsed.Run(&cli)
}

// runCommand runs one pipeline.
type runCommand struct {
	Pipeline    string `help:"File with a pipeline's JSON; the sample when empty." type:"existingfile"`
	Application string `help:"Application for a pipeline that names none." default:"sample"`
	Name        string `help:"Name for a pipeline that has none." default:"Demo"`
}

// Run implements the command.
func (r runCommand) Run(ctx context.Context, cli *commands) error {
	raw := sample
	if r.Pipeline != "" {
		var err error
		if raw, err = os.ReadFile(r.Pipeline); err != nil {
			return err
		}
	}
	var p pipeline.Pipeline
	if err := p.UnmarshalJSON(raw); err != nil {
		return fmt.Errorf("the pipeline is not a JSON object: %w", err)
	}
	if p.Application() == "" {
		p["application"] = r.Application
	}
	if p.Name() == "" {
		p["name"] = r.Name
	}
	target, err := cli.target(true)
	if err != nil {
		return err
	}
	if err := target.confirm(cli.Confirm, os.Stdin); err != nil {
		return err
	}
	d := &demo{deck: target.deck, began: time.Now()}
	d.gate = newGate(target.gate, d.waiting)
	if err := d.prepare(ctx, p); err != nil {
		return err
	}
	e, err := d.follow(ctx, p)
	if err != nil {
		return err
	}
	if e.Status != pipeline.Succeeded {
		return errors.New("the pipeline ended " + string(e.Status))
	}
	return d.check(ctx, target.kubeconfig, e)
}
