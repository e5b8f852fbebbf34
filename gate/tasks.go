package gate

import (
	"cmp"
	"net/http"
	"slices"

	"github.com/gennaker/gennaker/executions"
	"github.com/gennaker/gennaker/pipeline"
)

// task is an ad-hoc execution as clients poll it (reference: gate section 2).
type task struct {
	ID          string              `json:"id"`
	Name        string              `json:"name"`
	Application string              `json:"application"`
	Status      pipeline.Status     `json:"status"`
	Variables   []variable          `json:"variables"`
	Steps       []*pipeline.Task    `json:"steps"`
	BuildTime   pipeline.Millis     `json:"buildTime,omitempty"`
	StartTime   pipeline.Millis     `json:"startTime,omitempty"`
	EndTime     pipeline.Millis     `json:"endTime,omitempty"`
	Execution   *pipeline.Execution `json:"execution"`
}

type variable struct {
	Key   string `json:"key"`
	Value any    `json:"value"`
}

// view renders an execution as a task. A variable is the first value of its
// name, over all stages, that is not empty.
func view(e *pipeline.Execution) task {
	out := task{
		ID: e.ID, Name: e.Description, Application: e.Application, Status: e.Status,
		Variables: []variable{}, Steps: []*pipeline.Task{},
		BuildTime: e.BuildTime, StartTime: e.StartTime, EndTime: e.EndTime, Execution: e,
	}
	at := map[string]int{}
	for _, s := range e.Stages {
		out.Steps = append(out.Steps, s.Tasks...)
		for key, value := range s.Context {
			i, known := at[key]
			switch {
			case !known:
				at[key] = len(out.Variables)
				out.Variables = append(out.Variables, variable{Key: key, Value: value})
			case blank(out.Variables[i].Value):
				out.Variables[i].Value = value
			}
		}
	}
	slices.SortFunc(out.Variables, func(a, b variable) int { return cmp.Compare(a.Key, b.Key) })
	return out
}

// blank reports whether v says nothing: null, empty text, list or object.
func blank(v any) bool {
	switch v := v.(type) {
	case nil:
		return true
	case string:
		return v == ""
	case []any:
		return len(v) == 0
	case map[string]any:
		return len(v) == 0
	}
	return false
}

// createTask starts the jobs of the body. An application in the path overrules
// the body's.
func createTask(r *request) error {
	body, err := r.object(false)
	if err != nil {
		return err
	}
	if application := r.param("application"); application != "" {
		body["application"] = application
	}
	request, err := parseTask(body)
	if err != nil {
		return err
	}
	if request.Application == "" && onlyShared(request.Job) {
		request.Application = noApplication // Terraform's provider names none for projects
	}
	if err := r.mayJobs(request); err != nil {
		return err
	}
	s := starting{kind: pipeline.TypeOrchestration, build: func(l pipeline.Launch) (*pipeline.Execution, error) {
		return pipeline.NewOrchestration(request, l)
	}}
	if request.Trigger != nil {
		s.trigger = *request.Trigger
	}
	id, err := r.start(s)
	if err != nil {
		return err
	}
	return r.answer(http.StatusOK, ref{Ref: "/tasks/" + id})
}

func parseTask(body pipeline.Map) (pipeline.TaskRequest, error) {
	out := pipeline.TaskRequest{
		Application: body.String("application"), Description: body.String("description"),
		Name: body.String("name"), Project: body.String("project"),
	}
	jobs, isList := body["job"].([]any)
	if body["job"] != nil && !isList {
		return out, pipeline.Errorf(pipeline.CodeInvalid, "The task's job is %s: send a list of objects with a type.", kind(body["job"]))
	}
	for i, j := range jobs {
		job := pipeline.AsMap(j)
		if job == nil {
			return out, pipeline.Errorf(pipeline.CodeInvalid, "Job %d of the task is %s: send an object with a type.", i+1, kind(j))
		}
		if err := checkJob(job); err != nil {
			return out, err
		}
		out.Job = append(out.Job, job)
	}
	if m := body.Map("trigger"); m != nil {
		trigger, err := parseTrigger(m)
		if err != nil {
			return out, err
		}
		out.Trigger = &trigger
	}
	return out, nil
}

// checkJob refuses at once what the job's stage would refuse for its form, so
// that the caller learns it from the answer rather than from a failed task. An
// email may be missing here, because the job may update an application that has
// one.
func checkJob(job pipeline.Map) error {
	switch job.String("type") {
	case "createApplication", "updateApplication":
	default:
		return nil
	}
	app := pipeline.Application(job.Map("application").Clone())
	if app == nil {
		return pipeline.Errorf(pipeline.CodeInvalid, "The job %s has no application: set application to an object with a name and an email.", job.String("type"))
	}
	if app.Email() == "" {
		app["email"] = "unknown"
	}
	return app.Validate()
}

func getTask(r *request) error {
	record, err := r.find(pipeline.TypeOrchestration)
	if err != nil {
		return err
	}
	return r.answer(http.StatusOK, view(record.Execution))
}

func cancelTask(r *request) error { return r.cancel(pipeline.TypeOrchestration) }

func deleteTask(r *request) error { return r.delete(pipeline.TypeOrchestration) }

func listTasks(r *request) error {
	page, err := integer(r.query, "page", 1)
	if err != nil {
		return err
	}
	limit, err := integer(r.query, "limit", executions.MaxResults)
	if err != nil {
		return err
	}
	wanted, err := statuses(r.query, "statuses")
	if err != nil {
		return err
	}
	page, limit = max(page, 1), min(limit, executions.MaxResults)
	if limit == 0 || page > executions.MaxResults/limit+1 {
		return emptyList(r)
	}
	found, err := r.server.executions.List(r.ctx(), executions.Query{
		Application: r.param("application"), Type: pipeline.TypeOrchestration, Statuses: wanted,
		Limit: min(page*limit, executions.MaxResults),
	})
	if err != nil {
		return err
	}
	oldest := pipeline.ToMillis(r.server.now().Add(-historyAge))
	out := []task{}
	for i, e := range found {
		if i >= (page-1)*limit && (e.StartTime == 0 || e.StartTime > oldest) {
			out = append(out, view(e))
		}
	}
	return r.answer(http.StatusOK, out)
}
