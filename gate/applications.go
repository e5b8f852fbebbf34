package gate

import (
	"context"
	"maps"
	"net/http"
	"slices"
	"strings"
	"time"

	"github.com/gennaker/gennaker/clusters"
	"github.com/gennaker/gennaker/front50"
	"github.com/gennaker/gennaker/pipeline"
)

// application is one application as clients read it.
type application struct {
	// Name is in lower case.
	Name       string       `json:"name"`
	Attributes pipeline.Map `json:"attributes"`
	// Clusters lists what runs, by account; empty unless the caller asks for it.
	Clusters map[string][]clusters.ApplicationCluster `json:"clusters"`
}

func listApplications(r *request) error {
	apps, err := r.server.front50.Applications(r.ctx())
	if err != nil {
		return err
	}
	running, err := r.deployed()
	if err != nil {
		return err
	}
	may, err := r.applicationsToRead()
	if err != nil {
		return err
	}
	account, owner := r.text("account"), r.text("owner")
	out := make([]any, 0, len(apps))
	keep := func(a pipeline.Map) {
		if may(a.String("name")) && (account == "" || hasAccount(a, account)) && (owner == "" || strings.EqualFold(a.String("email"), owner)) {
			out = append(out, map[string]any(a))
		}
	}
	for _, app := range apps {
		a := attributes(app)
		running.complete(a)
		delete(running, a.String("name"))
		keep(a)
	}
	for _, name := range slices.Sorted(maps.Keys(running)) {
		a := pipeline.Map{"name": name}
		running.complete(a)
		keep(a)
	}
	return r.answer(http.StatusOK, out)
}

// deployed maps an application, in lower case, to the accounts that run it.
type deployed map[string][]string

// deployed reads it from what is known, without waiting for accounts that are not
// watched yet; what is not known is told.
func (r *request) deployed() (deployed, error) {
	out := deployed{}
	if r.server.clusters == nil {
		return out, nil
	}
	accounts, err := r.accountsToRead()
	if err != nil || len(accounts) == 0 {
		return out, err
	}
	indexes, gaps, err := r.server.clusters.Indexes(r.ctx(), accounts, true)
	if err != nil {
		r.tell(gaps)
		return out, nil //nolint:nilerr // the applications of Front50 are an answer; the header tells what it lacks
	}
	r.tell(gaps)
	for _, account := range accounts {
		for app := range indexes[account].Applications {
			out[app] = append(out[app], account)
		}
	}
	return out, nil
}

// complete sets the accounts in which an application runs over those that
// Front50 has.
func (w deployed) complete(a pipeline.Map) {
	if accounts := w[a.String("name")]; len(accounts) > 0 {
		a["accounts"] = strings.Join(accounts, ",")
	}
}

// expandWithin bounds how long an application's clusters are waited for.
const expandWithin = 5 * time.Second

func getApplication(r *request) error {
	expand, err := boolean(r.query, "expand", true)
	if err != nil {
		return err
	}
	name := r.param("application")
	app, err := r.server.front50.Application(r.ctx(), name)
	known := err == nil
	if err != nil && pipeline.CodeOf(err) != pipeline.CodeNotFound {
		return err
	}
	found := map[string][]clusters.ApplicationCluster{}
	where := deployed{}
	if expand {
		if found, err = r.applicationClusters(name); err != nil {
			return err
		}
		where[strings.ToLower(name)] = slices.Sorted(maps.Keys(found))
	} else if where, err = r.deployed(); err != nil {
		return err
	}
	if !known && len(where[strings.ToLower(name)]) == 0 {
		return pipeline.Errorf(pipeline.CodeNotFound, "Application not found (id: %s)", name)
	}
	a := pipeline.Map{"name": strings.ToLower(name)}
	if known {
		a = attributes(app)
	}
	where.complete(a)
	if a.String("cloudProviders") == "" && len(found) > 0 {
		a["cloudProviders"] = clusters.CloudProvider
	}
	return r.answer(http.StatusOK, application{Name: a.String("name"), Attributes: a, Clusters: found})
}

// applicationClusters reads an application's clusters. Those that are not at
// hand in time are left out and told.
func (r *request) applicationClusters(name string) (map[string][]clusters.ApplicationCluster, error) {
	none := map[string][]clusters.ApplicationCluster{}
	if r.server.clusters == nil {
		return none, nil
	}
	accounts, err := r.accountsToRead()
	if err != nil || len(accounts) == 0 {
		return none, err
	}
	ctx, cancel := context.WithTimeout(r.ctx(), expandWithin)
	defer cancel()
	view, gaps, err := r.server.clusters.Application(ctx, name, accounts)
	r.tell(gaps)
	if err != nil {
		return none, r.ctx().Err()
	}
	return view.ApplicationClusters(), nil
}

func listApplicationHistory(r *request) error {
	limit, err := integer(r.query, "limit", front50.DefaultHistory)
	if err != nil {
		return err
	}
	if limit == 0 {
		return emptyList(r)
	}
	versions, err := r.server.front50.ApplicationHistory(r.ctx(), r.param("application"), min(limit, front50.MaxHistory))
	if err != nil {
		return err
	}
	out := make([]any, len(versions))
	for i, app := range versions {
		out[i] = map[string]any(attributes(app))
	}
	return r.answer(http.StatusOK, out)
}

// attributes returns an application's document as Gate shows it: the name in
// lower case, providers and accounts as comma-separated text.
func attributes(app pipeline.Application) pipeline.Map {
	out := pipeline.Map(app.Clone())
	out["name"] = strings.ToLower(app.Name())
	if _, isList := app["cloudProviders"].([]any); isList {
		out["cloudProviders"] = strings.Join(app.CloudProviders(), ",")
	}
	if _, isList := app["accounts"].([]any); isList {
		out["accounts"] = strings.Join(out.Strings("accounts"), ",")
	}
	return out
}

func hasAccount(a pipeline.Map, account string) bool {
	return slices.ContainsFunc(strings.Split(a.String("accounts"), ","), func(e string) bool {
		return strings.EqualFold(strings.TrimSpace(e), account)
	})
}
