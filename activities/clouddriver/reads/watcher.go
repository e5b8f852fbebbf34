package reads

import (
	"context"
	"crypto/rand"
	"log/slog"
	"reflect"
	"slices"
	"strings"
	"sync"
	"time"

	"github.com/gennaker/gennaker/activities/clouddriver"
	"github.com/gennaker/gennaker/clusters"
	"github.com/gennaker/gennaker/pipeline"
)

// watcher watches the objects of one account and mirrors them while it leads.
type watcher struct {
	account string
	worker  string
	service *Reads
	config  clouddriver.Account
	store   *clusters.Store
	log     *slog.Logger
	stop    context.CancelFunc
	done    sync.WaitGroup
	wake    chan struct{}

	mu      sync.Mutex
	fault   error // why no feed could be planned
	feeds   []*feed
	changed chan struct{} // closed when a feed's state is another
	leading bool
	held    time.Time // when the lease was last held
	asked   time.Time // when this worker was last asked
	pending pending
}

// pending is what the mirror does not have yet.
type pending struct {
	generation string
	whole      bool
	wroteWhole time.Time
	apps       map[string]struct{}
	entries    map[clusters.Key]*clusters.Entry // nil is gone
	index      bool
	status     bool
	// notBefore paces the slices of large applications.
	notBefore map[string]time.Time
}

func (r *Reads) newWatcher(ctx context.Context, account string, config clouddriver.Account) *watcher {
	ctx, stop := context.WithCancel(ctx)
	w := &watcher{
		account: account, worker: r.worker, service: r, config: config, stop: stop, wake: make(chan struct{}, 1), changed: make(chan struct{}),
		log: r.log.With(slog.String("account", account)),
	}
	w.store = clusters.NewStore(w.note)
	w.done.Go(func() { w.watch(ctx) })
	w.done.Go(func() { w.publish(ctx) })
	w.log.Info("an account is watched")
	return w
}

// close ends the watch and forgets its records.
func (w *watcher) close() {
	w.stop()
	w.done.Wait()
	w.log.Info("an account is watched no more")
}

// watch runs a feed for each kind.
func (w *watcher) watch(ctx context.Context) {
	for backoff := firstBackoff; ; backoff = min(2*backoff, lastBackoff) {
		reading, err := w.service.accounts.Reading(ctx, w.account)
		if err == nil {
			w.plan(reading)
			break
		}
		w.mu.Lock()
		w.fault = err
		w.mu.Unlock()
		w.tell()
		select {
		case <-ctx.Done():
			return
		case <-time.After(backoff):
		}
	}
	var group sync.WaitGroup
	for _, f := range w.feeds {
		group.Go(func() { f.run(ctx) })
	}
	group.Wait()
}

// plan makes the feeds.
func (w *watcher) plan(reading *clouddriver.Reading) {
	w.mu.Lock()
	defer w.mu.Unlock()
	w.fault = nil
	options := clusters.Options{OnlySpinnakerManaged: w.config.OnlySpinnakerManaged}
	for _, kind := range watchedKinds(reading, w.service.accounts.Settings()) {
		namespaces := []string{""}
		if len(w.config.Namespaces) > 0 && !clouddriver.ClusterScoped(kind) {
			namespaces = w.config.Namespaces
		}
		for _, namespace := range namespaces {
			w.feeds = append(w.feeds, &feed{
				accounts: w.service.accounts, account: w.account, kind: kind, namespace: namespace, options: options, store: w.store,
				most: policyOf(w.config, kind), told: w.tell, log: w.log, state: clusters.Syncing, since: time.Now(),
			})
		}
	}
}

// watchedKinds are those that screens show, or what the section kubernetes.cache
// of the configuration says in their place (reference: clouddriver section 13).
func watchedKinds(reading *clouddriver.Reading, settings clouddriver.ProviderSettings) []string {
	c := settings.Cache
	var out []string
	switch {
	case c.CacheAll:
		out = reading.KindsOf()
	case len(c.CacheKinds) > 0:
		for _, k := range c.CacheKinds {
			out = append(out, clouddriver.ParseKind(k).String())
		}
	default:
		out = reading.KindsOf(clusters.UIKinds()...)
	}
	out = slices.DeleteFunc(out, func(k string) bool {
		return contains(c.CacheOmitKinds, k) || contains(reading.Account.OmitKinds, k) ||
			len(reading.Account.Kinds) > 0 && !contains(reading.Account.Kinds, k)
	})
	slices.Sort(out)
	return slices.Compact(out)
}

func contains(kinds []string, kind string) bool {
	k := clouddriver.ParseKind(kind)
	return slices.ContainsFunc(kinds, func(other string) bool { return k.Equal(clouddriver.ParseKind(other)) })
}

func policyOf(a clouddriver.Account, kind string) int {
	for _, p := range a.CachingPolicies {
		if contains([]string{p.KubernetesKind}, kind) {
			return p.MaxEntriesPerAgent
		}
	}
	return 0
}

// tell wakes those who wait for a state, and the mirror's writer.
func (w *watcher) tell() {
	w.mu.Lock()
	close(w.changed)
	w.changed = make(chan struct{})
	w.pending.status = true
	w.mu.Unlock()
	w.rouse()
}

func (w *watcher) rouse() {
	select {
	case w.wake <- struct{}{}:
	default: // it is awake
	}
}

// note remembers a change of the store for the mirror.
func (w *watcher) note(c clusters.Change) {
	w.mu.Lock()
	defer w.mu.Unlock()
	p := &w.pending
	if !w.leading || p.whole {
		return // everything is written anyway
	}
	for _, app := range c.Applications {
		p.apps[app] = struct{}{}
	}
	if !reflect.DeepEqual(c.Before, c.After) {
		p.index = true
		if c.Before != nil {
			p.entries[keyOf(*c.Before)] = nil
		}
		if c.After != nil {
			p.entries[keyOf(*c.After)] = c.After
		}
	}
	w.rouse()
}

func keyOf(e clusters.Entry) clusters.Key {
	return clusters.Key{Namespace: e.Namespace, Kind: strings.ToLower(e.Kind), Name: e.Name}
}

// lead begins or ends the mirroring.
func (w *watcher) lead(leads bool, now time.Time) {
	w.mu.Lock()
	began := leads && !w.leading
	if leads {
		w.held = now
	}
	w.leading = leads
	if began {
		w.restart()
	}
	w.mu.Unlock()
	if began {
		w.log.Info("this worker leads an account: what it watches is mirrored")
		w.rouse()
	}
}

// restart begins a generation. The caller holds the lock.
func (w *watcher) restart() {
	w.pending = pending{
		generation: rand.Text(), whole: true, status: true, apps: map[string]struct{}{}, entries: map[clusters.Key]*clusters.Entry{},
		notBefore: map[string]time.Time{},
	}
}

// status tells how far the watch is, and whether it can answer.
func (w *watcher) status(now time.Time) (clusters.Status, bool) {
	w.mu.Lock()
	feeds, generation := slices.Clone(w.feeds), w.pending.generation
	w.mu.Unlock()
	s := clusters.Status{Leader: w.worker, Generation: generation, At: now.UnixMilli(), Raw: rawFilter(w.config)}
	ready, some := len(feeds) > 0, false
	byKind := map[string]*clusters.Watched{}
	for _, f := range feeds {
		at := f.look()
		switch at.State {
		case clusters.Syncing:
			ready = false
		case clusters.Unread:
			ready = ready && now.Sub(at.since) > unreadPatience
		default:
			some = true
		}
		if at.State == clusters.Broken && (s.Behind == 0 || at.since.UnixMilli() < s.Behind) {
			s.Behind = at.since.UnixMilli()
		}
		if known := byKind[at.Kind]; known != nil {
			known.Objects += at.Objects
			known.Left += at.Left
			if worse(at.State) > worse(known.State) {
				known.State, known.Message = at.State, at.Message
			}
			continue
		}
		watched := at.Watched
		byKind[at.Kind] = &watched
	}
	for _, f := range feeds {
		if k := byKind[f.kind]; k != nil {
			s.Kinds = append(s.Kinds, *k)
			delete(byKind, f.kind)
		}
	}
	s.Synced = ready && some
	return s, s.Synced
}

// worse orders states, so that of several namespaces the worst is told.
func worse(s clusters.State) int {
	return slices.Index([]clusters.State{
		clusters.Synced, clusters.Absent, clusters.Syncing, clusters.Broken, clusters.Forbidden, clusters.Unread,
	}, s)
}

func rawFilter(a clouddriver.Account) clusters.RawFilter {
	lower := func(kinds []string) []string {
		var out []string
		for _, k := range kinds {
			out = append(out, strings.ToLower(clouddriver.ParseKind(k).String()))
		}
		return out
	}
	return clusters.RawFilter{
		Kinds: lower(a.Kinds), OmitKinds: lower(a.OmitKinds), AllRelationships: a.CacheAllApplicationRelationships,
		KindExpressions: a.RawResourcesEndpointConfig.KindExpressions, OmitKindExpressions: a.RawResourcesEndpointConfig.OmitKindExpressions,
	}
}

// await waits until the watch can answer, and returns why it cannot: throttled
// while the objects are still being read.
func (w *watcher) await(ctx context.Context) (clusters.Status, error) {
	tick := time.NewTicker(unreadPatience / 5)
	defer tick.Stop()
	for {
		w.mu.Lock()
		changed := w.changed
		w.mu.Unlock()
		s, ready := w.status(time.Now())
		if ready {
			return s, nil
		}
		select {
		case <-ctx.Done():
			return s, w.unready(s)
		case <-changed:
		case <-tick.C: // patience runs out without a change
		}
		if fault := w.unreadable(s); fault != nil {
			return s, fault
		}
	}
}

// unreadable returns the reason when nothing of the account can be read, which
// is told at once: the cluster does not answer.
func (w *watcher) unreadable(s clusters.Status) error {
	w.mu.Lock()
	fault := w.fault
	w.mu.Unlock()
	if fault != nil {
		return fault
	}
	for _, k := range s.Kinds {
		if k.State != clusters.Unread {
			return nil
		}
	}
	if len(s.Kinds) == 0 {
		return nil
	}
	return w.unready(s)
}

func (w *watcher) unready(s clusters.Status) error {
	for _, k := range s.Kinds {
		if k.State == clusters.Unread && k.Message != "" {
			return pipeline.Errorf(pipeline.CodeUnavailable, "%s", k.Message)
		}
	}
	var waiting []string
	for _, k := range s.Kinds {
		if k.State == clusters.Syncing {
			waiting = append(waiting, k.Kind)
		}
	}
	return pipeline.Errorf(pipeline.CodeThrottled, "The objects of account %q are still being read (%s): ask again in a moment.",
		w.account, strings.Join(waiting, ", "))
}
