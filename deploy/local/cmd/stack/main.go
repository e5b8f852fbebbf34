// Command stack builds and runs the local stack: Temporal, MinIO, a Kubernetes control plane and Gennaker.
package main

import (
	"context"
	"errors"
	"fmt"
	"os"
	"os/signal"
	"path/filepath"
	"syscall"

	"github.com/alecthomas/kong"

	"github.com/gennaker/gennaker/deploy/local/stack"
)

// commands are the command line.
type commands struct {
	Dir string `help:"Folder of the stack's state; .local of the checkout when empty." env:"GENNAKER_LOCAL" type:"path"`

	Up          upCommand          `cmd:"" help:"Build what is missing, start everything, and run until Ctrl-C."`
	Down        downCommand        `cmd:"" help:"Stop the stack that runs elsewhere."`
	Reset       resetCommand       `cmd:"" help:"Remove the state of a stopped stack."`
	Status      statusCommand      `cmd:"" help:"Show each part of the running stack."`
	Build       buildCommand       `cmd:"" help:"Build what is missing and start nothing."`
	Testservers testserversCommand `cmd:"" help:"Run a command with a Kubernetes control plane for its tests."`
}

// place is where the stack lives, handed to each command.
type place struct {
	root    string
	dir     string
	console *stack.Console
}

func main() {
	var cli commands
	parsed := kong.Parse(&cli, kong.Name("stack"), kong.Description("Gennaker's local stack."), kong.UsageOnError())
	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt, syscall.SIGTERM, syscall.SIGHUP)
	// A second signal ends the program at once; the kernel then kills the parts.
	context.AfterFunc(ctx, stop)
	err := run(ctx, parsed, cli.Dir)
	var exit exitStatus
	switch {
	case err == nil, errors.Is(err, context.Canceled):
	case errors.As(err, &exit):
		os.Exit(int(exit))
	default:
		fmt.Fprintf(os.Stderr, "\nstack: %v\n", err)
		os.Exit(1)
	}
}

func run(ctx context.Context, parsed *kong.Context, dir string) error {
	working, err := os.Getwd()
	if err != nil {
		return err
	}
	root, err := stack.FindRoot(working)
	if err != nil {
		return err
	}
	if dir == "" {
		dir = filepath.Join(root, ".local")
	}
	parsed.BindTo(ctx, (*context.Context)(nil))
	return parsed.Run(&place{root: root, dir: dir, console: stack.NewConsole(os.Stdout)})
}
