package main

import (
	"github.com/alecthomas/kong"

	"github.com/gennaker/gennaker/cli"
)

//go:generate sh -c "go run . reference-cli > ../../docs/reference/cli.md"

// referenceCLICommand prints docs/reference/cli.md from the commands themselves.
type referenceCLICommand struct{}

// Run implements the command.
func (referenceCLICommand) Run(p *process, k *kong.Kong) error {
	return cli.WriteReference(p.stdout, k.Model)
}
