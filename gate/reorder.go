package gate

import (
	"encoding/base64"
	"net/http"

	"github.com/gennaker/gennaker/fiat"
	"github.com/gennaker/gennaker/internal/httpjson"
	"github.com/gennaker/gennaker/pipeline"
)

func reorderPipelines(r *request) error { return r.reorder("Reorder pipelines", false) }

// reorder sets the places of an application's pipelines, or strategies, in lists, by
// a task whose end it waits for.
func (r *request) reorder(description string, strategies bool) error {
	body, err := r.object(false)
	if err != nil {
		return err
	}
	for _, field := range []string{"idsToIndices", "application"} {
		if body[field] == nil {
			return pipeline.Errorf(pipeline.CodeInvalid, "`%s` is required field on request body: send {\"application\": \"...\", \"idsToIndices\": {\"id\": 0}}.", field)
		}
	}
	application, isText := body["application"].(string)
	if !isText || application == "" {
		return pipeline.Errorf(pipeline.CodeInvalid, "The application is %s: send its name.", kind(body["application"]))
	}
	if err := r.mayUse(application, fiat.Write); err != nil {
		return err
	}
	job := pipeline.Map{"type": "reorderPipelines", "user": r.caller.User}
	for key, value := range map[string]any{"idsToIndices": body["idsToIndices"], "application": application, "isStrategy": strategies} {
		text, err := httpjson.Encode(value)
		if err != nil {
			return pipeline.Wrap(pipeline.CodeInternal, err, "the order of pipelines cannot be encoded")
		}
		job[key] = base64.StdEncoding.EncodeToString(text)
	}
	done, err := r.runTask(pipeline.TaskRequest{Application: application, Description: description, Job: []pipeline.Map{job}})
	if err != nil {
		return err
	}
	return r.answer(http.StatusOK, view(done))
}
