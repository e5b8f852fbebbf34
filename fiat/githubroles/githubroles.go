// Package githubroles tells a user's teams in a GitHub organization: the roles are
// the teams' slugs and the organization's login, as in Spinnaker's Fiat.
package githubroles

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net/http"
	"net/url"
	"regexp"
	"strings"
	"time"

	"github.com/gennaker/gennaker/internal/secret"
	"github.com/gennaker/gennaker/pipeline"
)

// Config says whom to ask. The tags make it a group of command line flags and
// environment variables.
type Config struct {
	// Organization is the organization's login; empty asks nobody.
	Organization string `help:"GitHub organization whose teams are roles; users' names here are their logins there."`
	// URL is the API's.
	URL string `name:"url" default:"https://api.github.com" help:"Address of GitHub's API; of a server of one's own https://github.example.com/api/v3." placeholder:"URL"`
	// Token is a reference to a token that may read the organization's members.
	Token string `help:"Reference to a token with read:org, or of a GitHub App's installation that may read members (file:/path or env:NAME). A file is read anew with each question, so that something else can renew it." placeholder:"REF"`
	// Timeout bounds each exchange.
	Timeout time.Duration `default:"5s" help:"Longest wait for GitHub."`
}

// Roles is a source of roles. It is safe for concurrent use.
type Roles struct {
	config  Config
	address string
	client  *http.Client
}

const (
	// maxAnswer bounds an answer, maxPages the answers about one user.
	maxAnswer = 4 << 20
	maxPages  = 50
)

// login is what logins look like, those of enterprises with an underscore.
var login = regexp.MustCompile(`^[A-Za-z0-9][A-Za-z0-9_-]{0,98}$`)

// question asks for the teams of a user, and whether the user is a member.
const question = `query($organization: String!, $user: String!, $after: String) {
  organization(login: $organization) { teams(first: 100, after: $after, userLogins: [$user]) { nodes { slug } pageInfo { hasNextPage endCursor } } }
  user(login: $user) { organization(login: $organization) { login } }
}`

// New checks a configuration. It asks nothing.
func New(ctx context.Context, c Config) (*Roles, error) {
	u, err := url.Parse(strings.TrimSuffix(c.URL, "/"))
	if err != nil || u.Scheme != "https" && u.Scheme != "http" || u.Host == "" {
		return nil, fmt.Errorf("roles-github-url is %q: use an absolute address such as https://api.github.com", c.URL)
	}
	if !login.MatchString(c.Organization) {
		return nil, fmt.Errorf("roles-github-organization is %q: use the organization's login", c.Organization)
	}
	if c.Token == "" {
		return nil, errors.New("roles-github-token is not set: GitHub tells members to nobody without")
	}
	if _, err := secret.Resolve(ctx, c.Token); err != nil {
		return nil, fmt.Errorf("roles-github-token: %w", err)
	}
	// A server of one's own has its REST API under /api/v3 and this one under /api.
	u.Path = strings.TrimSuffix(u.Path, "/v3") + "/graphql"
	return &Roles{config: c, address: u.String(), client: &http.Client{Timeout: c.Timeout}}, nil
}

// answer is what GitHub says.
type answer struct {
	Data struct {
		Organization *struct {
			Teams struct {
				Nodes []struct {
					Slug string `json:"slug"`
				} `json:"nodes"`
				PageInfo struct {
					HasNextPage bool   `json:"hasNextPage"`
					EndCursor   string `json:"endCursor"`
				} `json:"pageInfo"`
			} `json:"teams"`
		} `json:"organization"`
		User *struct {
			Organization *struct {
				Login string `json:"login"`
			} `json:"organization"`
		} `json:"user"`
	} `json:"data"`
	Errors []struct {
		Type    string `json:"type"`
		Message string `json:"message"`
		Path    []any  `json:"path"`
	} `json:"errors"`
}

// Roles implements fiat.Roles. Errors: unavailable.
func (r *Roles) Roles(ctx context.Context, user string) ([]string, error) {
	if !login.MatchString(user) {
		return nil, nil // an address is nobody's login
	}
	var out []string
	after := ""
	for range maxPages {
		a, err := r.ask(ctx, user, after)
		if err != nil {
			return nil, err
		}
		if a.Data.User == nil || a.Data.User.Organization == nil {
			return nil, nil
		}
		if after == "" {
			out = append(out, strings.ToLower(a.Data.User.Organization.Login))
		}
		for _, team := range a.Data.Organization.Teams.Nodes {
			out = append(out, strings.ToLower(team.Slug))
		}
		page := a.Data.Organization.Teams.PageInfo
		if !page.HasNextPage {
			return out, nil
		}
		after = page.EndCursor
	}
	return nil, pipeline.Errorf(pipeline.CodeUnavailable, "The user '%s' is in more than %d teams, which is more than is read.", user, 100*maxPages)
}

func (r *Roles) ask(ctx context.Context, user, after string) (answer, error) {
	var a answer
	token, err := secret.Resolve(ctx, r.config.Token)
	if err != nil {
		return a, unavailable(err)
	}
	variables := map[string]any{"organization": r.config.Organization, "user": user, "after": nil}
	if after != "" {
		variables["after"] = after
	}
	body, err := json.Marshal(map[string]any{"query": question, "variables": variables})
	if err != nil {
		return a, err
	}
	request, err := http.NewRequestWithContext(ctx, http.MethodPost, r.address, bytes.NewReader(body))
	if err != nil {
		return a, err
	}
	request.Header.Set("Authorization", "Bearer "+token)
	request.Header.Set("Content-Type", "application/json")
	response, err := r.client.Do(request)
	if err != nil {
		return a, unavailable(err)
	}
	defer func() { _ = response.Body.Close() }() // it was read as far as it matters
	text, err := io.ReadAll(io.LimitReader(response.Body, maxAnswer))
	if err != nil {
		return a, unavailable(err)
	}
	if response.StatusCode != http.StatusOK {
		return a, unavailable(fmt.Errorf("it answers %s", response.Status))
	}
	if err := json.Unmarshal(text, &a); err != nil {
		return a, unavailable(err)
	}
	for _, e := range a.Errors {
		if e.Type == "NOT_FOUND" && len(e.Path) > 0 && e.Path[0] == "user" {
			continue // nobody has that login
		}
		return a, unavailable(fmt.Errorf("%s: %s", e.Type, e.Message))
	}
	if a.Data.Organization == nil {
		return a, unavailable(errors.New("it does not know the organization, or the token may not read it"))
	}
	return a, nil
}

func unavailable(err error) error {
	return pipeline.Wrap(pipeline.CodeUnavailable, err, "GitHub, which tells teams, does not answer (%s): try again.", err)
}
