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
	// Roles are those that the account has to be a member of; nil for one that is not
	// the pipeline's own, and stays as it is.
	Roles []string
}

// Manage makes a service account of the roles that a pipeline names under "roles":
// whoever saves it holds them, every trigger runs as that account unless it names
// another, and an empty list takes the account away from the triggers again. A
// pipeline without the key comes back as it is, and so does every pipeline while
// permissions are not enforced or nobody is signed in, who has no roles to give. The
// pipeline has an ID (reference: front50 section 6).
//
// Errors: forbidden, invalid, unavailable.
func (a *Authorizer) Manage(ctx context.Context, s Subject, p pipeline.Pipeline) (Managed, error) {
	given, found := p["roles"]
	if s.Unchecked || !found || given == nil || UserKey(s.Name) == Anonymous {
		return Managed{Pipeline: p}, nil
	}
	wanted, err := namedRoles(given)
	if err != nil {
		return Managed{}, err
	}
	if len(wanted) == 0 {
		return Managed{Pipeline: p.RunAsManaged("")}, nil
	}
	name, memberOf, err := a.managedAccount(ctx, p, wanted)
	if err != nil {
		return Managed{}, err
	}
	roles := RolesOf(wanted...)
	switch changed := !slices.Equal(RolesOf(memberOf...), roles); {
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
	if name == p.ManagedAccount() {
		out.Roles = wanted
	}
	return out, nil
}

// managedAccount is the account of a pipeline with these roles, and what it is a member
// of now. One that a Spinnaker has made for all pipelines with the same roles stays.
func (a *Authorizer) managedAccount(ctx context.Context, p pipeline.Pipeline, roles []string) (name string, memberOf []string, err error) {
	stated := strings.TrimSpace(pipeline.Map(p).String("serviceAccount"))
	switch {
	case strings.HasSuffix(stated, pipeline.SharedManagedSuffix):
		memberOf, _, err = a.resources.ServiceAccount(ctx, stated)
		if err != nil || slices.Equal(RolesOf(memberOf...), RolesOf(roles...)) {
			return stated, memberOf, err
		}
	case stated != "" && !pipeline.Managed(stated):
		return "", nil, pipeline.Errorf(pipeline.CodeInvalid, "The pipeline's serviceAccount '%s' was not made for pipelines: leave it out, or leave roles out and name it as runAsUser of the triggers.", stated)
	}
	name = p.ManagedAccount()
	memberOf, _, err = a.resources.ServiceAccount(ctx, name)
	return name, memberOf, err
}

// Triggers refuses a pipeline whose triggers run as service accounts that are not the
// subject's to use: those of other roles, and those that were made for other pipelines,
// which would go on to get their roles. Stored is the pipeline as it was, whose accounts
// it may keep as far as the subject has their roles; checked is an account that has been
// decided about.
//
// Errors: those of [Authorizer.RunAs].
func (a *Authorizer) Triggers(ctx context.Context, s Subject, p, stored pipeline.Pipeline, checked string) error {
	had := RunsAs(stored)
	for _, account := range RunsAs(p) {
		if account == checked || s.Unchecked {
			continue
		}
		key := UserKey(account)
		if strings.HasSuffix(key, pipeline.ManagedSuffix) && key != p.ManagedAccount() && !slices.Contains(had, account) {
			return pipeline.Errorf(pipeline.CodeForbidden, "Access is denied: the service account '%s' was made for another pipeline. Name roles in this one, and it gets an account of its own.", account)
		}
		if err := a.RunAs(ctx, s, account, p.Application()); err != nil {
			return err
		}
	}
	return nil
}

// RunsAs are the accounts that a pipeline's triggers run as.
func RunsAs(p pipeline.Pipeline) []string {
	var out []string
	for _, e := range pipeline.Map(p).List("triggers") {
		if account := strings.TrimSpace(pipeline.AsMap(e).String("runAsUser")); account != "" {
			out = append(out, account)
		}
	}
	slices.Sort(out)
	return slices.Compact(out)
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
