package testkit

import (
	"testing"

	"github.com/gennaker/gennaker/deploy/local/stack"
)

// TemporalServer is a Temporal server over a SQLite file, with its namespace and search attributes made.
type TemporalServer struct {
	*Server
	// Address is the gRPC frontend, host:port.
	Address string
	// Namespace is where the search attributes are.
	Namespace string
	// UI is the base URL of the web UI.
	UI string
}

// Temporal starts a server for t alone: it may be killed and restarted.
func Temporal(t testing.TB) *TemporalServer {
	t.Helper()
	return temporal(own(t, stack.TemporalProgram, stack.Temporal()))
}

// SharedTemporal returns the server that all tests of this process share. Its users name their workflows and task queues
// apart and leave it running.
func SharedTemporal(t testing.TB) *TemporalServer {
	t.Helper()
	return sharedTemporal.Get(t, func(t testing.TB) *TemporalServer {
		part := stack.Temporal()
		return temporal(Start(t, stack.TemporalProgram, part, NewEnv(t, SharedDir(t), part.Ports...)))
	})
}

var sharedTemporal Shared[*TemporalServer]

func temporal(s *Server) *TemporalServer {
	return &TemporalServer{
		Server:    s,
		Address:   s.env.Address(stack.PortTemporal),
		Namespace: s.env.Namespace,
		UI:        "http://" + s.env.Address(stack.PortTemporalUI),
	}
}
