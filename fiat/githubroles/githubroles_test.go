package githubroles_test

import (
	"encoding/json"
	"io"
	"net/http"
	"net/http/httptest"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/gennaker/gennaker/fiat/githubroles"
	"github.com/gennaker/gennaker/pipeline"
)

func TestRoles(t *testing.T) {
	t.Setenv("GITHUBROLES_TOKEN", "s3cret")
	status := http.StatusOK
	server := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		var in struct {
			Variables struct {
				Organization, User string
				After              *string
			}
		}
		if r.URL.Path != "/api/graphql" || r.Header.Get("Authorization") != "Bearer s3cret" || json.NewDecoder(r.Body).Decode(&in) != nil || in.Variables.Organization != "Acme" {
			w.WriteHeader(http.StatusUnauthorized)
			return
		}
		w.WriteHeader(status)
		answer := `{"data":{"organization":{"teams":{"nodes":[],"pageInfo":{"hasNextPage":false}}},"user":null},"errors":[{"type":"NOT_FOUND","path":["user"],"message":"no user"}]}`
		switch {
		case in.Variables.User == "ines" && in.Variables.After == nil:
			answer = `{"data":{"organization":{"teams":{"nodes":[{"slug":"SRE"}],"pageInfo":{"hasNextPage":true,"endCursor":"x"}}},"user":{"organization":{"login":"Acme"}}}}`
		case in.Variables.User == "ines":
			answer = `{"data":{"organization":{"teams":{"nodes":[{"slug":"shop"}],"pageInfo":{"hasNextPage":false}}},"user":{"organization":{"login":"Acme"}}}}`
		case in.Variables.User == "guest":
			answer = `{"data":{"organization":{"teams":{"nodes":[],"pageInfo":{"hasNextPage":false}}},"user":{"organization":null}}}`
		case in.Variables.User == "limited":
			answer = `{"errors":[{"type":"RATE_LIMITED","message":"slow down"}]}`
		case in.Variables.User == "blind":
			answer = `{"data":{"organization":null,"user":{"organization":null}}}`
		}
		_, _ = io.WriteString(w, answer)
	}))
	t.Cleanup(server.Close)
	r, err := githubroles.New(t.Context(), githubroles.Config{Organization: "Acme", URL: server.URL + "/api/v3", Token: "env:GITHUBROLES_TOKEN", Timeout: time.Minute})
	require.NoError(t, err)
	for user, want := range map[string][]string{"ines": {"acme", "sre", "shop"}, "guest": nil, "nobody": nil, "ines@example.com": nil, `a"}`: nil} {
		roles, err := r.Roles(t.Context(), user)
		require.NoError(t, err, user)
		require.Equal(t, want, roles, user)
	}
	for _, user := range []string{"limited", "blind"} {
		_, err := r.Roles(t.Context(), user)
		require.Equal(t, pipeline.CodeUnavailable, pipeline.CodeOf(err), user)
	}
	status = http.StatusBadGateway
	_, err = r.Roles(t.Context(), "ines")
	require.Equal(t, pipeline.CodeUnavailable, pipeline.CodeOf(err))

	for want, c := range map[string]githubroles.Config{
		"roles-github-url":          {Organization: "a", URL: "x", Token: "env:GITHUBROLES_TOKEN"},
		"roles-github-organization": {Organization: "a/b", URL: "https://x", Token: "env:GITHUBROLES_TOKEN"},
		"roles-github-token":        {Organization: "a", URL: "https://x"},
		"by reference":              {Organization: "a", URL: "https://x", Token: "ghp_x"},
	} {
		_, err := githubroles.New(t.Context(), c)
		require.ErrorContains(t, err, want)
	}
}
