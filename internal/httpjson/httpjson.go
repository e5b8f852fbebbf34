// Package httpjson answers HTTP requests the way Spinnaker's services do: JSON
// with sorted keys, and errors in one shape.
package httpjson

import (
	"net/http"
	"strconv"

	"github.com/gennaker/gennaker/pipeline"
)

// HiddenMessage stands in for the message of an internal error, which is for
// the log and not for clients.
const HiddenMessage = "The server failed to answer this request; its log says why."

// Status returns the HTTP status of an error code; codes that say nothing about
// the request are 500.
func Status(code pipeline.Code) int {
	switch code {
	case pipeline.CodeInvalid:
		return http.StatusBadRequest
	case pipeline.CodeUnauthenticated:
		return http.StatusUnauthorized
	case pipeline.CodeForbidden:
		return http.StatusForbidden
	case pipeline.CodeNotFound:
		return http.StatusNotFound
	case pipeline.CodeNotAllowed:
		return http.StatusMethodNotAllowed
	case pipeline.CodeConflict:
		return http.StatusConflict
	case pipeline.CodeTooLarge:
		return http.StatusRequestEntityTooLarge
	case pipeline.CodeUnprocessable:
		return http.StatusUnprocessableEntity
	case pipeline.CodeThrottled:
		return http.StatusTooManyRequests
	case pipeline.CodeUnavailable:
		return http.StatusServiceUnavailable
	case pipeline.CodeTimeout:
		return http.StatusGatewayTimeout
	}
	return http.StatusInternalServerError
}

// Error is the body of every answer that is not a success (reference: gate
// section 1). Message is never empty.
type Error struct {
	// Timestamp is milliseconds since 1970.
	Timestamp int64  `json:"timestamp"`
	Status    int    `json:"status"`
	Error     string `json:"error"`
	// Exception is a stable word for the kind of error.
	Exception string `json:"exception"`
	Message   string `json:"message"`
	// Errors are the single faults when there is more than one.
	Errors []string `json:"errors,omitempty"`
}

// ErrorOf returns the body for err as of the moment now, in milliseconds. What
// is not a *pipeline.Error, and what is internal, keeps its message to itself.
func ErrorOf(err error, now int64) Error {
	code := pipeline.CodeOf(err)
	status := Status(code)
	body := Error{
		Timestamp: now,
		Status:    status,
		Error:     http.StatusText(status),
		Exception: string(code),
		Message:   HiddenMessage,
	}
	if code != pipeline.CodeInternal {
		body.Message = pipeline.MessageOf(err)
		body.Errors = pipeline.DetailsOf(err)
	}
	if body.Message == "" {
		body.Message = body.Error
	}
	return body
}

// Write answers with status and v as JSON with sorted keys. It reports a value
// that cannot be encoded, before anything was written, or a client that went
// away.
func Write(w http.ResponseWriter, status int, v any) error {
	body, err := Encode(v)
	if err != nil {
		return err
	}
	w.Header().Set("Content-Type", "application/json")
	w.Header().Set("Content-Length", strconv.Itoa(len(body)))
	w.WriteHeader(status)
	_, err = w.Write(body)
	return err
}
