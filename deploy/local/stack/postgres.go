package stack

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"os/exec"
	"path/filepath"
	"strconv"
	"syscall"
	"time"
)

// SecretPostgresPassword names the password of PostgreSQL's user.
const SecretPostgresPassword = "postgres-password"

const (
	// postgresUser is the database server's own superuser, postgresAccount the machine's account that it runs as when
	// this program is run by root, which PostgreSQL refuses; Debian's package makes it.
	postgresUser    = "temporal"
	postgresAccount = "postgres"
	// initWithin bounds the making of an empty database server.
	initWithin = time.Minute
)

// Postgres is a PostgreSQL server for Temporal. The local stack uses SQLite; tests and measurements that want what a
// team runs use this part. It waits for the disk as it does by default.
func Postgres() Part {
	return Part{
		Name:    "postgres",
		Program: PostgresProgram.Name,
		Title:   "PostgreSQL",
		Ports:   []string{PortPostgres},
		Account: postgresAccount,
		// With SIGTERM it would wait for its clients to hang up.
		Interrupt: syscall.SIGINT,
		Prepare:   func(e *Env) error { return e.initPostgres() },
		Args: func(e *Env) ([]string, error) {
			cluster, err := e.postgresCluster()
			return []string{"-D", cluster, "-p", strconv.Itoa(e.Ports[PortPostgres]),
				"-c", "listen_addresses=127.0.0.1", "-c", "unix_socket_directories="}, err
		},
		Ready: func(ctx context.Context, e *Env) error {
			return exec.CommandContext(ctx, e.postgresTool("pg_isready"), "-q", "-h", "127.0.0.1", "-p", strconv.Itoa(e.Ports[PortPostgres])).Run()
		},
		URLs: func(e *Env) []URL { return []URL{{"PostgreSQL", e.Address(PortPostgres)}} },
	}
}

// PostgresURL returns the address of a database of the part Postgres, without the password.
func (e *Env) PostgresURL(database string) string {
	return "postgres://" + postgresUser + "@" + e.Address(PortPostgres) + "/" + database
}

// postgresTool returns the path of a program that lies beside the server.
func (e *Env) postgresTool(name string) string {
	server := e.Bin[PostgresProgram.Name]
	if real, err := filepath.EvalSymlinks(server); err == nil {
		server = real
	}
	return filepath.Join(filepath.Dir(server), name)
}

// postgresCluster returns the folder of the server's data.
func (e *Env) postgresCluster() (string, error) {
	data, err := e.Data(Postgres().Name)
	return filepath.Join(data, "cluster"), err
}

// initPostgres makes an empty database server under a temporary name, so that a kill half-way leaves none with half of
// its files. One that exists is kept.
func (e *Env) initPostgres() error {
	data, err := e.Data(Postgres().Name)
	if err != nil {
		return err
	}
	cluster, err := e.postgresCluster()
	if err != nil {
		return err
	}
	if _, err := os.Stat(cluster); err == nil || !errors.Is(err, fs.ErrNotExist) {
		return err
	}
	password, err := e.Secret(SecretPostgresPassword)
	if err != nil {
		return err
	}
	fresh, passwordFile := cluster+".new", filepath.Join(data, "password")
	if err := os.RemoveAll(fresh); err != nil {
		return fmt.Errorf("remove the rest of an interrupted start: %w", err)
	}
	if err := writeFile(passwordFile, []byte(password)); err != nil {
		return err
	}
	defer func() { _ = os.Remove(passwordFile) }()
	credential, err := accountCredential(postgresAccount)
	if err != nil {
		return err
	}
	if credential != nil {
		if err := os.Chown(passwordFile, int(credential.Uid), int(credential.Gid)); err != nil {
			return err
		}
	}
	ctx, cancel := context.WithTimeout(context.Background(), initWithin)
	defer cancel()
	cmd := exec.CommandContext(ctx, e.postgresTool("initdb"), "-D", fresh, "--username="+postgresUser, "--pwfile="+passwordFile,
		"--auth=scram-sha-256", "--encoding=UTF8", "--locale=C", "--no-instructions")
	cmd.Dir = data
	var out bytes.Buffer
	cmd.Stdout, cmd.Stderr = &out, &out
	cmd.SysProcAttr = &syscall.SysProcAttr{Credential: credential}
	if err := startChild(cmd); err != nil {
		return fmt.Errorf("start %s: %w", cmd.Path, err)
	}
	if err := cmd.Wait(); err != nil {
		return fmt.Errorf("%s: %w\n%s", cmd, err, out.Bytes())
	}
	return os.Rename(fresh, cluster)
}
