package gate

import (
	"net/http"
	"slices"
	"strings"
)

// searchResults is one set of findings (reference: gate section 3).
type searchResults struct {
	TotalMatches int            `json:"totalMatches"`
	PageNumber   int            `json:"pageNumber"`
	PageSize     int            `json:"pageSize"`
	Platform     string         `json:"platform"`
	Query        string         `json:"query"`
	Results      []searchResult `json:"results"`
}

type searchResult struct {
	Type        string `json:"type"`
	Application string `json:"application"`
	Provider    string `json:"provider"`
	URL         string `json:"url"`
}

// minQuery is the shortest query that is searched for unless the caller allows
// shorter ones.
const minQuery = 3

// search finds applications by name. Of the other kinds that clients ask for
// nothing is watched, so nothing is found.
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
	out := searchResults{PageNumber: max(page, 1), PageSize: size, Platform: "aws", Query: q, Results: []searchResult{}}
	if kinds := list(r.query, "type"); len(kinds) == 0 || slices.Contains(kinds, "applications") {
		apps, err := r.server.front50.Applications(r.ctx())
		if err != nil {
			return err
		}
		for _, app := range apps {
			name := strings.ToLower(app.Name())
			if !strings.Contains(name, strings.ToLower(q)) {
				continue
			}
			out.TotalMatches++
			if first := (out.PageNumber - 1) * size; out.TotalMatches > first && len(out.Results) < size {
				out.Results = append(out.Results, searchResult{Type: "applications", Application: name, Provider: strings.Join(app.CloudProviders(), ","), URL: "/applications/" + name})
			}
		}
	}
	return r.answer(http.StatusOK, []searchResults{out})
}
