// Command devserver is a Temporal server and its web UI in one process over one SQLite file, or over a PostgreSQL server.
//
// It serves one person's machine and the tests: every execution survives a kill of the process, because each
// transaction is in the write-ahead log before the server answers. A team runs Temporal's own distribution on PostgreSQL
// or Cassandra; this program on PostgreSQL shows how that behaves:
//
//	PGPASSWORD=... devserver --postgres=postgres://temporal@127.0.0.1:5432/temporal
//
// The user must be allowed to make databases: there are two, the second with the ending "_visibility". They have four
// history shards, tables of this version of Temporal, and are brought up to date at every start.
package main

import (
	"context"
	"errors"
	"fmt"
	"os"
	"os/signal"
	"syscall"
	"time"

	"github.com/alecthomas/kong"
)

// options are the command's flags.
type options struct {
	DB         string        `help:"SQLite file that holds all state; made when it does not exist." default:"temporal.db"`
	Postgres   string        `help:"PostgreSQL server and database that hold all state instead of the file, as postgres://USER@HOST:PORT/DATABASE?sslmode=MODE; the password is in PGPASSWORD." placeholder:"URL"`
	IP         string        `help:"Address to listen on." default:"127.0.0.1"`
	Port       int           `help:"Port of the gRPC frontend." default:"7233"`
	UIPort     int           `help:"Port of the web UI; 0 serves no UI." default:"8233"`
	Namespaces []string      `name:"namespace" help:"Namespace to make (repeatable)." default:"default"`
	Attributes []string      `name:"search-attribute" help:"Keyword search attribute to register in every namespace (repeatable)." default:"Application,PipelineConfigId,PipelineName,PipelineStatus,TriggerType,CorrelationId"`
	Retention  time.Duration `help:"How long a closed workflow stays readable, at least one hour." default:"72h"`
	Codec      string        `help:"URL of a payload codec endpoint that the UI uses to show payloads."`
	LogLevel   string        `help:"debug, info, warn or error." default:"warn" enum:"debug,info,warn,error"`

	// PostgresPassword comes by the environment only.
	PostgresPassword string `kong:"-"`
}

// Validate is called by kong after parsing.
func (o *options) Validate() error {
	if o.Retention < time.Hour {
		return fmt.Errorf("--retention is %s: at least 1h, so that a finished execution can be archived before it goes", o.Retention)
	}
	if o.Port < 1 || o.Port > 65535 || o.UIPort < 0 || o.UIPort > 65535 {
		return errors.New("--port must be in 1..65535 and --ui-port in 0..65535")
	}
	if o.Postgres != "" {
		if _, err := parsePostgres(o.Postgres, o.PostgresPassword); err != nil {
			return err
		}
	}
	return nil
}

func main() {
	opts := options{PostgresPassword: os.Getenv("PGPASSWORD")}
	kong.Parse(&opts, kong.Name("devserver"), kong.Description("Temporal server and UI over one SQLite file or a PostgreSQL server."))
	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt, syscall.SIGTERM)
	defer stop()
	if err := run(ctx, &opts); err != nil {
		fmt.Fprintf(os.Stderr, "devserver: %v\n", err)
		os.Exit(1)
	}
}

// run serves until ctx ends.
func run(ctx context.Context, opts *options) error {
	srv, err := newServer(ctx, opts)
	if err != nil {
		return err
	}
	if err := srv.Start(); err != nil {
		return fmt.Errorf("start Temporal on %s:%d: %w", opts.IP, opts.Port, err)
	}
	defer func() { _ = srv.Stop() }()

	if err := prepareNamespaces(ctx, opts); err != nil {
		return err
	}
	if opts.UIPort > 0 {
		web := newUI(opts)
		defer web.Stop()
		go func() { _ = web.Start() }()
	}
	data := opts.DB
	if opts.Postgres != "" {
		data = opts.Postgres
	}
	fmt.Printf("devserver: ready, gRPC %s:%d, UI http://%s:%d, data %s\n", opts.IP, opts.Port, opts.IP, opts.UIPort, data)
	<-ctx.Done()
	return nil
}
