package gate

import (
	"errors"
	"time"

	"github.com/gennaker/gennaker/executions"
	"github.com/gennaker/gennaker/internal/ids"
	"github.com/gennaker/gennaker/pipeline"
)

// A correlation ID names one execution of its type that has not ended: asking
// again for it starts nothing, and once it has ended the ID is free for the next
// (reference: orca section 3.1).
//
// That must hold for two requests that come at the same moment to two Gates, so
// it rests on the one thing that Temporal decides at once: a workflow ID is
// started once. The execution's ID is therefore made from the correlation ID and
// the ID of the last execution that had it. Who knows an older one than the last
// finds the ID taken, by an execution that has ended, and goes on from that.

// maxGenerations bounds how many executions with one correlation ID are walked
// through when Temporal has forgotten the latest of them.
const maxGenerations = 1000

// chooseID returns the ID of an execution that is to start, or that of the one
// that runs for the same request already.
func (r *request) chooseID(s starting) (id string, running bool, err error) {
	latest := ""
	if correlation := s.trigger.CorrelationID; correlation != "" {
		if id, latest, err = r.findCorrelated(s.kind, correlation); err != nil || id != "" {
			return id, true, err
		}
	}
	switch {
	case s.id != "":
		return r.takeGiven(s)
	case s.trigger.CorrelationID != "":
		return r.nextID(s, latest)
	}
	return ids.NewExecutionID(r.server.now()), false, nil
}

// findCorrelated returns the ID of the execution that runs for a correlation ID,
// or else of the last one that has ended, as far as Temporal's lists tell: they
// are a moment late, and hold what Temporal still remembers.
func (r *request) findCorrelated(kind pipeline.ExecutionType, correlation string) (running, latest string, err error) {
	found, err := r.server.engine.Correlated(r.ctx(), correlation)
	if err != nil {
		return "", "", err
	}
	for _, id := range found {
		record, err := r.server.executions.Get(r.ctx(), id)
		switch {
		case err != nil && pipeline.CodeOf(err) != pipeline.CodeNotFound:
			return "", "", err
		case err != nil || record.Execution.Type != kind || record.Execution.Trigger.CorrelationID != correlation:
		case record.Execution.Status.Complete():
			return "", id, nil
		default:
			return id, "", nil
		}
	}
	return "", "", nil
}

// takeGiven returns the ID that the client asked for, unless it was used.
func (r *request) takeGiven(s starting) (id string, running bool, err error) {
	record, used, err := r.look(s.id)
	if err != nil || !used {
		return s.id, false, err
	}
	same := record.Execution != nil && s.trigger.CorrelationID != "" && record.Execution.Trigger.CorrelationID == s.trigger.CorrelationID
	if same && !record.Execution.Status.Complete() {
		return s.id, true, nil
	}
	return "", false, pipeline.Errorf(pipeline.CodeConflict, "The execution %s exists already: leave executionId out, or use a new one.", s.id)
}

// nextID returns the ID of the next execution for a correlation ID, or of the
// one that runs.
func (r *request) nextID(s starting, latest string) (id string, running bool, err error) {
	for range maxGenerations {
		// Without a time the ID is the same for everybody.
		id = ids.Derive(time.Time{}, "correlation", string(s.kind), s.trigger.CorrelationID, latest)
		record, used, err := r.look(id)
		switch {
		case err != nil || !used:
			return id, false, err
		case record.Execution != nil && !record.Execution.Status.Complete():
			return id, true, nil
		}
		latest = id
	}
	return "", false, pipeline.Errorf(pipeline.CodeConflict,
		"The correlation ID %q was used for more than %d executions: use another one for each thing to do.", s.trigger.CorrelationID, maxGenerations)
}

// look returns the record of an execution and whether its ID was ever used; a
// deleted one has no execution.
func (r *request) look(id string) (record executions.Record, used bool, err error) {
	record, err = r.server.executions.Get(r.ctx(), id)
	switch {
	case err == nil:
		return record, true, nil
	case errors.Is(err, executions.ErrDeleted):
		return executions.Record{}, true, nil
	case pipeline.CodeOf(err) == pipeline.CodeNotFound:
		return executions.Record{}, false, nil
	}
	return executions.Record{}, false, err
}
