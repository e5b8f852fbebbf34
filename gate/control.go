package gate

import (
	"context"
	"net/http"
	"strings"

	"github.com/gennaker/gennaker/executions"
	"github.com/gennaker/gennaker/fiat"
	"github.com/gennaker/gennaker/pipeline"
	"github.com/gennaker/gennaker/workflows"
)

func pauseExecution(r *request) error {
	return r.hold("paused", r.server.engine.Pause)
}

func resumeExecution(r *request) error {
	return r.hold("resumed", r.server.engine.Resume)
}

// hold pauses or resumes the execution of the path. Success has no body.
func (r *request) hold(verb string, do func(context.Context, string, workflows.PauseInput) (workflows.Snapshot, error)) error {
	record, err := r.find(pipeline.TypePipeline)
	if err != nil {
		return err
	}
	id := record.Execution.ID
	if record.Execution.Status.Complete() {
		return ended(record.Execution, verb)
	}
	snapshot, err := do(r.ctx(), id, workflows.PauseInput{User: r.caller.User})
	if err != nil {
		return r.ranOut(id, verb, err)
	}
	r.seen(snapshot)
	return r.done()
}

// seen makes what a workflow answered with visible to all readers.
func (r *request) seen(s workflows.Snapshot) {
	if s.Execution != nil {
		r.server.executions.Put(r.ctx(), executions.Record{
			Execution: s.Execution, Sequence: s.Sequence, PublishedAt: pipeline.ToMillis(r.server.now()),
		})
	}
}

// restartStage runs a stage again, and what is complete behind it, and answers
// with the execution (reference: orca section 3.11).
func restartStage(r *request) error {
	body, err := r.object(true)
	if err != nil {
		return err
	}
	record, err := r.find(pipeline.TypePipeline)
	if err != nil {
		return err
	}
	in := workflows.RestartInput{StageID: r.param("stageId"), User: r.caller.User}
	if in.Preconditions, err = r.preconditions(record.Execution, body); err != nil {
		return err
	}
	restarted, err := r.restart(record, in)
	if err != nil {
		return err
	}
	r.restartParents(record.Execution)
	return r.answer(http.StatusOK, restarted)
}

// restart runs a stage of a known execution again and returns the execution
// after it.
func (r *request) restart(known executions.Record, in workflows.RestartInput) (*pipeline.Execution, error) {
	snapshot, err := r.server.engine.Restart(r.ctx(), known, in)
	if err != nil {
		return nil, err
	}
	if snapshot.Execution == nil && known.Execution.Status.Complete() {
		// The restart took and its worker has not answered yet: an end that is none
		// any more must not be shown.
		snapshot = workflows.Snapshot{Execution: running(known.Execution, pipeline.ToMillis(r.server.now())), Sequence: known.Sequence + 1}
	}
	r.seen(snapshot)
	if snapshot.Execution != nil {
		return snapshot.Execution, nil
	}
	record, err := r.server.executions.Get(r.ctx(), known.Execution.ID)
	return record.Execution, err
}

// running returns an ended execution as it looks while its restart begins: one
// whose pipeline limits concurrency may have to wait first.
func running(e *pipeline.Execution, now pipeline.Millis) *pipeline.Execution {
	out := e.Clone()
	out.Status, out.Canceled, out.StartTime, out.EndTime = pipeline.Running, false, now, 0
	if e.LimitConcurrent || e.MaxConcurrentExecutions > 0 {
		out.Status = pipeline.NotStarted
	}
	return out
}

// preconditions returns the lists that replace those of checkPreconditions
// stages, by refId: from the stored pipeline of the execution's name, or else
// from the body.
func (r *request) preconditions(e *pipeline.Execution, body pipeline.Map) (map[string][]any, error) {
	configs, err := r.server.configs(r.ctx(), e.Application)
	if err != nil {
		return nil, err
	}
	stages := body.List("stages")
	for _, p := range configs {
		if !strings.EqualFold(p.Name(), strings.TrimSpace(e.Name)) {
			continue
		}
		if resolved, err := r.resolve(p, e.Trigger); err == nil { // one whose template is gone keeps what it has
			p = resolved
		}
		stages = pipeline.Map(p).List("stages")
		break
	}
	out := map[string][]any{}
	for _, s := range stages {
		stage := pipeline.AsMap(s)
		list, isList := stage["preconditions"].([]any)
		if ref := stage.String("refId"); isList && ref != "" && stage.String("type") == "checkPreconditions" {
			out[ref] = list
		}
	}
	return out, nil
}

// maxParents bounds how far up a restart reaches.
const maxParents = 20

// restartParents lets the pipeline stage that started an execution, in a parent
// that has ended, wait for it again, and so on upwards (reference: orca section
// 3.11). The child was restarted whatever becomes of this, so failures are
// logged.
func (r *request) restartParents(child *pipeline.Execution) {
	for range maxParents {
		parent := child.Trigger.Parent
		if parent == nil || parent.StageID == "" {
			return
		}
		record, err := r.server.executions.Get(r.ctx(), parent.ExecutionID)
		if err == nil && !record.Execution.Status.Complete() {
			return // it waits still, or has gone on without its child
		}
		if err == nil && r.mayUse(record.Execution.Application, fiat.Execute) != nil {
			return // what is behind the stage is not the caller's to run
		}
		if err == nil {
			_, err = r.restart(record, workflows.RestartInput{StageID: parent.StageID, User: r.caller.User, Attach: true})
		}
		if err != nil {
			r.server.log.WarnContext(r.ctx(), "the parent of a restarted execution was not restarted", "application", parent.Application,
				"execution", child.ID, "parent", parent.ExecutionID, "error", err, "request", r.id)
			return
		}
		child = record.Execution
	}
}

// cancelTasks cancels the tasks that the query names. Those that have ended are
// passed over.
func cancelTasks(r *request) error {
	taskIDs := list(r.query, "ids")
	if len(taskIDs) == 0 {
		return pipeline.Errorf(pipeline.CodeInvalid, "The query names no task: set ids.")
	}
	if len(taskIDs) > maxIDs {
		return pipeline.Errorf(pipeline.CodeInvalid, "The query names %d ids: name at most %d.", len(taskIDs), maxIDs)
	}
	for _, id := range taskIDs {
		r.values["id"] = id
		if err := r.cancelFound(pipeline.TypeOrchestration); err != nil && pipeline.CodeOf(err) != pipeline.CodeConflict {
			return err
		}
	}
	return r.done()
}
