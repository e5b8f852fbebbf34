package fiat

import (
	"context"
	"strings"

	"github.com/gennaker/gennaker/pipeline"
)

// Event is one line of the audit log: who did what, on what, from where, and
// whether it was allowed.
type Event struct {
	Time pipeline.Millis `json:"time"`
	// User is who asked, Mode how the user signed in, Token the API token that was
	// shown.
	User  string `json:"user"`
	Mode  string `json:"mode,omitempty"`
	Token string `json:"token,omitempty"`
	// Address is where the request came from.
	Address string `json:"address,omitempty"`
	// Method and Route say what was asked, for example "POST" and
	// "/pipelines/{application}/{name}"; Status how it was answered.
	Method string `json:"method"`
	Route  string `json:"route"`
	Status int    `json:"status"`
	// Allowed is false for what was refused for want of a sign-in or of permissions;
	// Reason then says why.
	Allowed bool   `json:"allowed"`
	Reason  string `json:"reason,omitempty"`
	// Applications and Accounts were checked for it; Target is what else the path
	// names, such as id=01J...
	Applications []string `json:"applications,omitempty"`
	Accounts     []string `json:"accounts,omitempty"`
	Target       string   `json:"target,omitempty"`
	// Request is the request's ID, which the access log has too.
	Request string `json:"request"`
}

// AuditQuery selects events. Empty fields select all.
type AuditQuery struct {
	// From and To bound the time; To is the end, and what has exactly that time is
	// left out.
	From, To pipeline.Millis
	User     string
	// Application is one of those that were checked.
	Application string
	// Denied selects only what was refused.
	Denied bool
	// Limit bounds the answer, which holds the newest.
	Limit int
}

// Matches reports whether the query selects an event.
func (q AuditQuery) Matches(e Event) bool {
	has := q.Application == ""
	for _, a := range e.Applications {
		has = has || UserKey(a) == UserKey(q.Application)
	}
	return has && (q.From == 0 || e.Time >= q.From) && (q.To == 0 || e.Time < q.To) &&
		(q.User == "" || strings.EqualFold(e.User, q.User)) && (!q.Denied || !e.Allowed)
}

// Audit keeps the audit log.
type Audit interface {
	// Record keeps an event. It does not wait for the store; what a killed process
	// had not stored yet, of the last seconds, is in its log.
	Record(e Event)
	// Events lists what a query selects, the newest first. Errors: unavailable.
	Events(ctx context.Context, q AuditQuery) ([]Event, error)
}
