package workflows

import (
	"go.temporal.io/sdk/temporal"

	"github.com/gennaker/gennaker/pipeline"
)

// result turns the end of the execution into the end of the workflow.
func (r *run) result() (Result, error) {
	res := Result{Status: r.exec.Status}
	if r.exec.Trigger.Parent != nil {
		res.Outputs = r.exec.MergedOutputs()
		if text, err := pipeline.EncodeValue(res.Outputs); err == nil && len(text) > MaxOutputs {
			res.Outputs, res.OutputsSize = nil, len(text)
		}
	}
	switch r.exec.Status {
	case pipeline.Terminal:
		res.Failures = r.failures()
		message := "The execution failed."
		if len(res.Failures) > 0 {
			message = res.Failures[0]
		}
		return res, temporal.NewNonRetryableApplicationError(message, string(pipeline.Terminal), nil, res)
	case pipeline.Canceled:
		return res, temporal.NewCanceledError(res)
	}
	return res, nil
}

// Bounds of what an execution says of its failures to its parent.
const (
	maxFailures      = 50
	maxFailureLength = 2000
)

// failures lists the errors of failed stages as "stage: message". A stage that
// failed by its synthetic stages says nothing beside them.
func (r *run) failures() []string {
	var out []string
	if r.input.Failure != nil {
		out = append(out, shorten(r.exec.CancellationReason, maxFailureLength))
	}
	for _, s := range r.exec.Stages {
		if !s.Status.Failure() {
			continue
		}
		for _, m := range s.Errors() {
			if len(out) == maxFailures {
				return out
			}
			out = append(out, shorten(s.Name+": "+m, maxFailureLength))
		}
	}
	return out
}
