package testkit

import (
	"os"
	"testing"

	"github.com/gennaker/gennaker/deploy/local/stack"
)

// Postgres starts an empty PostgreSQL server for t alone: it may be stopped and restarted.
func Postgres(t testing.TB) *Server {
	t.Helper()
	// The server may run as another account, which reaches no folder inside the test's own.
	dir := SharedDir(t)
	part := stack.Postgres()
	s := Start(t, stack.PostgresProgram, part, NewEnv(t, dir, part.Ports...))
	t.Cleanup(func() {
		s.Stop()
		if t.Failed() {
			t.Log(stack.LogTail(s.Log()))
		}
		_ = os.RemoveAll(dir) // a left-over in the temporary folder harms nobody
	})
	return s
}

// TemporalOnPostgres starts a Temporal server for t alone, with its state in a PostgreSQL server that is t's alone too.
func TemporalOnPostgres(t testing.TB) (*TemporalServer, *Server) {
	t.Helper()
	database := Postgres(t)
	part := stack.TemporalOnPostgres()
	env := NewEnv(t, database.env.Dir, part.Ports...)
	env.Ports[stack.PortPostgres] = database.env.Ports[stack.PortPostgres]
	s := Start(t, stack.TemporalProgram, part, env)
	t.Cleanup(func() {
		s.Kill()
		if t.Failed() {
			t.Log(stack.LogTail(s.Log()))
		}
	})
	return temporal(s), database
}
