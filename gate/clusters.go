package gate

import (
	"context"
	"net/http"
	"slices"
	"strconv"
	"strings"
	"time"

	"github.com/gennaker/gennaker/activities"
	"github.com/gennaker/gennaker/clusters"
	"github.com/gennaker/gennaker/fiat"
	"github.com/gennaker/gennaker/pipeline"
)

// Clusters reads what runs in the accounts' clusters. Gaps tell what an answer
// lacks.
//
// Errors: unavailable when nothing is known of any of the accounts; of one
// account, not_found when it is not known.
type Clusters interface {
	Application(ctx context.Context, app string, accounts []string) (*clusters.View, []clusters.Gap, error)
	Raw(ctx context.Context, app string, accounts []string) ([]clusters.RawResource, []clusters.Gap, error)
	// Indexes does not wait for accounts that are not watched yet when quick is
	// set.
	Indexes(ctx context.Context, accounts []string, quick bool) (map[string]clusters.Index, []clusters.Gap, error)
	Object(ctx context.Context, account, namespace, fullName string) (*clusters.View, []clusters.Gap, error)
	Search(ctx context.Context, query string, accounts []string) (map[string][]clusters.Entry, []clusters.Gap, error)
	// Report tells how an account is watched; false when nobody watches it.
	Report(ctx context.Context, account string) (clusters.Status, bool, error)
}

var _ Clusters = (*clusters.Reader)(nil)

// Live reads the clusters themselves.
//
// Errors: those of [activities.Reads]; unavailable when no worker serves the
// account.
type Live interface {
	Manifest(ctx context.Context, in activities.ShowManifestInput) (pipeline.Map, error)
	Manifests(ctx context.Context, in activities.ListManifestsInput) ([]activities.ManifestCoordinates, error)
	Console(ctx context.Context, in activities.ReadConsoleInput) ([]activities.ContainerLog, error)
	Logs(ctx context.Context, in activities.FollowLogsInput) (activities.FollowLogsOutput, error)
}

// Headers that tell what an answer about clusters lacks: accounts whose objects
// are known as they were some seconds ago, and accounts or kinds that are not in
// the answer, with the reason.
const (
	headerStale      = "X-Gennaker-Stale"
	headerIncomplete = "X-Gennaker-Incomplete"
)

// allowed refuses an account that the caller may not read. Every answer about
// clusters passes it.
func (r *request) allowed(s fiat.Subject, account string) error {
	if r.server.accountPermissions == nil {
		return nil
	}
	given, known := r.server.accountPermissions(r.ctx(), account)
	if !known {
		return pipeline.Errorf(pipeline.CodeForbidden, "Access is denied: nothing is known of the account '%s'.", account)
	}
	return s.May(fiat.Read, "account", account, accountPermissions(given))
}

// accountsToRead lists the accounts that the caller may read.
func (r *request) accountsToRead() ([]string, error) {
	r.checked = true
	s, err := r.subject()
	if err != nil {
		return nil, err
	}
	accounts, err := r.server.accounts.Accounts(r.ctx())
	if err != nil {
		return nil, err
	}
	var names []string
	for _, a := range accounts {
		if r.allowed(s, a.Name) == nil {
			names = append(names, a.Name)
		}
	}
	return names, nil
}

// mayRead refuses an account that the caller may not read.
func (r *request) mayRead(account string) error {
	r.checked = true
	r.touches(&r.accounts, account)
	s, err := r.subject()
	if err != nil {
		return err
	}
	return r.allowed(s, account)
}

// watched returns the reader of clusters, or unavailable where there is none.
func (r *request) watched() (Clusters, error) {
	if r.server.clusters == nil {
		return nil, pipeline.Errorf(pipeline.CodeUnavailable, "This Gate knows no workers that look at clusters.")
	}
	return r.server.clusters, nil
}

// tell writes what an answer lacks into its headers.
func (r *request) tell(gaps []clusters.Gap) {
	var stale, missing []string
	for _, g := range gaps {
		if g.Stale > 0 {
			stale = append(stale, plainText(g.Account)+"="+strconv.Itoa(int((g.Stale+time.Second/2)/time.Second))+"s")
		}
		if g.Missing != "" {
			missing = append(missing, plainText(g.Account)+" ("+plainText(g.Missing)+")")
		}
	}
	if len(stale)+len(missing) > 0 { // a page of another origin may not read them otherwise
		r.Header("Access-Control-Expose-Headers", "X-AUTH-REDIRECT-URL, "+headerStale+", "+headerIncomplete)
	}
	if len(stale) > 0 {
		r.Header(headerStale, bounded(strings.Join(stale, ", ")))
	}
	if len(missing) > 0 {
		r.Header(headerIncomplete, bounded(strings.Join(missing, ", ")))
	}
}

// maxHeader bounds what is told in one header.
const maxHeader = 2000

func bounded(s string) string {
	if len(s) > maxHeader {
		return s[:maxHeader] + "..."
	}
	return s
}

// plainText is text as a header can hold it.
func plainText(s string) string {
	return strings.Map(func(c rune) rune {
		if c < ' ' || c > '~' {
			return ' '
		}
		return c
	}, s)
}

// application reads the view of the application in the path over the accounts
// that the caller may read, or over some of them.
func (r *request) application(only func(account string) bool) (*clusters.View, error) {
	reader, err := r.watched()
	if err != nil {
		return nil, err
	}
	accounts, err := r.accountsToRead()
	if err != nil {
		return nil, err
	}
	if only != nil {
		accounts = slices.DeleteFunc(accounts, func(a string) bool { return !only(a) })
	}
	view, gaps, err := reader.Application(r.ctx(), r.param("application"), accounts)
	if err != nil {
		return nil, err
	}
	r.tell(gaps)
	return view, nil
}

// around reads the view of one object of the account in the path. Of an account
// that is not known nothing is found.
func (r *request) around(account, namespace, fullName string) (*clusters.View, error) {
	reader, err := r.watched()
	if err != nil {
		return nil, err
	}
	if err := r.mayRead(account); err != nil {
		return nil, err
	}
	known, err := r.accountsToRead()
	if err != nil {
		return nil, err
	}
	if !slices.Contains(known, account) {
		return clusters.NewView("", nil), nil
	}
	view, gaps, err := reader.Object(r.ctx(), account, namespace, fullName)
	if err != nil {
		return nil, err
	}
	r.tell(gaps)
	return view, nil
}

// missing answers that something is not there.
func missing(format string, args ...any) error {
	return pipeline.Errorf(pipeline.CodeNotFound, format, args...)
}

func listClusters(r *request) error {
	view, err := r.application(nil)
	if err != nil {
		return err
	}
	return r.answer(http.StatusOK, view.ClusterNames())
}

// inAccount reads the application's view in the account of the path.
func (r *request) inAccount() (*clusters.View, error) {
	account := r.param("account")
	if err := r.mayRead(account); err != nil {
		return nil, err
	}
	return r.application(func(a string) bool { return a == account })
}

func listAccountClusters(r *request) error {
	view, err := r.inAccount()
	if err != nil {
		return err
	}
	found := view.Clusters(r.param("account"))
	if len(found) == 0 {
		return missing("No clusters found (application: %s, account: %s)", r.param("application"), r.param("account"))
	}
	return r.answer(http.StatusOK, found)
}

// cluster reads the cluster of the path.
func (r *request) cluster(expand bool) (*clusters.View, clusters.Cluster, bool, error) {
	view, err := r.inAccount()
	if err != nil {
		return nil, clusters.Cluster{}, false, err
	}
	c, ok := view.Cluster(r.clusterID(), expand)
	return view, c, ok, nil
}

func (r *request) clusterID() clusters.ClusterID {
	return clusters.ClusterID{Account: r.param("account"), Name: r.param("cluster")}
}

// getCluster answers an empty object for a cluster that is not there, as Gate
// does.
func getCluster(r *request) error {
	_, c, ok, err := r.cluster(true)
	if err != nil {
		return err
	}
	if !ok {
		return emptyObject(r)
	}
	return r.answer(http.StatusOK, c)
}

// typed refuses a cloud provider that there is none of.
func (r *request) typed() error {
	if t := r.param("type"); t != clusters.CloudProvider {
		return missing("No cluster provider of type: %s found that can handle cluster: %s in application: %s, account: %s",
			t, r.param("cluster"), r.param("application"), r.param("account"))
	}
	return nil
}

func getTypedCluster(r *request) error {
	expand, err := boolean(r.query, "expand", true)
	if err != nil {
		return err
	}
	if err := r.typed(); err != nil {
		return err
	}
	_, c, ok, err := r.cluster(expand)
	if err != nil {
		return err
	}
	if !ok {
		return missing("No clusters found (application: %s, account: %s, type: %s)", r.param("application"), r.param("account"), r.param("type"))
	}
	return r.answer(http.StatusOK, c)
}

func listClusterLoadBalancers(r *request) error {
	if err := r.typed(); err != nil {
		return err
	}
	view, err := r.inAccount()
	if err != nil {
		return err
	}
	return r.answer(http.StatusOK, view.ClusterLoadBalancers(r.clusterID()))
}

func getTargetServerGroup(r *request) error {
	onlyEnabled, err := boolean(r.query, "onlyEnabled", false)
	if err != nil {
		return err
	}
	validateOldest, err := boolean(r.query, "validateOldest", true)
	if err != nil {
		return err
	}
	if err := r.typed(); err != nil {
		return err
	}
	view, err := r.inAccount()
	if err != nil {
		return err
	}
	group, why, ok := view.Target(r.clusterID(), r.param("scope"), r.param("target"), onlyEnabled, validateOldest)
	if !ok {
		return missing("unable to find %s in %s/%s/%s/%s: %s", r.param("target"), r.param("type"), r.param("account"), r.param("scope"), r.param("cluster"), why)
	}
	return r.answer(http.StatusOK, group)
}

func listRawResources(r *request) error {
	reader, err := r.watched()
	if err != nil {
		return err
	}
	accounts, err := r.accountsToRead()
	if err != nil {
		return err
	}
	found, gaps, err := reader.Raw(r.ctx(), r.param("application"), accounts)
	if err != nil {
		return err
	}
	r.tell(gaps)
	return r.answer(http.StatusOK, found)
}

// watchReport tells how an account's objects are watched.
type watchReport struct {
	Account string `json:"account"`
	// Watched is set while a worker watches the account.
	Watched bool   `json:"watched"`
	Leader  string `json:"leader,omitempty"`
	// Synced is set once all that can be read has been.
	Synced bool `json:"synced"`
	// UpdatedAt is when the leader last told; Behind since when changes have not
	// been arriving.
	UpdatedAt pipeline.Millis    `json:"updatedAt,omitempty"`
	Behind    pipeline.Millis    `json:"behind,omitempty"`
	Kinds     []clusters.Watched `json:"kinds"`
}

func getWatchReport(r *request) error {
	account := r.param("account")
	reader, err := r.watched()
	if err != nil {
		return err
	}
	if err := r.mayRead(account); err != nil {
		return err
	}
	known, err := r.accountsToRead()
	if err != nil {
		return err
	}
	if !slices.Contains(known, account) {
		return missing("Account not found (name: %s)", account)
	}
	s, watched, err := reader.Report(r.ctx(), account)
	if err != nil {
		return err
	}
	out := watchReport{
		Account: account, Watched: watched && s.Held, Leader: s.Leader, Synced: s.Synced,
		UpdatedAt: pipeline.Millis(s.At), Behind: pipeline.Millis(s.Behind), Kinds: s.Kinds,
	}
	if out.Kinds == nil {
		out.Kinds = []clusters.Watched{}
	}
	return r.answer(http.StatusOK, out)
}
