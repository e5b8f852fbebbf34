package clouddriver

import (
	"context"
	"sync"
	"time"

	apierrors "k8s.io/apimachinery/pkg/api/errors"
	"k8s.io/apimachinery/pkg/apis/meta/v1/unstructured"
)

const (
	// readAhead is how many live objects are read before their manifests' turns
	// come.
	readAhead = 8
	// readGood is how long such a read is used: a manifest before may take minutes.
	readGood = time.Second
)

// lookahead reads the live objects of the manifests to come while earlier ones are
// sent, since sending goes one by one and each waits for what is there.
type lookahead struct {
	cluster *cluster
	rest    []*manifest
	done    sync.WaitGroup
	cancel  context.CancelFunc
	ctx     context.Context //nolint:containedctx // the life of the reads, which end with the deployment
	// begun is how many of the rest are being read or were left out.
	begun int
}

// liveRead is a live object that is being read.
type liveRead struct {
	read chan struct{} // closed when the rest is there
	live *unstructured.Unstructured
	err  error
	at   time.Time // when it was asked for
}

// lookAhead begins to read for manifests that are sent in this order; skip says
// for which not to.
func (cl *cluster) lookAhead(ctx context.Context, manifests []*manifest, skip func(*manifest) bool) *lookahead {
	ctx, cancel := context.WithCancel(ctx)
	a := &lookahead{cluster: cl, ctx: ctx, cancel: cancel}
	seen := map[string]bool{}
	for _, m := range manifests {
		if m.strategy("recreate") {
			break // what comes after may go with the object, as a namespace's content does
		}
		if !m.readable() || skip(m) {
			continue
		}
		// An object that comes twice is read when the first has been sent.
		key := m.resource.gvr.String() + "\x00" + m.obj.GetNamespace() + "\x00" + m.obj.GetName()
		if !seen[key] {
			seen[key] = true
			a.rest = append(a.rest, m)
		}
	}
	for range min(readAhead, len(a.rest)) {
		a.next()
	}
	return a
}

// readable reports whether sending the manifest begins with reading the live
// object, by a name that is known.
func (m *manifest) readable() bool {
	return m.resource != nil && !m.fresh && !m.generateName && !m.strategy("recreate") && !m.strategy("replace") && !m.serverSide()
}

func (a *lookahead) next() {
	if a.begun == len(a.rest) {
		return
	}
	m := a.rest[a.begun]
	a.begun++
	namespace := m.obj.GetNamespace()
	if m.resource.namespaced {
		namespace = a.cluster.orDefault(namespace)
	}
	e := &liveRead{read: make(chan struct{}), at: time.Now()}
	m.reading = e
	resource, name := *m.resource, m.obj.GetName()
	a.done.Go(func() {
		defer close(e.read)
		e.live, e.err = a.cluster.get(a.ctx, resource, namespace, name)
	})
}

// sent makes room for the next read.
func (a *lookahead) sent(m *manifest) {
	if m.reading != nil {
		a.next()
	}
}

// close ends the reads.
func (a *lookahead) close() {
	a.cancel()
	a.done.Wait()
}

// live returns the object of a manifest: what was read ahead the first time,
// unless that failed or is old.
func (cl *cluster) live(ctx context.Context, m *manifest, t target) (*unstructured.Unstructured, error) {
	if e := m.reading; e != nil && !m.usedRead {
		m.usedRead = true
		select {
		case <-e.read:
			if time.Since(e.at) < readGood && (e.err == nil || apierrors.IsNotFound(e.err)) {
				return e.live, e.err
			}
		case <-ctx.Done():
			return nil, context.Cause(ctx)
		}
	}
	return cl.get(ctx, t.resource, t.namespace, t.name)
}
