package stack

import (
	"context"
	"strconv"
)

// Redis is a Redis server that keeps nothing on disk, as Gennaker asks of it. The local stack uses the Redis embedded in
// the product; tests and people who want to see the real one run this part.
func Redis() Part {
	return Part{
		Name:    "redis",
		Program: RedisProgram.Name,
		Title:   "Redis",
		Ports:   []string{PortRedis},
		Args: func(e *Env) ([]string, error) {
			return []string{"--port", strconv.Itoa(e.Ports[PortRedis]), "--bind", "127.0.0.1",
				"--save", "", "--appendonly", "no", "--daemonize", "no"}, nil
		},
		Ready: func(ctx context.Context, e *Env) error { return answersPing(ctx, e.Address(PortRedis)) },
		URLs:  func(e *Env) []URL { return []URL{{"Redis", e.Address(PortRedis)}} },
	}
}
