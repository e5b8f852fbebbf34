package workflows

import (
	"slices"

	"go.temporal.io/sdk/temporal"

	"github.com/gennaker/gennaker/pipeline"
)

// result turns the end of the execution into the end of the workflow.
func (r *run) result() (Result, error) {
	res := Result{Status: r.exec.Status}
	if r.exec.Trigger.Parent != nil {
		res.Outputs = r.mergedOutputs()
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

// mergedOutputs merges the outputs of all stages in order, later ones winning
// (reference: orca section 2.1). Two lists under one key are joined, equal
// elements once.
func (r *run) mergedOutputs() pipeline.Map {
	out := pipeline.Map{}
	for _, s := range r.exec.Stages {
		for _, k := range sortedKeys(s.Outputs) {
			v := s.Outputs[k]
			have, isList := out[k].([]any)
			add, alsoList := v.([]any)
			if isList && alsoList {
				v = union(have, add)
			}
			out[k] = v
		}
	}
	return out
}

// union returns the distinct elements of two lists in order.
func union(a, b []any) []any {
	out := make([]any, 0, len(a)+len(b))
	seen := make(map[string]bool, len(a)+len(b))
	for _, e := range slices.Concat(a, b) {
		text, err := pipeline.EncodeValue(e)
		if err == nil && seen[string(text)] {
			continue
		}
		seen[string(text)] = true
		out = append(out, e)
	}
	return out
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
		for _, m := range s.Context.Map("exception").Map("details").Strings("errors") {
			if len(out) == maxFailures {
				return out
			}
			out = append(out, shorten(s.Name+": "+m, maxFailureLength))
		}
	}
	return out
}
