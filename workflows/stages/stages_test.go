package stages_test

import (
	"go/ast"
	"go/parser"
	"go/token"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/gennaker/gennaker/pipeline"
	"github.com/gennaker/gennaker/workflows"
	"github.com/gennaker/gennaker/workflows/stages"
	"github.com/gennaker/gennaker/workflows/workflowstest"
)

func newRun(t *testing.T, w *workflowstest.World, config string) *workflowstest.Run {
	t.Helper()
	return workflowstest.NewRun(t, w, stages.All(), config)
}

// example returns the JSON in the doc comment of a stage type, as text.
func example(t *testing.T, file, typeName string) string {
	t.Helper()
	parsed, err := parser.ParseFile(token.NewFileSet(), file, nil, parser.ParseComments)
	require.NoError(t, err)
	for _, d := range parsed.Decls {
		g, ok := d.(*ast.GenDecl)
		if !ok || g.Tok != token.TYPE || g.Specs[0].(*ast.TypeSpec).Name.Name != typeName {
			continue
		}
		var b strings.Builder
		for line := range strings.Lines(g.Doc.Text()) {
			if strings.HasPrefix(line, "\t") {
				b.WriteString(strings.TrimSpace(line) + "\n")
			}
		}
		_, err := pipeline.DecodeValue([]byte(b.String()))
		require.NoError(t, err, "the example of %s", typeName)
		return b.String()
	}
	t.Fatalf("%s declares no type %s", file, typeName)
	return ""
}

// runExample runs the example of a stage type as a pipeline of one stage.
func runExample(t *testing.T, w *workflowstest.World, file, typeName string) *workflowstest.Run {
	t.Helper()
	return newRun(t, w, `{"stages":[`+example(t, file, typeName)+`]}`)
}

func taskNames(s *pipeline.Stage) []string {
	var out []string
	for _, t := range s.Tasks {
		out = append(out, t.Name)
	}
	return out
}

// stage returns the first stage of an ended execution.
func stage(e *pipeline.Execution) *pipeline.Stage { return e.Stages[0] }

func TestAllMakesAnEngine(t *testing.T) {
	t.Parallel()
	_, err := workflows.NewEngine(stages.All(), workflowstest.NewWorld())
	require.NoError(t, err)
}

// Tasks reads the stage and changes nothing, also when the context is empty or
// holds values of the wrong kind.
func TestTasksOnlyRead(t *testing.T) {
	t.Parallel()
	for _, context := range []pipeline.Map{{}, {"waitForCompletion": int64(5), "stableManifestTimeoutMinutes": "x", "manifests": "x"}} {
		for _, kind := range stages.All() {
			s := &pipeline.Stage{Name: "s", Context: context.Clone(), Outputs: pipeline.Map{}}
			_, plans := kind.(workflows.BeforePlanner)
			if !plans && kind.Type() != "noop" {
				require.NotEmpty(t, kind.Tasks(s), kind.Type())
			}
			require.Equal(t, context, s.Context)
		}
	}
}

// A hostile or broken context fails the stage with words; it never breaks the
// workflow.
func TestContextsOfTheWrongKind(t *testing.T) {
	t.Parallel()
	for _, kind := range stages.All() {
		if _, unavailable := kind.(stages.Unavailable); unavailable {
			continue // it reads no context
		}
		for _, context := range []string{
			``,
			`,"account":5,"manifests":5,"manifest":[[[]]],"application":[],"pipeline":7,"waitTime":{},"judgmentStatus":{}`,
			`,"account":"prod","manifests":{"kind":5,"metadata":[]},"moniker":"x","labelSelectors":[1],"kinds":{},"options":3,"pipelineParameters":[]`,
			`,"account":"prod","manifests":[{}],"requiredArtifacts":["x"],"trafficManagement":{"enabled":true,"options":"x"}`,
			`,"preconditions":[{"type":5,"context":[]},{}],"variables":[{"key":5}],"epochMillis":[],"executionIds":[5,null],"yamlConfig":[[]]`,
			`,"preconditions":{},"variables":[5],"epochMillis":-9223372036854775808,"executionId":7,"status":5,"cluster":{}`,
		} {
			if kind.Type() == "manualJudgment" {
				context += `,"stageTimeoutMs":1000`
			}
			w := workflowstest.NewWorld()
			e := newRun(t, w, `{"stages":[{"type":"`+kind.Type()+`"`+context+`}]}`).Done()
			if e.Status == pipeline.Terminal {
				var errors []string
				for _, s := range e.Stages {
					errors = append(errors, s.Errors()...)
				}
				require.NotEmpty(t, errors, kind.Type()+context)
			}
		}
	}
}
