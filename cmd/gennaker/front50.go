package main

import (
	"context"
	"errors"

	"golang.org/x/sync/errgroup"

	"github.com/gennaker/gennaker/front50"
	"github.com/gennaker/gennaker/front50/server"
	"github.com/gennaker/gennaker/internal/logging"
	"github.com/gennaker/gennaker/internal/telemetry"
)

// front50Settings are the configuration service's own.
type front50Settings struct {
	Address string `name:"front50-address" help:"Address that Front50 listens on." default:":8080"`
}

// front50Command runs the configuration service.
type front50Command struct {
	stores
	front50Settings
	Metrics telemetry.Config `embed:"" prefix:"metrics-"`
}

// Run implements the command.
func (c front50Command) Run(p *process) (err error) {
	log, err := logging.New(p.log, p.stderr)
	if err != nil {
		return err
	}
	watch, err := observe(p.ctx, log)
	if err != nil {
		return err
	}
	c.stores = watch.counted(c.stores)
	store, err := c.openBucket(p.ctx, log)
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, store.Close()) }()
	g, ctx := errgroup.WithContext(p.ctx)
	if err := watch.serveMetrics(ctx, g, c.Metrics, log); err != nil {
		return err
	}
	o := &opened{log: log, front50: store}
	if err := c.front50Settings.run(ctx, g, o, store); err != nil {
		return err
	}
	return g.Wait()
}

// run listens and adds Front50's server to the group.
func (c front50Settings) run(ctx context.Context, g *errgroup.Group, o *opened, store front50.Store) error {
	l, err := listen(ctx, "Front50", c.Address)
	if err != nil {
		return err
	}
	s := server.New(store, server.Options{Log: o.log})
	g.Go(func() error { return serve(ctx, l, s.Handler()) })
	o.log.Info("Front50 answers", "address", l.Addr())
	return nil
}

func joinClose(err error, o *opened) error { return errors.Join(err, o.close()) }
