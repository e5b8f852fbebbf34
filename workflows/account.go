package workflows

import (
	"cmp"
	"fmt"
	"slices"
	"strings"
	"time"

	"go.temporal.io/sdk/log"
	"go.temporal.io/sdk/workflow"

	"github.com/gennaker/gennaker/activities"
	"github.com/gennaker/gennaker/pipeline"
)

// Bounds of an account's record.
const (
	// forgottenAfter is how long an account is remembered that nobody announces.
	forgottenAfter = 7 * 24 * time.Hour
	// shortestLease and longestLease bound what a worker may ask for.
	shortestLease = 5 * time.Second
	longestLease  = time.Hour
	// maxAccountWorkers and maxRefused bound the lists of a record.
	maxAccountWorkers = 100
	maxRefused        = 10
)

// account is the record of one cloud account. Workers announce the account
// here, one after another, so that two clusters under one name are noticed.
type account struct {
	record   activities.AccountRecord
	withdraw workflow.ReceiveChannel
	// changed is set when the record is to be published, ended when nobody needs it
	// any more.
	changed, ended bool
	alarm          workflow.Future
	alarmAt        time.Time
	silence        workflow.CancelFunc
	log            log.Logger
}

// Account is the workflow of an account's record. It lives as long as workers
// announce the account, and a week longer.
func Account(ctx workflow.Context, record activities.AccountRecord) error {
	a := &account{
		record: record, withdraw: workflow.GetSignalChannel(ctx, activities.WithdrawSignal),
		log: log.With(workflow.GetLogger(ctx), "account", record.Account),
	}
	err := workflow.SetUpdateHandlerWithOptions(ctx, activities.AnnounceUpdate, a.announce, workflow.UpdateHandlerOptions{
		Validator: a.check, Description: "A worker tells of the account and of its cluster.",
	})
	if err != nil {
		return err
	}
	for {
		a.receive(ctx)
		if a.changed {
			a.changed = false
			if err := a.publish(ctx); err != nil {
				return err
			}
		}
		switch {
		case a.withdraw.Len() > 0:
		case a.ended:
			return nil
		case workflow.GetInfo(ctx).GetContinueAsNewSuggested():
			return workflow.NewContinueAsNewError(ctx, activities.AccountWorkflow, a.record)
		default:
			if err := a.wait(ctx); err != nil {
				return err
			}
		}
	}
}

// due is when the account may be forgotten unless there is news.
func (a *account) due(ctx workflow.Context) time.Time {
	switch {
	case a.record.Ending:
		last := pipeline.Millis(0)
		for _, w := range a.record.Workers {
			last = max(last, w.Until)
		}
		return last.Time()
	case a.record.LastSeen > 0:
		return a.record.LastSeen.Time().Add(forgottenAfter)
	case a.alarm != nil:
		return a.alarmAt
	}
	return workflow.Now(ctx).Add(forgottenAfter) // nobody announced it yet
}

// wait waits for news, or until the account may be forgotten. A timer that would
// ring too early is left as it is, which is cheaper than another.
func (a *account) wait(ctx workflow.Context) error {
	due := a.due(ctx)
	if a.alarm == nil || due.Before(a.alarmAt) {
		if a.alarm != nil {
			a.silence()
		}
		var timed workflow.Context
		timed, a.silence = workflow.WithCancel(ctx)
		a.alarm = workflow.NewTimerWithOptions(timed, due.Sub(workflow.Now(ctx)), workflow.TimerOptions{Summary: "forget the account"})
		a.alarmAt = due
	}
	err := workflow.Await(ctx, func() bool {
		return a.changed || a.withdraw.Len() > 0 || a.alarm.IsReady()
	})
	if a.alarm.IsReady() {
		a.alarm = nil
		a.ended = !workflow.Now(ctx).Before(a.due(ctx)) || a.record.LastSeen == 0
	}
	return err
}

func (a *account) check(_ workflow.Context, in activities.Announcement) error {
	switch {
	case in.Account != a.record.Account:
		return pipeline.Errorf(pipeline.CodeInvalid, "The announcement is of account %q: this record is of %q.", in.Account, a.record.Account)
	case in.Worker == "":
		return pipeline.Errorf(pipeline.CodeInvalid, "The announcement names no worker.")
	case len(in.About.Namespaces) > activities.MaxNamespaces:
		return pipeline.Errorf(pipeline.CodeTooLarge, "The announcement has %d namespaces: at most %d can be told.", len(in.About.Namespaces), activities.MaxNamespaces)
	}
	return nil
}

// announce takes a worker in, or refuses one whose cluster is another than that
// of the workers that serve the account. When none of those is left, the name
// goes to the new cluster.
func (a *account) announce(ctx workflow.Context, in activities.Announcement) (activities.Verdict, error) {
	now := pipeline.ToMillis(workflow.Now(ctx))
	lease := min(max(time.Duration(in.LeaseSeconds)*time.Second, shortestLease), longestLease)
	until := now + pipeline.Millis(lease.Milliseconds())
	a.changed, a.ended = true, false
	a.forget(in.Worker, now)
	r := &a.record
	if in.Cluster != "" && r.Cluster != "" && in.Cluster != r.Cluster {
		holders := a.holders()
		if len(holders) > 0 {
			reason := fmt.Sprintf("The account %q stands for the cluster with the ID %s, which %s serves. This worker's kubeconfig leads to the cluster with the ID %s. "+
				"Name one of the two accounts differently, or correct the kubeconfig.", r.Account, r.Cluster, strings.Join(holders, ", "), in.Cluster)
			r.Refused = append(r.Refused, activities.RefusedWorker{Worker: in.Worker, Cluster: in.Cluster, Reason: reason, Until: until})
			r.Refused = r.Refused[max(len(r.Refused)-maxRefused, 0):]
			a.log.Warn("a worker announced the account for another cluster and was refused", "worker", in.Worker, "cluster", in.Cluster, "holder", r.Cluster)
			return activities.Verdict{Reason: reason}, nil
		}
		a.log.Info("the account goes over to another cluster", "worker", in.Worker, "cluster", in.Cluster, "before", r.Cluster)
		r.Cluster = in.Cluster
	}
	if len(r.Workers) >= maxAccountWorkers {
		return activities.Verdict{Reason: fmt.Sprintf("The account %q has %d workers, which is the most.", r.Account, len(r.Workers))}, nil
	}
	if r.Cluster == "" {
		r.Cluster = in.Cluster
	}
	r.About, r.LastWorker, r.LastSeen, r.Ending = in.About, in.Worker, now, false
	r.Workers = append(r.Workers, activities.AccountWorker{
		Worker: in.Worker, Version: in.Version, Cluster: in.Cluster, Until: until, Health: in.Health,
	})
	slices.SortFunc(r.Workers, func(x, y activities.AccountWorker) int { return cmp.Compare(x.Worker, y.Worker) })
	return activities.Verdict{Accepted: true}, nil
}

// forget drops what a worker said before, and those whose lease is over.
func (a *account) forget(worker string, now pipeline.Millis) {
	a.record.Workers = slices.DeleteFunc(a.record.Workers, func(w activities.AccountWorker) bool { return w.Worker == worker || w.Until <= now })
	a.record.Refused = slices.DeleteFunc(a.record.Refused, func(w activities.RefusedWorker) bool { return w.Worker == worker || w.Until <= now })
}

// holders are the workers that serve the account's cluster.
func (a *account) holders() []string {
	var out []string
	for _, w := range a.record.Workers {
		if w.Cluster == a.record.Cluster {
			out = append(out, w.Worker)
		}
	}
	return out
}

// receive takes in all withdrawals that have arrived.
func (a *account) receive(ctx workflow.Context) {
	for {
		var m activities.Withdrawal
		if !a.withdraw.ReceiveAsync(&m) {
			return
		}
		a.forget(m.Worker, pipeline.ToMillis(workflow.Now(ctx)))
		a.changed = true
		a.record.Ending = a.record.Ending || m.Removed
		a.ended = a.record.Ending && len(a.record.Workers) == 0
	}
}

// publish puts the record where it can be read without a worker.
func (a *account) publish(ctx workflow.Context) error {
	workflow.SetCurrentDetails(ctx, a.details())
	return workflow.UpsertMemo(ctx, map[string]any{activities.AccountMemo: a.record})
}

// details is the record in words, for the Temporal UI.
func (a *account) details() string {
	var b strings.Builder
	fmt.Fprintf(&b, "**%s**\n\nCluster %s\n\n", plain(a.record.Account), plain(cmp.Or(a.record.Cluster, "not known")))
	for _, w := range a.record.Workers {
		state := "reachable, " + w.Health.ServerVersion
		if !w.Health.Reachable {
			state = cmp.Or(w.Health.Error, "not looked at")
		}
		fmt.Fprintf(&b, "- %s: %s\n", plain(w.Worker), plain(state))
	}
	for _, w := range a.record.Refused {
		fmt.Fprintf(&b, "- %s is refused: %s\n", plain(w.Worker), plain(w.Reason))
	}
	return b.String()
}
