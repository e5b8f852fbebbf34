package stages

import (
	"encoding/base64"
	"strings"

	"go.temporal.io/sdk/workflow"

	"github.com/gennaker/gennaker/activities"
	"github.com/gennaker/gennaker/pipeline"
	"github.com/gennaker/gennaker/workflows"
)

// SaveTemplate stores a pipeline template of schema v2. It serves
// createV2PipelineTemplate and updateV2PipelineTemplate. The template is an
// object or its JSON in base64, as Gate sends it.
//
//	{"type": "createV2PipelineTemplate", "tag": "stable", "pipelineTemplate":
//	 {"id": "web", "schema": "v2", "metadata": {"name": "Web", "description": "Waits", "scopes": ["global"]}}}
type SaveTemplate struct {
	// Name is the stage type that this one answers to.
	Name string
}

var (
	_ workflows.StageType  = SaveTemplate{}
	_ workflows.Caller     = SaveTemplate{}
	_ workflows.Documented = SaveTemplate{}
)

// creates reports whether the template must not be there yet.
func (s SaveTemplate) creates() bool { return strings.HasPrefix(s.Name, "create") }

// Type implements workflows.StageType.
func (s SaveTemplate) Type() string { return s.Name }

// Tasks implements workflows.StageType.
func (s SaveTemplate) Tasks(*pipeline.Stage) []workflows.Task {
	name := "updatePipelineTemplate"
	if s.creates() {
		name = "createPipelineTemplate"
	}
	return []workflows.Task{{Name: name, Timeout: configurationTimeout, Run: s.save}}
}

// Calls implements workflows.Caller.
func (s SaveTemplate) Calls(stage *pipeline.Stage) []string {
	template, err := templateOf(stage)
	if err != nil {
		return nil
	}
	return []string{"save the pipeline template " + template.String("id")}
}

// Describe implements workflows.Documented.
func (s SaveTemplate) Describe() workflows.Description {
	summary := "Replaces a pipeline template, or creates it when there is none."
	if s.creates() {
		summary = "Creates a pipeline template."
	}
	return workflows.Description{
		Summary: summary,
		Inputs: []workflows.Field{
			{Name: "pipelineTemplate", Type: "object, or its JSON in base64", Text: "The template, of schema v2."},
			{Name: "tag", Type: "text", Default: "the template's own tag, or none", Text: "The tag to save under: latest, stable, unstable, experimental, test or canary."},
			{Name: "id", Type: "text", Default: "the template's own", Text: "The template to update; the document's own ID must be the same."},
		},
		Outputs: []workflows.Field{{Name: "pipelineTemplate.id", Type: "text", Text: "What was saved: id or id:tag."}},
		Notes:   []string{"What is saved is also found under the tag latest and under the digest of its content."},
	}
}

func (s SaveTemplate) save(ctx workflow.Context, t *workflows.TaskRun) (workflows.Outcome, error) {
	template, err := templateOf(t.Stage)
	if err != nil {
		return workflows.Outcome{}, err
	}
	if id := t.Stage.Context.String("id"); id != "" && !s.creates() {
		if own := template.String("id"); own != "" && !strings.EqualFold(own, id) {
			return workflows.Outcome{}, pipeline.Errorf(pipeline.CodeInvalid,
				"The stage '%s' updates the template '%s' with one that has the id '%s': make them equal.", t.Stage.Name, id, own)
		}
		template = template.Clone()
		template["id"] = id
	}
	out, err := workflows.Call(ctx, t, activities.SaveTemplate, activities.SaveTemplateInput{
		Scope: t.Scope(), Template: template, Tag: t.Stage.Context.String("tag"), Create: s.creates(),
	})
	if err != nil {
		return workflows.Outcome{}, err
	}
	notification := "updatepipelinetemplate"
	if s.creates() {
		notification = "createpipelinetemplate"
	}
	return workflows.Outcome{Context: pipeline.Map{"notification.type": notification, "pipelineTemplate.id": out.Version}}, nil
}

func templateOf(s *pipeline.Stage) (pipeline.Map, error) {
	if m := s.Context.Map("pipelineTemplate"); m != nil {
		return m, nil
	}
	raw, err := base64.StdEncoding.DecodeString(s.Context.String("pipelineTemplate"))
	if err != nil || len(raw) == 0 {
		return nil, pipeline.Errorf(pipeline.CodeInvalid, "The stage '%s' holds no template: set pipelineTemplate to an object, or to its JSON in base64.", s.Name)
	}
	var m pipeline.Map
	if err := m.UnmarshalJSON(raw); err != nil || m == nil {
		return nil, pipeline.Errorf(pipeline.CodeInvalid, "The template of stage '%s' is not a JSON object: send one in base64.", s.Name)
	}
	return m, nil
}

// DeleteTemplate deletes a version of a pipeline template; a missing one is a
// success.
//
//	{"type": "deleteV2PipelineTemplate", "pipelineTemplateId": "web", "tag": "stable"}
type DeleteTemplate struct{}

var (
	_ workflows.StageType  = DeleteTemplate{}
	_ workflows.Caller     = DeleteTemplate{}
	_ workflows.Documented = DeleteTemplate{}
)

// Type implements workflows.StageType.
func (DeleteTemplate) Type() string { return "deleteV2PipelineTemplate" }

// Tasks implements workflows.StageType.
func (d DeleteTemplate) Tasks(*pipeline.Stage) []workflows.Task {
	return []workflows.Task{{Name: "deletePipelineTemplate", Timeout: configurationTimeout, Run: d.delete}}
}

// Calls implements workflows.Caller.
func (DeleteTemplate) Calls(stage *pipeline.Stage) []string {
	return []string{"delete the pipeline template " + stage.Context.String("pipelineTemplateId")}
}

// Describe implements workflows.Documented.
func (DeleteTemplate) Describe() workflows.Description {
	return workflows.Description{
		Summary: "Deletes a version of a pipeline template.",
		Inputs: []workflows.Field{
			{Name: "pipelineTemplateId", Type: "text", Text: "The template."},
			{Name: "tag", Type: "text", Text: "The version with this tag; not together with digest."},
			{Name: "digest", Type: "text", Text: "The version with this digest."},
		},
		Outputs: []workflows.Field{{Name: "pipeline.id", Type: "text", Text: "The template."}},
		Notes:   []string{"A version that a pipeline is made from is not deleted: the stage fails and names the pipelines."},
	}
}

func (DeleteTemplate) delete(ctx workflow.Context, t *workflows.TaskRun) (workflows.Outcome, error) {
	c := t.Stage.Context
	id := c.String("pipelineTemplateId")
	if id == "" {
		return workflows.Outcome{}, pipeline.Errorf(pipeline.CodeInvalid, "The stage '%s' names no template: set pipelineTemplateId.", t.Stage.Name)
	}
	_, err := workflows.Call(ctx, t, activities.DeleteTemplate, activities.DeleteTemplateInput{
		Scope: t.Scope(), ID: id, Tag: c.String("tag"), Digest: c.String("digest"),
	})
	if err != nil {
		return workflows.Outcome{}, err
	}
	return workflows.Outcome{Context: pipeline.Map{"notification.type": "deletepipelinetemplate", "pipeline.id": id}}, nil
}
