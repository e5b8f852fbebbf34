package reads

import (
	"context"
	"fmt"
	"log/slog"
	"slices"
	"sync"
	"time"

	"k8s.io/client-go/tools/cache"
	"k8s.io/klog/v2"

	"github.com/gennaker/gennaker/activities/clouddriver"
	"github.com/gennaker/gennaker/clusters"
	"github.com/gennaker/gennaker/pipeline"
)

// feed keeps the records of one kind of an account, in one namespace or in all.
type feed struct {
	accounts  *clouddriver.Accounts
	account   string
	kind      string // as Spinnaker spells it
	namespace string // "" is everywhere
	most      int    // of a caching policy; 0 is no bound
	options   clusters.Options
	store     *clusters.Store
	told      func() // the state is another
	log       *slog.Logger

	mu      sync.Mutex
	state   clusters.State
	message string
	since   time.Time // of the state
	read    bool      // everything has been read at least once
	left    int       // objects that the policy leaves out
}

// state of one feed, as others see it.
type feedState struct {
	clusters.Watched
	since time.Time
	read  bool
}

func (f *feed) look() feedState {
	objects := len(f.store.Keys(f.kind, f.namespace))
	f.mu.Lock()
	defer f.mu.Unlock()
	return feedState{
		Watched: clusters.Watched{Kind: f.kind, State: f.state, Objects: objects, Message: f.message, Left: f.left},
		since:   f.since, read: f.read,
	}
}

// set changes the state.
func (f *feed) set(s clusters.State, err error) {
	f.mu.Lock()
	if s == clusters.Synced {
		f.read = true
	}
	if s == clusters.Broken && !f.read {
		s = clusters.Unread
	}
	if err != nil {
		f.message = pipeline.MessageOf(err)
	} else {
		f.message = ""
	}
	another := f.state != s
	if another {
		f.state, f.since = s, time.Now()
	}
	f.mu.Unlock()
	if another {
		f.told()
	}
}

// run lists and watches until ctx ends.
func (f *feed) run(ctx context.Context) {
	backoff := firstBackoff
	for ctx.Err() == nil {
		began := time.Now()
		pause := f.round(ctx)
		if pause == 0 {
			if time.Since(began) > lastBackoff {
				backoff = firstBackoff
			}
			pause = backoff
			backoff = min(2*backoff, lastBackoff)
		}
		select {
		case <-ctx.Done():
		case <-time.After(pause):
		}
	}
}

// round lists the kind and watches it as long as that goes well. It returns how
// long to wait before the next one, 0 for a time that grows.
func (f *feed) round(ctx context.Context) time.Duration {
	reading, err := f.accounts.Reading(ctx, f.account)
	if err != nil {
		f.set(clusters.Broken, err)
		return 0
	}
	resource, err := reading.Resolve(ctx, f.kind)
	if pipeline.CodeOf(err) == pipeline.CodeInvalid && err != nil {
		return f.absent(err)
	}
	if err != nil {
		f.set(clusters.Broken, err)
		return 0
	}
	sifter := sifter{reading: reading, resource: resource, options: f.options}
	doing := "watch " + resource.GVR.Resource
	listWatch := sifter.listWatch(f.namespace, func(err error) {
		f.mu.Lock()
		read := f.read
		f.mu.Unlock()
		switch {
		case err != nil && ctx.Err() == nil:
			f.set(clusters.Broken, reading.Fault(ctx, err, doing))
		case read:
			f.set(clusters.Synced, nil)
		}
	})
	name := fmt.Sprintf("%s/%s/%s", f.account, f.kind, f.namespace)
	reflector := cache.NewReflectorWithOptions(listWatch, nil, sink{f}, cache.ReflectorOptions{
		Name: name, TypeDescription: f.kind, MinWatchTimeout: watchFor,
		Logger: new(klog.Logger), // what it would log is the feed's state, which is told
	})
	for ctx.Err() == nil {
		began := time.Now()
		err := reflector.ListAndWatchWithContext(klog.NewContext(ctx, klog.Logger{}))
		switch {
		case ctx.Err() != nil:
			return 0
		case err == nil && time.Since(began) > firstBackoff:
			continue // the watch ended as watches do
		case err == nil:
			return 0
		case clouddriver.IsForbidden(err):
			f.drop()
			f.set(clusters.Forbidden, reading.Fault(ctx, err, doing))
			return retryForbidden
		case clouddriver.IsMissing(err):
			return f.absent(reading.Fault(ctx, err, doing))
		}
		f.set(clusters.Broken, reading.Fault(ctx, err, doing))
		return 0
	}
	return 0
}

func (f *feed) absent(err error) time.Duration {
	f.drop()
	f.set(clusters.Absent, err)
	return retryAbsent
}

// drop forgets what cannot be read any more.
func (f *feed) drop() {
	for _, k := range f.store.Keys(f.kind, f.namespace) {
		f.store.Delete(k.Namespace, k.Kind, k.Name)
	}
}

// sink takes what a reflector sees.
type sink struct{ *feed }

var _ cache.ReflectorStore = sink{}

// Add implements cache.ReflectorStore.
func (s sink) Add(obj any) error {
	i, ok := obj.(*item)
	if !ok || i.record == nil {
		return nil
	}
	if s.most > 0 && s.full(i.record) {
		return nil
	}
	s.store.Put(i.record)
	return nil
}

// full reports whether the policy leaves a new object out.
func (s sink) full(r *clusters.Record) bool {
	keys := s.store.Keys(s.kind, s.namespace)
	known := slices.ContainsFunc(keys, func(k clusters.Key) bool { return k.Name == r.Name && k.Namespace == r.Namespace })
	if known || len(keys) < s.most {
		return false
	}
	s.mu.Lock()
	s.left++
	s.mu.Unlock()
	return true
}

// Update implements cache.ReflectorStore.
func (s sink) Update(obj any) error { return s.Add(obj) }

// Delete implements cache.ReflectorStore.
func (s sink) Delete(obj any) error {
	if i, ok := obj.(*item); ok {
		s.store.Delete(i.Namespace, s.kind, i.Name)
	}
	return nil
}

// Replace implements cache.ReflectorStore.
func (s sink) Replace(list []any, _ string) error {
	keep := map[clusters.Key]bool{}
	left := 0
	for _, obj := range list {
		i, ok := obj.(*item)
		if !ok || i.record == nil {
			continue
		}
		if s.most > 0 && len(keep) >= s.most {
			left++
			continue
		}
		s.store.Put(i.record)
		keep[clusters.KeyOf(i.record)] = true
	}
	for _, k := range s.store.Keys(s.kind, s.namespace) {
		if !keep[k] {
			s.store.Delete(k.Namespace, k.Kind, k.Name)
		}
	}
	s.mu.Lock()
	s.left = left
	s.mu.Unlock()
	s.set(clusters.Synced, nil)
	return nil
}

// Resync implements cache.ReflectorStore.
func (s sink) Resync() error { return nil }
