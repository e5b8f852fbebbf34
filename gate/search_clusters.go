package gate

import (
	"slices"
	"strings"

	"github.com/gennaker/gennaker/clusters"
)

// hits gathers what a search finds in clusters, as the maps that Clouddriver
// answers with (reference: clouddriver section 12).
type hits struct {
	query string
	kinds []string // of the caller, none for all
	// may tells which applications the caller may read.
	may func(application string) bool
	out []map[string]any
}

// searchedKinds says which of Spinnaker's kinds the kinds of Kubernetes are, as
// far as a search can be asked for them by the former.
var searchedKinds = map[string]string{
	"deployment": clusters.ServerGroupManagers, "replicaSet": clusters.ServerGroups, "statefulSet": clusters.ServerGroups,
	"daemonSet": clusters.ServerGroups, "job": clusters.ServerGroups, "cronJob": clusters.ServerGroups, "pod": clusters.Instances,
	"service": clusters.LoadBalancers, "ingress": clusters.LoadBalancers, "networkPolicy": clusters.SecurityGroups,
}

// wants reports whether the caller asked for one of the words.
func (h *hits) wants(words ...string) bool {
	return len(h.kinds) == 0 || slices.ContainsFunc(words, func(w string) bool { return w != "" && slices.Contains(h.kinds, w) })
}

// entry adds an object that a search found.
func (h *hits) entry(account string, e clusters.Entry) {
	kind := searchedKinds[e.Kind]
	if !h.wants(kind, e.Kind) || e.Application != "" && !h.may(e.Application) {
		return
	}
	if kind == "" {
		kind = "unclassified"
	}
	hit := map[string]any{
		"provider": clusters.CloudProvider, "type": kind, "group": e.Kind, "kubernetesKind": e.Kind, "account": account,
		"namespace": e.Namespace, "region": e.Namespace, "name": e.FullName(),
	}
	switch e.Kind {
	case "replicaSet", "statefulSet", "daemonSet":
		hit["serverGroup"] = e.FullName()
	case "pod":
		hit["instanceId"] = e.FullName()
	case "service", "ingress":
		hit["loadBalancer"] = e.FullName()
	case "networkPolicy":
		hit["id"] = e.FullName()
	}
	if e.Application != "" {
		hit["application"] = e.Application
	}
	if e.Cluster != "" {
		hit["cluster"] = e.Cluster
	}
	h.out = append(h.out, hit)
}

// logical adds the clusters of an account, and the applications that objects
// name, as far as they match.
func (h *hits) logical(account string, index clusters.Index, known map[string]bool) {
	for app, c := range index.Applications {
		if !h.may(c.Application) {
			continue
		}
		if h.wants("clusters") {
			for _, name := range c.Names {
				if h.matches(account, c.Application, name) {
					h.out = append(h.out, map[string]any{
						"provider": clusters.CloudProvider, "type": "clusters", "group": "clusters", "logicalKind": "clusters", "account": account,
						"application": c.Application, "cluster": name, "name": name,
					})
				}
			}
		}
		if h.wants("applications") && !known[app] && h.matches(c.Application) {
			known[app] = true
			h.out = append(h.out, map[string]any{
				"provider": clusters.CloudProvider, "type": "applications", "group": "applications", "logicalKind": "applications",
				"application": c.Application, "name": c.Application,
			})
		}
	}
}

func (h *hits) matches(parts ...string) bool {
	return slices.ContainsFunc(parts, func(p string) bool { return strings.Contains(strings.ToLower(p), h.query) })
}

// objects reports whether the caller asked for anything that is an object.
func (h *hits) objects() bool {
	if len(h.kinds) == 0 {
		return true
	}
	for kind, group := range searchedKinds {
		if slices.Contains(h.kinds, kind) || slices.Contains(h.kinds, group) {
			return true
		}
	}
	return slices.ContainsFunc(h.kinds, func(k string) bool {
		return !slices.Contains([]string{"applications", "clusters", "projects"}, k)
	})
}

// sorted orders findings by type, application, account, region and name.
func (h *hits) sorted() []map[string]any {
	text := func(m map[string]any) string {
		var b strings.Builder
		for _, key := range []string{"type", "application", "account", "region", "name"} {
			s, _ := m[key].(string)
			b.WriteString(s + "\x00")
		}
		return b.String()
	}
	slices.SortStableFunc(h.out, func(a, b map[string]any) int { return strings.Compare(text(a), text(b)) })
	return h.out
}

// searchClusters adds what the clusters hold.
func (r *request) searchClusters(h *hits, known map[string]bool) error {
	if r.server.clusters == nil {
		return nil
	}
	accounts, err := r.accountsToRead()
	if err != nil || len(accounts) == 0 {
		return err
	}
	var gaps []clusters.Gap
	if h.objects() {
		found, lacks, err := r.server.clusters.Search(r.ctx(), h.query, accounts)
		if err != nil {
			lacks = []clusters.Gap{{Account: strings.Join(accounts, " "), Missing: "nothing is known of the clusters"}}
		}
		gaps = append(gaps, lacks...)
		for _, account := range accounts {
			for _, e := range found[account] {
				h.entry(account, e)
			}
		}
	}
	if h.wants("clusters", "applications") {
		indexes, lacks, err := r.server.clusters.Indexes(r.ctx(), accounts, true)
		if err != nil {
			lacks = []clusters.Gap{{Account: strings.Join(accounts, " "), Missing: "nothing is known of the clusters"}}
		}
		gaps = append(gaps, lacks...)
		for _, account := range accounts {
			h.logical(account, indexes[account], known)
		}
	}
	r.tell(distinct(gaps))
	return nil
}
