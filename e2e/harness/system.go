// Package harness runs the whole of Gennaker for tests and measurements: the
// real Temporal, MinIO, Redis and Kubernetes, and the product as processes of
// its own, each of which may be killed and started again.
//
// Everything listens on free ports of 127.0.0.1, keeps its state in one folder
// and dies with the process that started it, however that ends.
//
// The cluster is the system's own even where a run of tests shares one
// (GENNAKER_TEST_KUBECONFIG): tests kill its API server and read its audit log,
// and neither is possible with a cluster that others use.
package harness

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"os"
	"slices"
	"strings"

	"go.temporal.io/sdk/client"
	"golang.org/x/sync/errgroup"

	"github.com/gennaker/gennaker/deploy/local/stack"
	"github.com/gennaker/gennaker/internal/objectstore"
	"github.com/gennaker/gennaker/internal/payload"
)

// Options choose what a system consists of.
type Options struct {
	// Dir takes all state. It is not removed.
	Dir string
	// Workers is how many worker processes run, each with all roles; 0 is one.
	Workers int
	// AllInOne runs `gennaker server` in place of Front50, Gate and workers.
	AllInOne bool
	// OneAccount leaves [HeldAccount] out, which is of the same cluster.
	OneAccount bool
	// Postgres keeps Temporal's state in a PostgreSQL server instead of SQLite.
	Postgres bool
	// AuditReads lets the API server record the requests that only read, so that
	// [Cluster.Requests] counts them.
	AuditReads bool
}

// System is a running installation.
type System struct {
	// Gate speaks to the system as its users do.
	Gate *Gate
	// Cluster looks at the cluster behind the product's back.
	Cluster *Cluster
	// Temporal is a client of the Temporal service.
	Temporal client.Client

	// The processes. Product lists those of the product, workers last. Postgres is
	// nil when Temporal keeps its state in SQLite.
	TemporalServer, MinIO, Redis, APIServer *Server
	Postgres                                *Server
	Front50, GateServer, All                *Server
	Workers                                 []*Server

	env     *stack.Env
	servers []*Server
}

// Start starts a system and waits until it answers.
func Start(ctx context.Context, o Options) (*System, error) {
	s, err := start(ctx, o)
	if err != nil {
		s.Close()
		return nil, err
	}
	return s, nil
}

func start(ctx context.Context, o Options) (*System, error) {
	s := &System{}
	working, err := os.Getwd()
	if err != nil {
		return s, err
	}
	root, err := stack.FindRoot(working)
	if err != nil {
		return s, err
	}
	s.env = &stack.Env{Root: root, Dir: o.Dir, Bin: map[string]string{}, Namespace: stack.DefaultNamespace, Test: true}
	ports := append(stack.KubernetesPorts(), stack.PortTemporal, stack.PortTemporalUI, stack.PortMinIO, stack.PortMinIOConsole,
		stack.PortRedis, stack.PortFront50, stack.PortGate, stack.PortDeck, stack.PortPostgres)
	if s.env.Ports, err = stack.FreePorts(ports...); err != nil {
		return s, err
	}
	programs := []stack.Program{stack.TemporalProgram, stack.MinIOProgram, stack.KubernetesProgram, stack.RedisProgram}
	if o.Postgres {
		programs = append(programs, stack.PostgresProgram)
	}
	for _, p := range programs {
		if s.env.Bin[p.Name], err = p.Built(root); err != nil {
			return s, err
		}
	}
	if err := configure(s.env, o); err != nil {
		return s, err
	}
	if o.Postgres {
		s.Postgres, s.TemporalServer = s.server(stack.Postgres()), s.server(stack.TemporalOnPostgres())
	} else {
		s.TemporalServer = s.server(stack.Temporal())
	}
	if err := s.startServers(ctx, o); err != nil {
		return s, err
	}
	return s, s.startProduct(ctx, o)
}

// startServers starts what the product needs and builds the product meanwhile.
func (s *System) startServers(ctx context.Context, o Options) error {
	s.MinIO, s.Redis = s.server(stack.MinIO()), s.server(stack.Redis())
	var cluster []*Server
	for _, part := range stack.Kubernetes() {
		if part.Name == "kube-apiserver" {
			part = audited(part, o.AuditReads)
		}
		server := s.server(part)
		cluster = append(cluster, server)
		if part.Name == "kube-apiserver" {
			s.APIServer = server
		}
	}
	group, inner := errgroup.WithContext(ctx)
	for _, one := range []*Server{s.MinIO, s.Redis} {
		group.Go(func() error { return one.Start(inner) })
	}
	group.Go(func() error {
		if s.Postgres != nil {
			if err := s.Postgres.Start(inner); err != nil {
				return err
			}
		}
		return s.TemporalServer.Start(inner)
	})
	group.Go(func() error {
		for _, part := range cluster {
			if err := part.Start(inner); err != nil {
				return err
			}
		}
		return nil
	})
	group.Go(func() error {
		path, err := build(inner, s.env.Root, s.env.Dir)
		s.env.Bin[product] = path
		return err
	})
	if err := group.Wait(); err != nil {
		return err
	}
	var err error
	if s.Cluster, err = newCluster(s.env); err != nil {
		return err
	}
	s.Temporal, err = s.dial(ctx)
	return err
}

// ObjectStore is the bucket of the system, as the product is told of it.
func (s *System) ObjectStore() (objectstore.Config, error) {
	user, err := s.env.SecretFile(stack.SecretMinIOUser)
	if err != nil {
		return objectstore.Config{}, err
	}
	password, err := s.env.SecretFile(stack.SecretMinIOPassword)
	return objectstore.Config{
		Endpoint: s.env.Address(stack.PortMinIO), Bucket: stack.Bucket, AccessKey: "file:" + user, SecretKey: "file:" + password,
	}, err
}

// dial connects to Temporal as the product does, so that it reads what the
// product wrote.
func (s *System) dial(ctx context.Context) (client.Client, error) {
	config, err := s.ObjectStore()
	if err != nil {
		return nil, err
	}
	bucket, err := objectstore.Client(ctx, config)
	if err != nil {
		return nil, err
	}
	payloads, err := payload.Open(ctx, payload.DefaultConfig(),
		payload.Where{Bucket: bucket, Name: stack.Bucket, Namespace: s.env.Namespace}, slog.New(slog.DiscardHandler))
	if err != nil {
		return nil, err
	}
	options := client.Options{HostPort: s.env.Address(stack.PortTemporal), Namespace: s.env.Namespace, Logger: silent{}}
	payloads.Apply(&options)
	return client.Dial(options)
}

func (s *System) startProduct(ctx context.Context, o Options) error {
	s.Gate = newGate("http://" + s.env.Address(stack.PortGate))
	if o.AllInOne {
		s.All = s.server(everything())
		return s.All.Start(ctx)
	}
	s.Front50, s.GateServer = s.server(front50()), s.server(gate())
	for n := range max(o.Workers, 1) {
		s.Workers = append(s.Workers, s.server(worker(n+1)))
	}
	if err := s.Front50.Start(ctx); err != nil {
		return err
	}
	group, inner := errgroup.WithContext(ctx)
	for _, one := range append(slices.Clone(s.Workers), s.GateServer) {
		group.Go(func() error { return one.Start(inner) })
	}
	return group.Wait()
}

func (s *System) server(part stack.Part) *Server {
	one := &Server{part: part, env: s.env}
	s.servers = append(s.servers, one)
	return one
}

// Root is the checkout's folder.
func (s *System) Root() string { return s.env.Root }

// Binary returns the path of the product's binary.
func (s *System) Binary() string { return s.env.Bin[product] }

// DeckURL returns the address of the web UI.
func (s *System) DeckURL() string { return "http://" + s.env.Address(stack.PortDeck) }

// Died names every process that ended by itself.
func (s *System) Died() error {
	var faults []error
	for _, one := range s.servers {
		if err := one.Died(); err != nil {
			faults = append(faults, fmt.Errorf("%s ended: %w", one.Name(), err))
		}
	}
	return errors.Join(faults...)
}

// Logs returns the end of the logs of the product's processes, and of those
// that died.
func (s *System) Logs() string {
	var text strings.Builder
	for _, one := range s.servers {
		if one.part.Program == product || one.Died() != nil {
			text.WriteString(stack.LogTail(one.Log()))
		}
	}
	return text.String()
}

// Close kills every process, the last started first. PostgreSQL is asked to end,
// so that the processes that it started end too.
func (s *System) Close() {
	if s.Temporal != nil {
		s.Temporal.Close()
	}
	if s.Cluster != nil {
		s.Cluster.close()
	}
	for _, one := range slices.Backward(s.servers) {
		if one == s.Postgres {
			one.Stop()
		}
		one.Kill()
	}
}

// silent discards what the Temporal client logs: tests kill its server.
type silent struct{}

func (silent) Debug(string, ...any) {}
func (silent) Info(string, ...any)  {}
func (silent) Warn(string, ...any)  {}
func (silent) Error(string, ...any) {}
