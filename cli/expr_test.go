package cli

import (
	"bytes"
	"net/http"
	"net/http/httptest"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"
)

// evaluated runs the command and returns its exit code and what it printed.
func evaluated(t *testing.T, stdin string, args ...string) (code int, stdout, stderr string) {
	t.Helper()
	var out, errs bytes.Buffer
	code = runWith(t.Context(), append([]string{"expr"}, args...), strings.NewReader(stdin), &out, &errs)
	return code, out.String(), errs.String()
}

const savedExecution = `{"type":"PIPELINE","id":"E1","application":"shop","name":"Ship","status":"SUCCEEDED","trigger":{"type":"manual","parameters":{"env":"prod"}},"stages":[
	{"id":"s1","refId":"1","type":"wait","name":"Wait","status":"SUCCEEDED","startTime":1,"context":{"a":1},"outputs":{"n":41},"requisiteStageRefIds":[]},
	{"id":"s2","refId":"2","type":"wait","name":"Then","status":"SUCCEEDED","startTime":2,"context":{"a":2},"outputs":{},"requisiteStageRefIds":["1"]}]}`

func TestExprCommand(t *testing.T) {
	t.Parallel()
	file := filepath.Join(t.TempDir(), "context.json")
	require.NoError(t, os.WriteFile(file, []byte(`{"a":{"b":[1,2.5,"x"]},"execution":`+savedExecution+`}`), 0o600))
	gate := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if r.URL.Path != "/pipelines/E1" {
			http.Error(w, `{"message":"Pipeline not found (id: E2)"}`, http.StatusNotFound)
			return
		}
		_, _ = w.Write([]byte(savedExecution))
	}))
	t.Cleanup(gate.Close)
	for _, tt := range []struct {
		name  string
		args  []string
		stdin string
		code  int
		out   string
		err   string
	}{
		{"a value keeps its type", []string{"${1 + 1}"}, "", 0, "2\n", ""},
		{"text", []string{"n is ${1 + 1}"}, "", 0, "\"n is 2\"\n", ""},
		{"no expression", []string{"plain"}, "", 0, "\"plain\"\n", ""},
		{"a file", []string{"--context", file, "${a.b}"}, "", 0, "[1,2.5,\"x\"]\n", ""},
		{"a file's execution", []string{"--context", file, "${#stage('Wait').outputs.n}"}, "", 0, "41\n", ""},
		{"standard input", []string{"--context", "-", "${k}"}, `{"k":true}`, 0, "true\n", ""},
		{"an execution", []string{"--gate-url", gate.URL, "--execution", "E1", "${n + a} in ${parameters.env}"}, "", 0, "\"43 in prod\"\n", ""},
		{"a stage of it", []string{"--gate-url", gate.URL, "--execution", "E1", "--stage", "Wait", "${a}"}, "", 0, "1\n", ""},
		{"an unknown stage", []string{"--gate-url", gate.URL, "--execution", "E1", "--stage", "9", "${a}"}, "", 1, "", `no stage with the ID, refId or name "9"`},
		{"an unknown execution", []string{"--gate-url", gate.URL, "--execution", "E2", "${a}"}, "", 1, "", "Pipeline not found (id: E2)"},
		{"a failure", []string{"${1 + }"}, "", 1, "\"${1 + }\"\n", "^"},
		{"an unknown name", []string{"--context", "-", "${replica}"}, `{"replicas":1}`, 1, "\"${replica}\"\n", "replicas"},
		{"a fetch", []string{"${#fromUrl('https://example.com/x')}"}, "", 1, "", "fetches nothing from outside"},
		{"nothing to do", nil, "", 2, "", "give the text"},
		{"no JSON", []string{"--context", "-", "${a}"}, "x", 1, "", "no JSON object"},
		{"the list", []string{"--list"}, "", 0, "#toJson(", ""},
	} {
		t.Run(tt.name, func(t *testing.T) {
			t.Parallel()
			code, out, errs := evaluated(t, tt.stdin, tt.args...)
			require.Equal(t, tt.code, code, errs)
			require.Contains(t, out, tt.out)
			require.Contains(t, errs, tt.err)
		})
	}
}

func TestExprBatch(t *testing.T) {
	t.Parallel()
	code, out, errs := evaluated(t, strings.Join([]string{
		`{"context":{"a":1},"expr":"${a + 1}"}`,
		`{"expr":"${{1,'x'}}"}`,
		``,
		`{"context":{"trigger":{"parameters":{"p":"q"}}},"expr":"-${parameters.p}-"}`,
		`{"context":{},"expr":"${missing}"}`,
		`{"context":{},"expr":"${a.b.c}"}`,
		`not json`,
		`{"context":{}}`,
		`{"context":{"execution":` + strings.ReplaceAll(savedExecution, "\n", "") + `},"expr":"${#stage('Wait')['status']}"}`,
	}, "\n"), "--batch")
	require.Equal(t, 0, code, errs)
	lines := strings.Split(strings.TrimSpace(out), "\n")
	require.Len(t, lines, 8)
	require.Equal(t, `{"result":2}`, lines[0])
	require.Equal(t, `{"result":[1,"x"]}`, lines[1])
	require.Equal(t, `{"result":"-q-"}`, lines[2])
	require.Equal(t, `{"error":"Failed to evaluate {missing} : missing not found","result":"${missing}"}`, lines[3])
	require.Contains(t, lines[4], `"result":"${a.b.c}"`)
	require.Contains(t, lines[5], "the line is no request")
	require.Contains(t, lines[6], `has no \"expr\"`)
	require.Equal(t, `{"result":"SUCCEEDED"}`, lines[7])
}
