package gate

import (
	"cmp"
	"net/http"
	"slices"
	"strings"
	"time"

	"golang.org/x/sync/errgroup"

	"github.com/gennaker/gennaker/executions"
	"github.com/gennaker/gennaker/front50"
	"github.com/gennaker/gennaker/pipeline"
	"github.com/gennaker/gennaker/workflows"
)

const (
	// historyAge is the age beyond which lists leave executions out.
	historyAge = 14 * 24 * time.Hour
	// historyFloor is how many of a pipeline's executions lists hold whatever
	// their age.
	historyFloor = 2
	// maxIDs bounds the IDs in one query.
	maxIDs = 1000
	// loads is how many executions one request reads at a time.
	loads = 8
)

// find returns the record of the path's execution, which must be of the given
// type.
func (r *request) find(t pipeline.ExecutionType) (executions.Record, error) {
	id := r.param("id")
	record, err := r.server.executions.Get(r.ctx(), id)
	switch {
	case err == nil && record.Execution.Type == t:
		return record, r.mayExecution(record.Execution)
	case err == nil || pipeline.CodeOf(err) == pipeline.CodeNotFound:
		return executions.Record{}, unknownExecution(t, id)
	}
	return executions.Record{}, err
}

// unknownExecution is the error of a request for an execution of type t that
// does not exist.
func unknownExecution(t pipeline.ExecutionType, id string) error {
	return pipeline.Errorf(pipeline.CodeNotFound, "%s not found (id: %s)", noun(t), id)
}

// noun is what people call an execution of type t.
func noun(t pipeline.ExecutionType) string {
	if t == pipeline.TypeOrchestration {
		return "Task"
	}
	return "Pipeline"
}

func cancelExecution(r *request) error { return r.cancel(pipeline.TypePipeline) }

func (r *request) cancel(t pipeline.ExecutionType) error {
	if err := r.cancelFound(t); err != nil {
		return err
	}
	return r.done()
}

// cancelFound cancels the execution that the path names.
func (r *request) cancelFound(t pipeline.ExecutionType) error {
	record, err := r.find(t)
	if err != nil {
		return err
	}
	if status := record.Execution.Status; status.Complete() {
		return ended(record.Execution, "cancelled")
	}
	id := record.Execution.ID
	if err := r.server.engine.Cancel(r.ctx(), id, workflows.CancelInput{User: r.caller.User, Reason: r.query.Get("reason")}); err != nil {
		return r.ranOut(id, "cancelled", err)
	}
	return nil
}

func patchStage(r *request) error {
	patch, err := r.object(false)
	if err != nil {
		return err
	}
	record, err := r.find(pipeline.TypePipeline)
	if err != nil {
		return err
	}
	if record.Execution.Status.Complete() {
		return ended(record.Execution, "edited")
	}
	if err := r.mayJudge(record.Execution, patch); err != nil {
		return err
	}
	id := record.Execution.ID
	snapshot, err := r.server.engine.PatchStage(r.ctx(), id, workflows.PatchStageInput{
		StageID: r.param("stageId"), User: r.caller.User, Patch: patch,
	})
	if err != nil {
		return r.ranOut(id, "edited", err)
	}
	if snapshot.Execution == nil {
		// The edit took and its result could not be loaded: the newest known state
		// is the best answer.
		if record, err = r.server.executions.Get(r.ctx(), id); err != nil {
			return err
		}
		return r.answer(http.StatusOK, record.Execution)
	}
	r.seen(snapshot)
	return r.answer(http.StatusOK, snapshot.Execution)
}

// ranOut explains an engine's refusal: an execution that ended between the read
// and the call, or is no longer known to the engine, is a conflict that names
// the status. Any other error stays what it is.
func (r *request) ranOut(id, verb string, err error) error {
	if code := pipeline.CodeOf(err); code != pipeline.CodeConflict && code != pipeline.CodeNotFound {
		return err
	}
	record, getErr := r.server.executions.Get(r.ctx(), id)
	if getErr == nil && record.Execution.Status.Complete() {
		return ended(record.Execution, verb)
	}
	return err
}

func ended(e *pipeline.Execution, verb string) error {
	return pipeline.Errorf(pipeline.CodeConflict, "The execution %s has ended with status %s and cannot be %s any more.", e.ID, e.Status, verb)
}

func deleteExecution(r *request) error { return r.delete(pipeline.TypePipeline) }

// reasonDeleted is the reason of an execution that was deleted while it waited.
const reasonDeleted = "The execution was deleted while it waited."

// delete removes an execution that has ended, and one that waits for its turn
// after cancelling it.
func (r *request) delete(t pipeline.ExecutionType) error {
	record, err := r.find(t)
	if err != nil {
		return err
	}
	id := record.Execution.ID
	switch status := record.Execution.Status; {
	case status.Complete():
	case status == pipeline.NotStarted:
		err := r.server.engine.Cancel(r.ctx(), id, workflows.CancelInput{User: r.caller.User, Reason: reasonDeleted})
		if err != nil && pipeline.CodeOf(err) != pipeline.CodeConflict && pipeline.CodeOf(err) != pipeline.CodeNotFound {
			return err
		}
		if err := r.server.engine.AwaitEnd(r.ctx(), id); err != nil {
			return err
		}
	default:
		return pipeline.Errorf(pipeline.CodeConflict, "Cannot delete a running %s, please cancel it first.", t)
	}
	// The engine goes first: an execution that is being archived would be archived
	// after its deletion.
	if err := r.server.engine.Delete(r.ctx(), id); err != nil {
		return err
	}
	if err := r.server.executions.Delete(r.ctx(), id); err != nil {
		return err
	}
	return r.done()
}

// listApplicationExecutions lists runs of the configurations that the
// application still has, its strategies included.
func listApplicationExecutions(r *request) error {
	limit, err := integer(r.query, "limit", r.server.config.ExecutionFetchLimit)
	if err != nil {
		return err
	}
	wanted, err := statuses(r.query, "statuses")
	if err != nil {
		return err
	}
	expand, err := boolean(r.query, "expand", true)
	if err != nil {
		return err
	}
	configs, err := r.server.configs(r.ctx(), r.param("application"))
	if err != nil {
		return err
	}
	if configs, err = r.filterConfigs(configs); err != nil {
		return err
	}
	strategies, err := front50.Strategies(r.ctx(), r.server.front50, r.param("application"))
	if err != nil {
		return err
	}
	configIDs := make([]string, 0, len(configs)+len(strategies))
	for _, p := range slices.Concat(configs, strategies) {
		configIDs = append(configIDs, p.ID())
	}
	return r.answerExecutions(executions.Query{
		Application: r.param("application"), PipelineConfigIDs: configIDs, Statuses: wanted, LimitPerConfig: limit, Summary: !expand,
	})
}

func listExecutions(r *request) error {
	configIDs, executionIDs := list(r.query, "pipelineConfigIds"), list(r.query, "executionIds")
	if len(configIDs) > 0 && len(executionIDs) > 0 {
		return pipeline.Errorf(pipeline.CodeInvalid, "Only one of pipelineConfigIds and executionIds may be given: leave one out.")
	}
	if n := max(len(configIDs), len(executionIDs)); n > maxIDs {
		return pipeline.Errorf(pipeline.CodeInvalid, "The query names %d ids: name at most %d.", n, maxIDs)
	}
	limit, err := integer(r.query, "limit", 1)
	if err != nil {
		return err
	}
	wanted, err := statuses(r.query, "statuses")
	if err != nil {
		return err
	}
	expand, err := boolean(r.query, "expand", true)
	if err != nil {
		return err
	}
	if len(executionIDs) > 0 {
		return r.answerByID(executionIDs, expand)
	}
	return r.answerExecutions(executions.Query{PipelineConfigIDs: configIDs, Statuses: wanted, LimitPerConfig: limit, Summary: !expand})
}

// answerByID answers with the executions of the given IDs; unknown ones are
// passed over.
func (r *request) answerByID(executionIDs []string, expand bool) error {
	found := make([]*pipeline.Execution, len(executionIDs))
	group, ctx := errgroup.WithContext(r.ctx())
	group.SetLimit(loads)
	for i, id := range executionIDs {
		group.Go(func() error {
			record, err := r.server.executions.Get(ctx, id)
			if err != nil {
				if pipeline.CodeOf(err) == pipeline.CodeNotFound {
					return nil
				}
				return err
			}
			if record.Execution.Type != pipeline.TypePipeline {
				return nil
			}
			found[i] = record.Execution
			if !expand {
				found[i] = record.Execution.Summary()
			}
			return nil
		})
	}
	if err := group.Wait(); err != nil {
		return err
	}
	found = slices.DeleteFunc(found, func(e *pipeline.Execution) bool { return e == nil })
	found, err := r.readableExecutions(found)
	if err != nil {
		return err
	}
	slices.SortStableFunc(found, byStart)
	return r.answer(http.StatusOK, found)
}

// answerExecutions answers with the pipeline executions that q selects, cut by
// age and in ascending order of their start. No configuration means no
// execution.
func (r *request) answerExecutions(q executions.Query) error {
	if len(q.PipelineConfigIDs) == 0 || q.LimitPerConfig == 0 {
		r.checked = true
		return emptyList(r)
	}
	limit := q.LimitPerConfig
	q.Type = pipeline.TypePipeline
	q.LimitPerConfig = max(limit, historyFloor)
	found, err := r.server.executions.List(r.ctx(), q)
	if err != nil {
		return err
	}
	if q.Application == "" { // of a path it was checked
		if found, err = r.readableExecutions(found); err != nil {
			return err
		}
	}
	found = cutHistory(found, limit, pipeline.ToMillis(r.server.now().Add(-historyAge)))
	slices.SortStableFunc(found, byStart)
	return r.answer(http.StatusOK, found)
}

// cutHistory keeps, of each configuration, the executions that started after
// oldest or not yet; the newest two when there is none; and at most limit. It
// takes executions newest first.
func cutHistory(all []*pipeline.Execution, limit int, oldest pipeline.Millis) []*pipeline.Execution {
	recent := map[string]bool{}
	for _, e := range all {
		if e.StartTime == 0 || e.StartTime > oldest {
			recent[e.PipelineConfigID] = true
		}
	}
	kept := map[string]int{}
	out := make([]*pipeline.Execution, 0, len(all))
	for _, e := range all {
		id, bound := e.PipelineConfigID, limit
		if !recent[id] {
			bound = min(limit, historyFloor)
		} else if e.StartTime != 0 && e.StartTime <= oldest {
			continue
		}
		if kept[id] < bound {
			kept[id]++
			out = append(out, e)
		}
	}
	return out
}

// byStart orders executions by start, those that have not started last.
func byStart(a, b *pipeline.Execution) int {
	return cmp.Or(
		cmp.Compare(startOrNever(a), startOrNever(b)),
		strings.Compare(a.ID, b.ID),
	)
}

func startOrNever(e *pipeline.Execution) uint64 {
	// Never wraps round to the largest number.
	return uint64(e.StartTime) - 1
}
