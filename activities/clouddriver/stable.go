package clouddriver

import (
	"context"
	"maps"
	"slices"
	"strings"
	"time"

	"k8s.io/apimachinery/pkg/apis/meta/v1/unstructured"

	"github.com/gennaker/gennaker/activities"
	"github.com/gennaker/gennaker/activities/clouddriver/status"
	"github.com/gennaker/gennaker/pipeline"
)

// missingPatience is how long an object may be absent while it is waited for,
// for instance while someone recreates it.
const missingPatience = 10 * time.Second

// stalePatience is how long a Deployment that had exceeded its progress deadline
// before it was waited for may stay so: a change that goes back to an earlier
// ReplicaSet leaves the condition until its controller sees progress.
const stalePatience = 15 * time.Second

// AwaitStable implements [activities.Clouddriver]. Each object is watched and
// is left alone once it is stable or failed. An object that is absent for 10 s
// is a not_found error; an API server that is unreachable for 10 s is
// unavailable.
func (c *Clouddriver) AwaitStable(ctx context.Context, in activities.AwaitStableInput) (activities.AwaitStableOutput, error) {
	var none activities.AwaitStableOutput
	cl, err := c.open(ctx, in.Scope, in.Account, Read)
	if err != nil {
		return none, err
	}
	heart := startHeart(ctx, nil)
	defer heart.rest()
	w, err := cl.newWait(ctx, in)
	if err != nil {
		return none, err
	}
	ctx, cancel := context.WithCancel(ctx)
	defer cancel()
	for i := range w.objects {
		if !w.entries[i].final() {
			go w.observe(ctx, i)
		}
	}
	return w.run(ctx)
}

// wait is one run of AwaitStable. Its entries belong to run; the observers
// only send.
type wait struct {
	cluster   *cluster
	objects   []object
	entries   []entry
	reports   chan report
	explained chan explained
	asking    bool // the cluster is being asked for explanations
}

// entry is what is known of one object.
type entry struct {
	activities.ManifestStatus
	seen    activities.ManifestStatus // what the caller knows
	known   bool                      // the object was seen by this call
	since   time.Time                 // since when the status reads as it does
	missing time.Time                 // since when the object is absent; zero while it is there
	stale   time.Time                 // since when its failure may be an old one; zero while it is not
	doubt
}

func (e *entry) final() bool { return e.Stable || e.Failed }

// news reports whether the caller does not know this yet.
func (e *entry) news() bool {
	return e.known && (e.Stable != e.seen.Stable || e.Failed != e.seen.Failed || e.Message != e.seen.Message)
}

// report is what an observer saw.
type report struct {
	index   int
	status  activities.ManifestStatus
	object  *unstructured.Unstructured
	missing bool
	stale   bool // it may have failed before the change that is waited for
	err     error
}

func (cl *cluster) newWait(ctx context.Context, in activities.AwaitStableInput) (*wait, error) {
	w := &wait{cluster: cl, reports: make(chan report), explained: make(chan explained)}
	for _, namespace := range slices.Sorted(maps.Keys(in.Manifests)) {
		for _, name := range in.Manifests[namespace] {
			o, err := cl.locate(ctx, namespace, name)
			if err != nil {
				return nil, err
			}
			e := entry{ManifestStatus: activities.ManifestStatus{Namespace: namespace, Name: name}}
			for _, seen := range in.Seen {
				if seen.Namespace == namespace && seen.Name == name {
					e.seen, e.ManifestStatus = seen, seen
					e.recall(seen)
				}
			}
			w.objects, w.entries = append(w.objects, o), append(w.entries, e)
		}
	}
	if len(w.objects) > maxManifests {
		return nil, pipeline.Errorf(pipeline.CodeTooLarge, "There are more than %d objects to wait for. Split the stage.", maxManifests)
	}
	return w, nil
}

// locate finds the object that Spinnaker's "kind name" means. Errors: invalid.
func (cl *cluster) locate(ctx context.Context, namespace, fullName string) (object, error) {
	kind, name, ok := strings.Cut(strings.TrimSpace(fullName), " ")
	if !ok || kind == "" || name == "" || strings.Contains(name, " ") {
		return object{}, pipeline.Errorf(pipeline.CodeInvalid, `Manifest name %q is not of the form "kind name". Write it like "deployment web".`, fullName)
	}
	r, err := cl.catalog.resolve(ctx, kind)
	if err != nil {
		return object{}, err
	}
	o := object{resource: r, name: name}
	if err := checkName("name", name); err != nil {
		return object{}, err
	}
	if r.namespaced {
		if namespace == clusterScope {
			namespace = ""
		}
		if err := checkName("namespace", namespace); err != nil {
			return object{}, err
		}
		if err := cl.account.checkNamespace(namespace); err != nil {
			return object{}, err
		}
		o.namespace = cl.orDefault(namespace)
	}
	return o, nil
}

// observe reports each state of one object until a final one.
func (w *wait) observe(ctx context.Context, index int) {
	send := func(r report) {
		r.index = index
		select {
		case w.reports <- r:
		case <-ctx.Done():
		}
	}
	var broken error
	o := w.objects[index]
	old := w.entries[index].seen.Name == "" && strings.EqualFold(o.resource.gvk.Kind, "deployment")
	err := w.cluster.follow(ctx, o, func(obj *unstructured.Unstructured) bool {
		if obj == nil {
			send(report{missing: true})
			return false
		}
		var s activities.ManifestStatus
		s, broken = judge(obj)
		old = old && broken == nil && (s.Failed || !observed(obj, obj.GetGeneration()))
		if broken == nil {
			send(report{status: s, object: obj, stale: old && s.Failed})
		}
		return broken != nil || s.Stable || s.Failed && !old
	})
	if err == nil {
		err = broken
	}
	if err != nil {
		send(report{err: err})
	}
}

// judge applies the status rules; failed is tested before stable.
func judge(obj *unstructured.Unstructured) (activities.ManifestStatus, error) {
	s, err := status.Of(obj)
	switch {
	case err != nil:
		return activities.ManifestStatus{}, err
	case s.Failed.State:
		return activities.ManifestStatus{Failed: true, Message: s.Failed.Message}, nil
	case s.Stable.State:
		return activities.ManifestStatus{Stable: true}, nil
	}
	return activities.ManifestStatus{Message: s.Stable.Message}, nil
}

// run collects reports until all objects are final, one has news that lasted or
// explains itself otherwise than before, or one is lost.
func (w *wait) run(ctx context.Context) (activities.AwaitStableOutput, error) {
	for {
		now := time.Now()
		w.settleStale(now)
		wake := w.explain(ctx, now)
		wordless := slices.ContainsFunc(w.entries, func(e entry) bool { return e.wordless(e.Failed) })
		quiet := wordless || slices.ContainsFunc(w.entries, func(e entry) bool { return !e.stale.IsZero() })
		if !wordless && !slices.ContainsFunc(w.entries, func(e entry) bool { return !e.final() }) {
			return w.answer(true), nil
		}
		for i := range w.entries {
			e := &w.entries[i]
			if !e.stale.IsZero() {
				wake = earlier(wake, e.stale.Add(stalePatience))
			}
			if !e.missing.IsZero() {
				due := e.missing.Add(missingPatience)
				if !now.Before(due) {
					return activities.AwaitStableOutput{}, w.gone(i)
				}
				wake = earlier(wake, due)
			}
			if e.told && !quiet {
				return w.answer(false), nil
			}
			if e.news() && !quiet {
				due := e.since.Add(activities.NewsAfter)
				if !now.Before(due) {
					return w.answer(false), nil
				}
				wake = earlier(wake, due)
			}
		}
		timer := time.NewTimer(wake.Sub(now))
		select {
		case <-ctx.Done():
			timer.Stop()
			return activities.AwaitStableOutput{}, context.Cause(ctx)
		case r := <-w.reports:
			timer.Stop()
			if r.err != nil {
				return activities.AwaitStableOutput{}, r.err
			}
			w.take(r)
		case x := <-w.explained:
			timer.Stop()
			w.learn(x)
		case <-timer.C:
		}
	}
}

func earlier(a, b time.Time) time.Time {
	if b.Before(a) {
		return b
	}
	return a
}

func (w *wait) take(r report) {
	e, now := &w.entries[r.index], time.Now()
	if e.final() {
		return
	}
	switch {
	case !r.stale:
		e.stale = time.Time{}
	case e.stale.IsZero():
		e.stale = now
		fallthrough
	default:
		r.status.Failed = false
	}
	if r.missing {
		if e.missing.IsZero() {
			e.missing = now
		}
		return
	}
	e.missing = time.Time{}
	e.object = r.object
	if e.unstable.IsZero() {
		e.unstable = now
	}
	if !e.known || e.Stable != r.status.Stable || e.Failed != r.status.Failed || e.Message != r.status.Message {
		e.since = now
	}
	e.known = true
	e.Stable, e.Failed, e.Message = r.status.Stable, r.status.Failed, r.status.Message
	if e.Stable {
		e.StableAt = pipeline.Millis(now.UnixMilli())
		e.Explanation = nil
	}
}

// settleStale takes failures for what they are once they have lasted.
func (w *wait) settleStale(now time.Time) {
	for i := range w.entries {
		e := &w.entries[i]
		if !e.stale.IsZero() && !now.Before(e.stale.Add(stalePatience)) {
			e.stale, e.since, e.Failed = time.Time{}, now, true
		}
	}
}

func (w *wait) gone(index int) error {
	return pipeline.Errorf(pipeline.CodeNotFound,
		"%s of account %q does not exist; it was deleted while it was waited for, or never made.", w.objects[index], w.cluster.account.Name)
}

func (w *wait) answer(done bool) activities.AwaitStableOutput {
	out := activities.AwaitStableOutput{Done: done, Statuses: make([]activities.ManifestStatus, len(w.entries))}
	for i := range w.entries {
		out.Statuses[i] = w.entries[i].ManifestStatus
	}
	return out
}
