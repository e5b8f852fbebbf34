package clouddriver

import (
	"context"
	"log/slog"

	"github.com/gennaker/gennaker/activities"
)

// Clouddriver implements the clouddriver activities for Kubernetes. It holds no
// state of its own between calls; clusters and heartbeat details hold all.
type Clouddriver struct {
	accounts *Accounts
	logger   *slog.Logger
	settings Settings
}

// Settings are the choices that Spinnaker makes for all accounts at once. The
// zero value is Spinnaker's default.
type Settings struct {
	// MatchImageNameOnly binds docker artifacts only to images written without
	// a tag or digest (kubernetes.artifact-binding.docker-image =
	// match-name-only).
	MatchImageNameOnly bool `json:"matchImageNameOnly,omitempty" yaml:"matchImageNameOnly,omitempty"`
	// SkipAppLabels leaves out all labels (kubernetes.v2.apply-app-labels =
	// false).
	SkipAppLabels bool `json:"skipAppLabels,omitempty" yaml:"skipAppLabels,omitempty"`
	// ManagedBySuffix makes the managed-by label "spinnaker-<suffix>"
	// (kubernetes.v2.managed-by-suffix).
	ManagedBySuffix string `json:"managedBySuffix,omitempty" yaml:"managedBySuffix,omitempty"`
}

// New returns the activities over the accounts' clusters with Spinnaker's
// default [Settings].
func New(accounts *Accounts, logger *slog.Logger) *Clouddriver {
	return &Clouddriver{accounts: accounts, logger: logger}
}

// WithSettings returns c with other settings.
func (c *Clouddriver) WithSettings(s Settings) *Clouddriver {
	d := *c
	d.settings = s
	return &d
}

// open returns the connection of an account for an operation that needs the
// access. It checks that the execution's user has it, and that the connection
// leads to the cluster which the account is known for. Errors: invalid,
// not_found, forbidden, unavailable.
func (c *Clouddriver) open(ctx context.Context, scope activities.Scope, name string, access Access) (*cluster, error) {
	acc, err := c.accounts.find(name)
	if err != nil {
		return nil, err
	}
	if err := acc.authorize(ctx, scope, access); err != nil {
		return nil, err
	}
	return c.openUnasked(ctx, name)
}

// openUnasked is open for what is done on nobody's behalf.
func (c *Clouddriver) openUnasked(ctx context.Context, name string) (*cluster, error) {
	acc, err := c.accounts.find(name)
	if err != nil {
		return nil, err
	}
	cl, err := acc.connect(ctx)
	if err != nil {
		return nil, err
	}
	return cl, cl.verify(ctx)
}

func (c *Clouddriver) log(s activities.Scope, account string) *slog.Logger {
	return c.logger.With(slog.String("application", s.Application), slog.String("execution", s.Execution),
		slog.String("stage", s.Stage), slog.String("account", account))
}

var _ activities.Clouddriver = (*Clouddriver)(nil)
