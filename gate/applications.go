package gate

import (
	"net/http"
	"slices"
	"strings"

	"github.com/gennaker/gennaker/front50"
	"github.com/gennaker/gennaker/pipeline"
)

// application is one application as clients read it.
type application struct {
	// Name is in lower case.
	Name       string       `json:"name"`
	Attributes pipeline.Map `json:"attributes"`
	// Clusters lists what runs, by account; empty while nothing watches clusters.
	Clusters pipeline.Map `json:"clusters"`
}

func listApplications(r *request) error {
	apps, err := r.server.front50.Applications(r.ctx())
	if err != nil {
		return err
	}
	account, owner := r.text("account"), r.text("owner")
	out := make([]any, 0, len(apps))
	for _, app := range apps {
		a := attributes(app)
		if account != "" && !hasAccount(a, account) {
			continue
		}
		if owner != "" && !strings.EqualFold(app.Email(), owner) {
			continue
		}
		out = append(out, map[string]any(a))
	}
	return r.answer(http.StatusOK, out)
}

func getApplication(r *request) error {
	if _, err := boolean(r.query, "expand", true); err != nil {
		return err
	}
	name := r.param("application")
	app, err := r.server.front50.Application(r.ctx(), name)
	if pipeline.CodeOf(err) == pipeline.CodeNotFound && err != nil {
		return pipeline.Errorf(pipeline.CodeNotFound, "Application not found (id: %s)", name)
	}
	if err != nil {
		return err
	}
	a := attributes(app)
	return r.answer(http.StatusOK, application{Name: a.String("name"), Attributes: a, Clusters: pipeline.Map{}})
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
