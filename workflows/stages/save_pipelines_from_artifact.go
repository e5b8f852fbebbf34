package stages

import (
	"encoding/base64"
	"maps"
	"slices"
	"strings"
	"time"

	"go.temporal.io/sdk/workflow"

	"github.com/gennaker/gennaker/activities"
	"github.com/gennaker/gennaker/pipeline"
	"github.com/gennaker/gennaker/pipeline/expr"
	"github.com/gennaker/gennaker/workflows"
)

// SavePipelinesFromArtifact stores the pipelines of a JSON document, an object
// of lists by application (reference: orca section 6.2). One that is there by its
// name is replaced, the others are created.
//
//	{"type": "savePipelinesFromArtifact", "refId": "1", "name": "Pipelines from Git",
//	 "pipelinesArtifact": {"type": "embedded/base64", "name": "pipelines.json", "artifactAccount": "embedded-artifact",
//	  "reference": "eyJzaG9wIjpbeyJuYW1lIjoiRGVwbG95Iiwic3RhZ2VzIjpbXX1dfQ=="}}
//
// The stage fails when one of them could not be saved, after it has tried all.
type SavePipelinesFromArtifact struct{}

var (
	_ workflows.StageType  = SavePipelinesFromArtifact{}
	_ workflows.Restarter  = SavePipelinesFromArtifact{}
	_ workflows.Caller     = SavePipelinesFromArtifact{}
	_ workflows.Documented = SavePipelinesFromArtifact{}
)

const (
	// maxSavedPipelines bounds the pipelines of one document, maxPipelinesText its
	// length in bytes: what is left to save stands in the stage's context.
	maxSavedPipelines = 500
	maxPipelinesText  = 700 << 10
	// saveTimeout bounds the saving of one pipeline.
	saveTimeout = 5 * time.Minute
)

// The keys of the context that tell how it went.
var savedKeys = []string{"pipelinesCreated", "pipelinesUpdated", "pipelinesFailedToSave"}

// Type implements workflows.StageType.
func (SavePipelinesFromArtifact) Type() string { return "savePipelinesFromArtifact" }

// Tasks implements workflows.StageType.
func (s SavePipelinesFromArtifact) Tasks(*pipeline.Stage) []workflows.Task {
	return []workflows.Task{
		{Name: "getPipelinesFromArtifact", Timeout: 10 * time.Minute, Run: s.get},
		{Name: "preparePipelineToSaveTask", Run: s.prepare, LoopStart: true},
		{Name: "savePipeline", Timeout: saveTimeout, Run: s.save},
		instant("waitForPipelineSave"),
		{Name: "checkPipelineResults", Run: s.check},
		{Name: "checkForRemainingPipelines", Run: s.remaining, LoopEnd: true},
		{Name: "savePipelinesCompleteTask", Run: s.complete},
	}
}

// get reads the document and finds which of its pipelines there are. They stand
// in the context in base64, so that nobody evaluates their expressions.
func (s SavePipelinesFromArtifact) get(ctx workflow.Context, t *workflows.TaskRun) (workflows.Outcome, error) {
	text, err := s.text(ctx, t)
	if err != nil {
		return workflows.Outcome{}, err
	}
	pipelines, err := readPipelines(t.Stage, text)
	if err != nil {
		return workflows.Outcome{}, err
	}
	left := make([]any, len(pipelines))
	for i, p := range pipelines {
		found, err := workflows.Call(ctx, t, activities.FindPipeline, activities.FindPipelineInput{Scope: t.Scope(), Application: p.Application(), Name: p.Name()})
		switch {
		case err == nil:
			p["id"] = found.Pipeline.ID()
		case pipeline.CodeOf(err) != pipeline.CodeNotFound:
			return workflows.Outcome{}, err
		}
		raw, err := pipeline.EncodeValue(map[string]any(p))
		if err != nil {
			return workflows.Outcome{}, pipeline.Wrap(pipeline.CodeInvalid, err, "The pipeline '%s' cannot be written: %s.", p.Name(), err)
		}
		left[i] = base64.StdEncoding.EncodeToString(raw)
	}
	return workflows.Outcome{Context: pipeline.Map{"pipelinesToSave": left, "isSavingMultiplePipelines": true}}, nil
}

// text is the content of the stage's artifact.
func (SavePipelinesFromArtifact) text(ctx workflow.Context, t *workflows.TaskRun) (string, error) {
	id := t.Stage.Context.String("pipelinesArtifactId")
	var inline *pipeline.Artifact
	if m := t.Stage.Context.Map("pipelinesArtifact"); m != nil {
		inline = &pipeline.Artifact{}
		if err := pipeline.Bind(map[string]any(m), inline); err != nil {
			return "", pipeline.Wrap(pipeline.CodeInvalid, err, "The pipelinesArtifact of stage '%s' cannot be read: %s.", t.Stage.Name, err)
		}
	}
	artifact, err := t.BoundArtifact(ctx, id, inline)
	if err != nil {
		return "", err
	}
	if artifact == nil {
		return "", pipeline.Errorf(pipeline.CodeInvalid, "No artifact could be bound to '%s': set pipelinesArtifactId to an expected artifact of the pipeline, or pipelinesArtifact to an artifact.", id)
	}
	switch artifact.Type {
	case "embedded/base64":
		raw, err := base64.StdEncoding.DecodeString(artifact.Reference)
		if err != nil {
			return "", pipeline.Errorf(pipeline.CodeInvalid, "The reference of the artifact '%s' is not base64.", artifact.Name)
		}
		return string(raw), nil
	case "http/file":
		return fetchText(ctx, t, artifact.Reference)
	}
	out, err := workflows.Call(ctx, t, activities.FetchArtifact, activities.FetchArtifactInput{Scope: t.Scope(), Artifact: *artifact})
	return string(out.Content), err
}

// fetchText fetches a URL as the helpers of expressions do, by the same rules for
// what may be fetched.
func fetchText(ctx workflow.Context, t *workflows.TaskRun, url string) (string, error) {
	request := expr.Request{Kind: expr.FetchURL, URL: url}
	out, err := workflows.Call(ctx, t, activities.FetchExpressions, activities.FetchExpressionsInput{Scope: t.Scope(), Requests: []expr.Request{request}})
	if err != nil {
		return "", err
	}
	answer := out.Answers[request.Key()]
	text, isText := answer.Value.(string)
	if answer.Error != "" || !isText {
		return "", pipeline.Errorf(pipeline.CodeFailed, "The artifact of stage '%s' cannot be fetched from %s: %s", t.Stage.Name, url, answer.Error)
	}
	return text, nil
}

// readPipelines reads the document, applications in the order of their names.
func readPipelines(s *pipeline.Stage, text string) ([]pipeline.Pipeline, error) {
	if len(text) > maxPipelinesText {
		return nil, pipeline.Errorf(pipeline.CodeTooLarge, "The pipelines of stage '%s' are %d bytes: at most %d are taken. Split the document.", s.Name, len(text), maxPipelinesText)
	}
	v, err := pipeline.DecodeValue([]byte(text))
	byApplication := pipeline.AsMap(v)
	if err != nil || byApplication == nil {
		return nil, pipeline.Errorf(pipeline.CodeInvalid, "The artifact of stage '%s' is not a JSON object of lists of pipelines by application.", s.Name)
	}
	var out []pipeline.Pipeline
	for _, application := range slices.Sorted(maps.Keys(byApplication)) {
		list, isList := byApplication[application].([]any)
		if !isList {
			return nil, pipeline.Errorf(pipeline.CodeInvalid, "The application '%s' in the artifact of stage '%s' has no list of pipelines.", application, s.Name)
		}
		for i, e := range list {
			p := pipeline.Pipeline(pipeline.AsMap(e))
			if p == nil || p.Name() == "" {
				return nil, pipeline.Errorf(pipeline.CodeInvalid, "The pipeline %d of application '%s' in the artifact of stage '%s' has no name.", i+1, application, s.Name)
			}
			p["application"] = application
			out = append(out, p)
		}
	}
	if len(out) > maxSavedPipelines {
		return nil, pipeline.Errorf(pipeline.CodeTooLarge, "The artifact of stage '%s' holds %d pipelines: at most %d are saved by one stage.", s.Name, len(out), maxSavedPipelines)
	}
	return out, nil
}

func (SavePipelinesFromArtifact) prepare(_ workflow.Context, t *workflows.TaskRun) (workflows.Outcome, error) {
	left := t.Stage.Context.List("pipelinesToSave")
	if len(left) == 0 {
		return workflows.Outcome{}, pipeline.Errorf(pipeline.CodeInvalid, "There are no pipelines to save: the artifact of stage '%s' holds none.", t.Stage.Name)
	}
	// What the loop's last round said of its own pipeline is over.
	context := pipeline.Map{"pipeline": left[0], "pipelinesToSave": slices.Clone(left[1:]), "pipelineSaveError": ""}
	p, err := pipelineOf(&pipeline.Stage{Name: t.Stage.Name, Context: context})
	if err != nil {
		return workflows.Outcome{}, err
	}
	context["isExistingPipeline"] = p.ID() != ""
	context["application"] = p.Application()
	context["pipeline.name"] = p.Name()
	context["pipeline.id"] = p.ID()
	return workflows.Outcome{Context: context}, nil
}

// save saves one pipeline. One that is refused is told with the others at the
// end; a Front50 that does not answer ends the stage.
func (SavePipelinesFromArtifact) save(ctx workflow.Context, t *workflows.TaskRun) (workflows.Outcome, error) {
	outcome, err := SavePipeline{}.save(ctx, t)
	switch pipeline.CodeOf(err) {
	case pipeline.CodeTimeout, pipeline.CodeUnavailable, pipeline.CodeThrottled:
		return outcome, err
	}
	if err == nil || workflows.Canceled(err) {
		return outcome, err
	}
	return workflows.Outcome{Status: pipeline.Skipped, Context: pipeline.Map{"pipelineSaveError": pipeline.MessageOf(err)}}, nil
}

func (SavePipelinesFromArtifact) check(_ workflow.Context, t *workflows.TaskRun) (workflows.Outcome, error) {
	c := t.Stage.Context
	saved := map[string]any{"application": c["application"], "name": c["pipeline.name"], "id": c["pipeline.id"]}
	key := "pipelinesCreated"
	switch fault := c.String("pipelineSaveError"); {
	case fault != "":
		key = "pipelinesFailedToSave"
		saved["error"] = fault
	case c.Bool("isExistingPipeline"):
		key = "pipelinesUpdated"
	}
	context := pipeline.Map{}
	for _, k := range savedKeys {
		list := slices.Clone(c.List(k))
		if list == nil {
			list = []any{}
		}
		if k == key {
			list = append(list, saved)
		}
		context[k] = list
	}
	return workflows.Outcome{Context: context}, nil
}

func (SavePipelinesFromArtifact) remaining(_ workflow.Context, t *workflows.TaskRun) (workflows.Outcome, error) {
	if len(t.Stage.Context.List("pipelinesToSave")) > 0 {
		return workflows.Outcome{Status: pipeline.Redirect}, nil
	}
	return workflows.Outcome{}, nil
}

func (SavePipelinesFromArtifact) complete(_ workflow.Context, t *workflows.TaskRun) (workflows.Outcome, error) {
	outcome := workflows.Outcome{Outputs: pipeline.Map{}}
	for _, k := range savedKeys {
		outcome.Outputs[k] = pipeline.CloneValue(t.Stage.Context[k])
	}
	failed := t.Stage.Context.List("pipelinesFailedToSave")
	if len(failed) == 0 {
		return outcome, nil
	}
	var names, faults []string
	for _, v := range failed {
		m := pipeline.AsMap(v)
		name := m.String("application") + ":" + m.String("name")
		names = append(names, name)
		faults = append(faults, name+": "+m.String("error"))
	}
	return outcome, &pipeline.Error{Code: pipeline.CodeFailed, Message: "Failed to save pipelines: " + short(strings.Join(names, ", ")), Details: faults}
}

// PrepareRestart implements workflows.Restarter.
func (SavePipelinesFromArtifact) PrepareRestart(s *pipeline.Stage, _ pipeline.Map) {
	for _, key := range append([]string{"pipelinesToSave", "pipeline", "pipelineSaveError", "isExistingPipeline"}, savedKeys...) {
		delete(s.Context, key)
		delete(s.Outputs, key)
	}
}

// Calls implements workflows.Caller.
func (SavePipelinesFromArtifact) Calls(s *pipeline.Stage) []string {
	from := s.Context.Map("pipelinesArtifact").String("name")
	if id := s.Context.String("pipelinesArtifactId"); id != "" {
		from = id
	}
	return []string{"save the pipelines of the artifact " + from}
}

// Describe implements workflows.Documented.
func (SavePipelinesFromArtifact) Describe() workflows.Description {
	return workflows.Description{
		Summary: "Stores the pipelines that a JSON document holds: one that is there, by application and name, is replaced, the others are created.",
		Inputs: []workflows.Field{
			{Name: "pipelinesArtifactId", Type: "text", Text: "The document, as the ID of an expected artifact."},
			{Name: "pipelinesArtifact", Type: "artifact", Text: "The document, as an artifact of the stage itself. Of type `http/file` it needs no account."},
		},
		Outputs: []workflows.Field{
			{Name: "pipelinesCreated", Type: "list of {application, name, id}", Text: "What was created."},
			{Name: "pipelinesUpdated", Type: "list of {application, name, id}", Text: "What was replaced."},
			{Name: "pipelinesFailedToSave", Type: "list of {application, name, id, error}", Text: "What was refused, and why. The stage then fails, after it has tried all."},
		},
		Notes: []string{
			"The document is an object whose keys are applications and whose values are lists of pipelines: `{\"shop\": [{\"name\": \"Deploy\", \"stages\": []}]}`. It may hold 500 pipelines and 700 KiB.",
			"A pipeline that is refused shows as a SKIPPED task `savePipeline`; in Orca that task is FAILED_CONTINUE.",
		},
	}
}
