package main

import (
	"context"
	"errors"
	"fmt"
	"net"
	"net/url"
	"regexp"
	"strings"
	"time"

	"github.com/jackc/pgx/v5"
	"go.temporal.io/server/common/config"
	"go.temporal.io/server/common/log"
	"go.temporal.io/server/common/persistence/sql/sqlplugin/postgresql"
	"go.temporal.io/server/tools/common/schema"
	sqltool "go.temporal.io/server/tools/sql"
)

const (
	// postgresShards is the number of history shards of a new database; it stays what it was made with. Each shard works
	// off its queues by itself: four keep a small machine busy.
	postgresShards = 4
	// Connections of each of Temporal's four services, to stay below the 97 that PostgreSQL's default of 100 leaves.
	storeConnections, visibilityConnections = 18, 4
	// postgresWithin bounds the making of the databases and their tables.
	postgresWithin = 2 * time.Minute
	// visibilitySuffix makes the name of the database that lists workflows.
	visibilitySuffix = "_visibility"
)

var (
	postgresUser = regexp.MustCompile(`^[A-Za-z0-9_.-]{1,63}$`)
	// postgresName leaves room for suffixes below PostgreSQL's 63 characters.
	postgresName = regexp.MustCompile(`^[a-z_][a-z0-9_]{0,39}$`)
)

// postgres is a PostgreSQL server and the names of the databases in it. The password is never part of the URL, which every
// user of the machine can read among the arguments.
type postgres struct {
	address, user, password, name string
	attributes                    map[string]string
}

// parsePostgres reads the flag.
func parsePostgres(text, password string) (*postgres, error) {
	u, err := url.Parse(text)
	if err != nil || u.Scheme != "postgres" || u.Hostname() == "" {
		return nil, errors.New("--postgres is not of the form postgres://USER@HOST:PORT/DATABASE")
	}
	if _, given := u.User.Password(); given {
		return nil, errors.New("--postgres holds a password, which every user of this machine could read: give it in PGPASSWORD")
	}
	p := &postgres{
		address: u.Host, user: u.User.Username(), password: password, name: strings.TrimPrefix(u.Path, "/"), attributes: map[string]string{},
	}
	if u.Port() == "" {
		p.address = net.JoinHostPort(u.Hostname(), "5432")
	}
	if !postgresUser.MatchString(p.user) {
		return nil, fmt.Errorf("--postgres names the user %q: give one of letters, digits and _.-", p.user)
	}
	if !postgresName.MatchString(p.name) {
		return nil, fmt.Errorf("--postgres names the database %q: give up to 40 small letters, digits and _", p.name)
	}
	for key, values := range u.Query() {
		p.attributes[key] = values[len(values)-1]
	}
	return p, nil
}

// sql describes one of the server's databases.
func (p *postgres) sql(name string, connections int) *config.SQL {
	return &config.SQL{
		PluginName: postgresql.PluginNamePGX, ConnectAddr: p.address, ConnectProtocol: "tcp",
		User: p.user, Password: p.password, DatabaseName: name, ConnectAttributes: p.attributes,
		MaxConns: connections, MaxIdleConns: connections, MaxConnLifetime: time.Hour,
	}
}

// persistence makes the databases that are missing, brings their tables up to this version of Temporal, and describes them.
func (p *postgres) persistence(ctx context.Context, logger log.Logger) (config.Persistence, error) {
	ctx, cancel := context.WithTimeout(ctx, postgresWithin)
	defer cancel()
	for name, tables := range map[string]string{p.name: "postgresql/v12/temporal", p.name + visibilitySuffix: "postgresql/v12/visibility"} {
		if err := p.ensure(ctx, name, tables, logger); err != nil {
			return config.Persistence{}, fmt.Errorf("prepare database %s of the PostgreSQL server at %s: %w", name, p.address, err)
		}
	}
	const store, visibility = "postgres", "postgres-visibility"
	return config.Persistence{
		DefaultStore: store, VisibilityStore: visibility, NumHistoryShards: postgresShards,
		DataStores: map[string]config.DataStore{
			store:      {SQL: p.sql(p.name, storeConnections)},
			visibility: {SQL: p.sql(p.name+visibilitySuffix, visibilityConnections)},
		},
	}, nil
}

// ensure makes one database with its tables, under a temporary name until it is whole, so that a kill half-way leaves none
// with half of them; one that exists gains what a newer version asks for.
func (p *postgres) ensure(ctx context.Context, name, tables string, logger log.Logger) error {
	admin, err := p.connect(ctx)
	if err != nil {
		return err
	}
	defer func() { _ = admin.Close(ctx) }()
	var exists bool
	if err := admin.QueryRow(ctx, "SELECT EXISTS (SELECT FROM pg_database WHERE datname = $1)", name).Scan(&exists); err != nil {
		return err
	}
	if exists {
		return p.migrate(name, tables, logger)
	}
	fresh := name + "_new"
	for _, statement := range []string{"DROP DATABASE IF EXISTS " + fresh, "CREATE DATABASE " + fresh + " ENCODING 'UTF8' TEMPLATE template0"} {
		if _, err := admin.Exec(ctx, statement); err != nil {
			return fmt.Errorf("%s: %w", statement, err)
		}
	}
	if err := p.setUp(fresh, name, tables, logger); err != nil {
		return err
	}
	_, err = admin.Exec(ctx, "ALTER DATABASE "+fresh+" RENAME TO "+name)
	return err
}

// connect opens a connection to the database that every server has, for work on the others.
func (p *postgres) connect(ctx context.Context) (*pgx.Conn, error) {
	query := url.Values{}
	for key, value := range p.attributes {
		query.Set(key, value)
	}
	if query.Get("sslmode") == "" {
		query.Set("sslmode", "disable") // Temporal's own default
	}
	u := url.URL{Scheme: "postgres", User: url.UserPassword(p.user, p.password), Host: p.address, Path: "/postgres", RawQuery: query.Encode()}
	return pgx.Connect(ctx, u.String())
}

// setUp makes the tables of an empty database. Temporal records their version under the database's name, so they are
// recorded under the one that it is about to take.
func (p *postgres) setUp(fresh, name, tables string, logger log.Logger) error {
	connection, err := sqltool.NewConnection(p.sql(fresh, 1), logger)
	if err != nil {
		return err
	}
	defer connection.Close()
	if err := schema.NewSetupSchemaTask(connection, &schema.SetupConfig{InitialVersion: "0.0"}, logger).Run(); err != nil {
		return fmt.Errorf("make the tables of versions: %w", err)
	}
	if err := update(connection, tables, logger); err != nil {
		return err
	}
	return connection.Exec("UPDATE schema_version SET db_name = $1", name)
}

// migrate brings the tables of a database up to date.
func (p *postgres) migrate(name, tables string, logger log.Logger) error {
	connection, err := sqltool.NewConnection(p.sql(name, 1), logger)
	if err != nil {
		return err
	}
	defer connection.Close()
	return update(connection, tables, logger)
}

func update(connection *sqltool.Connection, tables string, logger log.Logger) error {
	if err := schema.NewUpdateSchemaTask(connection, &schema.UpdateConfig{SchemaName: tables}, logger).Run(); err != nil {
		return fmt.Errorf("bring the tables up to date: %w", err)
	}
	return nil
}
