package cli

import (
	"flag"
	"io"
	"net/http"
	"net/http/httptest"
	"os"
	"path/filepath"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/gennaker/gennaker/pipeline"
)

var update = flag.Bool("update", false, "write the golden files")

// golden compares a text with a file of testdata.
func golden(t *testing.T, name, got string) {
	t.Helper()
	path := filepath.Join("testdata", name+".txt")
	if *update {
		require.NoError(t, os.MkdirAll("testdata", 0o755))
		require.NoError(t, os.WriteFile(path, []byte(got), 0o644))
	}
	want, err := os.ReadFile(path)
	require.NoError(t, err)
	require.Equal(t, string(want), got)
}

// answers are those of a Gate with one of everything.
var answers = map[string]string{
	"GET /applications":                           `[{"name":"shop","email":"a@b.c","cloudProviders":"kubernetes,aws","accounts":"prod,test","updateTs":"1700000000000","description":"Sells\nthings"},{"name":"blog","email":null}]`,
	"GET /applications/shop?expand=false":         `{"name":"shop","attributes":{"name":"shop","email":"a@b.c","cloudProviders":["kubernetes"],"createTs":"1700000000000","updateTs":"1700000000000","lastModifiedBy":"ann","permissions":{"READ":["dev","ops"]}},"clusters":{}}`,
	"GET /applications/shop?expand=true":          `{"name":"shop","attributes":{"name":"shop","email":"a@b.c"},"clusters":{"prod":[{"name":"web"}]}}`,
	"GET /applications/shop/pipelineConfigs":      `[{"id":"P-1","name":"Ship","stages":[{},{}],"triggers":[{}],"updateTs":"1700000000000","lastModifiedBy":"ann"},{"id":"P-2","name":"Old","disabled":true,"type":"templatedPipeline"}]`,
	"GET /applications/shop/pipelineConfigs/Ship": `{"id":"P-1","application":"shop","name":"Ship","stages":[{"refId":"1","type":"wait","name":"Rest"}],"updateTs":"1700000000000"}`,
	"GET /pipelineConfigs/P-1/history?limit=20": `[{"id":"P-1","name":"Ship","stages":[{"type":"wait"}],"updateTs":"1700000002000","lastModifiedBy":"ann"},
		{"id":"P-1","name":"Ship","stages":[],"updateTs":"1700000001000","lastModifiedBy":"bob"},{"id":"P-1","name":"Ship it","stages":[],"updateTs":"1700000000000","lastModifiedBy":"bob"}]`,
	"GET /pipelineConfigs/P-1/history?limit=2": `[{"id":"P-1","name":"Ship","stages":[{"type":"wait"}],"updateTs":"1700000002000"},{"id":"P-1","name":"Ship","stages":[],"updateTs":"1700000001000"}]`,
	"GET /applications/shop/pipelines?expand=false&limit=10": `[{"id":"E1","application":"shop","name":"Ship","status":"SUCCEEDED","buildTime":1,"startTime":1700000000000,"endTime":1700000065000,"trigger":{"type":"manual","user":"ann"}},
		{"id":"E2","application":"shop","name":"Ship","status":"TERMINAL","buildTime":2,"startTime":1700000000000,"endTime":1700003600000,"trigger":{"type":"cron"},"authentication":{"user":"ann"}},
		{"id":"E3","application":"shop","name":"Ship","status":"NOT_STARTED","buildTime":3,"trigger":{}}]`,
	"GET /executions?expand=false&limit=3&pipelineConfigIds=P-1&statuses=RUNNING%2CCANCELED": `[]`,
	"GET /pipelines/E1": `{"id":"E1","application":"shop","name":"Ship","status":"TERMINAL","startTime":1700000000000,"endTime":1700000065000,"trigger":{"type":"manual","user":"ann","parameters":{"tag":"1.2","dry":false}},"stages":[
		{"id":"s1","refId":"1","type":"runJobManifest","name":"Test","status":"TERMINAL","startTime":1700000000000,"endTime":1700000065000,"requisiteStageRefIds":[],"tasks":[],
			"context":{"account":"prod","jobStatus":{"location":"shop","pods":[{"name":"test-a"},{"name":"test-b"}]},"exception":{"details":{"errors":["It failed."]}}}}]}`,
	"GET /instances/prod/shop/pod%20test-a/console?provider=kubernetes": `{"output":[{"name":"main","output":"first\u001b[2J line\nsecond"}]}`,
	"GET /projects":                          `[{"id":"J-1","name":"All","email":"a@b.c","config":{"applications":["shop","blog"],"pipelineConfigs":[{}]},"updateTs":1700000000000}]`,
	"GET /projects/All":                      `{"id":"J-1","name":"All","email":"a@b.c","config":{"applications":["shop"]}}`,
	"GET /v2/pipelineTemplates":              `[{"id":"T","tag":"stable","updateTs":"1700000000000","metadata":{"name":"Tmpl","owner":"ann","scopes":["global"]}},{"id":"T","digest":"0123456789abcdef0123"}]`,
	"GET /v2/pipelineTemplates/T":            `{"id":"T","schema":"v2"}`,
	"GET /auth/user":                         `{"username":"ann","email":"a@b.c","roles":["dev"],"allowedAccounts":["prod"],"isAdmin":true}`,
	"PUT /pipelines/E1/cancel?reason=enough": ``,
	"PUT /pipelines/E1/pause":                ``,
	"PUT /pipelines/E1/resume":               ``,
}

// What people read is as the golden files show it.
func TestTables(t *testing.T) {
	// Times are shown in the person's own zone.
	zone := time.Local
	time.Local = time.UTC
	t.Cleanup(func() { time.Local = zone })
	gate := serve(t, answers)
	for name, words := range map[string]string{
		"application-list":    "application list",
		"application-get":     "app get shop",
		"application-expand":  "applications get shop -x",
		"application-yaml":    "application get shop -o yaml",
		"pipeline-list":       "pi ls -a shop",
		"pipeline-get":        "pipeline get -a shop -n Ship",
		"pipeline-history":    "pipeline history shop Ship",
		"pipeline-diff":       "pipeline diff shop Ship",
		"execution-list":      "execution list shop",
		"application-pipes":   "application pipelines get -a shop",
		"execution-get":       "pipeline execution get E1",
		"execution-logs-json": "execution logs E1 -o json",
		"project-list":        "prj list",
		"project-get":         "project get All",
		"template-list":       "pipeline-template list",
		"template-get":        "template get --id T",
		"template-use":        "pt use T -a shop -n New -t stable --set a=1,b=x",
		"account-whoami":      "account whoami",
	} {
		_, out, errs := call(t, append(strings.Fields(words), "--gate-endpoint", gate.URL)...)
		golden(t, name, "$ gennaker "+words+"\n"+out+errs)
	}
}

// Each command ends with the code that scripts expect.
func TestExitCodes(t *testing.T) {
	t.Parallel()
	gate := serve(t, answers)
	for words, want := range map[string]int{
		"application list":                                exitOK,
		"application get nope":                            exitFailed,
		"application get":                                 exitUsage,
		"application get shop --no-such-flag":             exitUsage,
		"application list -o xml":                         exitUsage,
		"application list -o jsonpath={.none}":            exitFailed,
		"application list --retry-timeout=-1":             exitUsage,
		"application save":                                exitUsage,
		"application save shop":                           exitFailed,
		"application pipelines cancel-all":                exitUsage,
		"pipeline get shop":                               exitUsage,
		"pipeline save":                                   exitUsage,
		"pipeline save -f /nowhere":                       exitFailed,
		"pipeline update shop Ship":                       exitUsage,
		"pipeline update shop Ship -d -e":                 exitUsage,
		"pipeline diff shop Ship --exit-code":             exitFailed,
		"pipeline diff shop Ship --from 0 --to 0":         exitFailed,
		"pipeline delete shop nope":                       exitFailed,
		"execution list":                                  exitUsage,
		"execution list shop":                             exitOK,
		"execution list -i P-1 --running --canceled -l 3": exitOK,
		"execution cancel E1 -r enough":                   exitOK,
		"execution pause E1":                              exitOK,
		"execution resume -i E1":                          exitOK,
		"execution judge E1":                              exitUsage,
		"execution judge E1 --continue":                   exitFailed,
		"execution restart E1 --stage nope":               exitFailed,
		"execution logs E1":                               exitFailed,
		"execution watch nope":                            exitFailed,
		"execution watch E1":                              exitFailed,
		"project get":                                     exitUsage,
		"project save All":                                exitUsage,
		"template save -f /nowhere":                       exitFailed,
		"template get":                                    exitUsage,
		"import --gate GATE --to GATE":                    exitUsage,
		"import --gate GATE --apply --dry-run":            exitUsage,
		"import --gate GATE --kind bread":                 exitUsage,
		"backup":                                          exitUsage,
		"restore /nowhere.tar.gz":                         exitUsage,
		"completion tcsh":                                 exitUsage,
		"sail":                                            exitUsage,
	} {
		args := strings.Fields(strings.ReplaceAll(words, "GATE", gate.URL))
		if !strings.HasPrefix(words, "import --gate GATE --to") && !strings.HasPrefix(words, "backup") && !strings.HasPrefix(words, "restore") && !strings.HasPrefix(words, "completion") && words != "sail" {
			args = append(args, "--gate-endpoint", gate.URL)
		}
		code, _, errs := call(t, args...)
		require.Equal(t, want, code, "%s: %s", words, errs)
		if want != exitOK {
			require.Contains(t, errs, "gennaker: ", words)
		}
	}
	code, out, errs := call(t, "--gate-endpoint", gate.URL, "-q", "-o", "jsonpath={[*].name}", "application", "list")
	require.Equal(t, exitOK, code, errs)
	require.Equal(t, "shop\nblog\n", out, "flags may stand before the command, as spin takes them")
	code, _, errs = call(t, "execution", "logs", "E1", "--gate-endpoint", gate.URL)
	require.Equal(t, exitFailed, code)
	require.Contains(t, errs, "stage Test, pod test-b: Not found")
}

// recorder is a Gate that keeps what it is sent.
type recorder struct {
	mu   sync.Mutex
	sent []string
}

func (r *recorder) serve(t *testing.T, answers map[string]string) *httptest.Server {
	t.Helper()
	s := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, q *http.Request) {
		if q.Method != http.MethodGet {
			body, _ := io.ReadAll(q.Body)
			r.mu.Lock()
			r.sent = append(r.sent, q.Method+" "+q.URL.RequestURI()+" "+string(body))
			r.mu.Unlock()
		}
		answer, found := answers[q.Method+" "+q.URL.RequestURI()]
		if !found {
			w.WriteHeader(http.StatusNotFound)
			answer = `{"message":"Not found"}`
		}
		_, _ = io.WriteString(w, answer)
	}))
	t.Cleanup(s.Close)
	return s
}

// What changes something sends what spin sends (reference: gate section 6).
func TestRequests(t *testing.T) {
	t.Parallel()
	const task = `{"ref":"/tasks/T1"}`
	given := map[string]string{
		"POST /tasks": task, "GET /tasks/T1": `{"id":"T1","status":"SUCCEEDED"}`,
		"GET /applications/shop?expand=false":            answers["GET /applications/shop?expand=false"],
		"GET /applications/shop/pipelineConfigs/Ship":    answers["GET /applications/shop/pipelineConfigs/Ship"],
		"POST /pipelines":                                "",
		"POST /pipelines?staleCheck=true":                "",
		"DELETE /pipelines/shop/Ship":                    "",
		"POST /pipelines/shop/Ship":                      `{"ref":"/pipelines/E9"}`,
		"GET /projects/All":                              answers["GET /projects/All"],
		"GET /v2/pipelineTemplates/T?tag=stable":         `{"id":"T"}`,
		"POST /v2/pipelineTemplates/update/T?tag=stable": `{"id":"T1","status":"SUCCEEDED"}`,
		"POST /v2/pipelineTemplates/create":              `{"id":"T1","status":"SUCCEEDED"}`,
		"DELETE /v2/pipelineTemplates/T?tag=stable":      ``,
		"GET /pipelines/E1":                              `{"id":"E1","status":"RUNNING","stages":[{"id":"s1","refId":"1","type":"manualJudgment","name":"Go?","status":"RUNNING"},{"id":"s2","refId":"2","type":"wait","name":"W","status":"TERMINAL"}]}`,
		"PATCH /pipelines/E1/stages/s1":                  `{}`,
		"PUT /pipelines/E1/stages/s2/restart":            `{}`,
		"GET /applications/shop/pipelines?expand=false&limit=1000&statuses=" + strings.ReplaceAll(unfinished, ",", "%2C"): `[{"id":"E1","status":"RUNNING"},{"id":"E2","status":"SUCCEEDED"}]`,
		"PUT /pipelines/E1/cancel": "",
	}
	for _, tt := range []struct {
		words, stdin, want string
	}{
		{"application save -a new --owner-email a@b.c --cloud-providers kubernetes,aws", "",
			`POST /tasks {"application":"new","description":"Create Application: new","job":[{"application":{"cloudProviders":"kubernetes,aws","email":"a@b.c","instancePort":80,"name":"new"},"type":"createApplication"}]}`},
		{"application save shop -f -", "description: Sells\n",
			`POST /tasks {"application":"shop","description":"Create Application: shop","job":[{"application":{"description":"Sells","name":"shop"},"type":"createApplication"}]}`},
		{"application delete shop", "", `POST /tasks {"application":"shop","description":"Delete Application: shop","job":[{"application":{"name":"shop"},"type":"deleteApplication"}]}`},
		{"application pipelines cancel-all -a shop", "", `PUT /pipelines/E1/cancel `},
		{"pipeline save -f -", `{"application":"shop","name":"Ship","id":"other","ratio":1.0}`, `POST /pipelines {"application":"shop","id":"P-1","name":"Ship","ratio":1.0}`},
		{"pipeline save -f - --stale-check", "application: shop\nname: New\nstages: [{type: wait}]\n", `POST /pipelines?staleCheck=true {"application":"shop","name":"New","stages":[{"type":"wait"}]}`},
		{"pipeline update -a shop -n Ship --disabled", "", `POST /pipelines?staleCheck=true {"application":"shop","disabled":true,"id":"P-1","name":"Ship","stages":[{"name":"Rest","refId":"1","type":"wait"}],"updateTs":"1700000000000"}`},
		{"pipeline delete shop Ship", "", `DELETE /pipelines/shop/Ship `},
		{"pipeline execute shop Ship", "", `POST /pipelines/shop/Ship {"type":"manual"}`},
		{"pipeline execute -a shop -n Ship -p a=1,2 -p b=x=y -f -", `{"a":"file","c":true}`, `POST /pipelines/shop/Ship {"parameters":{"a":"1,2","b":"x=y","c":true},"type":"manual"}`},
		{"pipeline exec shop Ship -t - --dry-run", `{"artifacts":[{"type":"docker/image"}]}`, `POST /pipelines/shop/Ship {"artifacts":[{"type":"docker/image"}],"dryRun":true,"type":"manual"}`},
		{"project save All -e new@b.c", "", `POST /tasks {"application":"spinnaker","description":"Save Project: All","job":[{"project":{"config":{"applications":["shop"]},"email":"new@b.c","id":"J-1","name":"All"},"type":"upsertProject"}]}`},
		{"project delete -n All", "", `POST /tasks {"application":"spinnaker","description":"Delete Project: All","job":[{"project":{"config":{"applications":["shop"]},"email":"a@b.c","id":"J-1","name":"All"},"type":"deleteProject"}]}`},
		{"pipeline-template save -f - --tag stable", `{"id":"T","schema":"v2"}`, `POST /v2/pipelineTemplates/update/T?tag=stable {"id":"T","schema":"v2"}`},
		{"template save -f -", `{"id":"N","schema":"v2"}`, `POST /v2/pipelineTemplates/create {"id":"N","schema":"v2"}`},
		{"template delete T --tag stable", "", `DELETE /v2/pipelineTemplates/T?tag=stable `},
		{"execution judge E1 --stop --input no", "", `PATCH /pipelines/E1/stages/s1 {"judgmentInput":"no","judgmentStatus":"stop"}`},
		{"execution judge E1 --continue --stage Go?", "", `PATCH /pipelines/E1/stages/s1 {"judgmentStatus":"continue"}`},
		{"execution restart E1", "", `PUT /pipelines/E1/stages/s2/restart {"skip":false}`},
	} {
		var r recorder
		gate := r.serve(t, given)
		code, _, errs := callWith(t.Context(), t, tt.stdin, append(strings.Fields(tt.words), "--gate-endpoint", gate.URL)...)
		require.Equal(t, exitOK, code, tt.words+": "+errs)
		require.Equal(t, []string{tt.want}, r.sent, tt.words)
	}
}

// The diff of a file shows what saving it would change.
func TestDiffOfAFile(t *testing.T) {
	t.Parallel()
	gate := serve(t, answers)
	path := file(t, `{"application":"shop","name":"Ship","stages":[{"refId":"1","type":"wait","name":"Rest"}]}`)
	code, out, errs := call(t, "pipeline", "diff", "-f", path, "--exit-code", "--gate-endpoint", gate.URL)
	require.Equal(t, exitOK, code, errs)
	require.Empty(t, out)
	require.Contains(t, errs, "no difference")
	code, out, _ = callWith(t.Context(), t, "application: shop\nname: Ship\nstages: []\n", "pipeline", "diff", "shop", "Ship", "-f", "-", "-o", "yaml", "--gate-endpoint", gate.URL)
	require.Equal(t, exitOK, code)
	require.Contains(t, out, "-stages:\n-- name: Rest\n")
}

func TestImportCommand(t *testing.T) {
	t.Parallel()
	from := serve(t, map[string]string{
		"GET /applications":                      `[{"name":"shop"}]`,
		"GET /applications/shop?expand=false":    `{"name":"shop","attributes":{"name":"shop","email":"a@b.c"}}`,
		"GET /applications/shop/pipelineConfigs": `[{"id":"P-1","name":"Ship","application":"shop","stages":[]}]`,
	})
	to := serve(t, map[string]string{"GET /applications": `[]`})
	words := []string{"import", "--gate", from.URL, "--to", to.URL}
	code, out, errs := call(t, words...)
	require.Equal(t, exitOK, code, errs)
	golden(t, "import-dry-run", out+errs)
	code, out, errs = call(t, append(words, "--apply")...)
	require.Equal(t, exitFailed, code)
	require.Contains(t, errs, "not everything could be brought over: 1 failed")
	require.Regexp(t, `(?m)^application +- +shop +failed +- +Not found: POST /tasks$`, out)
	code, out, _ = call(t, append(words, "-o", "json")...)
	require.Equal(t, exitOK, code)
	var report pipeline.Map
	require.NoError(t, report.UnmarshalJSON([]byte(out)))
	require.Equal(t, int64(2), report.Map("counts")["created"])
	require.Equal(t, false, report["applied"])
}

func TestCompletion(t *testing.T) {
	t.Parallel()
	for shell, want := range map[string]string{"bash": "complete -o nosort -F _gennaker gennaker", "zsh": "#compdef gennaker", "fish": "complete -c gennaker"} {
		code, out, errs := call(t, "completion", shell)
		require.Equal(t, exitOK, code, errs)
		require.Contains(t, out, want)
	}
	for words, want := range map[string]string{
		"":                            "account application backup completion execution expr import pipeline project restore template",
		"pip":                         "pipeline",
		"pipeline ex":                 "execute execution",
		"pi execution re":             "restart resume",
		"pipeline list --gate-end":    "--gate-endpoint",
		"pipeline list -o ":           "json jsonpath= yaml",
		"pipeline list --output ":     "json jsonpath= yaml",
		"import --kind pi":            "pipeline",
		"pipeline get -a shop --na":   "--name",
		"--gate-endpoint x pipeline ": "delete diff execute execution get history list plan save update",
	} {
		parts := strings.Split(words, " ")
		code, out, errs := call(t, append([]string{"completion", "words", "--"}, parts...)...)
		require.Equal(t, exitOK, code, errs)
		require.ElementsMatch(t, strings.Fields(want), strings.Fields(out), words)
	}
}
