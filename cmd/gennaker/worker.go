package main

import (
	"context"
	"slices"

	"golang.org/x/sync/errgroup"

	"github.com/gennaker/gennaker/activities/clouddriver/reads"
	"github.com/gennaker/gennaker/activities/rosco"
	"github.com/gennaker/gennaker/activities/webhook"
	"github.com/gennaker/gennaker/clusters"
	"github.com/gennaker/gennaker/internal/temporal"
	"github.com/gennaker/gennaker/workers"
)

// workerSettings are the workers' own.
type workerSettings struct {
	Worker  workers.Config `embed:"" prefix:"worker-"`
	Webhook webhook.Config `embed:"" prefix:"webhook-"`
	// Clusters is about what people see of clusters.
	Clusters reads.Config `embed:"" prefix:"clusters-"`
	Rosco    rosco.Config `embed:"" prefix:"rosco-"`
}

// workerCommand runs Temporal workers.
type workerCommand struct {
	connections
	workerSettings
	Roles    []string `help:"Short for --worker-roles."`
	Accounts []string `help:"Short for --worker-accounts."`
}

// Run implements the command.
func (c workerCommand) Run(p *process) (err error) {
	if len(c.Roles) > 0 {
		c.Worker.Roles = c.Roles
	}
	if len(c.Accounts) > 0 {
		c.Worker.Accounts = c.Accounts
	}
	o, err := c.openFor(p.ctx, p, c.Worker.Roles)
	if err != nil {
		return err
	}
	defer func() { err = joinClose(err, o) }()
	g, ctx := errgroup.WithContext(p.ctx)
	if err := o.observed.serveMetrics(ctx, g, c.Metrics, o.log); err != nil {
		return err
	}
	if err := c.workerSettings.run(ctx, g, o); err != nil {
		return err
	}
	return g.Wait()
}

// run adds the workers to the group.
func (c workerSettings) run(ctx context.Context, g *errgroup.Group, o *opened) error {
	webhooks := o.webhooks
	webhooks.MaxResponse = c.Webhook.MaxResponse
	bakes := c.Rosco
	bakes.MaxUnpacked, bakes.MaxFiles = o.unpacked.MaxUnpacked, o.unpacked.MaxFiles
	var mirror clusters.MirrorWriter // an agent, which has no Redis, keeps none
	if o.mirror != nil {
		mirror = o.mirror
	}
	w, err := workers.New(c.Worker, workers.Dependencies{
		Temporal: o.temporal, Front50: o.front50, Permissions: o.permissions, Model: o.model, Archive: o.archive,
		Executions: o.service, Accounts: o.accounts, Logger: o.log,
		Outbound: o.outbound, Webhook: webhooks, Clusters: mirror, Reads: c.Clusters,
		Directory: o.directory, Identity: temporal.Identity(), Version: versionText(), ConfigFault: o.source.Fault,
		Artifacts: o.artifacts, Sandbox: o.sandbox, Rosco: bakes, Metrics: o.observed.metrics.Registry(),
	})
	if err != nil {
		return err
	}
	o.source.run(ctx, g)
	g.Go(func() error { return w.Run(ctx) })
	if slices.Contains(c.Worker.Roles, workers.RoleOrca) {
		g.Go(func() error { return o.payloads.Keep(ctx, o.temporal) })
	}
	return nil
}
