package stack

import (
	"context"
	"fmt"
	"path/filepath"
	"strconv"
)

// DefaultNamespace is the Temporal namespace of the local stack.
const DefaultNamespace = "default"

// Temporal is the Temporal server with its UI. It is ready when its namespaces and search attributes are, which is when
// the UI begins to answer.
func Temporal() Part {
	return Part{
		Name:    "temporal",
		Program: TemporalProgram.Name,
		Title:   "Temporal server and UI",
		Ports:   []string{PortTemporal, PortTemporalUI},
		Args: func(e *Env) ([]string, error) {
			data, err := e.Data("temporal")
			if err != nil {
				return nil, err
			}
			args := []string{
				"--db=" + filepath.Join(data, "temporal.db"),
				"--port=" + strconv.Itoa(e.Ports[PortTemporal]),
				"--ui-port=" + strconv.Itoa(e.Ports[PortTemporalUI]),
				"--namespace=" + e.Namespace,
			}
			if gate := e.Ports[PortGate]; gate != 0 {
				// Browsers ask Gate for what stands compressed in histories, or in the bucket.
				args = append(args, fmt.Sprintf("--codec=http://localhost:%d/codec", gate))
			}
			return args, nil
		},
		Ready: func(ctx context.Context, e *Env) error {
			return answers200(ctx, "http://"+e.Address(PortTemporalUI)+"/healthz", nil)
		},
		URLs: func(e *Env) []URL {
			return []URL{
				{"Temporal UI", fmt.Sprintf("http://localhost:%d", e.Ports[PortTemporalUI])},
				{"Temporal gRPC", e.Address(PortTemporal)},
			}
		},
	}
}

// TemporalOnPostgres is [Temporal] with its state in the part [Postgres], which must run.
func TemporalOnPostgres() Part {
	part := Temporal()
	part.Environ = func(e *Env) ([]string, error) {
		password, err := e.Secret(SecretPostgresPassword)
		return []string{"PGPASSWORD=" + password}, err
	}
	args := part.Args
	part.Args = func(e *Env) ([]string, error) {
		list, err := args(e)
		return append(list, "--postgres="+e.PostgresURL("temporal")), err
	}
	return part
}
