package stack

import (
	"context"
	"syscall"
	"time"
)

// Part is one process of the stack.
type Part struct {
	// Name is unique in a stack; it names the part's log and data folder.
	Name string
	// Program is the binary's name, a key of Env.Bin.
	Program string
	// Title says in a few words what the part is.
	Title string
	// Ports names the ports that the part listens on; they must be free before it starts.
	Ports []string
	// Args returns the arguments. They hold no secret: any user of the machine can read them.
	Args func(*Env) ([]string, error)
	// Environ returns variables to add to the environment, for secrets above all.
	Environ func(*Env) ([]string, error)
	// Prepare makes files that the part reads. It runs before every start and keeps what is there.
	Prepare func(*Env) error
	// Ready tries once whether the part does its work; nil means it does.
	Ready func(context.Context, *Env) error
	// After runs once the part is ready, after every start; what it makes must survive being made again.
	After func(context.Context, *Env) error
	// Account is the account of the machine that the part runs as when this program is run by root, for programs that
	// refuse root; empty is this program's own.
	Account string
	// Interrupt asks the part to end; zero is SIGTERM.
	Interrupt syscall.Signal
	// StartWithin bounds the time from start to ready; zero means 60 seconds.
	StartWithin time.Duration
	// URLs are what a person can open.
	URLs func(*Env) []URL
}

// URL is an address to show to people.
type URL struct {
	// Name says what answers there.
	Name string
	// Address is a URL or host:port.
	Address string
}

// startWithin returns the bound from start to ready.
func (p Part) startWithin() time.Duration {
	if p.StartWithin > 0 {
		return p.StartWithin
	}
	return 60 * time.Second
}
