package workers

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"sync"
	"time"

	"github.com/prometheus/client_golang/prometheus"
	"go.temporal.io/api/workflowservice/v1"
	"go.temporal.io/sdk/client"
	"go.temporal.io/sdk/worker"

	"github.com/gennaker/gennaker/activities/artifacts"
	"github.com/gennaker/gennaker/activities/clouddriver"
	"github.com/gennaker/gennaker/activities/clouddriver/reads"
	"github.com/gennaker/gennaker/activities/directory"
	"github.com/gennaker/gennaker/activities/rosco"
	"github.com/gennaker/gennaker/activities/webhook"
	"github.com/gennaker/gennaker/clusters"
	"github.com/gennaker/gennaker/executions"
	"github.com/gennaker/gennaker/fiat"
	"github.com/gennaker/gennaker/front50"
	"github.com/gennaker/gennaker/internal/outbound"
	"github.com/gennaker/gennaker/internal/payload"
	"github.com/gennaker/gennaker/internal/sandbox"
)

// Dependencies are what the rooms are built from.
type Dependencies struct {
	Temporal client.Client
	Front50  front50.Store
	// Permissions decides what executions may do on behalf of their users; the orca
	// role's.
	Permissions *fiat.Authorizer
	// Model and Archive take executions; both are needed by the orca role.
	Model   executions.ReadModel
	Archive executions.Archive
	// Executions reads them, for stages that look at others.
	Executions *executions.Service
	Accounts   *clouddriver.Accounts
	// Clusters takes what is watched of accounts, by the rules of Reads; both are
	// the clouddriver role's. Without it, as in an agent, questions are answered and
	// nothing is mirrored.
	Clusters clusters.MirrorWriter
	Reads    reads.Config
	// Directory knows all accounts, those that other workers announce included.
	Directory *directory.Directory
	// Identity is the process's name at Temporal, Version its program's.
	Identity, Version string
	// ConfigFault tells what is wrong with the configuration file as it is now; nil
	// function or error is nothing.
	ConfigFault func() error
	// Outbound calls the URLs that pipelines name, Webhook is what an operator sets
	// about webhooks; both are needed by the orca role.
	Outbound *outbound.Client
	Webhook  webhook.Config
	// Artifacts fetches them, Sandbox renders templates, Rosco is what an operator
	// sets about bakes; all are needed by the rosco role.
	Artifacts *artifacts.Artifacts
	Sandbox   *sandbox.Runner
	Rosco     rosco.Config
	// Metrics takes what the worker counts; nil counts nothing.
	Metrics prometheus.Registerer
	Logger  *slog.Logger
}

// Worker is a process's share of the work: one Temporal worker a task queue.
type Worker struct {
	config    Config
	deps      Dependencies
	publisher *executions.Publisher
	queues    []queue
	// beside runs as long as the worker does.
	beside []func(context.Context)
	fleet  *fleet       // nil without the role clouddriver
	reads  *reads.Reads // nil where questions about clusters are not answered
	// failed takes the errors after which a worker polls no more.
	failed chan error
}

// reachTimeout bounds how long a Temporal may take to give a sign of life.
const reachTimeout = 5 * time.Second

// queue is one task queue. Make makes a worker for it: Temporal's library keeps the
// outcome of a worker's start for good, so that one which could not be started is
// replaced.
type queue struct {
	name string
	make func() worker.Worker
}

// New builds the workers of the configured roles. It fails when the
// configuration names roles or accounts that do not exist. Nothing is polled
// before [Worker.Run].
func New(c Config, d Dependencies) (*Worker, error) {
	if err := c.Validate(); err != nil {
		return nil, err
	}
	// The cache is one for the process; workers share it.
	worker.SetStickyWorkflowCacheSize(c.CachedWorkflows)
	w := &Worker{config: c, deps: d, failed: make(chan error, 1)}
	if c.has(RoleOrca) {
		if err := w.addOrca(); err != nil {
			return nil, err
		}
	}
	if c.has(RoleClouddriver) {
		if err := w.addClouddriver(); err != nil {
			return nil, err
		}
		w.addReads()
	}
	if c.has(RoleRosco) {
		if err := w.addRosco(); err != nil {
			return nil, err
		}
	}
	return w, nil
}

// Run polls the task queues until ctx ends or a worker fails, then lets running
// work end and gives the rest back. A Temporal that does not answer at first is
// waited for.
func (w *Worker) Run(ctx context.Context) error {
	defer w.close(context.WithoutCancel(ctx))
	var beside sync.WaitGroup
	defer beside.Wait()
	within, cancel := context.WithCancel(ctx)
	defer cancel()
	for _, run := range w.beside {
		beside.Go(func() { run(within) })
	}
	var started []worker.Worker
	defer func() { stop(started) }()
	for _, q := range w.queues {
		served, err := w.start(ctx, q)
		if err != nil {
			return err
		}
		started = append(started, served)
	}
	if w.fleet != nil {
		accounts, end := context.WithCancel(ctx)
		var over sync.WaitGroup
		over.Go(func() { w.fleet.run(accounts) })
		defer over.Wait()
		defer end()
	}
	w.deps.Logger.Info("workers are polling", "queues", len(started))
	select {
	case <-ctx.Done():
		return nil
	case err := <-w.failed:
		return fmt.Errorf("a worker failed for good: %w", err)
	}
}

// start starts one worker, trying again while Temporal does not answer.
func (w *Worker) start(ctx context.Context, q queue) (worker.Worker, error) {
	const between = time.Second
	for waited := time.Duration(0); ; waited += between {
		err := w.reach(ctx)
		if err == nil {
			served := q.make()
			if err = served.Start(); err == nil {
				return served, nil
			}
			served.Stop()
		}
		if waited%(10*between) == 0 {
			w.deps.Logger.Warn("the task queue cannot be polled yet", "queue", q.name, "error", err)
		}
		select {
		case <-ctx.Done():
			return nil, fmt.Errorf("poll task queue %s: %w", q.name, errors.Join(err, ctx.Err()))
		case <-time.After(between):
		}
	}
}

// reach asks Temporal for a sign of life.
func (w *Worker) reach(ctx context.Context) error {
	ctx, cancel := context.WithTimeout(ctx, reachTimeout)
	defer cancel()
	_, err := w.deps.Temporal.WorkflowService().GetSystemInfo(ctx, &workflowservice.GetSystemInfoRequest{})
	return err
}

// stop stops workers at the same time, each within its stop timeout.
func stop(started []worker.Worker) {
	var wg sync.WaitGroup
	for _, served := range started {
		wg.Go(served.Stop)
	}
	wg.Wait()
}

func (w *Worker) close(ctx context.Context) {
	if w.publisher == nil {
		return
	}
	ctx, cancel := context.WithTimeout(ctx, 2*time.Second)
	defer cancel()
	if err := w.publisher.Close(ctx); err != nil {
		w.deps.Logger.Warn("the last states were not published; readers repair them from the workflows", "error", err)
	}
}

// options are those of every worker.
func (w *Worker) options() worker.Options {
	o := worker.Options{
		MaxConcurrentActivityExecutionSize:     w.config.MaxActivities,
		MaxConcurrentWorkflowTaskExecutionSize: w.config.MaxWorkflowTasks,
		MaxConcurrentActivityTaskPollers:       8,
		MaxConcurrentWorkflowTaskPollers:       8,
		WorkerStopTimeout:                      w.config.StopTimeout,
		// An activity learns of its cancellation from the answer to a heartbeat.
		MaxHeartbeatThrottleInterval:     time.Second,
		DefaultHeartbeatThrottleInterval: time.Second,
		OnFatalError: func(err error) {
			select {
			case w.failed <- err:
			default: // the first one ends the process
			}
		},
	}
	if w.config.Deployment != "" {
		o.DeploymentOptions = worker.DeploymentOptions{
			UseVersioning: true,
			Version:       worker.WorkerDeploymentVersion{DeploymentName: w.config.Deployment, BuildID: w.config.BuildID},
		}
	}
	return payload.Worker(o)
}
