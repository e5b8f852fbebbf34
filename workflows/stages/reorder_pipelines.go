package stages

import (
	"encoding/base64"
	"maps"
	"math"
	"slices"

	"go.temporal.io/sdk/workflow"

	"github.com/gennaker/gennaker/activities"
	"github.com/gennaker/gennaker/pipeline"
	"github.com/gennaker/gennaker/workflows"
)

// ReorderPipelines gives the pipelines, or the deployment strategies, of an
// application their places in lists
// (reference: orca section 6.2). Its values are as they are or their JSON in
// base64, as Gate sends them.
//
//	{"type": "reorderPipelines", "application": "shop", "idsToIndices": {"3c1b…": 0, "88fe…": 1}, "isStrategy": false}
type ReorderPipelines struct{}

var (
	_ workflows.StageType  = ReorderPipelines{}
	_ workflows.Caller     = ReorderPipelines{}
	_ workflows.Documented = ReorderPipelines{}
)

// Type implements workflows.StageType.
func (ReorderPipelines) Type() string { return "reorderPipelines" }

// Tasks implements workflows.StageType.
func (r ReorderPipelines) Tasks(*pipeline.Stage) []workflows.Task {
	return []workflows.Task{{Name: "reorderPipelines", Timeout: configurationTimeout, Run: r.reorder}}
}

func (ReorderPipelines) reorder(ctx workflow.Context, t *workflows.TaskRun) (workflows.Outcome, error) {
	application := encodedText(t.Stage.Context["application"])
	if application == "" {
		return workflows.Outcome{}, pipeline.Errorf(pipeline.CodeInvalid, "The stage '%s' names no application: set application to its name.", t.Stage.Name)
	}
	given := pipeline.AsMap(encoded(t.Stage.Context["idsToIndices"]))
	if given == nil {
		return workflows.Outcome{}, pipeline.Errorf(pipeline.CodeInvalid, "The stage '%s' holds no idsToIndices: set it to an object with the index of each pipeline's ID.", t.Stage.Name)
	}
	indices := make(map[string]int, len(given))
	for _, id := range slices.Sorted(maps.Keys(given)) {
		n, ok := given.Int(id)
		if !ok || n < 0 || n > math.MaxInt32 {
			return workflows.Outcome{}, pipeline.Errorf(pipeline.CodeInvalid, "The index of the pipeline '%s' in stage '%s' is %s: use 0 or a positive number.", id, t.Stage.Name, short(plain(given[id])))
		}
		indices[id] = int(n)
	}
	_, err := workflows.Call(ctx, t, activities.ReorderPipelines, activities.ReorderPipelinesInput{
		Scope: t.Scope(), Application: application, IDsToIndices: indices,
		Strategies: (pipeline.Map{"v": encoded(t.Stage.Context["isStrategy"])}).Bool("v"),
	})
	if err != nil {
		return workflows.Outcome{}, err
	}
	return workflows.Outcome{Context: pipeline.Map{"notification.type": "reorderpipelines", "application": application}}, nil
}

// encoded is a value, or what its JSON in base64 holds.
func encoded(v any) any {
	text, isText := v.(string)
	if !isText {
		return v
	}
	raw, err := base64.StdEncoding.DecodeString(text)
	if err != nil {
		return v
	}
	if decoded, err := pipeline.DecodeValue(raw); err == nil {
		return decoded
	}
	return v
}

// encodedText is text, or what its JSON in base64 holds; a name may look like
// base64 without being it.
func encodedText(v any) string {
	if decoded, isText := encoded(v).(string); isText {
		return decoded
	}
	text, _ := v.(string)
	return text
}

// Calls implements workflows.Caller.
func (ReorderPipelines) Calls(s *pipeline.Stage) []string {
	return []string{"set the order of pipelines of application " + encodedText(s.Context["application"])}
}

// Describe implements workflows.Documented.
func (ReorderPipelines) Describe() workflows.Description {
	return workflows.Description{
		Summary: "Gives pipelines of an application their places in lists.",
		Inputs: []workflows.Field{
			{Name: "application", Type: "text, or its JSON in base64", Text: "Whose pipelines they are."},
			{Name: "idsToIndices", Type: "map of IDs to whole numbers, or its JSON in base64", Text: "The place of each pipeline, from 0."},
			{Name: "isStrategy", Type: "boolean, or its JSON in base64", Default: "false", Text: "Whether they are deployment strategies."},
		},
		Notes: []string{"All pipelines are looked at before one is changed: an ID of another application changes nothing."},
	}
}
