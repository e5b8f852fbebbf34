// Package permissions answers what decides about a user, and asks for it: workers
// inside private clusters reach neither the bucket nor what knows roles, so they
// ask the orca workers through Temporal.
package permissions

import (
	"context"
	"sync"
	"time"

	"github.com/google/uuid"
	"go.temporal.io/sdk/client"
	"go.temporal.io/sdk/temporal"

	"github.com/gennaker/gennaker/activities"
	"github.com/gennaker/gennaker/fiat"
	"github.com/gennaker/gennaker/pipeline"
)

const (
	// believed is how long an answer is used again, so that a stage of many calls
	// asks once. A change of roles counts after that.
	believed = 5 * time.Second
	// maxKept bounds the answers that are kept.
	maxKept = 1000
)

// Permissions implements activities.Permissions over what this process knows.
type Permissions struct{ subjects fiat.Subjects }

var _ activities.Permissions = (*Permissions)(nil)

// New returns the room.
func New(subjects fiat.Subjects) *Permissions { return &Permissions{subjects: subjects} }

// FindSubject implements activities.Permissions.
func (p *Permissions) FindSubject(ctx context.Context, in activities.FindSubjectInput) (fiat.Subject, error) {
	return p.subjects.SubjectOf(ctx, in.User)
}

// Remote is a fiat.Subjects that asks the workers of a queue. It is safe for
// concurrent use.
type Remote struct {
	client client.Client
	queue  string
	now    func() time.Time

	mu   sync.Mutex
	kept map[string]answer
}

type answer struct {
	subject fiat.Subject
	at      time.Time
}

var _ fiat.Subjects = (*Remote)(nil)

// NewRemote returns what asks through a client of Temporal, which the caller
// closes. A nil clock is the real time.
func NewRemote(c client.Client, queue string, now func() time.Time) *Remote {
	if now == nil {
		now = time.Now
	}
	return &Remote{client: c, queue: queue, now: now, kept: map[string]answer{}}
}

// SubjectOf implements fiat.Subjects. Errors: unavailable when no orca worker
// answers.
func (r *Remote) SubjectOf(ctx context.Context, user string) (fiat.Subject, error) {
	key := fiat.UserKey(user)
	r.mu.Lock()
	known, ok := r.kept[key]
	r.mu.Unlock()
	if ok && r.now().Sub(known.at) < believed {
		return known.subject, nil
	}
	subject, err := r.ask(ctx, user)
	if err != nil {
		return fiat.Subject{}, pipeline.Wrap(pipeline.CodeUnavailable, err, "No worker with the role orca tells what the user '%s' may do: start one, or look at its log. %s", user, pipeline.MessageOf(activities.FromTemporal(err)))
	}
	r.mu.Lock()
	defer r.mu.Unlock()
	if len(r.kept) >= maxKept {
		clear(r.kept)
	}
	r.kept[key] = answer{subject, r.now()}
	return subject, nil
}

func (r *Remote) ask(ctx context.Context, user string) (out fiat.Subject, err error) {
	call := activities.FindSubject
	handle, err := r.client.ExecuteActivity(ctx, client.StartActivityOptions{
		ID: "fiat." + uuid.NewString(), TaskQueue: r.queue, Summary: call.Name + " " + user,
		ScheduleToStartTimeout: call.QueueTimeout, StartToCloseTimeout: call.Timeout, ScheduleToCloseTimeout: call.QueueTimeout + call.Timeout,
		RetryPolicy: &temporal.RetryPolicy{MaximumAttempts: 1}, // the caller's own call is tried again
	}, call.Name, activities.FindSubjectInput{User: user})
	if err != nil {
		return out, err
	}
	return out, handle.Get(ctx, &out)
}
