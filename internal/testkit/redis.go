package testkit

import (
	"testing"

	"github.com/gennaker/gennaker/deploy/local/stack"
)

// RedisServer is a Redis server that keeps nothing on disk: after a restart it is empty.
type RedisServer struct {
	*Server
	// Address is host:port.
	Address string
}

// Redis starts a server for t alone: it may be killed and restarted.
func Redis(t testing.TB) *RedisServer {
	t.Helper()
	s := own(t, stack.RedisProgram, stack.Redis())
	return &RedisServer{Server: s, Address: s.env.Address(stack.PortRedis)}
}
