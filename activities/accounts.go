package activities

import (
	"context"
	"time"

	"github.com/gennaker/gennaker/pipeline"
)

// Accounts answers which cloud accounts exist and who serves them. It is served
// by the orca worker itself, so that a misspelt account fails at once instead of
// waiting for a worker that nobody runs.
type Accounts interface {
	// FindAccount returns not_found with the names of the known accounts, and
	// unavailable when it cannot be told now whether there is such an account.
	FindAccount(context.Context, FindAccountInput) (FindAccountOutput, error)
	// ListAccounts returns the names of all accounts. Errors: unavailable.
	ListAccounts(context.Context, ListAccountsInput) (ListAccountsOutput, error)
	// FindWorkers returns who polls a task queue, and who served the account of it
	// last. Errors: unavailable.
	FindWorkers(context.Context, FindWorkersInput) (FindWorkersOutput, error)
}

// The calls.
var (
	// FindAccount looks an account up.
	FindAccount = Call[FindAccountInput, FindAccountOutput]{
		Name: "accounts.find", Local: true, Timeout: 10 * time.Second,
	}
	// ListAccounts lists the accounts.
	ListAccounts = Call[ListAccountsInput, ListAccountsOutput]{
		Name: "accounts.list", Local: true, Timeout: 10 * time.Second,
	}
	// FindWorkers looks for the workers of a task queue.
	FindWorkers = Call[FindWorkersInput, FindWorkersOutput]{
		Name: "accounts.findWorkers", Local: true, Timeout: 10 * time.Second,
	}
)

// RegisterAccounts registers impl under the names of the calls.
func RegisterAccounts(r Registry, impl Accounts) {
	register(r, FindAccount, impl.FindAccount)
	register(r, ListAccounts, impl.ListAccounts)
	register(r, FindWorkers, impl.FindWorkers)
}

// FindAccountInput names an account.
type FindAccountInput struct {
	Account string `json:"account"`
}

// FindAccountOutput describes it.
type FindAccountOutput struct {
	Account       string `json:"account"`
	CloudProvider string `json:"cloudProvider"`
}

// ListAccountsInput asks for all accounts.
type ListAccountsInput struct{}

// ListAccountsOutput holds their names, sorted.
type ListAccountsOutput struct {
	Accounts []string `json:"accounts"`
}

// FindWorkersInput names a task queue.
type FindWorkersInput struct {
	Queue string `json:"queue"`
}

// FindWorkersOutput tells who serves the queue.
type FindWorkersOutput struct {
	// Workers polled it within the last two minutes.
	Workers []string `json:"workers,omitempty"`
	// LastWorker announced the account last, at LastSeen; empty when the queue is
	// of no account, or nobody ever did.
	LastWorker string          `json:"lastWorker,omitempty"`
	LastSeen   pipeline.Millis `json:"lastSeen,omitempty"`
}

// These names are an interface, as those in workflows/names.go are: they stand
// in histories and never change.
const (
	// AccountWorkflow is the type of the workflow that keeps what the workers of an
	// account tell of it; its ID is [AccountID], its input an [AccountRecord].
	AccountWorkflow = "Account"
	// AnnounceUpdate takes an [Announcement] and answers with a [Verdict].
	AnnounceUpdate = "announce"
	// WithdrawSignal takes a [Withdrawal].
	WithdrawSignal = "withdraw"
	// AccountMemo is the key of the workflow's memo that holds the
	// [AccountRecord]: it can be read while no worker runs.
	AccountMemo = "account"
)

// accountPrefix begins the ID of every account's workflow.
const accountPrefix = "account."

// AccountID returns the workflow ID of an account's record.
func AccountID(account string) string { return accountPrefix + account }

// Announcement is what a worker tells of an account that it would serve.
type Announcement struct {
	Account string `json:"account"`
	// Worker is the worker's identity, Version that of its program.
	Worker  string `json:"worker"`
	Version string `json:"version,omitempty"`
	// Cluster is the UID of the cluster's namespace kube-system, empty while it is
	// not known.
	Cluster string `json:"cluster,omitempty"`
	// LeaseSeconds is how long the announcement holds.
	LeaseSeconds int           `json:"leaseSeconds"`
	About        AccountInfo   `json:"about"`
	Health       AccountHealth `json:"health"`
}

// AccountInfo is what an account's configuration tells clients.
type AccountInfo struct {
	CloudProvider string `json:"cloudProvider"`
	Environment   string `json:"environment"`
	AccountType   string `json:"accountType"`
	// Permissions are the roles for each access, none for an open account.
	Permissions             map[string][]string `json:"permissions,omitempty"`
	RequiredGroupMembership []string            `json:"requiredGroupMembership,omitempty"`
	// Namespaces are those that may be used, at most [MaxNamespaces];
	// MoreNamespaces is how many were left out.
	Namespaces     []string `json:"namespaces,omitempty"`
	MoreNamespaces int      `json:"moreNamespaces,omitempty"`
	// CustomKinds are the account's own kinds with Spinnaker's word for each.
	CustomKinds          map[string]string `json:"customKinds,omitempty"`
	CacheThreads         int               `json:"cacheThreads,omitempty"`
	CacheIntervalSeconds *int              `json:"cacheIntervalSeconds,omitempty"`
}

// MaxNamespaces bounds the namespaces that are told of an account.
const MaxNamespaces = 1000

// AccountHealth is what a worker found when it looked at an account's cluster.
type AccountHealth struct {
	// Reachable is set when the API server answers and takes the credentials;
	// Error says why not.
	Reachable bool   `json:"reachable"`
	Error     string `json:"error,omitempty"`
	// ServerVersion is the API server's.
	ServerVersion string `json:"serverVersion,omitempty"`
	// MissingPermissions are what deployments may need and the account may not do,
	// "create deployments.apps in namespace shop".
	MissingPermissions []string `json:"missingPermissions,omitempty"`
	// Configuration tells why the worker's configuration file cannot be used as it
	// is now; the accounts of before are served.
	Configuration string `json:"configuration,omitempty"`
	// CheckedAt is when the worker looked.
	CheckedAt pipeline.Millis `json:"checkedAt"`
}

// Verdict answers an announcement.
type Verdict struct {
	Accepted bool `json:"accepted"`
	// Reason says in words why it was not accepted.
	Reason string `json:"reason,omitempty"`
}

// Withdrawal ends a worker's announcements.
type Withdrawal struct {
	Worker string `json:"worker"`
	// Removed is set when the account was taken out of the worker's configuration;
	// otherwise the worker stops and may come back.
	Removed bool `json:"removed,omitempty"`
}

// AccountRecord is all that is known of an account that workers announce.
type AccountRecord struct {
	Account string `json:"account"`
	// Cluster is the UID of the cluster that the account stands for.
	Cluster string      `json:"cluster,omitempty"`
	About   AccountInfo `json:"about"`
	// Workers announced it, by identity. Those whose lease is over are gone.
	Workers []AccountWorker `json:"workers,omitempty"`
	// Refused announced it for another cluster, the latest last.
	Refused []RefusedWorker `json:"refused,omitempty"`
	// Ending is set when the account was taken out of a configuration and other
	// workers are left, which may have been lost: it ends with their leases.
	Ending bool `json:"ending,omitempty"`
	// LastWorker announced it last, at LastSeen.
	LastWorker string          `json:"lastWorker,omitempty"`
	LastSeen   pipeline.Millis `json:"lastSeen,omitempty"`
}

// AccountWorker is a worker that serves an account.
type AccountWorker struct {
	Worker  string `json:"worker"`
	Version string `json:"version,omitempty"`
	Cluster string `json:"cluster,omitempty"`
	// Until is when its lease ends.
	Until  pipeline.Millis `json:"until"`
	Health AccountHealth   `json:"health"`
}

// RefusedWorker is a worker that may not serve an account.
type RefusedWorker struct {
	Worker  string          `json:"worker"`
	Cluster string          `json:"cluster"`
	Reason  string          `json:"reason"`
	Until   pipeline.Millis `json:"until"`
}

// Live returns the workers whose lease is not over.
func (r AccountRecord) Live(now pipeline.Millis) []AccountWorker {
	var out []AccountWorker
	for _, w := range r.Workers {
		if w.Until > now {
			out = append(out, w)
		}
	}
	return out
}
