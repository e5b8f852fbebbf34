package main

import (
	"context"
	"fmt"
	"net"
	"strconv"
	"time"

	"go.temporal.io/server/common/authorization"
	"go.temporal.io/server/common/cluster"
	"go.temporal.io/server/common/config"
	"go.temporal.io/server/common/dynamicconfig"
	"go.temporal.io/server/common/log"
	"go.temporal.io/server/common/membership/static"
	"go.temporal.io/server/common/primitives"
	"go.temporal.io/server/temporal"
)

// clusterName is Temporal's conventional name for the only cluster.
const clusterName = "active"

// tuning holds the dynamic configuration that differs from Temporal's defaults.
//
// The queue processors' default of 20 polls a second and shard delays every dispatch by up to 50 ms, which is right for
// thousands of shards and wrong for one: 2000 makes ten sequential activities take 115 ms instead of 550 ms.
// Updates are how people judge, pause and edit an execution, so a long-lived execution may take many.
var tuning = dynamicconfig.StaticClient{
	dynamicconfig.TransferProcessorMaxPollRPS.Key():                  2000,
	dynamicconfig.TimerProcessorMaxPollRPS.Key():                     2000,
	dynamicconfig.VisibilityProcessorMaxPollRPS.Key():                2000,
	dynamicconfig.WorkflowExecutionMaxTotalUpdates.Key():             20000,
	dynamicconfig.WorkflowExecutionMaxInFlightUpdates.Key():          200,
	dynamicconfig.FrontendMaxNamespaceRPSPerInstance.Key():           20000,
	dynamicconfig.FrontendRPS.Key():                                  20000,
	dynamicconfig.FrontendMaxNamespaceVisibilityRPSPerInstance.Key(): 1000,
	dynamicconfig.HistoryPersistenceMaxQPS.Key():                     100000,
	dynamicconfig.FrontendPersistenceMaxQPS.Key():                    100000,
	dynamicconfig.MatchingPersistenceMaxQPS.Key():                    100000,
	dynamicconfig.ForceSearchAttributesCacheRefreshOnRead.Key():      true,
}

// newServer builds a server of all four Temporal services; it makes the database's schema when the database is new.
func newServer(ctx context.Context, opts *options) (temporal.Server, error) {
	logger := log.NewZapLogger(log.BuildZapLogger(log.Config{Stdout: true, Level: opts.LogLevel}))
	persistence, err := opts.persistence(ctx, logger)
	if err != nil {
		return nil, err
	}
	cfg, hosts, err := serverConfig(opts, persistence)
	if err != nil {
		return nil, err
	}
	authorizer, err := authorization.GetAuthorizerFromConfig(&cfg.Global.Authorization)
	if err != nil {
		return nil, fmt.Errorf("build authorizer: %w", err)
	}
	claims, err := authorization.GetClaimMapperFromConfig(&cfg.Global.Authorization, logger)
	if err != nil {
		return nil, fmt.Errorf("build claim mapper: %w", err)
	}
	return temporal.NewServer(
		temporal.WithConfig(cfg),
		temporal.ForServices(temporal.DefaultServices),
		temporal.WithStaticHosts(hosts),
		temporal.WithLogger(logger),
		temporal.WithAuthorizer(authorizer),
		temporal.WithClaimMapper(func(*config.Config) authorization.ClaimMapper { return claims }),
		temporal.WithDynamicConfigClient(tuning),
	)
}

// persistence opens the database that the options name, making its schema when it is new.
func (o *options) persistence(ctx context.Context, logger log.Logger) (config.Persistence, error) {
	if o.Postgres == "" {
		return sqlitePersistence(o.DB)
	}
	p, err := parsePostgres(o.Postgres, o.PostgresPassword)
	if err != nil {
		return config.Persistence{}, err
	}
	return p.persistence(ctx, logger)
}

// serverConfig writes the static configuration. Membership is a fixed list of this process's own addresses: the ring
// protocol would first try to reach the addresses of a killed predecessor.
func serverConfig(opts *options, persistence config.Persistence) (*config.Config, map[primitives.ServiceName]static.Hosts, error) {
	names := []primitives.ServiceName{
		primitives.FrontendService, primitives.HistoryService, primitives.MatchingService, primitives.WorkerService,
	}
	services := make(map[string]config.Service, len(names))
	hosts := make(map[primitives.ServiceName]static.Hosts, len(names))
	ports, err := freePorts(len(names) - 1)
	if err != nil {
		return nil, nil, err
	}
	for i, name := range names {
		rpc := config.RPC{BindOnIP: "127.0.0.1"}
		if name == primitives.FrontendService {
			rpc.GRPCPort, rpc.BindOnIP = opts.Port, opts.IP
		} else {
			rpc.GRPCPort = ports[i-1]
		}
		services[string(name)] = config.Service{RPC: rpc}
		hosts[name] = static.SingleLocalHost(net.JoinHostPort("127.0.0.1", strconv.Itoa(rpc.GRPCPort)))
	}
	frontend := net.JoinHostPort("127.0.0.1", strconv.Itoa(opts.Port))
	return &config.Config{
		Global: config.Global{
			Membership: config.Membership{MaxJoinDuration: 30 * time.Second, BroadcastAddress: "127.0.0.1"},
		},
		Persistence: persistence,
		ClusterMetadata: &cluster.Config{
			FailoverVersionIncrement: 10,
			MasterClusterName:        clusterName,
			CurrentClusterName:       clusterName,
			ClusterInformation: map[string]cluster.ClusterInformation{
				clusterName: {Enabled: true, InitialFailoverVersion: 1, RPCAddress: frontend},
			},
		},
		DCRedirectionPolicy: config.DCRedirectionPolicy{Policy: "noop"},
		Services:            services,
		Archival: config.Archival{
			History:    config.HistoryArchival{State: "disabled"},
			Visibility: config.VisibilityArchival{State: "disabled"},
		},
		PublicClient: config.PublicClient{HostPort: frontend},
		NamespaceDefaults: config.NamespaceDefaults{
			Archival: config.ArchivalNamespaceDefaults{
				History:    config.HistoryArchivalNamespaceDefaults{State: "disabled"},
				Visibility: config.VisibilityArchivalNamespaceDefaults{State: "disabled"},
			},
		},
	}, hosts, nil
}

// freePorts asks the kernel for n ports nobody listens on, all held open until the last is known so that they differ.
func freePorts(n int) ([]int, error) {
	ports := make([]int, 0, n)
	for range n {
		l, err := net.Listen("tcp", "127.0.0.1:0")
		if err != nil {
			return nil, fmt.Errorf("find a free port: %w", err)
		}
		defer func() { _ = l.Close() }()
		ports = append(ports, l.Addr().(*net.TCPAddr).Port)
	}
	return ports, nil
}
