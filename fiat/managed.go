package fiat

import (
	"context"
	"slices"
	"strings"

	"github.com/gennaker/gennaker/pipeline"
)

// Managed is a pipeline that names the roles it runs with, as it is to be saved.
type Managed struct {
	Pipeline pipeline.Pipeline
	// Account is the service account that the pipeline's triggers run as and that was
	// made for it, "" when there is none; it has been checked.
	Account string
	// Document is the account to save first, nil when it is as it has to be.
	Document pipeline.Map
}

// Manage makes a service account of the roles that a pipeline names under "roles":
// whoever saves it holds them, every trigger runs as that account unless it names
// another, and an empty list takes the account away from the triggers again. A
// pipeline without the key, and every pipeline while permissions are not enforced,
// comes back as it is. The pipeline has an ID (reference: front50 section 6).
//
// Errors: forbidden, invalid, unavailable.
func (a *Authorizer) Manage(ctx context.Context, s Subject, p pipeline.Pipeline) (Managed, error) {
	given, found := p["roles"]
	if s.Unchecked || !found || given == nil {
		return Managed{Pipeline: p}, nil
	}
	wanted, err := namedRoles(given)
	if err != nil {
		return Managed{}, err
	}
	if len(wanted) == 0 {
		return Managed{Pipeline: p.RunAsManaged("")}, nil
	}
	name, memberOf, err := a.managedAccount(ctx, p)
	if err != nil {
		return Managed{}, err
	}
	roles := RolesOf(wanted...)
	changed := !slices.Equal(RolesOf(memberOf...), roles)
	own := name == p.ManagedAccount()
	switch {
	case changed && !own:
		return Managed{}, pipeline.Errorf(pipeline.CodeInvalid, "The pipeline's serviceAccount '%s' has other roles (%s) than the pipeline (%s): leave serviceAccount out, and the pipeline gets an account of its own.", name, strings.Join(memberOf, ", "), strings.Join(wanted, ", "))
	case changed && !s.Admin && slices.ContainsFunc(roles, func(role string) bool { return !slices.Contains(s.Roles, role) }):
		return Managed{}, s.refused(Execute, "pipeline with the roles", strings.Join(wanted, ", "), Permissions{Execute: wanted})
	case !changed && !a.MayUse(s, memberOf):
		return Managed{}, s.refused(Execute, "service account", name, Permissions{Execute: memberOf})
	}
	service := Subject{Name: name, Roles: roles}
	service.Admin = slices.ContainsFunc(a.admins, func(admin string) bool { return slices.Contains(roles, admin) })
	if err := a.Application(ctx, service, p.Application(), Execute); err != nil {
		return Managed{}, err
	}
	out := Managed{Pipeline: p.RunAsManaged(name), Account: name}
	if changed {
		list := make([]any, len(wanted))
		for i, role := range wanted {
			list[i] = role
		}
		out.Document = pipeline.Map{"name": name, "memberOf": list}
	}
	return out, nil
}

// managedAccount is the account of a pipeline, and what it is a member of now. One
// that a Spinnaker has made for several pipelines stays.
func (a *Authorizer) managedAccount(ctx context.Context, p pipeline.Pipeline) (name string, memberOf []string, err error) {
	name = p.ManagedAccount()
	if stated := strings.TrimSpace(pipeline.Map(p).String("serviceAccount")); stated != "" && stated != name {
		if !pipeline.Managed(stated) {
			return "", nil, pipeline.Errorf(pipeline.CodeInvalid, "The pipeline's serviceAccount '%s' was not made for pipelines: leave it out, or leave roles out and name it as runAsUser of the triggers.", stated)
		}
		name = stated
	}
	memberOf, _, err = a.resources.ServiceAccount(ctx, name)
	return name, memberOf, err
}

// namedRoles reads a pipeline's roles, each once.
func namedRoles(v any) ([]string, error) {
	list, ok := v.([]any)
	if !ok {
		return nil, errRoles(v)
	}
	var out []string
	for _, e := range list {
		role, ok := e.(string)
		if !ok || Role(role) == "" {
			return nil, errRoles(e)
		}
		if !slices.ContainsFunc(out, func(other string) bool { return Role(other) == Role(role) }) {
			out = append(out, strings.TrimSpace(role))
		}
	}
	return out, nil
}

func errRoles(v any) error {
	return pipeline.Errorf(pipeline.CodeInvalid, "The pipeline's roles hold %v: roles is a list of names.", v)
}
