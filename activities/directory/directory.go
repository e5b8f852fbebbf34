// Package directory is the room that knows which cloud accounts there are and
// who serves them: those of this process's own configuration, and those that
// workers announce in Temporal.
//
// Each account has a workflow, its record, which takes announcements one after
// another and shows what it knows in its memo. So a worker that reaches Temporal
// alone can announce an account, and whoever reads needs neither that worker nor
// its kubeconfig.
package directory

import (
	"context"
	"errors"
	"slices"
	"strconv"
	"strings"
	"sync"
	"time"

	"go.temporal.io/api/common/v1"
	"go.temporal.io/api/enums/v1"
	"go.temporal.io/api/serviceerror"
	"go.temporal.io/api/workflowservice/v1"
	"go.temporal.io/sdk/client"
	"go.temporal.io/sdk/converter"

	"github.com/gennaker/gennaker/activities"
	"github.com/gennaker/gennaker/pipeline"
)

const (
	// answerTimeout bounds one call of Temporal.
	answerTimeout = 8 * time.Second
	// listAge is how long a list of records is believed.
	listAge = 2 * time.Second
	// pollAge is the age of a poll after which its worker counts as gone. A poll
	// lasts a minute at most.
	pollAge = 2 * time.Minute
	// maxRecords bounds the accounts that are listed.
	maxRecords = 5000
)

// Temporal is the part of Temporal's client that is needed here.
type Temporal interface {
	UpdateWithStartWorkflow(ctx context.Context, options client.UpdateWithStartWorkflowOptions) (client.WorkflowUpdateHandle, error)
	NewWithStartWorkflowOperation(options client.StartWorkflowOptions, workflow any, args ...any) client.WithStartWorkflowOperation
	SignalWorkflow(ctx context.Context, workflowID, runID, signalName string, arg any) error
	DescribeWorkflowExecution(ctx context.Context, workflowID, runID string) (*workflowservice.DescribeWorkflowExecutionResponse, error)
	DescribeTaskQueue(ctx context.Context, taskqueue string, taskqueueType enums.TaskQueueType) (*workflowservice.DescribeTaskQueueResponse, error)
	ListWorkflow(ctx context.Context, request *workflowservice.ListWorkflowExecutionsRequest) (*workflowservice.ListWorkflowExecutionsResponse, error)
}

var _ Temporal = (client.Client)(nil)

// Known are the accounts of this process's own configuration.
type Known interface {
	// Names lists them, sorted.
	Names() []string
	// FindAccount returns not_found for one that is not among them.
	FindAccount(context.Context, activities.FindAccountInput) (activities.FindAccountOutput, error)
}

// Directory implements [activities.Accounts]. It is safe for concurrent use.
type Directory struct {
	client    Temporal
	queue     string
	converter converter.DataConverter
	known     Known
	now       func() time.Time

	mu     sync.Mutex
	listed []activities.AccountRecord
	at     time.Time
}

var _ activities.Accounts = (*Directory)(nil)

// New returns the room on a client, which the caller closes. The queue is that of
// the workers that run the accounts' workflows, the converter reads their memos.
func New(c Temporal, queue string, dc converter.DataConverter, known Known) *Directory {
	return &Directory{client: c, queue: queue, converter: dc, known: known, now: time.Now}
}

// Announce tells an account's record of a worker. Errors: unavailable, while
// Temporal or the workers of the record's queue do not answer.
func (d *Directory) Announce(ctx context.Context, in activities.Announcement) (activities.Verdict, error) {
	ctx, cancel := context.WithTimeout(ctx, answerTimeout)
	defer cancel()
	if more := len(in.About.Namespaces) - activities.MaxNamespaces; more > 0 {
		in.About.Namespaces, in.About.MoreNamespaces = in.About.Namespaces[:activities.MaxNamespaces], more
	}
	start := d.client.NewWithStartWorkflowOperation(client.StartWorkflowOptions{
		ID: activities.AccountID(in.Account), TaskQueue: d.queue,
		WorkflowIDConflictPolicy: enums.WORKFLOW_ID_CONFLICT_POLICY_USE_EXISTING,
		WorkflowIDReusePolicy:    enums.WORKFLOW_ID_REUSE_POLICY_ALLOW_DUPLICATE,
		StaticSummary:            "account " + in.Account,
	}, activities.AccountWorkflow, activities.AccountRecord{Account: in.Account})
	handle, err := d.client.UpdateWithStartWorkflow(ctx, client.UpdateWithStartWorkflowOptions{
		StartWorkflowOperation: start,
		UpdateOptions: client.UpdateWorkflowOptions{
			UpdateName: activities.AnnounceUpdate, Args: []any{in}, WaitForStage: client.WorkflowUpdateStageCompleted,
		},
	})
	var out activities.Verdict
	if err == nil {
		err = handle.Get(ctx, &out)
	}
	if err != nil {
		return out, failed(err, "take the announcement of account "+strconv.Quote(in.Account))
	}
	return out, nil
}

// Withdraw tells an account's record that a worker serves it no more. A record
// that is not there is a success. Errors: unavailable.
func (d *Directory) Withdraw(ctx context.Context, account string, in activities.Withdrawal) error {
	ctx, cancel := context.WithTimeout(ctx, answerTimeout)
	defer cancel()
	err := d.client.SignalWorkflow(ctx, activities.AccountID(account), "", activities.WithdrawSignal, in)
	if gone(err) {
		return nil
	}
	return failed(err, "take the withdrawal of account "+strconv.Quote(account))
}

// Record returns what workers announced of an account. Errors: not_found when
// none did, or none for a week; unavailable.
func (d *Directory) Record(ctx context.Context, account string) (activities.AccountRecord, error) {
	none := activities.AccountRecord{}
	ctx, cancel := context.WithTimeout(ctx, answerTimeout)
	defer cancel()
	described, err := d.client.DescribeWorkflowExecution(ctx, activities.AccountID(account), "")
	if err != nil && !gone(err) {
		return none, failed(err, "tell about account "+strconv.Quote(account))
	}
	info := described.GetWorkflowExecutionInfo()
	if err != nil || info.GetStatus() != enums.WORKFLOW_EXECUTION_STATUS_RUNNING || info.GetType().GetName() != activities.AccountWorkflow {
		return none, pipeline.Errorf(pipeline.CodeNotFound, "No worker announced an account %q.", account)
	}
	out, found, err := d.read(info.GetMemo())
	if err == nil && !found {
		return none, pipeline.Errorf(pipeline.CodeNotFound, "No worker announced an account %q yet.", account)
	}
	return out, err
}

// Records lists what workers announced, by account. When Temporal does not
// answer it is the last known list; unavailable, when there is none.
func (d *Directory) Records(ctx context.Context) ([]activities.AccountRecord, error) {
	d.mu.Lock()
	defer d.mu.Unlock()
	if d.listed != nil && d.now().Sub(d.at) < listAge {
		return slices.Clone(d.listed), nil
	}
	fresh, err := d.list(ctx)
	switch {
	case err == nil:
		d.listed = fresh
	case d.listed == nil:
		return nil, err
	}
	d.at = d.now()
	return slices.Clone(d.listed), nil
}

func (d *Directory) list(ctx context.Context) ([]activities.AccountRecord, error) {
	ctx, cancel := context.WithTimeout(ctx, answerTimeout)
	defer cancel()
	out := []activities.AccountRecord{}
	var page []byte
	for {
		answer, err := d.client.ListWorkflow(ctx, &workflowservice.ListWorkflowExecutionsRequest{
			Query: "WorkflowType = '" + activities.AccountWorkflow + "' AND ExecutionStatus = 'Running'", PageSize: 200, NextPageToken: page,
		})
		if err != nil {
			return nil, failed(err, "list the accounts")
		}
		for _, info := range answer.GetExecutions() {
			record, found, err := d.read(info.GetMemo())
			if err != nil {
				return nil, err
			}
			if found {
				out = append(out, record)
			}
		}
		if page = answer.GetNextPageToken(); len(page) == 0 || len(out) >= maxRecords {
			break
		}
	}
	slices.SortFunc(out, func(a, b activities.AccountRecord) int { return strings.Compare(a.Account, b.Account) })
	// A list may show the run before and the run after a continuation.
	return slices.CompactFunc(out, func(a, b activities.AccountRecord) bool { return a.Account == b.Account }), nil
}

func (d *Directory) read(memo *common.Memo) (record activities.AccountRecord, found bool, err error) {
	value, found := memo.GetFields()[activities.AccountMemo]
	if !found {
		return record, false, nil
	}
	if err := d.converter.FromPayload(value, &record); err != nil {
		return record, false, pipeline.Wrap(pipeline.CodeInternal, err, "The record of an account cannot be read: %s.", err)
	}
	return record, true, nil
}

// Pollers lists the workers that polled a task queue of activities lately,
// sorted. Errors: unavailable.
func (d *Directory) Pollers(ctx context.Context, queue string) ([]string, error) {
	ctx, cancel := context.WithTimeout(ctx, answerTimeout)
	defer cancel()
	answer, err := d.client.DescribeTaskQueue(ctx, queue, enums.TASK_QUEUE_TYPE_ACTIVITY)
	if err != nil {
		return nil, failed(err, "tell who polls the task queue "+queue)
	}
	out := []string{}
	for _, p := range answer.GetPollers() {
		if d.now().Sub(p.GetLastAccessTime().AsTime()) < pollAge {
			out = append(out, p.GetIdentity())
		}
	}
	slices.Sort(out)
	return slices.Compact(out), nil
}

// FindAccount implements [activities.Accounts].
func (d *Directory) FindAccount(ctx context.Context, in activities.FindAccountInput) (activities.FindAccountOutput, error) {
	out, err := d.known.FindAccount(ctx, in)
	if err == nil || pipeline.CodeOf(err) != pipeline.CodeNotFound {
		return out, err
	}
	record, err := d.Record(ctx, in.Account)
	if err == nil {
		return activities.FindAccountOutput{Account: record.Account, CloudProvider: record.About.CloudProvider}, nil
	}
	if pipeline.CodeOf(err) != pipeline.CodeNotFound {
		return activities.FindAccountOutput{}, err
	}
	names, err := d.names(ctx)
	if err != nil {
		names = d.known.Names()
	}
	return activities.FindAccountOutput{}, pipeline.Errorf(pipeline.CodeNotFound, "There is no account named %q. Known accounts: %s.", in.Account, some(names))
}

// ListAccounts implements [activities.Accounts].
func (d *Directory) ListAccounts(ctx context.Context, _ activities.ListAccountsInput) (activities.ListAccountsOutput, error) {
	names, err := d.names(ctx)
	return activities.ListAccountsOutput{Accounts: names}, err
}

// names lists all accounts, sorted.
func (d *Directory) names(ctx context.Context) ([]string, error) {
	records, err := d.Records(ctx)
	if err != nil {
		return nil, err
	}
	names := d.known.Names()
	for _, r := range records {
		names = append(names, r.Account)
	}
	slices.Sort(names)
	return slices.Compact(names), nil
}

func some(names []string) string {
	const most = 20
	switch {
	case len(names) == 0:
		return "none"
	case len(names) > most:
		return strings.Join(names[:most], ", ") + " and " + strconv.Itoa(len(names)-most) + " more"
	}
	return strings.Join(names, ", ")
}

// FindWorkers implements [activities.Accounts].
func (d *Directory) FindWorkers(ctx context.Context, in activities.FindWorkersInput) (activities.FindWorkersOutput, error) {
	workers, err := d.Pollers(ctx, in.Queue)
	out := activities.FindWorkersOutput{Workers: workers}
	account, isAccount := activities.AccountOfQueue(in.Queue)
	if err != nil || !isAccount {
		return out, err
	}
	record, err := d.Record(ctx, account)
	if err != nil && pipeline.CodeOf(err) != pipeline.CodeNotFound {
		return out, err
	}
	out.LastWorker, out.LastSeen = record.LastWorker, record.LastSeen
	return out, nil
}

// gone reports whether there is no such workflow, or it has closed.
func gone(err error) bool {
	var e *serviceerror.NotFound
	return errors.As(err, &e)
}

// failed turns what Temporal's client returned into an error with a code.
func failed(err error, doing string) error {
	if err == nil {
		return nil
	}
	return pipeline.Wrap(pipeline.CodeUnavailable, err, "Temporal or a worker with the role orca did not answer in time to %s (%s).", doing, err)
}
