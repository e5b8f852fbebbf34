package main

import (
	"strings"

	"github.com/alecthomas/kong"

	"github.com/gennaker/gennaker/cli"
)

// nameVariables gives every flag the environment variable GENNAKER_ with its
// name in capitals: --front50-address is GENNAKER_FRONT50_ADDRESS. Of the commands
// that people type only those flags have one that say where things are.
func nameVariables(k *kong.Kong) error {
	for _, flag := range k.Model.Flags {
		nameVariable(flag)
	}
	for _, child := range k.Model.Children {
		name(child, cli.IsCommand(child.Name))
	}
	return nil
}

// ofServers reports whether a flag of a command that people type is one of the
// servers', with their variable and their key of the configuration file.
func ofServers(flag *kong.Flag) bool {
	return strings.HasPrefix(flag.Name, "object-store-") || strings.HasPrefix(flag.Name, "front50-")
}

func name(n *kong.Node, typed bool) {
	for _, flag := range n.Flags {
		if !typed || ofServers(flag) {
			nameVariable(flag)
		}
	}
	for _, child := range n.Children {
		name(child, typed)
	}
}

func nameVariable(flag *kong.Flag) {
	if flag.Name == "help" || len(flag.Envs) > 0 {
		return
	}
	variable := "GENNAKER_" + strings.ToUpper(strings.ReplaceAll(flag.Name, "-", "_"))
	flag.Envs = []string{variable}
	flag.Tag.Envs = flag.Envs
}
