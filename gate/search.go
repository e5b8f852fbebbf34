package gate

import (
	"net/http"
	"net/url"
	"slices"
	"strings"

	"github.com/gennaker/gennaker/front50"
	"github.com/gennaker/gennaker/pipeline"
)

// searchResults is one set of findings (reference: gate section 3).
type searchResults struct {
	TotalMatches int            `json:"totalMatches"`
	PageNumber   int            `json:"pageNumber"`
	PageSize     int            `json:"pageSize"`
	Platform     string         `json:"platform"`
	Query        string         `json:"query"`
	Results      []pipeline.Map `json:"results"`
}

// minQuery is the shortest query that is searched for unless the caller allows
// shorter ones.
const minQuery = 3

// search finds applications by name, and what runs by what it is called, where
// it is and what it belongs to. totalMatches counts what there is, on all pages.
func search(r *request) error {
	short, err := boolean(r.query, "allowShortQuery", false)
	if err != nil {
		return err
	}
	size, err := integer(r.query, "pageSize", 10000)
	if err != nil {
		return err
	}
	page, err := integer(r.query, "page", 1)
	if err != nil {
		return err
	}
	q := r.text("q")
	if len([]rune(q)) < minQuery && !short {
		return emptyList(r)
	}
	out := searchResults{PageNumber: max(page, 1), PageSize: size, Platform: "aws", Query: q, Results: []pipeline.Map{}}
	may, err := r.applicationsToRead()
	if err != nil {
		return err
	}
	all, err := r.findings(&hits{query: strings.ToLower(q), kinds: list(r.query, "type"), may: may})
	if err != nil {
		return err
	}
	out.TotalMatches = len(all)
	first := min((out.PageNumber-1)*size, len(all))
	for _, hit := range all[max(first, 0):min(max(first, 0)+size, len(all))] {
		out.Results = append(out.Results, hit)
	}
	return r.answer(http.StatusOK, []searchResults{out})
}

// projectFindings are the projects whose name, or one of whose applications, holds
// the text.
func (r *request) projectFindings(h *hits) ([]map[string]any, error) {
	if !h.wants("projects") {
		return nil, nil
	}
	all, err := r.server.front50.Documents(r.ctx(), front50.KindProject)
	if err != nil {
		return nil, err
	}
	var out []map[string]any
	for _, p := range all {
		applications := slices.DeleteFunc(p.Map("config").Strings("applications"), func(a string) bool { return !h.may(a) })
		found := strings.Contains(strings.ToLower(p.String("name")), h.query)
		for _, a := range applications {
			found = found || strings.Contains(strings.ToLower(a), h.query)
		}
		if found {
			out = append(out, map[string]any{
				"type": "projects", "id": p.String("id"), "name": p.String("name"), "applications": applications,
				"provider": "", "url": "/projects/" + url.PathEscape(p.String("name")),
			})
		}
	}
	return out, nil
}

// findings gathers the findings: applications of Front50 first, then projects, then
// what clusters hold.
func (r *request) findings(h *hits) ([]map[string]any, error) {
	var all []map[string]any
	known := map[string]bool{}
	if h.wants("applications") {
		apps, err := r.server.front50.Applications(r.ctx())
		if err != nil {
			return nil, err
		}
		for _, app := range apps {
			name := strings.ToLower(app.Name())
			known[name] = true
			if strings.Contains(name, h.query) && h.may(name) {
				all = append(all, map[string]any{
					"type": "applications", "application": name, "provider": strings.Join(app.CloudProviders(), ","), "url": "/applications/" + name,
				})
			}
		}
	}
	projects, err := r.projectFindings(h)
	if err != nil {
		return nil, err
	}
	all = append(all, projects...)
	if r.otherProvider("platform") && r.text("platform") != "aws" {
		return all, nil
	}
	if err := r.searchClusters(h, known); err != nil {
		return nil, err
	}
	return append(all, h.sorted()...), nil
}
