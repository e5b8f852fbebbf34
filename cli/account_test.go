package cli

import (
	"encoding/json"
	"io"
	"net/http"
	"net/http/httptest"
	"testing"

	"github.com/stretchr/testify/require"
)

func TestAccountCommands(t *testing.T) {
	t.Parallel()
	answers := map[string]string{
		"/credentials?expand=true": `[{"name":"east","type":"kubernetes","environment":"prod"},{"name":"west","type":"kubernetes","environment":"prod"}]`,
		"/credentials/east":        `{"name":"east","type":"kubernetes","environment":"prod","namespaces":["shop"],"permissions":{"WRITE":["sre"]}}`,
		"/credentials/west":        `{"name":"west","type":"kubernetes","environment":"prod","namespaces":[]}`,
		"/credentials/east/health": `{"account":"east","status":"UP","message":"1 permissions that deployments may need are missing.","reachable":true,"serverVersion":"v1.37.2","cluster":"c-1","queue":"clouddriver.east",
			"missingPermissions":["create deployments.apps in namespace shop"],"workers":[{"worker":"1@a","serving":true,"reachable":true},{"worker":"1@b","serving":false}],"refused":[{"worker":"1@c","cluster":"c-2","reason":"Another cluster."}]}`,
		"/credentials/west/health": `{"account":"west","status":"UNSERVED","message":"No worker serves task queue clouddriver.west.","queue":"clouddriver.west","workers":[],"refused":[],"missingPermissions":[],"lastWorker":"1@d","lastSeen":1}`,
	}
	server := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		answer, ok := answers[r.URL.RequestURI()]
		if !ok {
			w.WriteHeader(http.StatusNotFound)
			answer = `{"message":"Account not found (name: nope)"}`
		}
		_, _ = io.WriteString(w, answer)
	}))
	t.Cleanup(server.Close)

	code, out, errs := call(t, "account", "list", "--gate-url="+server.URL)
	require.Equal(t, exitOK, code, errs)
	require.Regexp(t, `(?m)^NAME +TYPE +ENVIRONMENT +STATUS +VERSION +WORKERS +CHECKED +MESSAGE$`, out)
	require.Regexp(t, `(?m)^east +kubernetes +prod +UP +v1\.37\.2 +1 +never +1 permissions`, out)
	require.Regexp(t, `(?m)^west +kubernetes +prod +UNSERVED +- +0 +never +No worker serves`, out)

	code, out, _ = call(t, "account", "get", "east", "--gate-url="+server.URL)
	require.Equal(t, exitOK, code)
	for _, want := range []string{
		`(?m)^status +UP$`, `(?m)^cluster +c-1$`, `(?m)^task queue +clouddriver\.east$`, `(?m)^namespaces +shop$`, `(?m)^WRITE +sre$`,
		`(?m)^worker +1@a: serves, cluster reachable$`, `(?m)^worker +1@b: does not poll$`, `(?m)^refused +1@c: Another cluster\.$`,
		`(?m)^missing +create deployments\.apps in namespace shop$`,
	} {
		require.Regexp(t, want, out)
	}
	code, out, errs = call(t, "account", "get", "west", "--gate-url="+server.URL)
	require.Equal(t, exitFailed, code, "scripts see that an account is not UP")
	require.Contains(t, errs, "not UP")
	require.Regexp(t, `(?m)^last served +by 1@d`, out)

	code, out, _ = call(t, "account", "get", "east", "--json", "--gate-url="+server.URL)
	require.Equal(t, exitOK, code)
	var answer map[string]map[string]any
	require.NoError(t, json.Unmarshal([]byte(out), &answer))
	require.Equal(t, "UP", answer["health"]["status"])
	require.Equal(t, "prod", answer["account"]["environment"])
	code, out, _ = call(t, "account", "list", "--json", "--gate-url="+server.URL)
	require.Equal(t, exitOK, code)
	require.Contains(t, out, `"health"`)

	code, _, errs = call(t, "account", "get", "nope", "--gate-url="+server.URL)
	require.Equal(t, exitFailed, code)
	require.Contains(t, errs, "Account not found")
	code, _, errs = call(t, "account", "list", "--gate-url=http://127.0.0.1:1")
	require.Equal(t, exitFailed, code)
	require.Contains(t, errs, "does not answer")
}
