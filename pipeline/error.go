package pipeline

import (
	"errors"
	"fmt"
	"time"
)

// Code classifies an [Error]. Each code has one HTTP status (mapped in gate)
// and one answer to "try again?" ([Code.Retryable]).
type Code string

// The codes.
const (
	// CodeInvalid: the request is wrong as written. HTTP 400.
	CodeInvalid Code = "invalid"
	// CodeUnauthenticated: the caller is not known. HTTP 401.
	CodeUnauthenticated Code = "unauthenticated"
	// CodeForbidden: the caller may not do this. HTTP 403.
	CodeForbidden Code = "forbidden"
	// CodeNotFound: the thing named does not exist. HTTP 404.
	CodeNotFound Code = "not_found"
	// CodeNotAllowed: the thing exists and does not offer this. HTTP 405.
	CodeNotAllowed Code = "not_allowed"
	// CodeConflict: the thing's present state does not permit this. HTTP 409.
	CodeConflict Code = "conflict"
	// CodeTooLarge: a body, list or document is over its limit. HTTP 413.
	CodeTooLarge Code = "too_large"
	// CodeUnprocessable: well-formed, but missing what is required. HTTP 422.
	CodeUnprocessable Code = "unprocessable"
	// CodeThrottled: too many requests. HTTP 429. Retryable.
	CodeThrottled Code = "throttled"
	// CodeInternal: a fault of ours; the message is hidden from clients. HTTP 500.
	CodeInternal Code = "internal"
	// CodeUnavailable: something we depend on does not answer. HTTP 503. Retryable.
	CodeUnavailable Code = "unavailable"
	// CodeTimeout: the time allowed ran out. HTTP 504.
	CodeTimeout Code = "timeout"
	// CodeFailed: the outside world answered that the work itself failed: a
	// Deployment over its deadline, a Job whose pods failed. HTTP 500.
	CodeFailed Code = "failed"
)

// Retryable reports whether the same request may succeed later: the world is
// broken, not the request.
func (c Code) Retryable() bool {
	return c == CodeThrottled || c == CodeUnavailable
}

// Error is the one error type that crosses package borders.
type Error struct {
	// Code classifies the error.
	Code Code
	// Message is for people: it names the thing, the value and the remedy.
	Message string
	// Details holds further messages, one a line in a user interface.
	Details []string
	// RetryAfter is how long the other side asks to wait before the next try; 0
	// when it does not say. Codes that are not retryable have none.
	RetryAfter time.Duration
	// Cause is the wrapped error, or nil. It is logged, never shown.
	Cause error
}

// Error returns the message, followed by the cause when there is one.
func (e *Error) Error() string {
	if e.Cause != nil {
		return e.Message + ": " + e.Cause.Error()
	}
	return e.Message
}

// Unwrap returns the cause.
func (e *Error) Unwrap() error { return e.Cause }

// Errorf returns an [Error] with a formatted message and no cause; an error
// among args adds its text only. [Wrap] keeps a cause.
func Errorf(code Code, format string, args ...any) *Error {
	return &Error{Code: code, Message: fmt.Sprintf(format, args...)}
}

// Wrap returns an [Error] whose message is shown to people while cause is kept
// for the log.
func Wrap(code Code, cause error, format string, args ...any) *Error {
	return &Error{Code: code, Message: fmt.Sprintf(format, args...), Cause: cause}
}

// CodeOf returns the code of the first [Error] in err's chain, or
// [CodeInternal].
func CodeOf(err error) Code {
	var e *Error
	if errors.As(err, &e) {
		return e.Code
	}
	return CodeInternal
}

// MessageOf returns the message of the first [Error] in err's chain, or err's
// own text.
func MessageOf(err error) string {
	var e *Error
	if errors.As(err, &e) {
		return e.Message
	}
	return err.Error()
}

// RetryAfterOf returns the wait that the first [Error] in err's chain asks for.
func RetryAfterOf(err error) time.Duration {
	var e *Error
	if errors.As(err, &e) {
		return e.RetryAfter
	}
	return 0
}

// DetailsOf returns the details of the first [Error] in err's chain.
func DetailsOf(err error) []string {
	var e *Error
	if errors.As(err, &e) {
		return e.Details
	}
	return nil
}
