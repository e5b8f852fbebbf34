package main

import (
	"context"
	"net"
	"net/http"

	"golang.org/x/sync/errgroup"

	"github.com/gennaker/gennaker/activities/fetch"
	"github.com/gennaker/gennaker/deck"
	"github.com/gennaker/gennaker/gate"
	"github.com/gennaker/gennaker/gate/signin"
	"github.com/gennaker/gennaker/internal/ratelimit"
)

// gateSettings are Gate's own and Deck's, which it serves.
type gateSettings struct {
	Gate gate.Config   `embed:"" prefix:"gate-"`
	Deck deckSettings  `embed:"" prefix:"deck-"`
	Auth signin.Config `embed:"" prefix:"auth-"`
}

// deckSettings are those of the web UI.
type deckSettings struct {
	Address       string `help:"Address that Deck listens on; empty does not serve it." default:":9000"`
	TemporalUIURL string `name:"temporal-ui-url" help:"Address of the Temporal UI as browsers see it, for links." placeholder:"URL"`
}

// gateCommand runs the API gateway.
type gateCommand struct {
	connections
	gateSettings
}

// Run implements the command.
func (c gateCommand) Run(p *process) (err error) {
	o, err := c.open(p.ctx, p, true)
	if err != nil {
		return err
	}
	defer func() { err = joinClose(err, o) }()
	g, ctx := errgroup.WithContext(p.ctx)
	if err := o.observed.serveMetrics(ctx, g, c.Metrics, o.log); err != nil {
		return err
	}
	o.source.run(ctx, g)
	if err := c.gateSettings.run(ctx, g, o, c.Temporal.Namespace, nil); err != nil {
		return err
	}
	return g.Wait()
}

// run listens and adds Gate's and Deck's servers to the group.
func (c gateSettings) run(ctx context.Context, g *errgroup.Group, o *opened, namespace string, checks []gate.Check) error {
	if c.Deck.TemporalUIURL != "" {
		c.Gate.CodecOrigins = append(c.Gate.CodecOrigins, c.Deck.TemporalUIURL)
	}
	var codec http.Handler
	if c.Gate.CodecEndpoint {
		codec = o.payloads.Handler()
	}
	signIn, err := o.signIn(ctx, c)
	if err != nil {
		return err
	}
	server, err := gate.New(gate.Dependencies{
		Engine: o.engine, Front50: o.front50, Executions: o.service, Accounts: o.gateAccounts(), SignIn: signIn, StoredAccounts: o.accountStore(),
		Clusters: o.watched, Live: o.cloud, Plans: o.cloud, AccountPermissions: o.gateAccounts().Permissions,
		Permissions: o.permissions, Audit: o.audit,
		Fetcher: fetch.New(o.outbound, o.front50, o.service), Artifacts: o.artifacts, Webhooks: o.webhooks.Preconfigured,
		Checks: append([]gate.Check{
			{Name: "temporal", Probe: o.engine.Ping},
			{Name: "front50", Probe: o.configurationHealth},
			{Name: "redis", Probe: o.model.Ping, Optional: true},
			{Name: "accounts", Probe: o.source.probe, Optional: true},
			{Name: "bucket", Probe: o.bucketHealth, Optional: true},
			{Name: "workers", Probe: o.workersHealth, Optional: true},
			{Name: "sign-in", Probe: signInHealth(signIn), Optional: true},
		}, checks...),
		Codec: codec, Version: versionText(), Logger: o.log,
		Metrics: o.observed.metrics.Registry(), Tracer: o.observed.tracer(), RateLimiter: ratelimit.New(o.model, c.Gate.RateLimitTimeout),
	}, c.Gate)
	if err != nil {
		return err
	}
	api, err := listen(ctx, "Gate", c.Gate.Address)
	if err != nil {
		return err
	}
	g.Go(func() error { o.audit.Run(ctx); return nil })
	g.Go(func() error { return server.Serve(ctx, api, server.Handler()) })
	o.log.Info("Gate answers", "address", api.Addr())
	if c.Gate.APIAddress != "" {
		clients, err := listen(ctx, "Gate for clients with certificates", c.Gate.APIAddress)
		if err != nil {
			return err
		}
		g.Go(func() error { return server.ServeClients(ctx, clients, server.Handler()) })
		o.log.Info("Gate answers clients with certificates", "address", clients.Addr())
	}
	if c.Deck.Address == "" {
		return nil
	}
	ui, err := listen(ctx, "Deck", c.Deck.Address)
	if err != nil {
		return err
	}
	files := deck.Handler(deck.Settings{
		GateURL: gate.APIPrefix, TemporalUIURL: c.Deck.TemporalUIURL, TemporalNamespace: namespace, Version: versionText(),
	})
	g.Go(func() error { return c.serveDeck(ctx, server, ui, files) })
	o.log.Info("Deck answers", "address", ui.Addr())
	return nil
}

func (c gateSettings) serveDeck(ctx context.Context, server *gate.Server, l net.Listener, files http.Handler) error {
	return server.Serve(ctx, l, gate.WithDeck(files, server.Handler()))
}

// configurationHealth reports whether configuration can be read and written.
func (o *opened) configurationHealth(ctx context.Context) error {
	if h, ok := o.front50.(interface{ Health(context.Context) error }); ok {
		return h.Health(ctx)
	}
	return nil
}
