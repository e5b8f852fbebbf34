package e2e

import (
	"bufio"
	"bytes"
	"context"
	"encoding/json"
	"io"
	"net/http"
	"net/http/httptest"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/gennaker/gennaker/pipeline"
)

// typed is the end of a command that a person typed.
type typed struct {
	code        int
	out, errors string
}

// command prepares the program with the words of a command, away from the
// configuration of whoever runs the tests.
func (w *world) command(t *testing.T, ctx context.Context, stdin string, words ...string) *exec.Cmd {
	t.Helper()
	c := exec.CommandContext(ctx, w.Binary(), words...)
	c.Stdin = strings.NewReader(stdin)
	c.Env = append(os.Environ(), "HOME="+t.TempDir(), "GENNAKER_GATE_ENDPOINT="+w.Gate.Base)
	return c
}

// types runs a command to its end.
func (w *world) types(t *testing.T, ctx context.Context, stdin string, words ...string) typed {
	t.Helper()
	c := w.command(t, ctx, stdin, words...)
	var out, errs bytes.Buffer
	c.Stdout, c.Stderr = &out, &errs
	err := c.Run()
	if c.ProcessState == nil {
		require.NoError(t, err)
	}
	return typed{c.ProcessState.ExitCode(), out.String(), errs.String()}
}

// document writes a pipeline of the world.
func (w *world) document(name string, stages ...pipeline.Map) string {
	list := make([]any, len(stages))
	for i, s := range stages {
		list[i] = map[string]any(s)
	}
	return must(json.Marshal(pipeline.Map{"application": w.Application, "name": name, "stages": list}))
}

func must(raw []byte, err error) string {
	if err != nil {
		return err.Error()
	}
	return string(raw)
}

// TestCommandLine: a pipeline is saved, run and watched from the command line,
// whose exit code tells scripts how it ended.
func TestCommandLine(t *testing.T) {
	t.Parallel()
	ctx := within(t, 5*time.Minute)
	w := newWorld(t, ctx)
	good := pipeline.Map{"refId": "1", "type": "wait", "name": "Rest", "waitTime": 1}
	bad := pipeline.Map{"refId": "1", "type": "checkPreconditions", "name": "Check", "preconditions": []any{
		map[string]any{"type": "expression", "context": map[string]any{"expression": "${false}"}, "failPipeline": true},
	}}
	judged := pipeline.Map{"refId": "1", "type": "manualJudgment", "name": "Go on?", "instructions": "Look first"}

	for name, stage := range map[string]pipeline.Map{"good": good, "bad": bad, "judged": judged} {
		got := w.types(t, ctx, w.document(name, stage), "pipeline", "save", "-f", "-")
		require.Zero(t, got.code, got.errors)
	}
	got := w.types(t, ctx, "", "--output", "jsonpath={[*].name}", "pipeline", "list", "-a", w.Application)
	require.Zero(t, got.code, got.errors)
	require.ElementsMatch(t, []string{"good", "bad", "judged"}, strings.Fields(got.out))

	got = w.types(t, ctx, "", "pipeline", "execute", w.Application, "good", "-p", "a=b=c", "--watch")
	require.Zero(t, got.code, got.errors)
	require.Contains(t, got.out, "SUCCEEDED stage Rest (wait)")
	require.NotContains(t, got.out, "\x1b", "no terminal, no colours")
	got = w.types(t, ctx, "", "pipeline", "execute", "--application", w.Application, "--name", "good", "--wait", "-o", "jsonpath={.status}")
	require.Equal(t, typed{0, "SUCCEEDED\n", got.errors}, got)

	got = w.types(t, ctx, "", "pipeline", "execute", w.Application, "bad", "--wait")
	require.Equal(t, 1, got.code, got.errors)
	require.Contains(t, got.errors, "did not succeed: TERMINAL")
	require.Contains(t, got.errors, "Precondition check failed")
	got = w.types(t, ctx, "", "execution", "list", w.Application, "--failed", "-o", "jsonpath={[0].id}")
	require.Zero(t, got.code, got.errors)
	got = w.types(t, ctx, "", "execution", "watch", strings.TrimSpace(got.out))
	require.Equal(t, 1, got.code, "an execution that has ended is watched too: "+got.errors)

	// A judgment waits; who watches it may leave, and the execution goes on.
	got = w.types(t, ctx, "", "pipeline", "execute", w.Application, "judged")
	require.Zero(t, got.code, got.errors)
	id := strings.TrimSpace(got.out)
	watch := w.command(t, ctx, "", "execution", "watch", id)
	var errs bytes.Buffer
	watch.Stderr = &errs
	out, err := watch.StdoutPipe()
	require.NoError(t, err)
	require.NoError(t, watch.Start())
	lines := bufio.NewScanner(out)
	for lines.Scan() && !strings.Contains(lines.Text(), "waits for a judgment: Look first") {
		t.Log(lines.Text())
	}
	require.NoError(t, watch.Process.Signal(os.Interrupt))
	_, _ = io.Copy(io.Discard, out)
	require.Error(t, watch.Wait())
	require.Equal(t, 1, watch.ProcessState.ExitCode())
	require.Contains(t, errs.String(), "interrupted: the execution "+id+" goes on")
	got = w.types(t, ctx, "", "execution", "judge", id, "--continue")
	require.Zero(t, got.code, got.errors)
	got = w.types(t, ctx, "", "execution", "watch", id)
	require.Zero(t, got.code, got.errors)

	require.Zero(t, w.types(t, ctx, w.document("good", good, pipeline.Map{"refId": "2", "type": "wait", "name": "More", "waitTime": 1}), "pipeline", "save", "-f", "-").code)
	got = w.types(t, ctx, "", "pipeline", "diff", w.Application, "good", "--exit-code")
	require.Equal(t, 1, got.code, got.errors)
	require.Contains(t, got.out, "+      \"name\": \"More\"")
	got = w.types(t, ctx, "", "pipeline", "history", w.Application, "good")
	require.Regexp(t, `(?m)^0 .*\+\d+ -\d+$`, got.out)

	got = w.types(t, ctx, "", "execution", "get", "01ARZ3NDEKTSV4RRFFQ69G5FAV")
	require.Equal(t, 1, got.code)
	require.Contains(t, got.errors, "not found")
	require.Equal(t, 2, w.types(t, ctx, "", "execution", "get").code)
	got = w.types(t, ctx, "", "pipeline", "delete", w.Application, "bad")
	require.Zero(t, got.code, got.errors)
	require.Equal(t, 1, w.types(t, ctx, "", "pipeline", "get", w.Application, "bad").code)
}

// TestImportFromSpinnaker: what a Spinnaker's Gate shows is here after an import,
// and a second one finds nothing to do.
func TestImportFromSpinnaker(t *testing.T) {
	t.Parallel()
	ctx := within(t, 5*time.Minute)
	w := newWorld(t, ctx)
	app := w.Application + "i"
	answers := map[string]string{
		"/applications":        `[{"name":"` + app + `","email":"a@b.c","accounts":"prod"}]`,
		"/applications/" + app: `{"name":"` + app + `","attributes":{"name":"` + app + `","email":"a@b.c","cloudProviders":"kubernetes,aws","accounts":"prod","createTs":"1","updateTs":"2","permissions":{},"dataSources":{"enabled":[],"disabled":["functions"]},"description":null},"clusters":{}}`,
		"/applications/" + app + "/pipelineConfigs": `[
			{"id":"` + app + `-1","name":"Ship","application":"` + app + `","index":0,"stages":[{"refId":"1","type":"wait","name":"Rest","waitTime":1,"requisiteStageRefIds":[]}],"triggers":[{"type":"cron","enabled":false,"cronExpression":"0 0 10 * * ?","id":"c1"}],"parameterConfig":[],"keepWaitingPipelines":false,"limitConcurrent":true,"updateTs":"3","lastModifiedBy":"ann"},
			{"id":"` + app + `-2","name":"A / B","application":"` + app + `","index":1,"stages":[],"ratio":1.0}]`,
		"/v2/pipelineTemplates": `[{"id":"` + app + `","schema":"v2","tag":"stable","updateTs":"5","metadata":{"name":"T","description":"d","owner":"a@b.c","scopes":["global"]},"pipeline":{"stages":[]},"variables":[]}]`,
		"/projects":             `[]`,
	}
	spinnaker := httptest.NewServer(http.HandlerFunc(func(rw http.ResponseWriter, r *http.Request) {
		answer, found := answers[r.URL.Path]
		if !found {
			rw.WriteHeader(http.StatusNotFound)
			answer = `{"message":"Not found"}`
		}
		_, _ = io.WriteString(rw, answer)
	}))
	t.Cleanup(spinnaker.Close)
	words := []string{"import", "--gate", spinnaker.URL, "--to", w.Gate.Base}

	got := w.types(t, ctx, "", words...)
	require.Zero(t, got.code, got.errors)
	require.Contains(t, got.out, "would be created")
	require.Equal(t, 1, w.types(t, ctx, "", "application", "get", app).code, "a dry run changes nothing")

	got = w.types(t, ctx, "", append(words, "--apply")...)
	require.Zero(t, got.code, got.out+got.errors)
	require.Regexp(t, `(?m)^all +4 +0 +0 +0$`, got.out)
	got = w.types(t, ctx, "", append(words, "--apply", "--all")...)
	require.Zero(t, got.code, got.out+got.errors)
	require.Regexp(t, `(?m)^all +0 +0 +4 +0$`, got.out, "a second run changes nothing")

	var stored pipeline.Map
	require.NoError(t, w.Gate.Call(ctx, http.MethodGet, "/applications/"+app+"/pipelineConfigs/Ship", nil, &stored))
	require.Equal(t, app+"-1", stored.String("id"))
	got = w.types(t, ctx, "", "application", "get", app, "-o", "jsonpath={.dataSources.disabled[0]}")
	require.Equal(t, "functions\n", got.out)
}

// TestBackupOfTheInstallation: what the servers keep is taken and brought into
// another bucket with the servers' own configuration file.
func TestBackupOfTheInstallation(t *testing.T) {
	t.Parallel()
	ctx := within(t, 5*time.Minute)
	w := newWorld(t, ctx)
	_, err := w.Gate.Save(ctx, pipeline.Map{"application": w.Application, "name": "kept", "stages": []any{}})
	require.NoError(t, err)
	config := "--config=" + filepath.Join(one.dir, "gennaker.yaml")
	file := filepath.Join(t.TempDir(), "backup.tar.gz")

	got := w.types(t, ctx, "", "backup", file, config)
	require.Zero(t, got.code, got.errors)
	info, err := os.Stat(file)
	require.NoError(t, err)
	require.Equal(t, os.FileMode(0o600), info.Mode().Perm())
	require.Equal(t, 2, w.types(t, ctx, "", "backup", file, config).code, "a file that is there stays")

	bucket := "--object-store-bucket=" + strings.ToLower(w.Application) + "-copy"
	got = w.types(t, ctx, "", "restore", file, config, bucket, "-o", "json")
	require.Zero(t, got.code, got.errors)
	var first, second pipeline.Map
	require.NoError(t, first.UnmarshalJSON([]byte(got.out)))
	got = w.types(t, ctx, "", "restore", file, config, bucket, "-o", "json")
	require.Zero(t, got.code, got.errors)
	require.NoError(t, second.UnmarshalJSON([]byte(got.out)))
	require.Greater(t, first["created"], int64(3))
	require.Equal(t, first["created"], second["same"])
	require.Equal(t, int64(0), second["created"])

	whole, err := os.ReadFile(file)
	require.NoError(t, err)
	cut := filepath.Join(t.TempDir(), "cut.tar.gz")
	require.NoError(t, os.WriteFile(cut, whole[:len(whole)/2], 0o600))
	got = w.types(t, ctx, "", "restore", cut, config, bucket)
	require.Equal(t, 1, got.code)
	require.Contains(t, got.errors, "cut short")
}
