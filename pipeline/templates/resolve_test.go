package templates_test

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
	"github.com/gennaker/gennaker/pipeline/templates"
)

var update = flag.Bool("update", false, "write the golden files")

// example is a file of testdata: a template, a pipeline made from it and the
// trigger that starts it.
type example struct {
	Template templates.Template `json:"template"`
	Config   pipeline.Pipeline  `json:"config"`
	Trigger  pipeline.Trigger   `json:"trigger"`
}

// outcome is what stands in a golden file.
type outcome struct {
	Resolved pipeline.Map      `json:"resolved,omitempty"`
	Planned  pipeline.Map      `json:"planned,omitempty"`
	Template string            `json:"template,omitempty"`
	Warnings []templates.Fault `json:"warnings,omitempty"`
	Errors   []templates.Fault `json:"errors,omitempty"`
	Plan     []templates.Fault `json:"planErrors,omitempty"`
}

var noon = time.Date(2026, 3, 4, 12, 0, 0, 0, time.UTC)

func (e example) options() templates.Options {
	return templates.Options{Trigger: e.Trigger, Now: noon, Load: func(r templates.Reference) (templates.Template, error) {
		if e.Template == nil {
			return nil, pipeline.Errorf(pipeline.CodeNotFound, "There is no pipeline template %s.", r.Version())
		}
		return e.Template, nil
	}}
}

func read(t *testing.T, file string) example {
	t.Helper()
	raw, err := os.ReadFile(file)
	require.NoError(t, err)
	var e example
	require.NoError(t, json.Unmarshal(raw, &e))
	return e
}

func TestResolveGolden(t *testing.T) {
	t.Parallel()
	files, err := filepath.Glob("testdata/*.json")
	require.NoError(t, err)
	for _, file := range files {
		if strings.HasSuffix(file, ".golden.json") {
			continue
		}
		name := strings.TrimSuffix(file, ".json")
		t.Run(filepath.Base(name), func(t *testing.T) {
			t.Parallel()
			e := read(t, file)
			before := text(t, e)
			got := outcome{}
			r, err := templates.Resolve(e.Config, e.options())
			if err != nil {
				got.Errors = faultsOf(t, err)
			} else {
				got.Resolved, got.Warnings = pipeline.Map(r.Pipeline), r.Warnings
				if r.Template != nil {
					got.Template = r.Template.String()
				}
				planned, err := templates.Plan(e.Config, e.options())
				if err != nil {
					got.Plan = faultsOf(t, err)
				} else if strings.HasPrefix(filepath.Base(name), "plan_") {
					got.Planned = pipeline.Map(planned.Pipeline)
				}
			}
			require.Equal(t, before, text(t, e), "an argument was changed")
			golden := name + ".golden.json"
			if *update {
				require.NoError(t, os.WriteFile(golden, []byte(text(t, got)), 0o600))
			}
			want, err := os.ReadFile(golden)
			require.NoError(t, err)
			require.Equal(t, string(want), text(t, got))
		})
	}
}

func text(t *testing.T, v any) string {
	t.Helper()
	var b bytes.Buffer
	enc := json.NewEncoder(&b)
	enc.SetEscapeHTML(false)
	enc.SetIndent("", " ")
	require.NoError(t, enc.Encode(v))
	return b.String()
}

func faultsOf(t *testing.T, err error) []templates.Fault {
	t.Helper()
	var e *templates.Error
	require.ErrorAs(t, err, &e)
	require.Equal(t, pipeline.CodeInvalid, pipeline.CodeOf(err))
	require.Contains(t, pipeline.MessageOf(err), "Pipeline template is invalid")
	require.Len(t, pipeline.DetailsOf(err), len(e.Faults))
	return e.Faults
}

// A resolved pipeline can be started: its variables are on the execution.
func TestResolvedStarts(t *testing.T) {
	t.Parallel()
	e := read(t, "testdata/variables.json")
	r, err := templates.Resolve(e.Config, e.options())
	require.NoError(t, err)
	x, err := pipeline.NewExecution(r.Pipeline, pipeline.Launch{ID: "x", StageID: func(ref string) string { return ref }})
	require.NoError(t, err)
	require.Equal(t, int64(42), x.TemplateVariables["waitTime"])
	require.Equal(t, "${ templateVariables.waitTime }", x.Stages[0].Context["waitTime"], "rendered when the stage runs")
	require.Equal(t, "p-1", x.PipelineConfigID)
	require.Equal(t, "templatedPipeline", x.Source.String("type"))
	require.True(t, x.LimitConcurrent)
}

// A template that cannot be fetched is no fault of the pipeline.
func TestResolveWithoutFront50(t *testing.T) {
	t.Parallel()
	e := read(t, "testdata/variables.json")
	o := e.options()
	o.Load = func(templates.Reference) (templates.Template, error) {
		return nil, pipeline.Errorf(pipeline.CodeUnavailable, "Front50 is away.")
	}
	_, err := templates.Resolve(e.Config, o)
	require.Equal(t, pipeline.CodeUnavailable, pipeline.CodeOf(err))
	var faults *templates.Error
	require.NotErrorAs(t, err, &faults)
}

func TestParseReference(t *testing.T) {
	t.Parallel()
	for text, want := range map[string]templates.Reference{
		"spinnaker://web":                {ID: "web"},
		"web":                            {ID: "web"},
		"SPINNAKER://web:stable":         {ID: "web", Tag: "stable"},
		" spinnaker://web@sha256:abc123": {ID: "web", Digest: "abc123"},
	} {
		got, err := templates.ParseReference(text)
		require.NoError(t, err, text)
		require.Equal(t, want, got)
		again, err := templates.ParseReference(got.String())
		require.NoError(t, err)
		require.Equal(t, want, again)
	}
	for _, text := range []string{"", "spinnaker://", "spinnaker://web:", "spinnaker://web@md5:1", "spinnaker://web@sha256:", "spinnaker://:stable", "http://web", "spinnaker://a/b", "spinnaker://a:b:c"} {
		_, err := templates.ParseReference(text)
		require.Equal(t, pipeline.CodeInvalid, pipeline.CodeOf(err), text)
	}
}

func TestValidateTemplate(t *testing.T) {
	t.Parallel()
	good := `{"schema":"v2","id":"web","metadata":{"name":"Web & more - 1","description":"d","scopes":["global"]},"variables":[{"name":"a_1"}],"pipeline":{"stages":[]}}`
	parse := func(text string) (out templates.Template) {
		require.NoError(t, json.Unmarshal([]byte(text), &out))
		return out
	}
	require.NoError(t, parse(good).Validate())
	for change, want := range map[string]string{
		`{"id":"a.b"}`:      "cannot have dots",
		`{"metadata":null}`: "Missing required fields: metadata.name,metadata.description,metadata.scopes.",
		`{"schema":null}`:   "Missing required fields: schema.",
		`{"schema":"1"}`:    "Invalid schema version: 1.",
		`{"metadata":{"name":"a/b","description":"d","scopes":["x"]}}`: "Illegal template name: a/b.",
		`{"pipeline":[]}`:  "pipeline is not an object",
		`{"variables":{}}`: "variables are not a list",
		`{"variables":[{"name":"a-b"},{"name":"c d"}]}`: "Illegal variable names: a-b, c d.",
		`{"variables":[{}]}`:                            "Variable 1 of the template has no name",
	} {
		doc := parse(good)
		for k, v := range parse(change) {
			doc[k] = v
		}
		err := doc.Validate()
		require.Equal(t, pipeline.CodeInvalid, pipeline.CodeOf(err), change)
		require.ErrorContains(t, err, want)
	}
}

func FuzzResolve(f *testing.F) {
	files, err := filepath.Glob("testdata/*.json")
	require.NoError(f, err)
	for _, file := range files {
		raw, err := os.ReadFile(file)
		require.NoError(f, err)
		f.Add(raw)
	}
	f.Fuzz(func(t *testing.T, raw []byte) {
		var e example
		if json.Unmarshal(raw, &e) != nil {
			return
		}
		_ = e.Template.Validate() // whether it is fit is not the question
		r, err := templates.Plan(e.Config, e.options())
		if err != nil {
			require.NotEmpty(t, pipeline.MessageOf(err))
			return
		}
		if !e.Config.Templated() {
			return
		}
		stages, err := r.Pipeline.Stages()
		require.NoError(t, err)
		require.NoError(t, pipeline.ValidateGraph(stages))
		require.False(t, r.Pipeline.Templated(), "resolving is done once")
	})
}
