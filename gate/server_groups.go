package gate

import (
	"net/http"
	"slices"
	"strings"
	"sync"

	"github.com/gennaker/gennaker/clusters"
	"github.com/gennaker/gennaker/pipeline"
)

// Bounds of one request for server groups.
const (
	maxGroupApplications = 200
	maxGroupIDs          = 1000
	// groupsAtOnce is how many of them are looked up at once.
	groupsAtOnce = 16
)

// otherProvider reports whether the caller asks for a cloud provider that there
// is none of.
func (r *request) otherProvider(parameter string) bool {
	p := r.text(parameter)
	return p != "" && !strings.EqualFold(p, clusters.CloudProvider)
}

// listServerGroups lists an application's server groups (reference: clouddriver
// section 12). A filter that names no cluster finds none.
func listServerGroups(r *request) error {
	expand, err := boolean(r.query, "expand", false)
	if err != nil {
		return err
	}
	if r.otherProvider("cloudProvider") {
		return emptyList(r)
	}
	var only []clusters.ClusterID
	var in func(string) bool
	if r.query.Has("clusters") {
		only = clusters.ParseClusterIDs(list(r.query, "clusters"))
		if len(only) == 0 {
			return emptyList(r)
		}
		in = func(account string) bool {
			return slices.ContainsFunc(only, func(c clusters.ClusterID) bool { return c.Account == account })
		}
	}
	view, err := r.application(in)
	if err != nil {
		return err
	}
	if expand {
		return r.answer(http.StatusOK, view.ExpandedServerGroups(only))
	}
	return r.answer(http.StatusOK, view.ServerGroups(only))
}

// listServerGroupsOf lists those of several applications, or some by their IDs.
func listServerGroupsOf(r *request) error {
	applications, ids := list(r.query, "applications"), list(r.query, "ids")
	if (len(applications) > 0) == (len(ids) > 0) {
		return pipeline.Errorf(pipeline.CodeInvalid, "Provide either 'applications' or 'ids' parameter, but not both")
	}
	if len(applications) > maxGroupApplications || len(ids) > maxGroupIDs {
		return pipeline.Errorf(pipeline.CodeInvalid, "There are %d applications and %d ids in the query: name at most %d or %d.",
			len(applications), len(ids), maxGroupApplications, maxGroupIDs)
	}
	if len(ids) > 0 {
		return listServerGroupsByID(r, ids)
	}
	if r.otherProvider("cloudProvider") {
		return emptyList(r)
	}
	reader, err := r.watched()
	if err != nil {
		return err
	}
	accounts, err := r.accountsToRead()
	if err != nil {
		return err
	}
	may, err := r.applicationsToRead()
	if err != nil {
		return err
	}
	applications = slices.DeleteFunc(applications, func(a string) bool { return !may(a) })
	found := make([][]clusters.ServerGroupSummary, len(applications))
	var gaps []clusters.Gap
	err = together(len(applications), groupsAtOnce, func(i int) (func(), error) {
		view, lacks, err := reader.Application(r.ctx(), applications[i], accounts)
		if err != nil {
			return nil, err
		}
		return func() { found[i], gaps = view.ServerGroups(nil), append(gaps, lacks...) }, nil
	})
	if err != nil {
		return err
	}
	r.tell(distinct(gaps))
	out := []clusters.ServerGroupSummary{}
	for _, groups := range found {
		out = append(out, groups...)
	}
	return r.answer(http.StatusOK, out)
}

// listServerGroupsByID passes over IDs of which nothing is found or that the
// caller may not read.
func listServerGroupsByID(r *request, ids []string) error {
	var wrong []string
	for _, id := range ids {
		if strings.Count(id, ":") != 2 {
			wrong = append(wrong, id)
		}
	}
	if len(wrong) > 0 {
		return pipeline.Errorf(pipeline.CodeInvalid, "Expected ids in the format <account>:<region>:<name> but got invalid ids: %s", strings.Join(wrong, ", "))
	}
	reader, err := r.watched()
	if err != nil {
		return err
	}
	known, err := r.accountsToRead()
	if err != nil {
		return err
	}
	may, err := r.applicationsToRead()
	if err != nil {
		return err
	}
	out := []clusters.ServerGroupSummary{}
	at := make([]*clusters.ServerGroupSummary, len(ids))
	var gaps []clusters.Gap
	err = together(len(ids), groupsAtOnce, func(i int) (func(), error) {
		parts := strings.Split(ids[i], ":")
		if !slices.Contains(known, parts[0]) {
			return func() {}, nil
		}
		view, lacks, err := reader.Object(r.ctx(), parts[0], parts[1], parts[2])
		if err != nil {
			lacks = []clusters.Gap{{Account: parts[0], Missing: pipeline.MessageOf(err)}}
			return func() { gaps = append(gaps, lacks...) }, nil //nolint:nilerr // it is told in a header
		}
		return func() {
			if s, ok := view.ServerGroupSummary(parts[1], parts[2]); ok && may(s.Moniker.App) {
				at[i] = &s
			}
			gaps = append(gaps, lacks...)
		}, nil
	})
	if err != nil {
		return err
	}
	for _, s := range at {
		if s != nil {
			out = append(out, *s)
		}
	}
	r.tell(distinct(gaps))
	return r.answer(http.StatusOK, out)
}

// together does something for each of n, some at once, and what that returns one
// after another. It returns the first error.
func together(n, atOnce int, do func(int) (func(), error)) error {
	turns := make(chan struct{}, atOnce)
	var mu sync.Mutex
	var first error
	var group sync.WaitGroup
	for i := range n {
		turns <- struct{}{}
		group.Go(func() {
			defer func() { <-turns }()
			then, err := do(i)
			mu.Lock()
			defer mu.Unlock()
			switch {
			case err == nil:
				then()
			case first == nil:
				first = err
			}
		})
	}
	group.Wait()
	return first
}

// distinct keeps the first gap of each account.
func distinct(gaps []clusters.Gap) []clusters.Gap {
	seen := map[string]bool{}
	return slices.DeleteFunc(gaps, func(g clusters.Gap) bool {
		twice := seen[g.Account]
		seen[g.Account] = true
		return twice
	})
}

// getApplicationServerGroup answers an empty object for one that is not there,
// as Gate does.
func getApplicationServerGroup(r *request) error {
	view, err := r.around(r.param("account"), r.param("region"), r.param("name"))
	if err != nil {
		return err
	}
	group, ok := view.ServerGroup(r.param("region"), r.param("name"))
	if !ok {
		return emptyObject(r)
	}
	group.InsightActions = &[]any{}
	return r.answer(http.StatusOK, group)
}

func getServerGroup(r *request) error {
	view, err := r.around(r.param("account"), r.param("region"), r.param("name"))
	if err != nil {
		return err
	}
	group, ok := view.ServerGroup(r.param("region"), r.param("name"))
	if !ok {
		return missing("Server group not found (account: %s, region: %s, name: %s)", r.param("account"), r.param("region"), r.param("name"))
	}
	return r.answer(http.StatusOK, group)
}

func listServerGroupManagers(r *request) error {
	view, err := r.application(nil)
	if err != nil {
		return err
	}
	return r.answer(http.StatusOK, view.ServerGroupManagers())
}

// listClusterServerGroups lists the server groups of a cluster, those of one
// name when the path has one.
func listClusterServerGroups(r *request) error {
	_, c, _, err := r.cluster(true)
	if err != nil {
		return err
	}
	return r.answer(http.StatusOK, named(c.ServerGroups, r.param("name"), ""))
}

// named filters server groups; empty text is no filter.
func named(groups []clusters.ServerGroup, name, region string) []clusters.ServerGroup {
	out := []clusters.ServerGroup{}
	for _, g := range groups {
		if (name == "" || g.Name == name) && (region == "" || g.Region == region) {
			out = append(out, g)
		}
	}
	return out
}

// listTypedServerGroups is the same under Clouddriver's path.
func listTypedServerGroups(r *request) error {
	if _, err := boolean(r.query, "expand", true); err != nil {
		return err
	}
	if err := r.typed(); err != nil {
		return err
	}
	_, c, ok, err := r.cluster(true)
	if err != nil {
		return err
	}
	if !ok {
		return missing("No clusters found (application: %s, account: %s, type: %s)", r.param("application"), r.param("account"), r.param("type"))
	}
	return r.answer(http.StatusOK, named(c.ServerGroups, "", r.text("region")))
}

// getTypedServerGroup answers a list, or one server group when the query has a
// region.
func getTypedServerGroup(r *request) error {
	if err := r.typed(); err != nil {
		return err
	}
	_, c, _, err := r.cluster(true)
	if err != nil {
		return err
	}
	found := named(c.ServerGroups, r.param("name"), r.text("region"))
	if len(found) == 0 {
		return missing("Server group not found (account: %s, name: %s, type: %s)", r.param("account"), r.param("name"), r.param("type"))
	}
	if r.text("region") != "" {
		return r.answer(http.StatusOK, found[0])
	}
	return r.answer(http.StatusOK, found)
}
