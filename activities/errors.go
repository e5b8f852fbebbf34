package activities

import (
	"context"
	"errors"
	"strconv"

	"go.temporal.io/api/enums/v1"
	"go.temporal.io/sdk/temporal"

	"github.com/gennaker/gennaker/pipeline"
)

// ErrNotTaken is the cause of the error of a call that no worker took from its
// task queue in time.
var ErrNotTaken = errors.New("schedule-to-start timeout")

// failure is what an activity's error carries through Temporal.
type failure struct {
	Details []string `json:"details,omitempty"`
}

// ToTemporal turns an activity's error into a Temporal application error whose
// type is the pipeline error code. It is final for the attempt: whether and
// when to try again is the workflow's decision, recorded where people can see
// it. A cancelled context stays as it is, so that a worker that shuts down
// gives its work back.
func ToTemporal(err error) error {
	if err == nil {
		return nil
	}
	if errors.Is(err, context.Canceled) || temporal.IsCanceledError(err) {
		return err
	}
	var app *temporal.ApplicationError
	if errors.As(err, &app) {
		return err
	}
	code := pipeline.CodeOf(err)
	return temporal.NewApplicationErrorWithOptions(pipeline.MessageOf(err), string(code), temporal.ApplicationErrorOptions{
		NonRetryable:   true,
		Details:        []any{failure{Details: pipeline.DetailsOf(err)}},
		NextRetryDelay: pipeline.RetryAfterOf(err), // for the workflow; Temporal does not retry
	})
}

// FromTemporal turns what a Temporal future returned into a *pipeline.Error.
// Cancellation comes back unchanged; nil stays nil.
func FromTemporal(err error) error {
	if err == nil || temporal.IsCanceledError(err) {
		return err
	}
	// First the timeout: one that ended retries wraps the last attempt's error.
	var timeout *temporal.TimeoutError
	if errors.As(err, &timeout) {
		return fromTimeout(timeout)
	}
	var app *temporal.ApplicationError
	if errors.As(err, &app) {
		var f failure
		_ = app.Details(&f) // details are absent on errors that are not ours
		code := pipeline.Code(app.Type())
		if !known(code) {
			code = pipeline.CodeInternal
		}
		return &pipeline.Error{Code: code, Message: app.Message(), Details: f.Details, RetryAfter: app.NextRetryDelay()}
	}
	var p *pipeline.Error
	if errors.As(err, &p) {
		return p
	}
	return pipeline.Wrap(pipeline.CodeInternal, err, "The call failed: %s", err)
}

// fromTimeout tells the end of all time allowed from the end of one attempt,
// after which the next may succeed.
func fromTimeout(err *temporal.TimeoutError) *pipeline.Error {
	switch err.TimeoutType() {
	case enums.TIMEOUT_TYPE_SCHEDULE_TO_START:
		return &pipeline.Error{
			Code:    pipeline.CodeUnavailable,
			Message: "No worker took the call from its task queue: start a worker that serves it.",
			Cause:   ErrNotTaken,
		}
	case enums.TIMEOUT_TYPE_START_TO_CLOSE:
		return &pipeline.Error{Code: pipeline.CodeUnavailable, Message: "The call got no answer in the time that one attempt may take."}
	case enums.TIMEOUT_TYPE_HEARTBEAT:
		return &pipeline.Error{Code: pipeline.CodeUnavailable, Message: "The worker that had taken the call was lost."}
	}
	return &pipeline.Error{Code: pipeline.CodeTimeout, Message: "The call did not end in the time allowed."}
}

func known(c pipeline.Code) bool {
	switch c {
	case pipeline.CodeInvalid, pipeline.CodeUnauthenticated, pipeline.CodeForbidden, pipeline.CodeNotFound,
		pipeline.CodeNotAllowed, pipeline.CodeConflict, pipeline.CodeTooLarge, pipeline.CodeUnprocessable,
		pipeline.CodeThrottled, pipeline.CodeInternal, pipeline.CodeUnavailable, pipeline.CodeTimeout, pipeline.CodeFailed:
		return true
	}
	return false
}

func itoa(n int) string { return strconv.Itoa(n) }
