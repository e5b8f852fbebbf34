// Package history is the room behind activities.History: it reads executions for
// stages, and keeps what it answers small enough to travel.
package history

import (
	"context"

	"github.com/gennaker/gennaker/activities"
	"github.com/gennaker/gennaker/executions"
	"github.com/gennaker/gennaker/pipeline"
)

// History implements activities.History.
type History struct {
	reader executions.Reader
}

var _ activities.History = (*History)(nil)

// New returns the room over a reader.
func New(reader executions.Reader) *History { return &History{reader: reader} }

// LatestExecutions implements activities.History.
func (h *History) LatestExecutions(ctx context.Context, in activities.LatestExecutionsInput) (activities.LatestExecutionsOutput, error) {
	out := activities.LatestExecutionsOutput{Executions: []activities.PriorExecution{}}
	if in.ConfigID == "" {
		return out, pipeline.Errorf(pipeline.CodeInvalid, "The executions of no pipeline were asked for: name its configuration's ID.")
	}
	limit := in.Limit
	if limit <= 0 {
		limit = 1
	}
	found, err := executions.Latest(ctx, h.reader, in.ConfigID, in.Statuses, min(limit, activities.MaxLatest))
	if err != nil {
		return out, err
	}
	for _, e := range found {
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
	if size, err := sizeOf(out); err != nil || size > activities.MaxHistory {
		return out, tooLarge(err, size, "The artifacts of the latest executions of pipeline "+in.ConfigID, "keep large contents out of artifacts, or expect fewer")
	}
	return out, nil
}

// LoadExecution implements activities.History.
func (h *History) LoadExecution(ctx context.Context, in activities.LoadExecutionInput) (activities.LoadExecutionOutput, error) {
	record, err := h.reader.Get(ctx, in.ID)
	if err != nil && pipeline.CodeOf(err) == pipeline.CodeNotFound {
		return activities.LoadExecutionOutput{}, pipeline.Errorf(pipeline.CodeNotFound, "There is no execution with the id '%s'.", in.ID)
	}
	if err != nil {
		return activities.LoadExecutionOutput{}, err
	}
	e := record.Execution
	if in.Summary {
		e = e.Summary()
	}
	if size, err := sizeOf(e); err != nil || size > activities.MaxHistory {
		return activities.LoadExecutionOutput{}, tooLarge(err, size, "The execution "+in.ID, "let its stages leave less")
	}
	return activities.LoadExecutionOutput{Execution: e}, nil
}

func sizeOf(v any) (int, error) {
	text, err := pipeline.EncodeValue(v)
	return len(text), err
}

func tooLarge(err error, size int, what, remedy string) error {
	if err != nil {
		return pipeline.Wrap(pipeline.CodeInternal, err, "%s cannot be written.", what)
	}
	return pipeline.Errorf(pipeline.CodeTooLarge, "%s: %d bytes, and a stage reads at most %d. Remedy: %s.", what, size, activities.MaxHistory, remedy)
}
