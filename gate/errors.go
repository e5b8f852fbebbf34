package gate

import (
	"context"
	"errors"
	"fmt"
	"math"
	"net/http"
	"runtime/debug"
	"strconv"

	"github.com/gennaker/gennaker/internal/httpjson"
	"github.com/gennaker/gennaker/pipeline"
)

// statusError is an error whose HTTP status is not its code's.
type statusError struct {
	status int
	err    error
}

func (e *statusError) Error() string { return e.err.Error() }
func (e *statusError) Unwrap() error { return e.err }

// refusedSave turns the errors of a write that the request itself caused into
// 400, which is what Spinnaker answers for any save or delete that its task
// refused (reference: gate section 1).
func refusedSave(err error) error {
	switch pipeline.CodeOf(err) {
	case pipeline.CodeUnprocessable, pipeline.CodeNotFound, pipeline.CodeConflict:
		return &statusError{status: http.StatusBadRequest, err: err}
	}
	return err
}

// fail answers with err and reports the status.
func (r *request) fail(err error) {
	if r.Writer.Written() {
		return // part of an answer is out; nothing can be added to it
	}
	if errors.Is(err, context.DeadlineExceeded) {
		err = pipeline.Wrap(pipeline.CodeTimeout, err, "The request took longer than %s and was given up: try again.", r.server.config.RequestTimeout)
	}
	body := httpjson.ErrorOf(err, r.server.now().UnixMilli())
	var own *statusError
	if errors.As(err, &own) {
		body.Status, body.Error = own.status, http.StatusText(own.status)
	}
	if body.Status >= http.StatusInternalServerError {
		r.server.log.ErrorContext(r.ctx(), "a request failed", "error", err, "method", r.Request.Method, "route", r.FullPath(), "request", r.id)
	}
	if body.Message == httpjson.HiddenMessage {
		body.Message += " Its request ID is " + r.id + "."
	}
	h := r.Writer.Header()
	switch body.Status {
	case http.StatusServiceUnavailable, http.StatusTooManyRequests:
		if h.Get("Retry-After") == "" {
			h.Set("Retry-After", strconv.Itoa(max(1, int(math.Ceil(pipeline.RetryAfterOf(err).Seconds())))))
		}
	}
	h.Set("Cache-Control", "no-store")
	answer := any(body)
	if faults := templateFaults(err, body); faults != nil {
		answer = faults
	}
	if err := r.answer(body.Status, answer); err != nil {
		r.server.log.ErrorContext(r.ctx(), "an error could not be rendered", "error", err, "request", r.id)
	}
}

// panicError makes an error with the stack of a recovered panic.
func panicError(v any) error {
	return fmt.Errorf("panic: %v\n%s", v, debug.Stack())
}
