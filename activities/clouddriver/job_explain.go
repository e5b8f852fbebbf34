package clouddriver

import (
	"context"
	"errors"
	"sync"
	"time"

	"k8s.io/apimachinery/pkg/apis/meta/v1/unstructured"
	"k8s.io/apimachinery/pkg/types"

	"github.com/gennaker/gennaker/activities"
)

// errTrouble ends the wait for a Job early.
var errTrouble = errors.New("there is news of the Job's pods")

// awaitRunOrTrouble is [cluster.awaitRun] that ends early, without a Job, when
// asked to and what troubles the Job's pods is not what the caller has seen.
func (cl *cluster) awaitRunOrTrouble(ctx context.Context, o object, in activities.AwaitJobInput) (*unstructured.Unstructured, *activities.Explanation, error) {
	if !in.Explain {
		ended, err := cl.awaitRun(ctx, o, types.UID(in.UID), func(*unstructured.Unstructured) {})
		return ended, nil, err
	}
	watching, cancel := context.WithCancelCause(ctx)
	defer cancel(nil)
	var mu sync.Mutex
	var latest *unstructured.Unstructured
	news := make(chan *activities.Explanation, 1)
	go func() {
		d := doubt{unstable: time.Now()}
		if in.Seen != nil {
			d.recall(activities.ManifestStatus{Explanation: in.Seen})
		}
		for pause(watching, time.Until(d.due(false))) == nil {
			mu.Lock()
			job := latest
			mu.Unlock()
			d.edition++
			d.next = time.Now().Add(pace(d.edition))
			if job == nil {
				continue
			}
			e := cl.explain(watching, []*unstructured.Unstructured{job})[0]
			e.Edition = d.edition
			if watching.Err() == nil && changedTrouble(e, in.Seen) {
				news <- e
				cancel(errTrouble)
				return
			}
		}
	}()
	ended, err := cl.awaitRun(watching, o, types.UID(in.UID), func(job *unstructured.Unstructured) {
		mu.Lock()
		latest = job
		mu.Unlock()
	})
	if errors.Is(err, errTrouble) && ctx.Err() == nil {
		return nil, <-news, nil
	}
	return ended, nil, err
}

// changedTrouble reports whether a Job's explanation is worth an answer: a Job
// that runs as it should has counts that change, and nothing to explain.
func changedTrouble(now, before *activities.Explanation) bool {
	if !now.Tells() && !before.Tells() {
		return false
	}
	return !now.Same(before)
}
