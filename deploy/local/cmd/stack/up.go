package main

import (
	"context"
	"fmt"
	"os"
	"path/filepath"
	"syscall"

	"github.com/gennaker/gennaker/deploy/local/stack"
)

// upCommand starts the stack.
type upCommand struct {
	Servers bool `help:"Start only what Gennaker needs, not Gennaker itself."`
}

// Run builds, starts and holds the stack until ctx ends.
func (c *upCommand) Run(ctx context.Context, at *place) error {
	ports, err := stack.PortsFromEnvironment(os.Getenv)
	if err != nil {
		return err
	}
	env := &stack.Env{Root: at.root, Dir: at.dir, Ports: ports, Namespace: stack.DefaultNamespace, Bin: map[string]string{}}
	if _, running, err := stack.ReadState(at.dir); err != nil {
		return err
	} else if running {
		return fmt.Errorf("%w: \"make status\" shows it, \"make down\" stops it", stack.ErrRunning)
	}
	cluster, external := externalCluster(ctx)
	if external {
		env.Kubeconfig = cluster.path
		at.console.Note("! KUBECONFIG is set: pipelines deploy to the cluster %s (%s), context %q of %s",
			cluster.server, cluster.version, cluster.context, cluster.path)
		at.console.Note("  \"KUBECONFIG= make up\" starts a local cluster instead")
	} else {
		env.Kubeconfig = env.LocalKubeconfig()
		if cluster.reason != "" {
			at.console.Note("KUBECONFIG names no usable cluster (%s); starting a local one", cluster.reason)
		}
	}
	parts := stack.Servers(!external)
	if !c.Servers {
		parts = append(parts, stack.Gennaker())
	}
	// A port that is taken should be known before the builds, not minutes later.
	if err := stack.CheckPorts(env, parts); err != nil {
		return err
	}
	if err := build(ctx, at, env, parts); err != nil {
		return err
	}
	return stack.NewSupervisor(env, parts, at.console).Run(ctx)
}

// buildCommand builds the servers that tests and the stack need.
type buildCommand struct {
	Servers bool `help:"Build only the servers, not Gennaker."`
	Kubectl bool `help:"Build kubectl too, which measurements compare with."`
}

// Run builds what is missing.
func (c *buildCommand) Run(ctx context.Context, at *place) error {
	env := &stack.Env{Root: at.root, Dir: at.dir, Bin: map[string]string{}}
	parts := stack.Servers(true)
	if !c.Servers {
		parts = append(parts, stack.Gennaker())
	}
	var more []stack.Program
	if c.Kubectl {
		more = append(more, stack.KubectlProgram)
	}
	return build(ctx, at, env, parts, more...)
}

// build builds the programs of parts, whose paths it records in env, and more.
func build(ctx context.Context, at *place, env *stack.Env, parts []stack.Part, more ...stack.Program) error {
	tasks, err := stack.BuildTasks(env, parts)
	if err != nil {
		return err
	}
	for _, program := range more {
		task, needed, err := program.BuildTask(env.Root, filepath.Join(env.Dir, "logs"))
		if err != nil {
			return err
		}
		if needed {
			tasks = append(tasks, task)
		}
	}
	if err := explainRoom(at.dir, tasks); err != nil {
		return err
	}
	at.console.SetSteps(len(tasks) + len(parts))
	return stack.RunTasks(ctx, tasks, at.console)
}

// explainRoom refuses to begin a first build that would fill the disk: servers, their sources and the compiler's cache
// need some gigabytes.
func explainRoom(dir string, tasks []stack.Task) error {
	const need = 6 << 30
	if len(tasks) < 3 {
		return nil
	}
	home, err := os.UserHomeDir()
	if err != nil {
		home = filepath.Dir(dir)
	}
	var fs syscall.Statfs_t
	if err := syscall.Statfs(home, &fs); err != nil {
		return nil //nolint:nilerr // an unknown amount of room is no reason to refuse
	}
	if free := fs.Bavail * uint64(fs.Bsize); free < need {
		return fmt.Errorf("the first build needs 6 GB of disk for sources, compiler cache and binaries, and %s has %.1f GB: free some room",
			home, float64(free)/(1<<30))
	}
	return nil
}
