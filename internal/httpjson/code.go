package httpjson

import (
	"net/http"

	"github.com/gennaker/gennaker/pipeline"
)

// Code returns the error code that the HTTP status of another service's answer
// stands for: the inverse of [Status]. A gateway that could not reach the
// service (502) is unavailable; further statuses from 400 to 499 are invalid,
// all else is internal.
func Code(status int) pipeline.Code {
	switch status {
	case http.StatusUnauthorized:
		return pipeline.CodeUnauthenticated
	case http.StatusForbidden:
		return pipeline.CodeForbidden
	case http.StatusNotFound:
		return pipeline.CodeNotFound
	case http.StatusMethodNotAllowed:
		return pipeline.CodeNotAllowed
	case http.StatusConflict:
		return pipeline.CodeConflict
	case http.StatusRequestEntityTooLarge:
		return pipeline.CodeTooLarge
	case http.StatusUnprocessableEntity:
		return pipeline.CodeUnprocessable
	case http.StatusTooManyRequests:
		return pipeline.CodeThrottled
	case http.StatusBadGateway, http.StatusServiceUnavailable:
		return pipeline.CodeUnavailable
	case http.StatusRequestTimeout, http.StatusGatewayTimeout:
		return pipeline.CodeTimeout
	}
	if status >= 400 && status < 500 {
		return pipeline.CodeInvalid
	}
	return pipeline.CodeInternal
}
