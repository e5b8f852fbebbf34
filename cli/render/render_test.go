package render

import (
	"bytes"
	"encoding/json"
	"flag"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/gennaker/gennaker/pipeline"
)

var update = flag.Bool("update", false, "write the golden files")

// golden compares a text with a file of testdata.
func golden(t *testing.T, name, got string) {
	t.Helper()
	path := filepath.Join("testdata", name)
	if *update {
		require.NoError(t, os.MkdirAll("testdata", 0o755))
		require.NoError(t, os.WriteFile(path, []byte(got), 0o644))
	}
	want, err := os.ReadFile(path)
	require.NoError(t, err)
	require.Equal(t, string(want), got)
}

const shown = `{"id":"E1","type":"PIPELINE","application":"shop","name":"Ship \u001b[2Jit","status":"TERMINAL","startTime":1000,"endTime":3725000,"stages":[
	{"id":"2","refId":"2","type":"deployManifest","name":"Deploy","status":"TERMINAL","startTime":61000,"endTime":121000,"requisiteStageRefIds":["1"],
		"context":{"exception":{"details":{"errors":["web is not stable:\n1 of 2 pods is ready","No such image."]}}},"tasks":[]},
	{"id":"1","refId":"1","type":"bakeManifest","name":"Bake","status":"SUCCEEDED","startTime":1000,"endTime":61000,"requisiteStageRefIds":[],"context":{},"tasks":[]},
	{"id":"2a","refId":"2<1","type":"wait","name":"Warm up","status":"SUCCEEDED","parentStageId":"2","syntheticStageOwner":"STAGE_BEFORE","startTime":61000,"endTime":62000,"requisiteStageRefIds":[],"context":{},"tasks":[]},
	{"id":"3","refId":"3","type":"manualJudgment","name":"Go on?","status":"RUNNING","startTime":121000,"requisiteStageRefIds":["1"],"context":{"instructions":"Look at\nthe graphs"},
		"tasks":[{"id":"1","name":"waitForJudgment","status":"RUNNING"}]},
	{"id":"4","refId":"4","type":"wait","name":"Later","status":"NOT_STARTED","requisiteStageRefIds":["2","3"],"context":{},"tasks":[]}]}`

func execution(t *testing.T) *pipeline.Execution {
	t.Helper()
	var e pipeline.Execution
	require.NoError(t, json.Unmarshal([]byte(shown), &e))
	return &e
}

func TestTree(t *testing.T) {
	t.Parallel()
	now := time.UnixMilli(4_000_000)
	text := strings.Join(Tree(execution(t), Style{}, now), "\n") + "\n"
	require.NotContains(t, text, "\x1b")
	golden(t, "tree.txt", text)
	golden(t, "tree-coloured.txt", strings.Join(Tree(execution(t), Style{Colour: true}, now), "\n")+"\n")
}

func TestChangesAreToldOnce(t *testing.T) {
	t.Parallel()
	now := time.Date(2026, 3, 4, 12, 0, 0, 0, time.Local)
	var c Changes
	first := execution(t)
	first.Status = pipeline.Running
	first.Stages[0].Status = pipeline.Running
	first.Stages[3].Status = pipeline.NotStarted
	lines := c.Next(first, now)
	require.Empty(t, c.Next(first, now))
	lines = append(lines, c.Next(execution(t), now)...)
	require.Empty(t, c.Next(execution(t), now))
	golden(t, "lines.txt", strings.Join(lines, "\n")+"\n")
}

func TestTable(t *testing.T) {
	t.Parallel()
	table := Table{Head: []string{"NAME", "STATUS", "MESSAGE"}}
	table.Add("ä\u202eö", pipeline.Running, "two\nlines\tand \x1b]0;title\x07")
	table.Add("a longer name", pipeline.Terminal, "")
	var plain, coloured bytes.Buffer
	require.NoError(t, table.Write(&plain, Style{}))
	require.NoError(t, table.Write(&coloured, Style{Colour: true}))
	golden(t, "table.txt", plain.String())
	golden(t, "table-coloured.txt", coloured.String())
	var fields Fields
	fields.Add("name", "shop")
	fields.Add("nothing", "")
	fields.Add("status", pipeline.Succeeded)
	fields.Add("", "more")
	var out bytes.Buffer
	require.NoError(t, fields.Write(&out, Style{}))
	require.Equal(t, "name    shop\nstatus  SUCCEEDED\n        more\n", out.String())
}

func TestFormats(t *testing.T) {
	t.Parallel()
	value := []any{map[string]any{"name": "a<b", "n": int64(5), "ratio": 1.0}, map[string]any{"name": "c", "n": int64(6)}}
	for format, want := range map[string]string{
		"json":                                "[\n  {\n    \"n\": 5,\n    \"name\": \"a<b\",\n    \"ratio\": 1.0\n  },\n  {\n    \"n\": 6,\n    \"name\": \"c\"\n  }\n]\n",
		"yaml":                                "- \"n\": 5\n  name: a<b\n  ratio: 1\n- \"n\": 6\n  name: c\n",
		"jsonpath={[*].name}":                 "a<b\nc\n",
		"jsonpath=$[0].n":                     "5\n",
		"jsonpath={[?(@.n==6)]}":              "{\"n\":6,\"name\":\"c\"}\n",
		`jsonpath={[?(@.name=="a<b")].ratio}`: "1.0\n",
	} {
		f, err := ParseFormat(format)
		require.NoError(t, err, format)
		var out bytes.Buffer
		require.NoError(t, f.Write(&out, value), format)
		require.Equal(t, want, out.String(), format)
	}
	for _, text := range []string{"xml", "jsonpath=", "jsonpath={[", "jsonpath"} {
		_, err := ParseFormat(text)
		require.Error(t, err, text)
	}
	f, err := ParseFormat("jsonpath={.none}")
	require.NoError(t, err)
	require.ErrorContains(t, f.Write(&bytes.Buffer{}, map[string]any{"a": int64(1)}), "finds nothing")
	require.False(t, f.Table())
}

func TestDiff(t *testing.T) {
	t.Parallel()
	before := pipeline.Map{"name": "Ship", "stages": []any{map[string]any{"type": "wait", "waitTime": int64(5)}}, "z": true}
	after := pipeline.Map{"z": true, "name": "Ship", "stages": []any{map[string]any{"type": "wait", "waitTime": int64(9)}}, "evil": "\u001b[2J"}
	for _, asYAML := range []bool{false, true} {
		diff, err := Diff("shop/Ship@1", "shop/Ship@0", before, after, asYAML)
		require.NoError(t, err)
		added, removed := CountDiff(diff)
		require.Equal(t, [2]int{2, 1}, [2]int{added, removed})
		name := "diff.json.txt"
		if asYAML {
			name = "diff.yaml.txt"
		}
		golden(t, name, PaintDiff(diff, Style{}))
	}
	same, err := Diff("a", "b", before, before.Clone(), false)
	require.NoError(t, err)
	require.Empty(t, same)
	require.Equal(t, "\x1b[32m+a\x1b[0m\n\x1b[31m-b\x1b[0m\n c", PaintDiff("+a\n-b\n c", Style{Colour: true}))
}

func TestLive(t *testing.T) {
	t.Parallel()
	var out bytes.Buffer
	live := NewLive(&out)
	require.NoError(t, live.Draw([]string{"one", "\x1b[32mlonger line\x1b[0m"}, 6, 24))
	require.NoError(t, live.Draw([]string{"two"}, 6, 24))
	require.Equal(t, "\r\x1b[Jone\n\x1b[32mlonger\x1b[0m\n\x1b[2A\r\x1b[Jtwo\n", out.String())
	out.Reset()
	require.NoError(t, NewLive(&out).Draw([]string{"head", "a", "b", "c", "d"}, 80, 4))
	require.Equal(t, "\r\x1b[Jhead\nc\nd\n", out.String(), "no more lines than the terminal has rows")
}

func TestDuration(t *testing.T) {
	t.Parallel()
	now := time.UnixMilli(100_000)
	require.Equal(t, "-", Duration(0, 5, now))
	require.Equal(t, "40s", Duration(60_000, 0, now))
	require.Equal(t, "1m05s", Duration(1, 65_001, now))
	require.Equal(t, "2h00m03s", Duration(1, 7_203_001, now))
	require.Equal(t, "0s", Duration(200_000, 0, now), "clocks differ")
	require.Equal(t, "-", Time(0))
	require.Equal(t, "abc…", Cut("abcdef", 4))
}
