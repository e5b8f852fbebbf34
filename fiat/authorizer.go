package fiat

import (
	"context"
	"errors"
	"fmt"
	"path"
	"slices"
	"strings"

	"github.com/gennaker/gennaker/pipeline"
)

// Config says how permissions are enforced. The words are Spinnaker's (reference:
// front50 section 6).
type Config struct {
	// Enabled enforces permissions. Without it everybody may do everything, as in a
	// Spinnaker without Fiat.
	Enabled bool `name:"enabled" default:"true" negatable:"" help:"Enforce the permissions of applications and accounts. Off lets everybody do everything, as a Spinnaker without Fiat does."`
	// AdminRoles may do everything.
	AdminRoles []string `name:"admin-roles" help:"Roles whose members may do everything, and read the audit log."`
	// ExecuteFallback is the authorization that stands for EXECUTE where an
	// application names no role for it: READ or WRITE.
	ExecuteFallback string `name:"execute-fallback" default:"READ" enum:"READ,WRITE" help:"What may start pipelines of a restricted application that names no role for EXECUTE: READ or WRITE."`
	// RestrictApplicationCreation lets only some create applications.
	RestrictApplicationCreation bool `name:"restrict-application-creation" help:"Let only administrators and application-creators create applications."`
	// ApplicationCreators are roles with the applications that they may create,
	// "pattern=role".
	ApplicationCreators []string `name:"application-creators" help:"With restrict-application-creation: who may create which applications, as pattern=role, for example shop*=shop-team. In patterns * stands for any text." placeholder:"PATTERN=ROLE"`
	// UnknownApplications lets everybody see and run what belongs to applications
	// that are not stored.
	UnknownApplications bool `name:"allow-access-to-unknown-applications" default:"true" negatable:"" help:"Let everybody see and run what belongs to applications that are not stored, as long as who asks may create them. Off where old executions of deleted applications must stay closed."`
	// AnyMember lets a member of one of a service account's roles use it, instead of
	// only members of all of them.
	AnyMember bool `name:"service-account-any-role" help:"Let who has any one role of a service account run pipelines as it, instead of only who has all."`
}

// DefaultConfig returns the configuration that the tags describe.
func DefaultConfig() Config {
	return Config{Enabled: true, ExecuteFallback: string(Read), UnknownApplications: true}
}

// Validate reports every setting that cannot be used.
func (c Config) Validate() error {
	var faults []error
	if c.ExecuteFallback != string(Read) && c.ExecuteFallback != string(Write) {
		faults = append(faults, fmt.Errorf("execute-fallback is %q: set it to READ or WRITE", c.ExecuteFallback))
	}
	for _, rule := range c.ApplicationCreators {
		pattern, role, found := strings.Cut(rule, "=")
		if _, err := path.Match(strings.TrimSpace(pattern), "x"); err != nil || !found || Role(role) == "" || strings.TrimSpace(pattern) == "" {
			faults = append(faults, fmt.Errorf("application-creators holds %q: write pattern=role, for example shop*=shop-team", rule))
		}
	}
	return errors.Join(faults...)
}

// Resources tells how things are restricted, as it is stored at the moment.
//
// Errors: unavailable.
type Resources interface {
	// Application returns the permissions of an application; known is false for one
	// that is not stored.
	Application(ctx context.Context, name string) (p Permissions, known bool, err error)
	// Applications returns those of every stored application, by [UserKey] of its
	// name.
	Applications(ctx context.Context) (map[string]Permissions, error)
	// ServiceAccount returns the roles that a service account is a member of.
	ServiceAccount(ctx context.Context, name string) (memberOf []string, known bool, err error)
}

// Authorizer decides who may do what. Nothing is kept between two decisions, so a
// change of permissions counts from the next one on. It is safe for concurrent
// use.
type Authorizer struct {
	config    Config
	admins    []string
	resources Resources
	roles     Roles
}

var _ Subjects = (*Authorizer)(nil)

// New returns an authorizer. Roles may be nil, which knows nobody's.
func New(c Config, resources Resources, roles Roles) (*Authorizer, error) {
	if err := c.Validate(); err != nil {
		return nil, fmt.Errorf("permissions: %w", err)
	}
	return &Authorizer{config: c, admins: RolesOf(c.AdminRoles...), resources: resources, roles: roles}, nil
}

// Unchecked returns an authorizer that lets everybody do everything.
func Unchecked() *Authorizer { return &Authorizer{} }

// Subject returns what decides about a caller: the roles of the sign-in and those
// that are known otherwise. Errors: unavailable.
func (a *Authorizer) Subject(ctx context.Context, p Principal) (Subject, error) {
	s := Subject{Name: p.Name, Scopes: p.Scopes, Unchecked: !a.config.Enabled}
	if p.Name == "" {
		s.Name = Anonymous
	}
	roles := p.Roles
	memberOf, isService, err := a.serviceAccount(ctx, s.Name)
	switch {
	case err != nil:
		return s, err
	case isService:
		roles = memberOf // a pseudo user is what its document says, whoever else has its name
	case a.roles != nil && UserKey(s.Name) != Anonymous:
		known, err := a.roles.Roles(ctx, s.Name)
		if err != nil {
			return s, pipeline.Wrap(pipeline.CodeUnavailable, err, "The roles of the user '%s' cannot be told now: %s", s.Name, pipeline.MessageOf(err))
		}
		roles = append(slices.Clone(roles), known...)
	}
	s.Roles = RolesOf(roles...)
	s.Admin = slices.ContainsFunc(a.admins, func(admin string) bool { return slices.Contains(s.Roles, admin) })
	return s, nil
}

func (a *Authorizer) serviceAccount(ctx context.Context, name string) ([]string, bool, error) {
	if a.resources == nil || UserKey(name) == Anonymous {
		return nil, false, nil
	}
	return a.resources.ServiceAccount(ctx, name)
}

// SubjectOf implements [Subjects].
func (a *Authorizer) SubjectOf(ctx context.Context, user string) (Subject, error) {
	return a.Subject(ctx, Principal{Name: user})
}

// Application refuses what a subject may not do with an application.
//
// Errors: forbidden, unavailable; not_found for an application that is not stored,
// where those are closed.
func (a *Authorizer) Application(ctx context.Context, s Subject, name string, wanted Authorization) error {
	if wanted == Create {
		return a.create(s, name)
	}
	switch {
	case !s.Scoped(wanted):
		return errScope(wanted)
	case s.Unchecked, s.Admin:
		return nil
	}
	p, known, err := a.resources.Application(ctx, name)
	switch {
	case err != nil:
		return err
	case !known && !a.openUnknown(s, name):
		return pipeline.Errorf(pipeline.CodeNotFound, "Application not found (id: %s)", name)
	case !known:
		return nil
	}
	return s.May(wanted, "application", name, a.withFallback(p))
}

// openUnknown reports whether an application that is not stored is open to a
// subject: who may not create it may not use it unmade either.
func (a *Authorizer) openUnknown(s Subject, name string) bool {
	return a.config.UnknownApplications && (!a.config.RestrictApplicationCreation || a.create(Subject{Name: s.Name, Roles: s.Roles, Admin: s.Admin}, name) == nil)
}

// withFallback fills in who may execute (reference: front50 section 6).
func (a *Authorizer) withFallback(p Permissions) Permissions {
	if !p.Restricted() || len(p[Execute]) > 0 {
		return p
	}
	out := Permissions{}
	for k, v := range p {
		out[k] = v
	}
	out[Execute] = p[Authorization(a.config.ExecuteFallback)]
	return out
}

func (a *Authorizer) create(s Subject, name string) error {
	switch {
	case !s.Scoped(Create):
		return errScope(Create)
	case s.Unchecked, s.Admin, !a.config.RestrictApplicationCreation:
		return nil
	}
	p := Permissions{Create: {}}
	for _, rule := range a.config.ApplicationCreators {
		pattern, role, _ := strings.Cut(rule, "=")
		if fits, _ := path.Match(UserKey(pattern), UserKey(name)); fits { // its form was validated
			p[Create] = append(p[Create], role)
		}
	}
	if len(p[Create]) == 0 {
		p[Create] = []string{} // nobody but administrators
		return s.refused(Create, "application", name, p)
	}
	return s.May(Create, "application", name, p)
}

// Readable returns what tells whether a subject has an authorization on an
// application, for lists. Errors: unavailable.
func (a *Authorizer) Readable(ctx context.Context, s Subject, wanted Authorization) (func(application string) bool, error) {
	if !s.Scoped(wanted) {
		return func(string) bool { return false }, nil
	}
	if s.Unchecked || s.Admin {
		return func(string) bool { return true }, nil
	}
	all, err := a.resources.Applications(ctx)
	if err != nil {
		return nil, err
	}
	return func(application string) bool {
		p, known := all[UserKey(application)]
		if !known {
			return a.openUnknown(s, application)
		}
		return a.withFallback(p).Allow(wanted, s.Roles)
	}, nil
}

// RunAs refuses a service account that a subject may not run pipelines of an
// application as: the subject holds its roles, and it may execute the application
// (reference: front50 sections 4 and 6).
//
// Errors: forbidden, invalid for an account that is not stored, unavailable.
func (a *Authorizer) RunAs(ctx context.Context, s Subject, account, application string) error {
	if s.Unchecked {
		return nil
	}
	memberOf, known, err := a.resources.ServiceAccount(ctx, account)
	switch {
	case err != nil:
		return err
	case !known:
		return pipeline.Errorf(pipeline.CodeForbidden, "Access is denied: there is no service account '%s'. Create it, or leave runAsUser out.", account)
	case !s.Admin && !a.MayUse(s, memberOf):
		return s.refused(Execute, "service account", account, Permissions{Execute: memberOf})
	}
	service, err := a.SubjectOf(ctx, account)
	if err != nil {
		return err
	}
	return a.Application(ctx, service, application, Execute)
}

// MayUse reports whether a subject may use a service account with these roles.
func (a *Authorizer) MayUse(s Subject, memberOf []string) bool {
	if s.Unchecked || s.Admin || len(memberOf) == 0 {
		return true
	}
	holds := func(role string) bool { return slices.Contains(s.Roles, role) }
	if a.config.AnyMember {
		return slices.ContainsFunc(RolesOf(memberOf...), holds)
	}
	return !slices.ContainsFunc(RolesOf(memberOf...), func(role string) bool { return !holds(role) })
}

// Manager refuses who may not manage cloud accounts: administrators may, and
// everybody where no role is an administrator's. Errors: forbidden.
func (a *Authorizer) Manager(s Subject) error {
	if len(a.admins) == 0 && s.Scoped(Write) {
		return nil
	}
	return a.Administrator(s)
}

// Administrator refuses who is none. Errors: forbidden.
func (a *Authorizer) Administrator(s Subject) error {
	switch {
	case !s.Scoped(Write):
		return errScope(Write)
	case s.Unchecked, s.Admin:
		return nil
	}
	return pipeline.Errorf(pipeline.CodeForbidden, "Access is denied: the user '%s' is no administrator. Administrators hold one of the roles of fiat-admin-roles.", s.Name)
}
