// Package stored reads how applications are restricted, and who service accounts
// are, from where people configure them.
package stored

import (
	"context"
	"sync"
	"time"

	"github.com/gennaker/gennaker/fiat"
	"github.com/gennaker/gennaker/pipeline"
)

// Applications reads applications with their permissions. Errors: not_found,
// unavailable.
type Applications interface {
	Application(ctx context.Context, name string) (pipeline.Application, error)
	Applications(ctx context.Context) ([]pipeline.Application, error)
}

// ServiceAccount reads the document of a service account. Errors: not_found,
// unavailable.
type ServiceAccount func(ctx context.Context, name string) (pipeline.Map, error)

// Resources is a fiat.Resources over what is stored. While that does not answer,
// what it last said holds: whoever watches and judges executions goes on, and
// nobody may do more than before. It is safe for concurrent use.
type Resources struct {
	applications   Applications
	serviceAccount ServiceAccount

	mu       sync.Mutex
	restrict map[string]restriction
	accounts map[string]membership
	all      map[string]fiat.Permissions
	// away is until when what was last said is taken without asking.
	away time.Time
}

// askAgain is how long a store that did not answer is not asked about what is
// remembered.
const askAgain = 2 * time.Second

// restriction and membership are what was last said of an application and of a
// service account.
type restriction struct {
	permissions fiat.Permissions
	known       bool
}

type membership struct {
	memberOf []string
	known    bool
}

// maxRemembered bounds what is remembered of names that anybody may ask for.
const maxRemembered = 20_000

var _ fiat.Resources = (*Resources)(nil)

// New returns the resources. A nil ServiceAccount knows none.
func New(applications Applications, serviceAccount ServiceAccount) *Resources {
	return &Resources{applications: applications, serviceAccount: serviceAccount, restrict: map[string]restriction{}, accounts: map[string]membership{}}
}

// Application implements fiat.Resources.
func (r *Resources) Application(ctx context.Context, name string) (fiat.Permissions, bool, error) {
	if last, ok := recall(r, r.restrict, name, false); ok {
		return last.permissions, last.known, nil
	}
	app, err := r.applications.Application(ctx, name)
	var said restriction
	switch {
	case err == nil:
		said = restriction{fiat.ReadPermissions(app["permissions"]), true}
	case pipeline.CodeOf(err) != pipeline.CodeNotFound:
		last, ok := recall(r, r.restrict, name, true)
		if !ok {
			return nil, false, err
		}
		return last.permissions, last.known, nil
	}
	remember(r, r.restrict, name, said)
	return said.permissions, said.known, nil
}

// Applications implements fiat.Resources.
func (r *Resources) Applications(ctx context.Context) (map[string]fiat.Permissions, error) {
	all, err := r.applications.Applications(ctx)
	if err != nil {
		r.mu.Lock()
		defer r.mu.Unlock()
		if r.all != nil {
			return r.all, nil
		}
		return nil, err
	}
	out := make(map[string]fiat.Permissions, len(all))
	for _, app := range all {
		out[fiat.UserKey(app.Name())] = fiat.ReadPermissions(app["permissions"])
	}
	r.mu.Lock()
	defer r.mu.Unlock()
	r.all = out
	return out, nil
}

// ServiceAccount implements fiat.Resources.
func (r *Resources) ServiceAccount(ctx context.Context, name string) ([]string, bool, error) {
	if r.serviceAccount == nil {
		return nil, false, nil
	}
	if last, ok := recall(r, r.accounts, name, false); ok {
		return last.memberOf, last.known, nil
	}
	document, err := r.serviceAccount(ctx, name)
	var said membership
	switch {
	case err == nil:
		said = membership{document.Strings("memberOf"), true}
	case pipeline.CodeOf(err) != pipeline.CodeNotFound:
		last, ok := recall(r, r.accounts, name, true)
		if !ok {
			return nil, false, err
		}
		return last.memberOf, last.known, nil
	}
	remember(r, r.accounts, name, said)
	return said.memberOf, said.known, nil
}

func remember[T any](r *Resources, what map[string]T, name string, said T) {
	r.mu.Lock()
	defer r.mu.Unlock()
	if len(what) >= maxRemembered {
		clear(what)
	}
	what[fiat.UserKey(name)] = said
}

// recall returns what was last said. Failed is set by who has just found that the
// store does not answer; others are told only while that is fresh.
func recall[T any](r *Resources, what map[string]T, name string, failed bool) (T, bool) {
	r.mu.Lock()
	defer r.mu.Unlock()
	if failed {
		r.away = time.Now().Add(askAgain)
	} else if !time.Now().Before(r.away) {
		var none T
		return none, false
	}
	said, ok := what[fiat.UserKey(name)]
	return said, ok
}
