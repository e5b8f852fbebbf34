package main

import (
	"encoding/json"
	"io"
	"net/http"
	"net/http/httptest"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/gennaker/gennaker/gate"
	"github.com/gennaker/gennaker/pipeline"
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

func TestStatusOfAnAccount(t *testing.T) {
	t.Parallel()
	serving := gate.AccountWorker{Worker: "w", Serving: true, Reachable: true}
	refused := []gate.RefusedWorker{{Worker: "x", Reason: "Another cluster."}}
	for name, c := range map[string]struct {
		health  gate.AccountHealth
		status  string
		message string
	}{
		"up":              {gate.AccountHealth{Workers: []gate.AccountWorker{serving}, Reachable: true}, gate.AccountUp, ""},
		"nobody":          {gate.AccountHealth{Account: "a", Queue: "clouddriver.a"}, gate.AccountUnserved, "No worker serves task queue clouddriver.a. Start one where the cluster can be reached: gennaker worker --roles clouddriver --accounts a."},
		"lately":          {gate.AccountHealth{Account: "a", Queue: "q", Workers: []gate.AccountWorker{{Worker: "w", Reachable: true}}}, gate.AccountUnserved, "No worker serves task queue q. Start one where the cluster can be reached: gennaker worker --roles clouddriver --accounts a."},
		"only refused":    {gate.AccountHealth{Refused: refused}, gate.AccountUnserved, "Another cluster."},
		"one is refused":  {gate.AccountHealth{Workers: []gate.AccountWorker{serving}, Reachable: true, Refused: refused}, gate.AccountUp, "Another cluster."},
		"down":            {gate.AccountHealth{Workers: []gate.AccountWorker{{Serving: true, Error: "It does not answer."}}}, gate.AccountDown, "It does not answer."},
		"nobody looked":   {gate.AccountHealth{Workers: []gate.AccountWorker{{Serving: true}}}, gate.AccountUnknown, "No worker has looked at the cluster yet."},
		"missing":         {gate.AccountHealth{Workers: []gate.AccountWorker{serving}, Reachable: true, MissingPermissions: []string{"x"}}, gate.AccountUp, "1 permissions that deployments may need are missing."},
		"one of two sees": {gate.AccountHealth{Workers: []gate.AccountWorker{{Serving: true, Error: "No."}, serving}, Reachable: true}, gate.AccountUp, ""},
	} {
		status, message := statusOf(c.health)
		require.Equal(t, c.status, status, name)
		require.Equal(t, c.message, message, name)
	}
}

func TestAccountStoreChecks(t *testing.T) {
	t.Parallel()
	s, _ := sourceOver(t, emptyConfig(t))
	store := accountStore{registry: s.registry}
	for want, d := range map[string]pipeline.Map{
		"the only type is":           {"type": "aws", "name": "x"},
		"comes from the config":      {"type": "kubernetes", "name": "a"},
		"a kubeconfig in clear":      {"type": "kubernetes", "name": "x", "kubeconfigContents": "a: b\nc: d"},
		`"zone", which is not known`: {"type": "kubernetes", "name": "x", "zone": "z"},
	} {
		require.ErrorContains(t, store.check(d), want)
	}
	require.NoError(t, store.check(pipeline.Map{"type": "kubernetes", "name": "x", "kubeconfigContents": "env:X"}))
}
