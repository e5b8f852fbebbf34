package main

import (
	"golang.org/x/sync/errgroup"
)

// serverCommand runs all roles in one process.
type serverCommand struct {
	connections
	gateSettings
	front50Settings
	workerSettings
}

// Run implements the command.
func (c serverCommand) Run(p *process) (err error) {
	o, err := c.open(p.ctx, p, false)
	if err != nil {
		return err
	}
	defer func() { err = joinClose(err, o) }()
	g, ctx := errgroup.WithContext(p.ctx)
	if err := o.observed.serveMetrics(ctx, g, c.Metrics, o.log); err != nil {
		return err
	}
	if err := c.front50Settings.run(ctx, g, o, o.front50); err != nil {
		return err
	}
	if err := c.workerSettings.run(ctx, g, o); err != nil {
		return err
	}
	if err := c.gateSettings.run(ctx, g, o, c.Temporal.Namespace, nil); err != nil {
		return err
	}
	return g.Wait()
}
