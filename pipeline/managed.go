package pipeline

import "strings"

// What ends the name of a service account that is made for pipelines: one for each,
// or one for all that have the same roles (reference: front50 section 6).
const (
	ManagedSuffix       = "@managed-service-account"
	SharedManagedSuffix = "@shared-managed-service-account"
)

// Managed reports whether a service account was made for pipelines.
func Managed(account string) bool {
	account = strings.ToLower(account)
	return strings.HasSuffix(account, ManagedSuffix) || strings.HasSuffix(account, SharedManagedSuffix)
}

// ManagedAccount is the name of the service account that is made for the pipeline.
func (p Pipeline) ManagedAccount() string { return strings.ToLower(p.ID()) + ManagedSuffix }

// RunAsManaged returns a copy whose triggers run as account, "" being nobody; those
// that name an account which was not made for pipelines keep it.
func (p Pipeline) RunAsManaged(account string) Pipeline {
	out := p.Clone()
	for _, e := range Map(out).List("triggers") {
		trigger := AsMap(e)
		named := strings.TrimSpace(trigger.String(runAsUserKey))
		if trigger == nil || named != "" && !Managed(named) {
			continue
		}
		if account == "" {
			delete(trigger, runAsUserKey)
		} else {
			trigger[runAsUserKey] = account
		}
	}
	return out
}
