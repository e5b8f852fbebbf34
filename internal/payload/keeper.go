package payload

import (
	"context"
	"fmt"
	"math/rand/v2"
	"time"

	"github.com/minio/minio-go/v7"
	"go.temporal.io/api/common/v1"
	"go.temporal.io/api/enums/v1"
	"go.temporal.io/api/history/v1"
	"go.temporal.io/api/proxy"
	sdkpb "go.temporal.io/api/sdk/v1"
	"go.temporal.io/api/workflowservice/v1"
	"go.temporal.io/sdk/client"
	"google.golang.org/protobuf/encoding/protojson"

	"github.com/gennaker/gennaker/internal/objectstore"
)

// How long objects live. An execution's history is needed until Temporal's
// retention is over. Objects of executions that run are refreshed once they are
// refreshAfter old, so an object is at most that old, and a few days, when its
// execution ends; the margin on top of the retention covers both twice over.
const lifetimeMargin = 60 * 24 * time.Hour

const (
	// sweepEvery is the time between two looks at the executions that run,
	// whichever process takes them; each process asks more often whether one is
	// due.
	sweepEvery = 20 * time.Hour
	askEvery   = time.Hour
	// sweepFrom is the age of executions that are looked at; younger ones hold
	// nothing old, unless they were reset.
	sweepFrom = 24 * time.Hour
	// retryAfter is the wait after a failure.
	retryAfter = time.Minute
	// maxRemembered bounds the objects that one sweep remembers to have seen.
	maxRemembered = 1 << 20
)

// sweptMark is the object that tells when the last sweep ended.
const sweptMark = "swept"

// Keep sees to it, until ctx ends, that objects which nobody needs any more go
// and that all others stay: it sets the bucket's lifecycle rule and, once a day,
// refreshes what long-running executions refer to. Processes that do it at once
// do no harm. Failures are logged and tried again.
func (p *Payloads) Keep(ctx context.Context, c client.Client) error {
	wait := time.Duration(rand.Int64N(int64(time.Minute)))
	for {
		select {
		case <-ctx.Done():
			return nil
		case <-time.After(wait):
		}
		wait = askEvery/2 + time.Duration(rand.Int64N(int64(askEvery)))
		if err := p.KeepOnce(ctx, c); err != nil && ctx.Err() == nil {
			p.log.Warn("payloads in the bucket cannot be looked after; it is tried again", "error", err)
			wait = retryAfter
		}
	}
}

// KeepOnce does what [Payloads.Keep] does, once.
func (p *Payloads) KeepOnce(ctx context.Context, c client.Client) error {
	if err := p.setLifetime(ctx, c); err != nil {
		return err
	}
	mark, err := p.bucket.client.StatObject(ctx, p.bucket.name, p.bucket.prefix+sweptMark, minio.StatObjectOptions{})
	if err != nil && !objectstore.IsNotFound(err) {
		return p.bucket.fault(err, "give", sweptMark, 0)
	}
	if err == nil && time.Since(mark.LastModified) < sweepEvery {
		return nil
	}
	if err := p.Refresh(ctx, c, time.Now().Add(-sweepFrom), time.Now().Add(-refreshAfter)); err != nil {
		return err
	}
	_, err = p.bucket.write(ctx, sweptMark, nil, false)
	return err
}

// setLifetime sets the lifecycle rule. A store that refuses is told about, since
// its objects stay for ever.
func (p *Payloads) setLifetime(ctx context.Context, c client.Client) error {
	described, err := c.WorkflowService().DescribeNamespace(ctx, &workflowservice.DescribeNamespaceRequest{Namespace: p.namespace})
	if err != nil {
		return fmt.Errorf("ask for the retention of namespace %s: %w", p.namespace, err)
	}
	lifetime := described.GetConfig().GetWorkflowExecutionRetentionTtl().AsDuration() + lifetimeMargin
	days := int((lifetime + 24*time.Hour - 1) / (24 * time.Hour))
	changed, err := objectstore.Expire(ctx, p.bucket.client, p.bucket.name, objectstore.Expiry{
		ID: "gennaker-payloads-" + p.namespace, Prefix: p.bucket.prefix, Days: days,
	})
	switch {
	case objectstore.IsRefused(err):
		p.log.Warn("the bucket's lifecycle rule cannot be set: set one by hand, or payloads stay for ever",
			"bucket", p.bucket.name, "prefix", p.bucket.prefix, "days", days, "error", err)
		return nil
	case err != nil:
		return err
	case changed:
		p.log.Info("payloads expire by the bucket's lifecycle rule", "bucket", p.bucket.name, "prefix", p.bucket.prefix, "days", days)
	}
	return nil
}

// Refresh makes the time of every object begin anew that a running execution
// refers to, when the execution was started before one time and the object
// written before another.
func (p *Payloads) Refresh(ctx context.Context, c client.Client, startedBefore, writtenBefore time.Time) error {
	s := sweep{p: p, writtenBefore: writtenBefore, seen: map[string]bool{}}
	query := fmt.Sprintf("ExecutionStatus = 'Running' AND StartTime < '%s'", startedBefore.UTC().Format(time.RFC3339Nano))
	for token := []byte(nil); ; {
		page, err := c.ListWorkflow(ctx, &workflowservice.ListWorkflowExecutionsRequest{
			Namespace: p.namespace, Query: query, NextPageToken: token,
		})
		if err != nil {
			return fmt.Errorf("list running executions: %w", err)
		}
		for _, x := range page.GetExecutions() {
			if err := s.execution(ctx, c, x.GetExecution()); err != nil {
				return err
			}
		}
		if token = page.GetNextPageToken(); len(token) == 0 {
			break
		}
	}
	if s.refreshed > 0 {
		p.log.Info("payloads of long-running executions were refreshed", "executions", s.executions, "objects", s.refreshed)
	}
	return nil
}

// sweep is one look at what running executions refer to.
type sweep struct {
	p                     *Payloads
	writtenBefore         time.Time
	seen                  map[string]bool
	executions, refreshed int
}

func (s *sweep) execution(ctx context.Context, c client.Client, x *common.WorkflowExecution) error {
	s.executions++
	events := c.GetWorkflowHistory(ctx, x.GetWorkflowId(), x.GetRunId(), false, enums.HISTORY_EVENT_FILTER_TYPE_ALL_EVENT)
	for events.HasNext() {
		event, err := events.Next()
		if err != nil {
			return fmt.Errorf("read the history of %s: %w", x.GetWorkflowId(), err)
		}
		for _, hash := range references(ctx, event) {
			if err := s.touch(ctx, x.GetWorkflowId(), hash); err != nil {
				return err
			}
		}
	}
	return nil
}

func (s *sweep) touch(ctx context.Context, execution, hash string) error {
	if s.seen[hash] {
		return nil
	}
	if len(s.seen) == maxRemembered {
		clear(s.seen)
	}
	s.seen[hash] = true
	done, err := s.p.bucket.touch(ctx, hash, s.writtenBefore)
	if objectstore.IsNotFound(err) {
		// The others must not suffer for it.
		s.p.log.Error("a running execution refers to a payload that is not in the bucket: it will stand still once it needs it",
			"execution", execution, "object", s.p.bucket.prefix+hash)
		return nil
	}
	if done {
		s.refreshed++
	}
	return err
}

// references returns the hashes of the objects that an event refers to.
func references(ctx context.Context, event *history.HistoryEvent) []string {
	var out []string
	// The visitor returns no error, so there is none.
	_ = proxy.VisitPayloads(ctx, event, proxy.VisitPayloadsOptions{
		SkipSearchAttributes: true,
		Visitor: func(_ *proxy.VisitPayloadsContext, payloads []*common.Payload) ([]*common.Payload, error) {
			for _, p := range payloads {
				if hash := reference(p); hash != "" {
					out = append(out, hash)
				}
			}
			return payloads, nil
		},
	})
	return out
}

var referenceType = string((*sdkpb.ExternalStorageReference)(nil).ProtoReflect().Descriptor().FullName())

// reference returns the hash that a payload refers to, empty when it is no
// reference of ours.
func reference(p *common.Payload) string {
	if string(p.GetMetadata()["messageType"]) != referenceType {
		return ""
	}
	var r sdkpb.ExternalStorageReference
	if err := protojson.Unmarshal(p.GetData(), &r); err != nil || r.GetDriverName() != DriverName {
		return ""
	}
	hash := r.GetClaimData()[claimHash]
	if !sha256Hex.MatchString(hash) {
		return ""
	}
	return hash
}
