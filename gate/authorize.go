package gate

import (
	"net/http"
	"slices"
	"strings"

	"github.com/gennaker/gennaker/fiat"
	"github.com/gennaker/gennaker/pipeline"
)

// permission is what a caller needs for a route. The server checks it before the
// handler runs where the path tells on what; elsewhere the handler does, once it
// knows. A route that answers without having checked answers with an error: see
// [request.unchecked].
type permission struct {
	// words are for people.
	words string
	kind  permissionKind
	// needs is what the caller needs on the application, or on the account.
	needs fiat.Authorization
}

type permissionKind int

const (
	// openToAll needs no sign-in.
	openToAll permissionKind = iota
	// signedIn needs a caller who is known, where people have to sign in.
	signedIn
	// onApplication needs an authorization on the application: of the path, or else
	// of what the handler finds.
	onApplication
	// onExecution is onApplication for the application of the execution that the
	// path names by its ID.
	onExecution
	// onAccount needs an authorization on the account, and READ on an application
	// that the path names; the handler checks or leaves out accounts.
	onAccount
	// onJobs is checked for each job of a task.
	onJobs
	// accountManagers needs an administrator, where there are any.
	accountManagers
	// administrators needs an administrator.
	administrators
)

// subject resolves what decides about the caller, once.
func (r *request) subject() (fiat.Subject, error) {
	if r.resolved != nil {
		return *r.resolved, nil
	}
	s, err := r.server.permissions.Subject(r.ctx(), r.caller.principal())
	if err == nil {
		r.resolved = &s
	}
	return s, err
}

// principal is the caller as permissions know callers.
func (c caller) principal() fiat.Principal {
	if c.Principal.Name != "" {
		return c.Principal
	}
	mode := "header"
	if c.User == anonymous {
		mode = modeNone
	}
	return fiat.Principal{Name: c.User, Mode: mode}
}

// authorize checks what can be checked before the handler runs.
func (r *request) authorize() error {
	rule := r.route.Auth
	application, named := r.values["application"]
	switch rule.kind {
	case openToAll:
		r.checked = true
	case signedIn:
		return r.scoped(rule)
	case accountManagers:
		return r.administrator(r.server.permissions.Manager)
	case administrators:
		return r.administrator(r.server.permissions.Administrator)
	case onApplication:
		// Of all applications there are lists alone, which leave out what is not the
		// caller's to read.
		if named && (application != anyApplication || r.Request.Method != http.MethodGet) {
			return r.mayUse(application, rule.needs)
		}
	case onAccount:
		if named {
			err := r.mayUse(application, fiat.Read)
			r.checked = false // the account is still to be checked
			return err
		}
	}
	return nil
}

func (r *request) administrator(check func(fiat.Subject) error) error {
	r.checked = true
	s, err := r.subject()
	if err != nil {
		return err
	}
	return check(s)
}

// scoped checks that a token that may only look is used for looking only.
func (r *request) scoped(rule permission) error {
	r.checked = true
	if rule.needs == "" {
		return nil
	}
	s, err := r.subject()
	if err != nil || s.Scoped(rule.needs) {
		return err
	}
	return s.May(rule.needs, "route", r.route.Path, nil)
}

// mayUse refuses what the caller may not do with an application. Errors:
// forbidden, unavailable, not_found.
func (r *request) mayUse(application string, needs fiat.Authorization) error {
	r.checked = true
	s, err := r.subject()
	if err != nil {
		return err
	}
	r.touches(&r.applications, application)
	return r.server.permissions.Application(r.ctx(), s, application, needs)
}

// mayExecution refuses what the caller may not do with an execution: that is what
// the route needs on its application. Whoever started a task may look at it, since
// clients poll before the permissions of a new application exist.
func (r *request) mayExecution(x *pipeline.Execution) error {
	rule := r.route.Auth
	if rule.needs == fiat.Read && x.Type == pipeline.TypeOrchestration && fiat.UserKey(x.Authentication.User) == fiat.UserKey(r.caller.User) {
		return r.scoped(rule)
	}
	return r.mayUse(x.Application, rule.needs)
}

// mayJudge refuses the edit of a stage whose judgment is reserved for roles of which
// the caller has none (reference: front50 section 6). Any edit is: one could take
// the roles away, for the next to judge. A stage that is not seen yet, which the
// engine may know, waits for nobody's judgment.
func (r *request) mayJudge(x *pipeline.Execution, patch pipeline.Map) error {
	s := x.Stage(r.param("stageId"))
	if s == nil && len(patch) > 0 {
		return pipeline.Errorf(pipeline.CodeNotFound, "The execution %s has no stage with the id '%s'.", x.ID, r.param("stageId"))
	}
	if s == nil {
		return nil
	}
	roles := slices.Concat(s.Context.Strings("selectedStageRoles"), s.Context.Strings("requiredJudgmentRoles"))
	if len(roles) == 0 {
		return nil
	}
	subject, err := r.subject()
	if err != nil {
		return err
	}
	return subject.May(fiat.Execute, "judgment", s.Name, fiat.Permissions{fiat.Execute: roles})
}

// applicationsToRead tells which applications the caller may read, for lists.
func (r *request) applicationsToRead() (func(application string) bool, error) {
	r.checked = true
	s, err := r.subject()
	if err != nil {
		return nil, err
	}
	return r.server.permissions.Readable(r.ctx(), s, fiat.Read)
}

// readableExecutions leaves out executions that the caller may not read.
func (r *request) readableExecutions(all []*pipeline.Execution) ([]*pipeline.Execution, error) {
	may, err := r.applicationsToRead()
	if err != nil {
		return nil, err
	}
	out := make([]*pipeline.Execution, 0, len(all))
	for _, e := range all {
		if may(e.Application) {
			out = append(out, e)
		}
	}
	return out, nil
}

// mayAccount reports whether the caller has an access to an account.
func (r *request) mayAccount(a Account, needs fiat.Authorization) (bool, error) {
	s, err := r.subject()
	if err != nil {
		return false, err
	}
	return s.May(needs, "account", a.Name, accountPermissions(a.Permissions)) == nil, nil
}

// accountPermissions reads the permissions of an account.
func accountPermissions(given map[string][]string) fiat.Permissions {
	out := fiat.Permissions{}
	for access, roles := range given {
		a := fiat.Authorization(strings.ToUpper(access))
		out[a] = append(out[a], roles...)
	}
	return out
}

// unchecked is the error of a route whose handler answers without having checked
// the caller: nothing is better than what nobody meant to show.
func (r *request) unchecked() error {
	if r.checked {
		return nil
	}
	return pipeline.Errorf(pipeline.CodeInternal, "%s %s answers without a check of permissions", r.route.Method, r.route.Path)
}
