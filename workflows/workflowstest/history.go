package workflowstest

import (
	"cmp"
	"context"
	"slices"

	"github.com/gennaker/gennaker/activities"
	"github.com/gennaker/gennaker/pipeline"
)

// Shelve makes executions that ended before the test known to the world's
// history.
func (w *World) Shelve(executions ...*pipeline.Execution) {
	w.mu.Lock()
	defer w.mu.Unlock()
	for _, e := range executions {
		w.archived = append(w.archived, activities.ArchiveExecutionInput{Execution: e})
	}
}

// LatestExecutions implements activities.History over what was archived.
func (w *World) LatestExecutions(ctx context.Context, in activities.LatestExecutionsInput) (activities.LatestExecutionsOutput, error) {
	return ask(ctx, w, activities.LatestExecutions, in, func() (activities.LatestExecutionsOutput, error) {
		out := activities.LatestExecutionsOutput{Executions: []activities.PriorExecution{}}
		for _, a := range w.archived {
			e := a.Execution
			if e.PipelineConfigID != in.ConfigID || len(in.Statuses) > 0 && !slices.Contains(in.Statuses, e.Status) {
				continue
			}
			artifacts, err := e.Artifacts(in.ButNotStage)
			if err != nil {
				return out, err
			}
			if len(in.Matching) > 0 {
				artifacts = pipeline.MatchingArtifacts(in.Matching, artifacts)
			}
			out.Executions = append(out.Executions, activities.PriorExecution{
				ID: e.ID, Application: e.Application, Name: e.Name, Status: e.Status,
				BuildTime: e.BuildTime, StartTime: e.StartTime, EndTime: e.EndTime, Artifacts: artifacts,
			})
		}
		slices.SortStableFunc(out.Executions, func(a, b activities.PriorExecution) int { return cmp.Compare(b.StartTime, a.StartTime) })
		out.Executions = out.Executions[:min(len(out.Executions), max(in.Limit, 1))]
		return out, nil
	})
}

// LoadExecution implements activities.History over what was archived.
func (w *World) LoadExecution(ctx context.Context, in activities.LoadExecutionInput) (activities.LoadExecutionOutput, error) {
	return ask(ctx, w, activities.LoadExecution, in, func() (activities.LoadExecutionOutput, error) {
		for i := len(w.archived) - 1; i >= 0; i-- {
			if e := w.archived[i].Execution; e.ID == in.ID {
				if in.Summary {
					e = e.Summary()
				}
				return activities.LoadExecutionOutput{Execution: e}, nil
			}
		}
		return activities.LoadExecutionOutput{}, pipeline.Errorf(pipeline.CodeNotFound, "There is no execution with the id '%s'.", in.ID)
	})
}
