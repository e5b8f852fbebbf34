package clouddriver

import (
	"context"
	"maps"
	"reflect"
	"slices"
	"strconv"
	"strings"
	"sync"

	"k8s.io/client-go/transport"

	"github.com/gennaker/gennaker/activities"
	"github.com/gennaker/gennaker/fiat"
	"github.com/gennaker/gennaker/pipeline"
)

// Accounts is the registry of accounts and of the connections to their
// clusters. Accounts come, change and go while it is used ([Accounts.Configure],
// [Accounts.Store]). It is safe for concurrent use.
type Accounts struct {
	shared shared

	mu         sync.RWMutex
	configured []Account
	stored     []Account
	names      []string
	byName     map[string]*account
	changed    chan struct{} // closed with the next change
}

// shared is what all accounts of a registry have in common.
type shared struct {
	mu sync.RWMutex
	// claim, subjects and provider may be nil; see their setters.
	claim    Claim
	subjects fiat.Subjects
	provider ProviderSettings
}

// link is an account's connection. It lives as long as the account is not
// changed.
type link struct {
	// wrap, when set, sees every request: for tests of what happens between two.
	wrap transport.WrapperFunc

	mu      sync.Mutex
	cluster *cluster
	memo    namespaceMemo
}

// NewAccounts checks the configuration and returns the registry. No cluster is
// called: an unreachable one must not stop a worker that serves others. Errors:
// invalid, naming the account and the key.
func NewAccounts(configs []Account) (*Accounts, error) {
	a := &Accounts{byName: map[string]*account{}, changed: make(chan struct{})}
	return a, a.Configure(configs)
}

// Configure replaces the accounts that come from the configuration file. An
// account that is not changed keeps its connection; calls under way keep the
// account that they began with. On an error nothing is changed. Errors: those
// of [NewAccounts].
func (a *Accounts) Configure(configs []Account) error {
	a.mu.Lock()
	defer a.mu.Unlock()
	return a.replace(configs, a.stored)
}

// Store replaces the accounts that are stored through Gate. One that has the
// name of a configured account is left out.
func (a *Accounts) Store(stored []Account) error {
	a.mu.Lock()
	defer a.mu.Unlock()
	return a.replace(a.configured, stored)
}

// replace is called with the lock held.
func (a *Accounts) replace(configured, stored []Account) error {
	next := make(map[string]*account, len(configured)+len(stored))
	for i, c := range configured {
		acc, err := newAccount(i, c)
		if err != nil {
			return err
		}
		if _, taken := next[c.Name]; taken {
			return pipeline.Errorf(pipeline.CodeInvalid, "There are two accounts named %q. Rename or remove one.", c.Name)
		}
		next[c.Name] = acc
	}
	for i, c := range stored {
		acc, err := newAccount(i, c)
		if err != nil {
			return err
		}
		if _, taken := next[c.Name]; !taken {
			next[c.Name] = acc
		}
	}
	same := len(next) == len(a.byName)
	for name, acc := range next {
		acc.shared = &a.shared
		if old, known := a.byName[name]; known && reflect.DeepEqual(old.Account, acc.Account) {
			next[name] = old
			continue
		}
		same = false
	}
	a.configured, a.stored = configured, stored
	if same {
		return nil
	}
	a.byName, a.names = next, slices.Sorted(maps.Keys(next))
	close(a.changed)
	a.changed = make(chan struct{})
	return nil
}

// Changed returns a channel that is closed when accounts come, change or go. It
// is asked for before the accounts are looked at.
func (a *Accounts) Changed() <-chan struct{} {
	a.mu.RLock()
	defer a.mu.RUnlock()
	return a.changed
}

// Names returns the names of all accounts, sorted.
func (a *Accounts) Names() []string {
	a.mu.RLock()
	defer a.mu.RUnlock()
	return slices.Clone(a.names)
}

// Configured reports whether the configuration file has the account.
func (a *Accounts) Configured(name string) bool {
	a.mu.RLock()
	defer a.mu.RUnlock()
	return slices.ContainsFunc(a.configured, func(c Account) bool { return c.Name == name })
}

// Revision tells one configuration of an account from another; nil when there
// is no such account.
func (a *Accounts) Revision(name string) any {
	a.mu.RLock()
	defer a.mu.RUnlock()
	if acc, ok := a.byName[name]; ok {
		return acc
	}
	return nil
}

// FindAccount says whether this process knows the account. Errors: invalid,
// not_found.
func (a *Accounts) FindAccount(_ context.Context, in activities.FindAccountInput) (activities.FindAccountOutput, error) {
	acc, err := a.find(in.Account)
	if err != nil {
		return activities.FindAccountOutput{}, err
	}
	return activities.FindAccountOutput{Account: acc.Name, CloudProvider: acc.CloudProvider}, nil
}

func (a *Accounts) find(name string) (*account, error) {
	a.mu.RLock()
	defer a.mu.RUnlock()
	if name == "" {
		return nil, pipeline.Errorf(pipeline.CodeInvalid, "No account is named. Set account to one of: %s.", known(a.names))
	}
	acc, ok := a.byName[name]
	if !ok {
		return nil, pipeline.Errorf(pipeline.CodeNotFound, "There is no account named %q. Known accounts: %s.", name, known(a.names))
	}
	return acc, nil
}

func known(names []string) string {
	const most = 20
	if len(names) == 0 {
		return "none"
	}
	if len(names) > most {
		return strings.Join(names[:most], ", ") + " and " + strconv.Itoa(len(names)-most) + " more"
	}
	return strings.Join(names, ", ")
}
