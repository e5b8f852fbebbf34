// Package cloud is Gate's way to the workers that look at clusters: each
// question is an activity of its own on the account's queue for reads, without a
// workflow.
package cloud

import (
	"context"
	"encoding/json"
	"errors"
	"time"

	"github.com/google/uuid"
	"go.temporal.io/api/serviceerror"
	"go.temporal.io/sdk/client"
	"go.temporal.io/sdk/temporal"

	"github.com/gennaker/gennaker/activities"
	"github.com/gennaker/gennaker/clusters"
	"github.com/gennaker/gennaker/internal/packed"
	"github.com/gennaker/gennaker/pipeline"
)

// maxAnswer bounds the JSON of one answer about clusters.
const maxAnswer = 256 << 20

// Cloud asks workers.
type Cloud struct{ client client.Client }

var _ clusters.Owner = (*Cloud)(nil)

// New returns a Cloud on the client of a namespace, which the caller closes.
func New(c client.Client) *Cloud { return &Cloud{client: c} }

// ask runs one call and waits for its answer. Errors: those of the call;
// unavailable when no worker serves the account or Temporal does not answer.
func ask[In, Out any](ctx context.Context, c *Cloud, call activities.Call[In, Out], account string, in In) (out Out, err error) {
	handle, err := c.client.ExecuteActivity(ctx, client.StartActivityOptions{
		ID: "read." + uuid.NewString(), TaskQueue: call.Queue(in), Summary: call.Name + " " + account,
		ScheduleToStartTimeout: call.QueueTimeout, StartToCloseTimeout: call.Timeout, ScheduleToCloseTimeout: call.QueueTimeout + call.Timeout,
		// Whoever asked is told at once, and asks again.
		RetryPolicy: &temporal.RetryPolicy{MaximumAttempts: 1},
	}, call.Name, in)
	if err != nil {
		return out, failed(ctx, err, account)
	}
	return out, failed(ctx, handle.Get(ctx, &out), account)
}

// failed turns what Temporal's client returned into a pipeline.Error.
func failed(ctx context.Context, err error, account string) error {
	if err == nil {
		return nil
	}
	if ctx.Err() != nil && errors.Is(ctx.Err(), context.Canceled) {
		return context.Cause(ctx)
	}
	var service serviceerror.ServiceError
	switch {
	case ctx.Err() != nil:
		return pipeline.Wrap(pipeline.CodeUnavailable, err, "The worker of account %q did not answer in time.", account)
	case errors.As(err, &service):
		return pipeline.Wrap(pipeline.CodeUnavailable, err, "Temporal does not pass a question to the worker of account %q: %s.", account, err)
	}
	err = activities.FromTemporal(err)
	var timeout *temporal.TimeoutError
	if errors.As(err, &timeout) || pipeline.CodeOf(err) == pipeline.CodeTimeout {
		return pipeline.Wrap(pipeline.CodeUnavailable, err, "The worker of account %q did not answer in time.", account)
	}
	return err
}

// clusters asks about the records of an account.
func (c *Cloud) clusters(ctx context.Context, in activities.ReadClustersInput) (clusters.Answer, error) {
	var answer clusters.Answer
	out, err := ask(ctx, c, activities.ReadClusters, in.Account, in)
	if err != nil {
		return answer, err
	}
	document, err := packed.Unpack(string(out.Packed), maxAnswer)
	if err == nil {
		err = json.Unmarshal(document, &answer)
	}
	if err != nil {
		return answer, pipeline.Wrap(pipeline.CodeInternal, err, "The answer of the worker of account %q cannot be read.", in.Account)
	}
	return answer, nil
}

// Slice implements [clusters.Owner].
func (c *Cloud) Slice(ctx context.Context, account, app string) (clusters.Slice, clusters.Status, error) {
	answer, err := c.clusters(ctx, activities.ReadClustersInput{Account: account, Ask: activities.AskSlice, Application: app})
	return sliceOf(answer), answer.Status, err
}

func sliceOf(a clusters.Answer) clusters.Slice {
	if a.Slice == nil {
		return clusters.Slice{}
	}
	return *a.Slice
}

// Index implements [clusters.Owner].
func (c *Cloud) Index(ctx context.Context, account string) (clusters.Index, clusters.Status, error) {
	answer, err := c.clusters(ctx, activities.ReadClustersInput{Account: account, Ask: activities.AskIndex})
	if answer.Index == nil {
		return clusters.Index{}, answer.Status, err
	}
	return *answer.Index, answer.Status, err
}

// Object implements [clusters.Owner].
func (c *Cloud) Object(ctx context.Context, account, namespace, fullName string) (clusters.Slice, clusters.Status, error) {
	answer, err := c.clusters(ctx, activities.ReadClustersInput{Account: account, Ask: activities.AskObject, Namespace: namespace, Name: fullName})
	return sliceOf(answer), answer.Status, err
}

// Search implements [clusters.Owner].
func (c *Cloud) Search(ctx context.Context, account, query string, limit int) ([]clusters.Entry, clusters.Status, error) {
	answer, err := c.clusters(ctx, activities.ReadClustersInput{Account: account, Ask: activities.AskSearch, Query: query, Limit: limit})
	return answer.Entries, answer.Status, err
}

// maxPlan bounds the JSON of one plan.
const maxPlan = 8 << 20

// Plan tries an operation on an account's cluster without effect.
func (c *Cloud) Plan(ctx context.Context, in activities.PlanManifestsInput) (activities.ManifestPlan, error) {
	var plan activities.ManifestPlan
	out, err := ask(ctx, c, activities.PlanManifests, in.Account, in)
	if errors.Is(err, activities.ErrNotTaken) {
		return plan, pipeline.Wrap(pipeline.CodeUnavailable, err,
			"No worker serves the account %q now: none took the plan within %s. Start one where its cluster can be reached: gennaker worker --roles clouddriver --accounts %s.",
			in.Account, activities.PlanManifests.QueueTimeout, in.Account)
	}
	if err != nil {
		return plan, err
	}
	document, err := packed.Unpack(string(out.Packed), maxPlan)
	if err == nil {
		err = json.Unmarshal(document, &plan)
	}
	if err != nil {
		return plan, pipeline.Wrap(pipeline.CodeInternal, err, "The plan of the worker of account %q cannot be read.", in.Account)
	}
	return plan, nil
}

// liveTimeout bounds a question to the cluster itself.
const liveTimeout = 30 * time.Second

// Manifest reads one object.
func (c *Cloud) Manifest(ctx context.Context, in activities.ShowManifestInput) (pipeline.Map, error) {
	ctx, cancel := context.WithTimeout(ctx, liveTimeout)
	defer cancel()
	out, err := ask(ctx, c, activities.ShowManifest, in.Account, in)
	return out.Manifest, err
}

// Manifests lists the objects of a cluster, or picks one.
func (c *Cloud) Manifests(ctx context.Context, in activities.ListManifestsInput) ([]activities.ManifestCoordinates, error) {
	ctx, cancel := context.WithTimeout(ctx, liveTimeout)
	defer cancel()
	out, err := ask(ctx, c, activities.ListManifests, in.Account, in)
	return out.Manifests, err
}

// Console reads the logs of a pod.
func (c *Cloud) Console(ctx context.Context, in activities.ReadConsoleInput) ([]activities.ContainerLog, error) {
	ctx, cancel := context.WithTimeout(ctx, liveTimeout)
	defer cancel()
	out, err := ask(ctx, c, activities.ReadConsole, in.Account, in)
	return out.Output, err
}

// Logs waits for new lines of a container's log.
func (c *Cloud) Logs(ctx context.Context, in activities.FollowLogsInput) (activities.FollowLogsOutput, error) {
	return ask(ctx, c, activities.FollowLogs, in.Account, in)
}
