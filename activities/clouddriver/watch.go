package clouddriver

import (
	"context"
	"time"

	apierrors "k8s.io/apimachinery/pkg/api/errors"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/apis/meta/v1/unstructured"
	"k8s.io/apimachinery/pkg/fields"
	"k8s.io/apimachinery/pkg/types"
	"k8s.io/apimachinery/pkg/watch"
	"k8s.io/client-go/dynamic"

	"github.com/gennaker/gennaker/pipeline"
)

const (
	// outagePatience is how long an API server may be unreachable before the
	// wait ends as unavailable, so that the outage is seen on the stage.
	outagePatience = 10 * time.Second
	// watchSeconds ends a watch so that a fresh read backs it up.
	watchSeconds = int64(300)
	// pollEvery is the pace where watching is not permitted.
	pollEvery = time.Second

	firstBackoff = 50 * time.Millisecond
	lastBackoff  = time.Second
)

// follow calls see with every state of one object, the present one first and
// nil for none, until see returns true. It watches; when the watch breaks it
// reads again, so no state that lasts is missed. Errors: ctx's, unavailable
// when the API server was unreachable for [outagePatience] or asks to be left
// alone, and what it refuses.
func (cl *cluster) follow(ctx context.Context, o object, see func(*unstructured.Unstructured) bool) error {
	f := &follower{
		cluster: cl, object: o, see: see, client: cl.client(o.resource, o.namespace),
		polling: !o.resource.watchable, contact: time.Now(), backoff: firstBackoff,
	}
	for {
		done, err := f.round(ctx)
		if done || err != nil {
			return err
		}
	}
}

type follower struct {
	*cluster
	object  object
	client  dynamic.ResourceInterface
	see     func(*unstructured.Unstructured) bool
	polling bool
	contact time.Time // when the API server last answered
	backoff time.Duration
}

// round reads the object and then watches it as long as the watch lasts.
func (f *follower) round(ctx context.Context) (done bool, err error) {
	obj, version, err := f.read(ctx)
	if err != nil {
		return false, f.trouble(ctx, err)
	}
	f.contact = time.Now()
	if f.see(obj) {
		return true, nil
	}
	if f.polling {
		return false, pause(ctx, pollEvery)
	}
	started := time.Now()
	done, err = f.watch(ctx, version)
	switch {
	case done:
		return true, nil
	case err != nil:
		return false, f.trouble(ctx, err)
	case time.Since(started) > lastBackoff:
		f.backoff = firstBackoff
		return false, ctx.Err()
	}
	return false, f.wait(ctx)
}

// read returns the object, nil when there is none, and the version to watch
// from.
func (f *follower) read(ctx context.Context) (*unstructured.Unstructured, string, error) {
	ctx, cancel := within(ctx)
	defer cancel()
	if f.polling {
		obj, err := f.client.Get(ctx, f.object.name, metav1.GetOptions{})
		if apierrors.IsNotFound(err) {
			return nil, "", nil
		}
		return obj, "", err
	}
	list, err := f.client.List(ctx, metav1.ListOptions{FieldSelector: f.selector()})
	if err != nil {
		return nil, "", err
	}
	for i := range list.Items {
		if list.Items[i].GetName() == f.object.name {
			return &list.Items[i], list.GetResourceVersion(), nil
		}
	}
	return nil, list.GetResourceVersion(), nil
}

func (f *follower) selector() string {
	return fields.OneTermEqualSelector("metadata.name", f.object.name).String()
}

// watch reports states until see is satisfied or the watch ends.
func (f *follower) watch(ctx context.Context, version string) (done bool, err error) {
	ctx, cancel := context.WithCancelCause(ctx)
	defer cancel(nil)
	opening := time.AfterFunc(requestTimeout, func() { cancel(errSilentServer) })
	seconds := watchSeconds
	w, err := f.client.Watch(ctx, metav1.ListOptions{
		FieldSelector: f.selector(), ResourceVersion: version, AllowWatchBookmarks: true, TimeoutSeconds: &seconds,
	})
	opening.Stop()
	if err != nil {
		return false, err
	}
	defer w.Stop()
	for {
		select {
		case <-ctx.Done():
			return false, context.Cause(ctx)
		case event, ok := <-w.ResultChan():
			if !ok {
				return false, nil
			}
			f.contact = time.Now()
			obj, isObject := event.Object.(*unstructured.Unstructured)
			switch {
			case event.Type == watch.Error:
				return false, nil // expired: read again
			case !isObject || obj.GetName() != f.object.name:
				continue // a bookmark
			case event.Type == watch.Deleted:
				obj = nil
			case event.Type != watch.Added && event.Type != watch.Modified:
				continue
			}
			if f.see(obj) {
				return true, nil
			}
		}
	}
}

// trouble decides whether an error ends the wait; nil means go on.
func (f *follower) trouble(ctx context.Context, err error) error {
	if ctx.Err() != nil {
		return context.Cause(ctx)
	}
	if apierrors.IsResourceExpired(err) || apierrors.IsGone(err) {
		return f.wait(ctx)
	}
	if !f.polling && (apierrors.IsForbidden(err) || apierrors.IsMethodNotSupported(err)) {
		f.polling = true // reading one object may still be permitted
		return nil
	}
	converted := fromAPI(ctx, err, f.account.Name, "watch "+f.object.String())
	if !passing(converted) || pipeline.RetryAfterOf(converted) > 0 || time.Since(f.contact) > outagePatience {
		return converted
	}
	return f.wait(ctx)
}

// wait backs off, so that an outage of many watches is no storm.
func (f *follower) wait(ctx context.Context) error {
	d := f.backoff
	f.backoff = min(2*d, lastBackoff)
	return pause(ctx, d)
}

// awaitGone waits until the object with this UID no longer exists.
func (cl *cluster) awaitGone(ctx context.Context, o object, uid types.UID) error {
	return cl.follow(ctx, o, func(obj *unstructured.Unstructured) bool {
		return obj == nil || obj.GetUID() != uid
	})
}
