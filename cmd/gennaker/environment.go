package main

import (
	"strings"

	"github.com/alecthomas/kong"
)

// nameVariables gives every flag the environment variable GENNAKER_ with its
// name in capitals: --front50-address is GENNAKER_FRONT50_ADDRESS.
func nameVariables(k *kong.Kong) error {
	name(k.Model.Node)
	return nil
}

func name(n *kong.Node) {
	for _, flag := range n.Flags {
		if flag.Name == "help" || len(flag.Envs) > 0 {
			continue
		}
		variable := "GENNAKER_" + strings.ToUpper(strings.ReplaceAll(flag.Name, "-", "_"))
		flag.Envs = []string{variable}
		flag.Tag.Envs = flag.Envs
	}
	for _, child := range n.Children {
		name(child)
	}
}
