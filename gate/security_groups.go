package gate

import (
	"cmp"
	"net/http"
	"slices"
	"strings"

	"github.com/gennaker/gennaker/clusters"
)

// firewalls are security groups in short, by region.
type firewalls map[string][]clusters.SecurityGroupSummary

// firewallsIn lists the firewalls of accounts, by account.
func (r *request) firewallsIn(only func(string) bool) (map[string]firewalls, error) {
	accounts, err := r.accountsToRead()
	if err != nil {
		return nil, err
	}
	accounts = slices.DeleteFunc(accounts, func(a string) bool { return only != nil && !only(a) })
	if r.server.clusters == nil || len(accounts) == 0 {
		return map[string]firewalls{}, nil
	}
	indexes, gaps, err := r.server.clusters.Indexes(r.ctx(), accounts, false)
	if err != nil {
		return nil, err
	}
	r.tell(gaps)
	out := map[string]firewalls{}
	for account, index := range indexes {
		for _, g := range index.SecurityGroups {
			if out[account] == nil {
				out[account] = firewalls{}
			}
			out[account][g.Namespace] = append(out[account][g.Namespace], clusters.SecurityGroupSummary{ID: g.Name, Name: g.Name})
		}
		for _, list := range out[account] {
			slices.SortFunc(list, func(a, b clusters.SecurityGroupSummary) int {
				return cmp.Or(cmp.Compare(strings.ToLower(a.Name), strings.ToLower(b.Name)), cmp.Compare(a.ID, b.ID))
			})
		}
	}
	return out, nil
}

// listSecurityGroups lists all firewalls by account, provider and region. Those
// of Kubernetes cannot be found by ID.
func listSecurityGroups(r *request) error {
	if id := r.text("id"); id != "" {
		return missing("No security group found (id: %s)", id)
	}
	all, err := r.firewallsIn(nil)
	if err != nil {
		return err
	}
	out := map[string]map[string]firewalls{}
	for account, byRegion := range all {
		out[account] = map[string]firewalls{clusters.CloudProvider: byRegion}
	}
	return r.answer(http.StatusOK, out)
}

// accountFirewalls lists those of the account in the path.
func (r *request) accountFirewalls() (firewalls, error) {
	account := r.param("account")
	if err := r.mayRead(account); err != nil {
		return nil, err
	}
	all, err := r.firewallsIn(func(a string) bool { return a == account })
	if err != nil {
		return nil, err
	}
	if all[account] == nil {
		return firewalls{}, nil
	}
	return all[account], nil
}

// noProvider reports whether the caller names a provider other than Kubernetes.
// "aws" is what Gate assumes where none is named.
func (r *request) noProvider() bool {
	return r.otherProvider("provider") && r.text("provider") != "aws"
}

func listAccountSecurityGroups(r *request) error {
	if r.noProvider() {
		return emptyObject(r)
	}
	found, err := r.accountFirewalls()
	if err != nil {
		return err
	}
	return r.answer(http.StatusOK, found)
}

// listRegionSecurityGroups lists those of a region.
func listRegionSecurityGroups(r *request) error {
	if r.noProvider() {
		return emptyList(r)
	}
	found, err := r.accountFirewalls()
	if err != nil {
		return err
	}
	return r.answer(http.StatusOK, append([]clusters.SecurityGroupSummary{}, found[r.param("region")]...))
}

// listProviderSecurityGroups serves Clouddriver's path, where the second segment
// is the provider, and Gate's, where it is a region.
func listProviderSecurityGroups(r *request) error {
	if r.param("region") != clusters.CloudProvider {
		return listRegionSecurityGroups(r)
	}
	found, err := r.accountFirewalls()
	if err != nil {
		return err
	}
	if region := r.text("region"); region != "" {
		return r.answer(http.StatusOK, append([]clusters.SecurityGroupSummary{}, found[region]...))
	}
	return r.answer(http.StatusOK, found)
}

func getSecurityGroup(r *request) error {
	if r.noProvider() {
		return missing("Security group '%s' does not exist", r.param("name"))
	}
	return r.securityGroup()
}

// getProviderSecurityGroup is the same under Clouddriver's path.
func getProviderSecurityGroup(r *request) error {
	byID, err := boolean(r.query, "getById", false)
	if err != nil {
		return err
	}
	if byID || r.param("type") != clusters.CloudProvider {
		return missing("Security group '%s' does not exist", r.param("name"))
	}
	return r.securityGroup()
}

func (r *request) securityGroup() error {
	view, err := r.around(r.param("account"), r.param("region"), r.param("name"))
	if err != nil {
		return err
	}
	group, ok := view.SecurityGroup(r.param("region"), r.param("name"))
	if !ok {
		return missing("Security group '%s' does not exist", r.param("name"))
	}
	return r.answer(http.StatusOK, group)
}
