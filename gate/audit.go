package gate

import (
	"net/http"
	"slices"
	"strings"

	"github.com/gennaker/gennaker/fiat"
	"github.com/gennaker/gennaker/pipeline"
)

// audit records a request that changes something, one that signs somebody in or
// fails to, and one that was refused for want of a sign-in or of permissions, in the log and in the audit log.
func (r *request) audit(err error) {
	status := r.Writer.Status()
	refused := status == http.StatusUnauthorized || status == http.StatusForbidden
	looks := r.Request.Method == http.MethodGet || r.Request.Method == http.MethodHead
	if looks && !refused && r.tried.user == "" || r.route.handle == nil {
		return
	}
	p := r.caller.principal()
	if r.tried.user != "" {
		p = fiat.Principal{Name: r.tried.user, Mode: r.tried.mode}
		refused = refused || !r.tried.in
	}
	e := fiat.Event{
		Time: pipeline.ToMillis(r.server.now()), User: p.Name, Mode: p.Mode, Token: p.TokenID, Address: r.server.client(r.Request),
		Method: r.Request.Method, Route: r.route.Path, Status: status, Allowed: !refused,
		Applications: r.applications, Accounts: r.accounts, Target: r.target(), Request: r.id,
	}
	if refused && err != nil {
		e.Reason = pipeline.MessageOf(err)
	}
	r.server.log.InfoContext(r.ctx(), "audit",
		"user", e.User, "mode", e.Mode, "token", e.Token, "address", e.Address, "method", e.Method, "route", e.Route, "status", e.Status,
		"allowed", e.Allowed, "reason", e.Reason, "applications", e.Applications, "accounts", e.Accounts, "target", e.Target, "request", e.Request)
	if r.server.audited != nil {
		r.server.audited.Record(e)
	}
}

// maxTarget bounds what is told of a path.
const maxTarget = 500

// target is what the path names beside applications and accounts.
func (r *request) target() string {
	var parts []string
	for name, value := range r.values {
		if name != "application" && name != "account" {
			parts = append(parts, name+"="+value)
		}
	}
	slices.Sort(parts)
	out := strings.Join(parts, " ")
	return out[:min(len(out), maxTarget)]
}

// touches remembers an application or an account that was checked, for the audit
// log.
func (r *request) touches(list *[]string, name string) {
	const most = 20
	if name != "" && len(*list) < most && !slices.Contains(*list, name) {
		*list = append(*list, name)
	}
}

// auditParams are the parameters of the audit log.
var auditParams = []parameter{
	{"from", "integer", nil, "Only events at or after this moment, in milliseconds since 1970; absent reaches back 31 days."},
	{"to", "integer", nil, "Only events before this moment, in milliseconds since 1970. To read on, send the time of the last event that was answered."},
	{"user", "string", nil, "Only what this user did."},
	{"application", "string", nil, "Only what was done to this application."},
	{"denied", "boolean", false, "True answers only what was refused."},
	{"limit", "integer", 100, "At most so many events, 1000 at the most."},
}

// auditRoutes are those of the audit log.
func auditRoutes() []route {
	return []route{
		{Method: "GET", Path: "/audit", Summary: "The audit log, the newest first: what was changed and what was refused, by whom, on what, from where", Auth: authAdmin, Query: auditParams, Response: []fiat.Event{}, handle: listAudit},
	}
}

func listAudit(r *request) error {
	if r.server.audited == nil {
		return pipeline.Errorf(pipeline.CodeUnavailable, "This Gate keeps no audit log: its events are in its own log.")
	}
	from, err := moment(r, "from", 0)
	if err != nil {
		return err
	}
	to, err := moment(r, "to", 0)
	if err != nil {
		return err
	}
	denied, err := boolean(r.query, "denied", false)
	if err != nil {
		return err
	}
	limit, err := integer(r.query, "limit", 0)
	if err != nil {
		return err
	}
	events, err := r.server.audited.Events(r.ctx(), fiat.AuditQuery{
		From: pipeline.Millis(from), To: pipeline.Millis(to), User: r.text("user"), Application: r.text("application"), Denied: denied, Limit: limit,
	})
	if err != nil {
		return err
	}
	r.Header("Cache-Control", "no-store")
	return r.answer(http.StatusOK, events)
}
