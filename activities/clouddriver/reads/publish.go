package reads

import (
	"context"
	"time"

	"github.com/gennaker/gennaker/clusters"
	"github.com/gennaker/gennaker/pipeline"
)

// publish mirrors changes until ctx ends.
func (w *watcher) publish(ctx context.Context) {
	beat := time.NewTicker(clusters.Heartbeat)
	defer beat.Stop()
	for {
		select {
		case <-ctx.Done():
			return
		case <-beat.C:
			w.mu.Lock()
			w.pending.status = true
			w.mu.Unlock()
		case <-w.wake:
			select {
			case <-ctx.Done():
				return
			case <-time.After(gather):
			}
		}
		w.flush(ctx)
	}
}

// flush writes what is pending and due.
func (w *watcher) flush(ctx context.Context) {
	now := time.Now()
	status, ready := w.status(now)
	writing, more, ok := w.take(now, status, ready)
	if !ok {
		return
	}
	fresh, err := w.service.mirror.Write(ctx, w.account, writing)
	w.mu.Lock()
	switch {
	case ctx.Err() != nil:
	case err != nil && pipeline.CodeOf(err) == pipeline.CodeConflict:
		w.leading = false
	case err != nil || fresh:
		w.restart() // what is there is not known: everything is written again
	}
	w.mu.Unlock()
	if more || fresh {
		w.rouse()
	}
}

// take returns what is to be written now, and whether there is more that is due
// later. Nothing is to be written without the lease.
func (w *watcher) take(now time.Time, status clusters.Status, ready bool) (out clusters.Writing, more, ok bool) {
	w.mu.Lock()
	defer w.mu.Unlock()
	p := &w.pending
	if !w.leading {
		return out, false, false
	}
	if !p.whole && ready && now.Sub(p.wroteWhole) > wholeEvery {
		w.restart()
		status.Generation = p.generation
	}
	if status.Generation != p.generation {
		return out, true, false // it was restarted in between
	}
	out = clusters.Writing{Worker: w.worker, Status: status, Slices: map[string]clusters.Slice{}}
	if p.whole {
		out.Whole = true
		if !ready {
			ok, p.status = p.status, false
			return out, false, ok
		}
		w.takeAll(&out)
		p.whole, p.wroteWhole, p.status = false, now, false
		clear(p.apps)
		clear(p.entries)
		return out, false, true
	}
	for app := range p.apps {
		if now.Before(p.notBefore[app]) {
			more = true
			continue
		}
		delete(p.apps, app)
		slice := w.store.Slice(app)
		out.Slices[app] = slice
		p.notBefore[app] = now.Add(gather + time.Duration(len(slice.Records))*100*time.Microsecond)
	}
	if len(p.notBefore) > 10_000 {
		clear(p.notBefore)
	}
	for k, e := range p.entries {
		if e == nil {
			out.Gone = append(out.Gone, clusters.Entry{Kind: k.Kind, Namespace: k.Namespace, Name: k.Name})
		} else {
			out.Entries = append(out.Entries, *e)
		}
	}
	clear(p.entries)
	if p.index {
		index := w.store.Index()
		out.Index, p.index = &index, false
	}
	ok = p.status || len(out.Slices)+len(out.Entries)+len(out.Gone) > 0 || out.Index != nil
	p.status = false
	return out, more, ok
}

// takeAll adds everything there is. The caller holds the lock.
func (w *watcher) takeAll(out *clusters.Writing) {
	for _, app := range w.store.Applications() {
		out.Slices[app] = w.store.Slice(app)
	}
	w.store.Entries(func(e clusters.Entry) bool {
		out.Entries = append(out.Entries, e)
		return true
	})
	index := w.store.Index()
	out.Index = &index
}
