package cli

import (
	"bytes"
	"io"
	"net/http"
	"net/http/httptest"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/gennaker/gennaker/pipeline"
)

func TestPlanCommand(t *testing.T) {
	t.Parallel()
	const saved = `{"application":"shop","name":"Deploy","stages":[]}`
	planned := map[string]string{
		"good": `{"application":"shop","name":"Deploy","planned":{"parameters":{"tag":"1.2"},"problems":[{"severity":"WARN","message":"Odd."}],
			"stages":[{"refId":"1","type":"wait","name":"Wait","requisiteStageRefIds":[],"tasks":["wait"],"calls":[],"before":[],"context":{}},
				{"refId":"2","type":"deployManifest","name":"Deploy","requisiteStageRefIds":["1"],"tasks":["deploy"],"before":["Check"],"calls":["deploy Pod web to prod"],"context":{}}],
			"unknown":[{"refId":"2","path":"account","expression":"${ a }","why":"It is fetched."}]}}`,
		"bad": `{"application":"shop","name":"Deploy","planned":{"problems":[{"severity":"FATAL","refId":"1","message":"No such account."}]}}`,
	}
	var sent []pipeline.Map
	gate := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		switch r.URL.EscapedPath() {
		case "/applications/shop/pipelineConfigs/Deploy%20it":
			_, _ = io.WriteString(w, saved)
		case "/pipelines/start":
			body, err := io.ReadAll(r.Body)
			var m pipeline.Map
			if err == nil {
				err = m.UnmarshalJSON(body)
			}
			if err != nil || m.Map("trigger").Map("parameters").String("tag") == "refused" {
				w.WriteHeader(http.StatusBadRequest)
				_, _ = io.WriteString(w, `{"message":"Pipeline template is invalid","errors":[{"severity":"FATAL","message":"failed loading template","cause":"none"}]}`)
				return
			}
			sent = append(sent, m)
			answer := planned["good"]
			if m.String("name") == "bad" {
				answer = planned["bad"]
			}
			_, _ = io.WriteString(w, answer)
		default:
			http.Error(w, `{"message":"Pipeline configuration not found"}`, http.StatusNotFound)
		}
	}))
	t.Cleanup(gate.Close)
	trigger := filepath.Join(t.TempDir(), "trigger.json")
	require.NoError(t, os.WriteFile(trigger, []byte(`{"type":"git","parameters":{"a":"1"}}`), 0o600))
	const want = `shop / Deploy
parameters {"tag":"1.2"}

1. Wait (wait)
   tasks: wait

2. Deploy (deployManifest) after 1
   before: Check
   tasks: deploy
   calls: deploy Pod web to prod
   unknown: account = ${ a }
            It is fetched.

problems:
   WARN  Odd.
`
	for _, tt := range []struct {
		name  string
		args  []string
		stdin string
		code  int
		out   string
		err   string
	}{
		{"a saved pipeline", []string{"shop", "Deploy it", "-p", "tag=1.2", "--trigger", trigger}, "", 0, want, ""},
		{"standard input", []string{"-f", "-"}, saved, 0, want, ""},
		{"with manifests", []string{"-f", "-", "--manifests"}, saved, 0, want, ""},
		{"as JSON", []string{"-f", "-", "--json"}, saved, 0, `"planned": {`, ""},
		{"a fatal problem", []string{"-f", "-"}, `{"name":"bad"}`, 1, "FATAL stage 1: No such account.", "would not succeed"},
		{"a refusal", []string{"-f", "-", "-p", "tag=refused"}, saved, 1, "", "FATAL failed loading template none"},
		{"an unknown pipeline", []string{"shop", "nope"}, "", 1, "", "Pipeline configuration not found"},
		{"no pipeline", []string{"shop"}, "", 2, "", "name a saved pipeline"},
		{"two pipelines", []string{"shop", "Deploy it", "-f", "-"}, "", 2, "", "not both"},
		{"no JSON", []string{"-f", "-"}, "x", 1, "", "the pipeline is no JSON object"},
		{"no file", []string{"-f", filepath.Join(t.TempDir(), "none")}, "", 1, "", "no such file"},
	} {
		var out, errs bytes.Buffer
		code := runWith(t.Context(), append([]string{"pipeline", "plan", "--gate-url", gate.URL}, tt.args...), strings.NewReader(tt.stdin), &out, &errs)
		require.Equal(t, tt.code, code, tt.name+errs.String())
		require.Contains(t, out.String(), tt.out, tt.name)
		require.Contains(t, errs.String(), tt.err, tt.name)
	}
	require.Equal(t, true, sent[0]["plan"])
	require.NotContains(t, sent[0], "planManifests")
	require.Equal(t, true, sent[2]["planManifests"])
	require.Equal(t, map[string]any{"type": "git", "parameters": map[string]any{"a": "1", "tag": "1.2"}}, sent[0]["trigger"])
	code := runWith(t.Context(), []string{"pipeline", "plan", "a", "b", "--gate-url", "http://127.0.0.1:1"}, strings.NewReader(""), io.Discard, io.Discard)
	require.Equal(t, 1, code)
}
