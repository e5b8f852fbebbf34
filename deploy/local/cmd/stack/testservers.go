package main

import (
	"context"
	"crypto/rand"
	"errors"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"
	"syscall"
	"time"

	"golang.org/x/crypto/bcrypt"

	"github.com/gennaker/gennaker/deploy/local/stack"
)

// testserversCommand runs a command, go test usually, with servers that all its tests share: one start instead of one per
// package.
type testserversCommand struct {
	Product bool     `help:"Start the whole stack with Gennaker, not only the control plane, and tell its addresses in DECK_URL and GATE_URL."`
	SignIn  bool     `help:"With --product: two people have to sign in by name and password; DECK_OWNER and DECK_READER are NAME:PASSWORD of them, and their roles are sre and readers."`
	Command []string `arg:"" passthrough:"" help:"Command to run."`
}

// Run builds what is needed, starts it on free ports with an empty state, runs the command and returns its exit status.
func (c *testserversCommand) Run(ctx context.Context, at *place) error {
	command := c.Command
	if len(command) > 0 && command[0] == "--" {
		command = command[1:]
	}
	if len(command) == 0 {
		return errors.New("give the command to run")
	}
	// Tests start Temporal and MinIO for themselves; they are built here, before the tests' clock runs.
	builds, parts := stack.Servers(true), stack.Kubernetes()
	if c.Product {
		parts = append(stack.Servers(true), stack.Gennaker())
		builds = parts
	}
	env := &stack.Env{Root: at.root, Dir: at.dir, Namespace: stack.DefaultNamespace, Bin: map[string]string{}, Test: true}
	if err := build(ctx, at, env, builds); err != nil {
		return err
	}
	dir, err := os.MkdirTemp("", "gennaker-tests-")
	if err != nil {
		return err
	}
	defer func() { _ = os.RemoveAll(dir) }()
	env.Dir, env.Kubeconfig = dir, filepath.Join(dir, "kubeconfig")
	var names []string
	for _, part := range parts {
		names = append(names, part.Ports...)
	}
	if env.Ports, err = stack.FreePorts(names...); err != nil {
		return err
	}
	var variables []string
	if c.SignIn {
		if variables, err = signIn(dir); err != nil {
			return err
		}
	}
	var running []*stack.Process
	defer func() {
		for _, process := range slices.Backward(running) {
			process.Kill()
		}
	}()
	for _, part := range parts {
		process, err := stack.Start(part, env)
		if err != nil {
			return err
		}
		running = append(running, process)
		if err := process.WaitReady(ctx); err != nil {
			return err
		}
	}
	at.console.Note("%d servers for the tests are ready", len(parts))
	variables = append(variables, stack.TestKubeconfigVariable+"="+env.LocalKubeconfig())
	if c.Product {
		variables = append(variables,
			fmt.Sprintf("DECK_URL=http://localhost:%d", env.Ports[stack.PortDeck]),
			fmt.Sprintf("GATE_URL=http://localhost:%d", env.Ports[stack.PortGate]))
	}
	return runCommand(ctx, command, variables)
}

// signIn lets two people sign in to the product that is started after it, and returns
// who they are as variables.
func signIn(dir string) ([]string, error) {
	var (
		users     strings.Builder
		variables []string
	)
	users.WriteString("users:\n")
	for _, one := range []struct{ variable, name, role string }{{"DECK_OWNER", "olive", "sre"}, {"DECK_READER", "rita", "readers"}} {
		password := rand.Text()
		hash, err := bcrypt.GenerateFromPassword([]byte(password), bcrypt.DefaultCost)
		if err != nil {
			return nil, err
		}
		fmt.Fprintf(&users, "- {username: %s, password: %q, roles: [%s]}\n", one.name, hash, one.role)
		variables = append(variables, one.variable+"="+one.name+":"+password)
	}
	file := filepath.Join(dir, "users.yaml")
	if err := os.WriteFile(file, []byte(users.String()), 0o600); err != nil {
		return nil, err
	}
	// The parts have this process's environment, which wins over their configuration.
	return variables, errors.Join(os.Setenv("GENNAKER_AUTH_MODE", "basic"), os.Setenv("GENNAKER_AUTH_BASIC_USERS_FILE", file))
}

// runCommand runs a command in the foreground; it gets the signals of the terminal itself, and SIGTERM through here.
func runCommand(ctx context.Context, command, variables []string) error {
	cmd := exec.CommandContext(ctx, command[0], command[1:]...)
	cmd.Cancel = func() error { return cmd.Process.Signal(syscall.SIGTERM) }
	const patience = 30 * time.Second
	cmd.WaitDelay = patience
	cmd.Stdin, cmd.Stdout, cmd.Stderr = os.Stdin, os.Stdout, os.Stderr
	cmd.Env = append(os.Environ(), variables...)
	err := cmd.Run()
	var exit *exec.ExitError
	if errors.As(err, &exit) {
		return exitStatus(max(exit.ExitCode(), 1))
	}
	return err
}

// exitStatus is the exit status of a command that has told the person itself what went wrong.
type exitStatus int

func (e exitStatus) Error() string { return fmt.Sprintf("the command ended with status %d", int(e)) }
