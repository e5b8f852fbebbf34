package main

import (
	"errors"
	"maps"

	"github.com/gennaker/gennaker/activities/artifacts"
	"github.com/gennaker/gennaker/activities/rosco/bake"
	"github.com/gennaker/gennaker/internal/sandbox"
)

// errSandbox follows what the sandbox has printed itself.
var errSandbox = errors.New("the task was not done")

// sandboxCommand is the process in which workers render templates and read what
// users hand in.
type sandboxCommand struct{}

// Run implements the command.
func (sandboxCommand) Run(p *process) error {
	tasks := bake.Tasks()
	maps.Copy(tasks, artifacts.Tasks())
	if code := sandbox.Serve(p.stdin, p.stdout, p.stderr, tasks); code != 0 {
		return errSandbox
	}
	return nil
}
