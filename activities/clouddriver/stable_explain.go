package clouddriver

import (
	"context"
	"time"

	"k8s.io/apimachinery/pkg/apis/meta/v1/unstructured"

	"github.com/gennaker/gennaker/activities"
)

// doubt is what a wait knows of why one of its objects is not stable.
type doubt struct {
	object   *unstructured.Unstructured // as it was seen last
	unstable time.Time                  // since when this call sees it
	next     time.Time                  // when the cluster is asked next; zero before the first time
	edition  int                        // of the last explanation
	last     bool                       // the explanation is of the failed object
	told     bool                       // the explanation is news to the caller
}

// recall takes up what the caller was told.
func (d *doubt) recall(seen activities.ManifestStatus) {
	d.last = seen.Failed
	if seen.Explanation != nil {
		d.edition = seen.Explanation.Edition
		d.next = seen.Explanation.At.Time().Add(pace(d.edition))
	}
}

// wordless reports whether an object has failed and nobody has asked why.
func (d *doubt) wordless(failed bool) bool { return failed && !d.last && d.object != nil }

// due is when the cluster is to be asked about the object.
func (d *doubt) due(failed bool) time.Time {
	switch {
	case failed:
		return time.Time{} // at once
	case d.next.IsZero():
		return d.unstable.Add(explainAfter)
	}
	return d.next
}

// explained are explanations by the places of their objects.
type explained struct {
	indexes []int
	failed  []bool // when it was asked
	said    []*activities.Explanation
}

// explain asks why objects are not stable, once it is time to, and returns when it
// is time next.
func (w *wait) explain(ctx context.Context, now time.Time) time.Time {
	wake := now.Add(time.Hour)
	if w.asking {
		return wake
	}
	var x explained
	var objects []*unstructured.Unstructured
	for i := range w.entries {
		e := &w.entries[i]
		if e.object == nil || e.Stable || e.Failed && e.last || !e.missing.IsZero() {
			continue
		}
		if due := e.due(e.Failed); now.Before(due) {
			wake = earlier(wake, due)
			continue
		}
		x.indexes, x.failed, objects = append(x.indexes, i), append(x.failed, e.Failed), append(objects, e.object)
	}
	if len(objects) == 0 {
		return wake
	}
	w.asking = true
	go func() {
		x.said = w.cluster.explain(ctx, objects)
		select {
		case w.explained <- x:
		case <-ctx.Done():
		}
	}()
	return wake
}

// learn takes explanations in.
func (w *wait) learn(x explained) {
	w.asking = false
	now := time.Now()
	for k, i := range x.indexes {
		e := &w.entries[i]
		e.edition++
		e.next = now.Add(pace(e.edition))
		e.last = x.failed[k]
		if e.Stable {
			continue
		}
		x.said[k].Edition = e.edition
		e.told = e.told || !x.said[k].Same(e.seen.Explanation)
		e.Explanation = x.said[k]
	}
}
