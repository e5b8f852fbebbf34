// Package gate is the API gateway: Spinnaker's HTTP API over Front50, the
// execution read model and the workflow engine, and the server of Deck's files.
//
// Handlers parse, call and render. What they call is declared here as small
// interfaces, so that the package knows no client: cmd hands them in.
package gate

import (
	"context"
	"log/slog"
	"net/http"
	"time"

	"github.com/prometheus/client_golang/prometheus"
	"go.opentelemetry.io/otel/trace"

	"github.com/gennaker/gennaker/activities"
	"github.com/gennaker/gennaker/executions"
	"github.com/gennaker/gennaker/fiat"
	"github.com/gennaker/gennaker/front50"
	"github.com/gennaker/gennaker/pipeline"
	"github.com/gennaker/gennaker/workflows"
)

// Engine starts executions and reaches those that have workflows.
//
// Errors of all methods: not_found when no such execution runs or ran,
// conflict, invalid, unavailable.
type Engine interface {
	// Start starts the workflow of e, whose ID is the execution's; conflict when
	// that ID was used before.
	Start(ctx context.Context, e *pipeline.Execution) error
	// Fail records e as an execution that failed on startup; conflict as Start.
	Fail(ctx context.Context, e *pipeline.Execution, failure workflows.StartFailure) error
	// Accept keeps an event that came in from outside; one whose ID was taken before
	// is a success.
	Accept(ctx context.Context, e workflows.Event) error
	// Cancel asks an execution to end; conflict when it has ended.
	Cancel(ctx context.Context, id string, in workflows.CancelInput) error
	// Pause holds an execution; conflict unless it is RUNNING. It returns the
	// execution after it, or none when its state is not at hand.
	Pause(ctx context.Context, id string, in workflows.PauseInput) (workflows.Snapshot, error)
	// Resume lets a paused execution go on, as Pause; conflict unless it is PAUSED.
	Resume(ctx context.Context, id string, in workflows.PauseInput) (workflows.Snapshot, error)
	// PatchStage edits a stage and returns the execution after it, or none when
	// the edit took and its result is not at hand; conflict when the stage is not
	// waiting for this, not_allowed for a skip of a stage that cannot be skipped.
	PatchStage(ctx context.Context, id string, in workflows.PatchStageInput) (workflows.Snapshot, error)
	// Restart runs a stage of an execution again, running or ended, of which known
	// is the newest known record. It returns the execution after it, or none when
	// the restart took and its result is not at hand; conflict when the stage
	// cannot be restarted now.
	Restart(ctx context.Context, known executions.Record, in workflows.RestartInput) (workflows.Snapshot, error)
	// Delete forgets an execution that has ended; conflict while it runs. One
	// that is not known is a success.
	Delete(ctx context.Context, id string) error
	// AwaitEnd waits, for some seconds, until an execution has ended and is
	// archived; unavailable when it takes longer.
	AwaitEnd(ctx context.Context, id string) error
	// Runs reports whether an execution has not ended yet, or not been archived.
	Runs(ctx context.Context, id string) (bool, error)
	// Correlated lists the IDs of executions with a correlation ID, the newest
	// first. What happened a moment ago or long ago may be missing.
	Correlated(ctx context.Context, correlationID string) ([]string, error)
}

// Executions reads executions, running and ended. Answers are shared: they are
// read and never changed.
//
// Errors: not_found, unavailable.
type Executions interface {
	// Get returns the newest known state.
	Get(ctx context.Context, id string) (executions.Record, error)
	// Document hands the newest known state to use, packed where it is at hand
	// so; throttled, when readers hold too many large ones. Errors of use come
	// back.
	Document(ctx context.Context, id string, use func(executions.Document) error) error
	// List returns matching executions, newest first by build time.
	List(ctx context.Context, q executions.Query) ([]*pipeline.Execution, error)
	// Watch streams changes until ctx ends, beginning with the present state; of
	// an application, with its unfinished executions. No older state of an
	// execution follows a newer one.
	Watch(ctx context.Context, t executions.Topic) (<-chan executions.Event, error)
	// Since tells what changed of a topic after a position that an event of its watch
	// gave; known is false when that cannot be told.
	Since(ctx context.Context, t executions.Topic, after string) (missed []executions.Event, known bool, err error)
	// Put makes a state visible at once; an older one than is known is passed
	// over. Readers do without it, slower, so it reports nothing.
	Put(ctx context.Context, r executions.Record)
	// Delete removes an execution that has ended; conflict while it runs.
	Delete(ctx context.Context, id string) error
}

var _ Executions = (*executions.Service)(nil)

// Account is a cloud account as clients see it; it holds no secret.
type Account struct {
	Name string
	// Type and CloudProvider name the provider, for example "kubernetes".
	Type          string
	CloudProvider string
	// Environment and AccountType are labels for people.
	Environment string
	AccountType string
	// Namespaces are the namespaces that the account may see; empty is all.
	Namespaces []string
	// SpinnakerKindMap maps a Kubernetes kind to Spinnaker's word for it, for
	// example "deployment" to "serverGroupManagers".
	SpinnakerKindMap map[string]string
	// Permissions are the roles for READ, WRITE and EXECUTE; none for an account
	// that is open to everybody.
	Permissions             map[string][]string
	RequiredGroupMembership []string
	// CacheThreads and CacheIntervalSeconds are shown as they are configured.
	CacheThreads         int
	CacheIntervalSeconds *int
}

// Accounts knows the cloud accounts.
type Accounts interface {
	// Accounts lists them, sorted by name. Errors: unavailable.
	Accounts(ctx context.Context) ([]Account, error)
	// Account returns one as it is now, also when a list that was just read does
	// not have it yet. Errors: not_found, unavailable.
	Account(ctx context.Context, name string) (Account, error)
	// Health tells how an account is. Errors: not_found, unavailable.
	Health(ctx context.Context, name string) (AccountHealth, error)
}

// StoredAccounts keeps account definitions that come through the API. Errors:
// invalid, conflict, not_found, too_large, unavailable.
type StoredAccounts interface {
	List(ctx context.Context) ([]pipeline.Map, error)
	Create(ctx context.Context, definition pipeline.Map, by string) error
	Save(ctx context.Context, definition pipeline.Map, by string) error
	Update(ctx context.Context, definition pipeline.Map, by string) error
	Delete(ctx context.Context, name, by string) error
}

// Artifacts shows what artifact accounts there are and fetches with them. Errors
// are those of activities.Artifacts.
type Artifacts interface {
	// Accounts lists the accounts, sorted by name.
	Accounts() []activities.ArtifactAccount
	// Fetch returns an artifact's content, FetchManifests the Kubernetes objects in
	// it.
	Fetch(ctx context.Context, a pipeline.Artifact) ([]byte, error)
	FetchManifests(ctx context.Context, in activities.FetchArtifactInput) (activities.FetchManifestsOutput, error)
	// Names and Versions list what an account has.
	Names(ctx context.Context, account, kind string) ([]string, error)
	Versions(ctx context.Context, account, kind, name string) ([]string, error)
}

// Plans tries operations on clusters without effect.
//
// Errors: those of [activities.Plans]; unavailable when no worker serves the
// account, with [activities.ErrNotTaken] as its cause.
type Plans interface {
	Plan(ctx context.Context, in activities.PlanManifestsInput) (activities.ManifestPlan, error)
}

// Check is one dependency that /health asks.
type Check struct {
	// Name is what people call the dependency, for example "temporal".
	Name string
	// Probe asks whether it works; nil is yes. It honours the context's deadline.
	Probe func(ctx context.Context) error
	// Optional is set for a dependency that Gate works without, slower: when it
	// is down /health says so and stays UP.
	Optional bool
}

// Dependencies are what the server calls.
type Dependencies struct {
	Engine     Engine
	Front50    front50.Store
	Executions Executions
	Accounts   Accounts
	// SignIn finds out who calls; nil takes everybody as anonymous.
	SignIn SignIn
	// Clusters and Live answer questions about what runs; nil knows nothing.
	Clusters Clusters
	Live     Live
	// Plans tries what a pipeline would change; nil cannot tell.
	Plans Plans
	// Permissions decides who may do what; nil lets everybody do everything.
	Permissions *fiat.Authorizer
	// AccountPermissions returns the roles for READ, WRITE and EXECUTE on an account
	// as they are now; known is false for an account of which nothing is known, which
	// nobody may read. Nil lets all read all.
	AccountPermissions func(ctx context.Context, account string) (permissions map[string][]string, known bool)
	// Audit keeps the audit log; nil writes it to the log alone.
	Audit fiat.Audit
	// StoredAccounts keeps accounts that come through the API; nil refuses them.
	StoredAccounts StoredAccounts
	// Fetcher answers the helper functions of expressions that need something
	// from outside; nil makes them fail and say so.
	Fetcher activities.Fetch
	// Artifacts fetches artifacts; nil knows no accounts.
	Artifacts Artifacts
	// Webhooks are the preconfigured webhooks of the installation.
	Webhooks []pipeline.PreconfiguredWebhook
	// Checks are the dependencies that /health asks.
	Checks []Check
	// Codec answers the codec endpoint; nil does not offer it.
	Codec http.Handler
	// Version is answered by /version.
	Version string
	// Now is the clock; nil is time.Now.
	Now func() time.Time
	// Logger is where requests are logged; nil is slog.Default.
	Logger *slog.Logger
	// Metrics takes what Gate counts, Tracer its spans, RateLimiter the tokens of
	// callers; nil of each does without.
	Metrics     prometheus.Registerer
	Tracer      trace.Tracer
	RateLimiter RateLimiter
}
