// Package stored reads how applications are restricted, and who service accounts
// are, from where people configure them.
package stored

import (
	"context"

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

// Resources is a fiat.Resources over what is stored.
type Resources struct {
	applications   Applications
	serviceAccount ServiceAccount
}

var _ fiat.Resources = (*Resources)(nil)

// New returns the resources. A nil ServiceAccount knows none.
func New(applications Applications, serviceAccount ServiceAccount) *Resources {
	return &Resources{applications: applications, serviceAccount: serviceAccount}
}

// Application implements fiat.Resources.
func (r *Resources) Application(ctx context.Context, name string) (fiat.Permissions, bool, error) {
	app, err := r.applications.Application(ctx, name)
	switch {
	case err == nil:
		return fiat.ReadPermissions(app["permissions"]), true, nil
	case pipeline.CodeOf(err) == pipeline.CodeNotFound:
		return nil, false, nil
	}
	return nil, false, err
}

// Applications implements fiat.Resources.
func (r *Resources) Applications(ctx context.Context) (map[string]fiat.Permissions, error) {
	all, err := r.applications.Applications(ctx)
	if err != nil {
		return nil, err
	}
	out := make(map[string]fiat.Permissions, len(all))
	for _, app := range all {
		out[fiat.UserKey(app.Name())] = fiat.ReadPermissions(app["permissions"])
	}
	return out, nil
}

// ServiceAccount implements fiat.Resources.
func (r *Resources) ServiceAccount(ctx context.Context, name string) ([]string, bool, error) {
	if r.serviceAccount == nil {
		return nil, false, nil
	}
	document, err := r.serviceAccount(ctx, name)
	switch {
	case err == nil:
		return document.Strings("memberOf"), true, nil
	case pipeline.CodeOf(err) == pipeline.CodeNotFound:
		return nil, false, nil
	}
	return nil, false, err
}
