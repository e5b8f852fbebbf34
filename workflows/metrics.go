package workflows

import (
	"go.temporal.io/sdk/workflow"

	"github.com/gennaker/gennaker/pipeline"
)

// What workflows count goes through Temporal's own handler, which passes over
// what is replayed. A workflow task that was lost with its worker may have been
// counted before; nothing of it is in the history. The names are described in
// internal/telemetry.
const (
	metricStarted   = "gennaker_executions_started"
	metricEnded     = "gennaker_executions_ended"
	metricExecution = "gennaker_execution_duration"
	metricStage     = "gennaker_stage_duration"
)

// otherType stands for the types of stages that the engine does not know, which
// are as many as people invent.
const otherType = "other"

// countStarted counts an execution that begins to run.
func (r *run) countStarted(ctx workflow.Context) {
	workflow.GetMetricsHandler(ctx).WithTags(map[string]string{"type": string(r.exec.Type)}).Counter(metricStarted).Inc(1)
}

// countEnded counts the execution's end.
func (r *run) countEnded(ctx workflow.Context) {
	h := workflow.GetMetricsHandler(ctx).WithTags(map[string]string{"type": string(r.exec.Type), "status": string(r.exec.Status)})
	h.Counter(metricEnded).Inc(1)
	if r.exec.StartTime != 0 {
		h.Timer(metricExecution).Record(r.exec.EndTime.Time().Sub(r.exec.StartTime.Time()))
	}
}

// countStage counts a stage's end, if it ran.
func (r *run) countStage(ctx workflow.Context, s *pipeline.Stage) {
	if s.StartTime == 0 {
		return
	}
	kind := otherType
	if t, err := r.engine.typeOf(s); err == nil {
		kind = t.Type()
	}
	workflow.GetMetricsHandler(ctx).WithTags(map[string]string{"stage_type": kind, "status": string(s.Status)}).
		Timer(metricStage).Record(s.EndTime.Time().Sub(s.StartTime.Time()))
}
