package signin_test

import (
	"encoding/json"
	"net/url"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"
)

// TestSignInsAreAudited: the log tells who signed in, and who failed to.
func TestSignInsAreAudited(t *testing.T) {
	t.Parallel()
	w, _ := newBasic(t)
	b := person(t).still()
	require.Equal(t, 401, b.form(w.url+"/login", url.Values{"username": {"ines"}, "password": {"Tr0ub4dor"}}).StatusCode)
	require.Equal(t, 302, b.form(w.url+"/login", url.Values{"username": {"ines"}, "password": {"ines!"}}).StatusCode)
	require.Equal(t, 401, newBrowser(t).do("GET", w.url+"/credentials", "", "Authorization", basic("mallory", "x")).StatusCode)
	type line struct {
		Message string `json:"msg"`
		User    string `json:"user"`
		Mode    string `json:"mode"`
		Route   string `json:"route"`
		Allowed bool   `json:"allowed"`
	}
	var got []line
	for text := range strings.Lines(w.log.String()) {
		var l line
		require.NoError(t, json.Unmarshal([]byte(text), &l))
		if l.Message == "audit" {
			got = append(got, l)
		}
	}
	require.Equal(t, []line{
		{"audit", "ines", "basic", "/login", false},
		{"audit", "ines", "basic", "/login", true},
		{"audit", "mallory", "basic", "/credentials", false},
	}, got)
	require.NotContains(t, w.log.String(), "Tr0ub4dor")
	require.NotContains(t, w.log.String(), "ines!")
}
