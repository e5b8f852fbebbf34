package main

import (
	"fmt"
	"runtime/debug"
)

// version is set at build time by -ldflags "-X main.version=…".
var version = ""

// versionCommand prints the version.
type versionCommand struct{}

// Run implements the command.
func (versionCommand) Run(p *process) error {
	_, err := fmt.Fprintln(p.stdout, "gennaker", versionText())
	return err
}

// versionText is the version of the build, or what the Go tool knows of it.
func versionText() string {
	if version != "" {
		return version
	}
	if info, ok := debug.ReadBuildInfo(); ok && info.Main.Version != "" {
		return info.Main.Version
	}
	return "unknown"
}
