package reads

import (
	"context"
	"crypto/rand"
	"log/slog"
	"os"
	"reflect"
	"slices"
	"sync"
	"time"

	"github.com/gennaker/gennaker/activities"
	"github.com/gennaker/gennaker/activities/clouddriver"
	"github.com/gennaker/gennaker/clusters"
	"github.com/gennaker/gennaker/internal/packed"
	"github.com/gennaker/gennaker/pipeline"
)

// Reads watches accounts and answers questions about them. Its methods are safe
// for concurrent use.
type Reads struct {
	accounts *clouddriver.Accounts
	mirror   clusters.MirrorWriter
	config   Config
	worker   string
	serves   func() []string
	log      *slog.Logger

	mu       sync.Mutex
	running  context.Context //nolint:containedctx // the life of Run, under which accounts are watched
	watchers map[string]*watcher
}

var _ activities.Reads = (*Reads)(nil)

// New returns the service. serves lists the accounts that this worker serves,
// which may change. Nothing is watched before [Reads.Run].
func New(a *clouddriver.Accounts, m clusters.MirrorWriter, serves func() []string, c Config, log *slog.Logger) *Reads {
	host, err := os.Hostname()
	if err != nil {
		host = "worker"
	}
	return &Reads{
		accounts: a, mirror: m, serves: serves, config: c, log: log, worker: host + "-" + rand.Text()[:8], watchers: map[string]*watcher{},
	}
}

// Run keeps the leases of the accounts that are wanted, and watches those that
// this worker leads or was asked about, until ctx ends. Then it gives its leases
// back, so that another worker goes on at once.
func (r *Reads) Run(ctx context.Context) {
	r.mu.Lock()
	r.running = ctx
	r.mu.Unlock()
	tick := time.NewTicker(clusters.Heartbeat)
	defer tick.Stop()
	for {
		r.turn(ctx, time.Now())
		select {
		case <-ctx.Done():
			r.end(context.WithoutCancel(ctx))
			return
		case <-tick.C:
		}
	}
}

// turn takes the leases that are to be had and starts and stops watches.
func (r *Reads) turn(ctx context.Context, now time.Time) {
	names := r.serves()
	held, err := r.mirror.Turn(ctx, r.worker, names, r.config.Watch == WatchAlways)
	if ctx.Err() != nil {
		return
	}
	var ended []*watcher
	r.mu.Lock()
	for _, name := range names {
		w := r.watchers[name]
		if w == nil && held[name] {
			w = r.start(name)
		}
		if w == nil {
			continue
		}
		if err == nil || now.Sub(w.lastHeld()) > clusters.Lease {
			w.lead(held[name], now)
		}
		if w.idle(now) || r.reconfigured(w) {
			delete(r.watchers, name)
			ended = append(ended, w)
		}
	}
	for name, w := range r.watchers {
		if !slices.Contains(names, name) {
			delete(r.watchers, name)
			ended = append(ended, w)
		}
	}
	r.mu.Unlock()
	for _, w := range ended {
		w.close()
	}
}

// start begins to watch an account; nil when its configuration is gone. The
// caller holds the lock.
func (r *Reads) start(name string) *watcher {
	if r.running == nil || r.running.Err() != nil {
		return nil
	}
	config, ok := r.accounts.Config(name)
	if !ok {
		return nil
	}
	w := r.newWatcher(r.running, name, config)
	r.watchers[name] = w
	return w
}

// reconfigured reports whether an account is another than the one watched.
func (r *Reads) reconfigured(w *watcher) bool {
	config, ok := r.accounts.Config(w.account)
	return !ok || !reflect.DeepEqual(config, w.config)
}

func (w *watcher) lastHeld() time.Time {
	w.mu.Lock()
	defer w.mu.Unlock()
	return w.held
}

// idle reports whether nobody needs the watch any more.
func (w *watcher) idle(now time.Time) bool {
	w.mu.Lock()
	defer w.mu.Unlock()
	return !w.leading && now.Sub(w.asked) > linger && now.Sub(w.held) > clusters.Lease
}

// end gives the leases back and ends all watches.
func (r *Reads) end(ctx context.Context) {
	r.mu.Lock()
	ended := r.watchers
	r.watchers = map[string]*watcher{}
	r.mu.Unlock()
	var names []string
	for name, w := range ended {
		w.close()
		names = append(names, name)
	}
	if len(names) == 0 {
		return
	}
	ctx, cancel := context.WithTimeout(ctx, time.Second)
	defer cancel()
	if err := r.mirror.Release(ctx, r.worker, names); err != nil {
		r.log.Warn("leases could not be given back; they end by themselves", "error", err)
	}
}

// ask returns the watch of an account that this worker serves, which it begins
// if need be.
func (r *Reads) ask(account string) (*watcher, error) {
	if !slices.Contains(r.serves(), account) {
		return nil, pipeline.Errorf(pipeline.CodeNotFound, "This worker serves no account named %q.", account)
	}
	r.mu.Lock()
	defer r.mu.Unlock()
	w := r.watchers[account]
	if w == nil {
		w = r.start(account)
	}
	if w == nil {
		return nil, pipeline.Errorf(pipeline.CodeUnavailable, "The worker is stopping: ask again in a moment.")
	}
	w.mu.Lock()
	w.asked = time.Now()
	w.mu.Unlock()
	return w, nil
}

// answerWithin is how long a question waits for the first reading of a cluster.
const answerWithin = 12 * time.Second

// ReadClusters implements [activities.Reads].
func (r *Reads) ReadClusters(ctx context.Context, in activities.ReadClustersInput) (activities.ReadClustersOutput, error) {
	var none activities.ReadClustersOutput
	w, err := r.ask(in.Account)
	if err != nil {
		return none, err
	}
	within, cancel := context.WithTimeout(ctx, answerWithin)
	defer cancel()
	status, err := w.await(within)
	if err != nil {
		return none, err
	}
	answer := clusters.Answer{Status: status}
	switch in.Ask {
	case activities.AskSlice:
		slice := w.store.Slice(in.Application)
		answer.Slice = &slice
	case activities.AskObject:
		slice := w.store.Object(in.Namespace, in.Name)
		answer.Slice = &slice
	case activities.AskIndex:
		index := w.store.Index()
		answer.Index = &index
	case activities.AskSearch:
		answer.Entries = w.store.Search(in.Account, in.Query, min(max(in.Limit, 1), clusters.SearchLimit))
	default:
		return none, pipeline.Errorf(pipeline.CodeInvalid, "There is no question %q about clusters.", in.Ask)
	}
	document, err := packed.Pack(answer)
	if err != nil {
		return none, pipeline.Wrap(pipeline.CodeInternal, err, "The answer cannot be encoded.")
	}
	return activities.ReadClustersOutput{Packed: document}, nil
}
