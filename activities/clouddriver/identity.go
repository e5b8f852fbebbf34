package clouddriver

import (
	"context"
	"sync"
	"time"

	apierrors "k8s.io/apimachinery/pkg/api/errors"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/runtime/schema"
)

// identifyTimeout bounds the question which cluster this is. It is well below the
// heartbeat timeout of the activities, none of which beats yet.
const identifyTimeout = 10 * time.Second

// identityNamespace is in every cluster, and its UID is the cluster's own as long
// as the cluster lives.
const identityNamespace = "kube-system"

// identity is what tells one cluster from another, once it is known.
type identity struct {
	mu      sync.Mutex
	asked   bool
	uid     string // "" when the account may not know
	claimed bool
	// permissions are those that were missing last.
	permissions permissions
}

var namespaces = schema.GroupVersionResource{Version: "v1", Resource: "namespaces"}

// Claim is asked before the first operation of a connection whether the account
// may use the cluster that the connection leads to, named by the UID of its
// namespace kube-system. Errors keep the operation from being carried out.
type Claim func(ctx context.Context, account, cluster string) error

// SetClaim sets who decides about clusters. Without it every cluster is used.
func (a *Accounts) SetClaim(claim Claim) {
	a.shared.mu.Lock()
	defer a.shared.mu.Unlock()
	a.shared.claim = claim
}

// verify asks once for each connection. A cluster whose identity the account may
// not read is used unasked: it cannot be told from another.
func (cl *cluster) verify(ctx context.Context) error {
	if cl.account.shared == nil {
		return nil
	}
	cl.account.shared.mu.RLock()
	claim := cl.account.shared.claim
	cl.account.shared.mu.RUnlock()
	if claim == nil {
		return nil
	}
	cl.known.mu.Lock()
	claimed := cl.known.claimed
	cl.known.mu.Unlock()
	if claimed {
		return nil
	}
	uid, err := cl.identify(ctx)
	if err != nil {
		return err
	}
	if uid != "" {
		if err := claim(ctx, cl.account.Name, uid); err != nil {
			return err
		}
	}
	cl.known.mu.Lock()
	cl.known.claimed = true
	cl.known.mu.Unlock()
	return nil
}

// identify returns the UID of the cluster, asking once for each connection. It
// is empty when the account may not read it. Errors: unavailable.
func (cl *cluster) identify(ctx context.Context) (string, error) {
	cl.known.mu.Lock()
	asked, uid := cl.known.asked, cl.known.uid
	cl.known.mu.Unlock()
	if asked {
		return uid, nil
	}
	ctx, cancel := context.WithTimeoutCause(ctx, identifyTimeout, &silentServer{identifyTimeout})
	defer cancel()
	ns, err := cl.dynamic.Resource(namespaces).Get(ctx, identityNamespace, metav1.GetOptions{})
	switch {
	case apierrors.IsForbidden(err), apierrors.IsNotFound(err):
	case err != nil:
		return "", fromAPI(ctx, err, cl.account.Name, "read the identity of the cluster")
	default:
		uid = string(ns.GetUID())
	}
	cl.known.mu.Lock()
	cl.known.asked, cl.known.uid = true, uid
	cl.known.mu.Unlock()
	return uid, nil
}
