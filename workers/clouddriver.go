package workers

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"slices"
	"sync"
	"time"

	"go.temporal.io/sdk/worker"

	"github.com/gennaker/gennaker/activities"
	"github.com/gennaker/gennaker/activities/clouddriver"
	"github.com/gennaker/gennaker/pipeline"
)

// accountPollers is how many calls wait for work on an account's task queue: one
// a minute each while the account is idle.
const accountPollers = 2

// fleet serves one task queue for each account, so that a worker inside a
// private cluster can serve that cluster alone. Accounts come and go while it
// runs. Before it polls a queue, and every few minutes, it announces the account,
// and it serves no account that stands for another cluster elsewhere.
type fleet struct {
	w        *Worker
	room     *clouddriver.Clouddriver
	accounts *clouddriver.Accounts
	log      *slog.Logger

	mu     sync.Mutex
	served map[string]*served
	over   sync.WaitGroup
}

// errWorkerStops is why running activities are cut off when the process stops.
var errWorkerStops = errors.New("the worker stops")

// addClouddriver prepares the service of accounts. It fails when one that is to
// be served is not configured.
func (w *Worker) addClouddriver() error {
	known := w.deps.Accounts.Names()
	for _, name := range w.config.Accounts {
		if !slices.Contains(known, name) {
			return fmt.Errorf("worker configuration: the account %q is to be served and is not configured: known accounts are %v", name, known)
		}
	}
	w.fleet = &fleet{
		w: w, accounts: w.deps.Accounts, log: w.deps.Logger, served: map[string]*served{},
		room: clouddriver.New(w.deps.Accounts, w.deps.Logger).WithSettings(w.deps.Accounts.Settings().ForDeployments()),
	}
	w.deps.Accounts.SetClaim(w.fleet.claim)
	return nil
}

// run serves accounts until ctx ends, and returns when their activities have
// ended or were given back.
func (f *fleet) run(ctx context.Context) {
	for {
		changed := f.accounts.Changed()
		f.reconcile(ctx)
		select {
		case <-ctx.Done():
			f.over.Wait()
			return
		case <-changed:
		}
	}
}

// reconcile starts to serve accounts that are new and stops for those that are
// gone.
func (f *fleet) reconcile(ctx context.Context) {
	wanted := f.w.served()
	f.mu.Lock()
	defer f.mu.Unlock()
	for name, s := range f.served {
		if !slices.Contains(wanted, name) {
			delete(f.served, name)
			s.remove()
		}
	}
	for _, name := range wanted {
		revision := f.accounts.Revision(name)
		if s, serving := f.served[name]; serving {
			s.revise(revision)
			continue
		}
		s := &served{fleet: f, name: name, revision: revision, nudge: make(chan struct{}, 1)}
		var within context.Context
		within, s.remove = context.WithCancel(ctx)
		f.served[name] = s
		f.over.Go(func() { s.run(ctx, within) })
	}
}

// claim implements clouddriver.Claim.
func (f *fleet) claim(ctx context.Context, account, cluster string) error {
	f.mu.Lock()
	s, serving := f.served[account]
	f.mu.Unlock()
	if !serving {
		return pipeline.Errorf(pipeline.CodeUnavailable, "This worker serves account %q no more; another one takes the call.", account)
	}
	return s.claim(ctx, cluster)
}

// served is one account's service.
type served struct {
	fleet  *fleet
	name   string
	remove context.CancelFunc // the account is gone from the configuration
	nudge  chan struct{}      // asks for a look before it is due

	mu       sync.Mutex
	revision any
	accepted bool
	cluster  string // that the account was accepted for
	last     clouddriver.Checkup
	refusal  string // the last one, which is logged once
	failures int
	queue    *accountQueue
}

// accountQueue is the Temporal worker of an account's task queue, with those that
// make plans and that answer questions about its cluster.
type accountQueue struct {
	worker.Worker
	beside []worker.Worker
	cut    context.CancelCauseFunc
}

// Stop stops all.
func (q *accountQueue) Stop() {
	var all sync.WaitGroup
	for _, w := range q.beside {
		all.Go(w.Stop)
	}
	q.Worker.Stop()
	all.Wait()
}

// revise notes another configuration of the account.
func (s *served) revise(revision any) {
	s.mu.Lock()
	changed := s.revision != revision
	s.revision = revision
	s.mu.Unlock()
	if changed {
		s.wake()
	}
}

func (s *served) wake() {
	select {
	case s.nudge <- struct{}{}:
	default: // somebody has asked already
	}
}

// run looks at the account again and again until within ends: because the
// account was removed, or with process because the worker stops.
func (s *served) run(process, within context.Context) {
	for {
		wait := time.NewTimer(s.look(within))
		select {
		case <-wait.C:
		case <-s.nudge:
		case <-within.Done():
			wait.Stop()
			s.end(process)
			return
		}
		wait.Stop()
	}
}

// end stops the service. Activities of an account that was removed get the drain
// timeout to end; those of a process that stops get its stop timeout.
func (s *served) end(process context.Context) {
	removed := process.Err() == nil
	limit := s.fleet.w.config.StopTimeout
	if removed {
		limit = s.fleet.w.config.DrainTimeout
		s.fleet.log.Info("the account is not served any more", "account", s.name)
	}
	s.mu.Lock()
	queue := s.queue
	s.queue, s.accepted = nil, false
	s.mu.Unlock()
	var stopping sync.WaitGroup
	stopping.Go(func() { s.withdraw(context.WithoutCancel(process), removed) })
	if queue != nil {
		stopping.Go(func() { queue.end(process, limit, s.fleet.w.config.StopTimeout) })
	}
	stopping.Wait()
}

// end stops polling at once, and cuts off what runs when the limit is over, or
// the stop timeout after the process was told to stop.
func (q *accountQueue) end(process context.Context, limit, stopTimeout time.Duration) {
	done := make(chan struct{})
	go func() {
		defer close(done)
		q.Stop()
	}()
	drained := time.NewTimer(limit)
	defer drained.Stop()
	select {
	case <-done:
		q.cut(errWorkerStops)
		return
	case <-drained.C:
	case <-process.Done():
		stop := time.NewTimer(min(stopTimeout, limit))
		defer stop.Stop()
		select {
		case <-done:
		case <-stop.C:
		}
	}
	q.cut(errWorkerStops)
	// What was cut off gives its calls back. A Temporal that does not answer is not
	// waited for.
	const reporting = 3 * time.Second
	last := time.NewTimer(reporting)
	defer last.Stop()
	select {
	case <-done:
	case <-last.C:
	}
}

func (s *served) withdraw(ctx context.Context, removed bool) {
	err := s.fleet.w.deps.Directory.Withdraw(ctx, s.name, activities.Withdrawal{Worker: s.fleet.w.deps.Identity, Removed: removed})
	if err != nil {
		s.fleet.log.Warn("the account could not be withdrawn: its record names this worker until its lease is over", "account", s.name, "error", err)
	}
}

// look looks at the cluster, announces the account, and polls its queue or not.
// It returns the time until it is due again.
func (s *served) look(ctx context.Context) time.Duration {
	checkup, err := s.fleet.accounts.Check(ctx, s.name)
	if err != nil || ctx.Err() != nil {
		return time.Minute // the account was just removed
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	s.last = checkup
	if checkup.Cluster == "" {
		checkup.Cluster = s.cluster // it does not answer now
	}
	verdict, err := s.announce(ctx, checkup)
	switch {
	case err != nil:
		return s.later(ctx, err)
	case !verdict.Accepted:
		// The other one may go away.
		return min(s.fleet.w.config.AnnounceInterval, 30*time.Second)
	}
	return s.fleet.w.config.AnnounceInterval
}

// later is when to announce again after Temporal did not answer.
func (s *served) later(ctx context.Context, err error) time.Duration {
	if s.failures++; s.failures == 1 && ctx.Err() == nil {
		s.fleet.log.Warn("the account cannot be announced yet; it is tried again", "account", s.name, "error", err)
	}
	return min(time.Second<<min(s.failures-1, 5), 30*time.Second)
}

// announce is called with the lock held.
func (s *served) announce(ctx context.Context, checkup clouddriver.Checkup) (activities.Verdict, error) {
	f := s.fleet
	if f.w.deps.ConfigFault != nil {
		if fault := f.w.deps.ConfigFault(); fault != nil {
			checkup.Health.Configuration = fault.Error()
		}
	}
	verdict, err := f.w.deps.Directory.Announce(ctx, activities.Announcement{
		Account: s.name, Worker: f.w.deps.Identity, Version: f.w.deps.Version, Cluster: checkup.Cluster,
		LeaseSeconds: int((2*f.w.config.AnnounceInterval + time.Minute).Seconds()),
		About:        checkup.About, Health: checkup.Health,
	})
	if err != nil {
		return verdict, err
	}
	s.failures = 0
	s.accepted = verdict.Accepted
	if !verdict.Accepted {
		if s.refusal != verdict.Reason {
			f.log.Error("the account is not served by this worker", "account", s.name, "reason", verdict.Reason)
			s.refusal = verdict.Reason
		}
		s.rest()
		return verdict, nil
	}
	s.refusal, s.cluster = "", checkup.Cluster
	return verdict, s.poll(ctx)
}

// claim announces the cluster that a connection was found to lead to, unless the
// account was accepted for it.
func (s *served) claim(ctx context.Context, cluster string) error {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.accepted && s.cluster == cluster {
		return nil
	}
	checkup := s.last
	checkup.Cluster = cluster
	verdict, err := s.announce(ctx, checkup)
	if err != nil {
		return err
	}
	if !verdict.Accepted {
		return pipeline.Errorf(pipeline.CodeUnavailable, "The worker %s may not serve the account. %s", s.fleet.w.deps.Identity, verdict.Reason)
	}
	return nil
}

// poll starts to poll the account's queue. It is called with the lock held.
func (s *served) poll(ctx context.Context) error {
	if s.queue != nil {
		return nil
	}
	w := s.fleet.w
	background, cut := context.WithCancelCause(context.WithoutCancel(ctx))
	options := w.options()
	options.DisableWorkflowWorker = true
	options.MaxConcurrentActivityTaskPollers = accountPollers
	options.WorkerStopTimeout = max(w.config.DrainTimeout, w.config.StopTimeout)
	options.BackgroundActivityContext = background
	name := activities.ClouddriverQueue(s.name)
	q := &accountQueue{Worker: worker.New(w.deps.Temporal, name, options), cut: cut}
	activities.RegisterClouddriver(q, s.fleet.room)
	if err := q.Start(); err != nil {
		cut(err)
		return err
	}
	for _, also := range []worker.Worker{w.plansQueue(s.name), w.readsQueue(s.name)} {
		if err := also.Start(); err != nil {
			cut(err)
			q.Stop()
			return err
		}
		q.beside = append(q.beside, also)
	}
	s.queue = q
	w.deps.Logger.Info("the account is served", "account", s.name, "queue", name, "cluster", s.cluster)
	return nil
}

// rest stops polling the account's queue. It is called with the lock held.
func (s *served) rest() {
	if s.queue == nil {
		return
	}
	queue := s.queue
	s.queue = nil
	// What runs is cut off: it would work on a cluster that is not the account's.
	queue.cut(errWorkerStops)
	s.fleet.over.Go(queue.Stop)
}
