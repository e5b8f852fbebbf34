package httpjson

import (
	"errors"
	"io"
	"net/http"

	"github.com/gennaker/gennaker/pipeline"
)

// DefaultBodyLimit is the largest request body that is read, in bytes, where a
// configuration does not say otherwise.
const DefaultBodyLimit = 10 << 20

// ReadBody reads a request's body of at most limit bytes.
//
// Errors: too_large, naming the limit; invalid when the body cannot be read.
func ReadBody(w http.ResponseWriter, r *http.Request, limit int64) ([]byte, error) {
	body, err := io.ReadAll(http.MaxBytesReader(w, r.Body, limit))
	if err == nil {
		return body, nil
	}
	var large *http.MaxBytesError
	if errors.As(err, &large) {
		return nil, pipeline.Errorf(pipeline.CodeTooLarge, "The request body is over the limit of %d bytes: send less, or raise the limit.", limit)
	}
	return nil, pipeline.Wrap(pipeline.CodeInvalid, err, "The request body could not be read to its end: send it again.")
}

// ReadValue reads a request's body as one JSON document in the value types of
// pipeline.Map; an empty body is nil.
//
// Errors: those of [ReadBody]; invalid when it is not JSON.
func ReadValue(w http.ResponseWriter, r *http.Request, limit int64) (any, error) {
	body, err := ReadBody(w, r, limit)
	if err != nil || len(body) == 0 {
		return nil, err
	}
	v, err := pipeline.DecodeValue(body)
	if err != nil {
		return nil, pipeline.Errorf(pipeline.CodeInvalid, "The request body is not valid JSON (%s): send one JSON document.", err)
	}
	return v, nil
}

// ReadMap reads a request's body as one JSON object.
//
// Errors: those of [ReadValue]; invalid when the document is not an object.
func ReadMap(w http.ResponseWriter, r *http.Request, limit int64) (pipeline.Map, error) {
	v, err := ReadValue(w, r, limit)
	if err != nil {
		return nil, err
	}
	m := pipeline.AsMap(v)
	if m == nil {
		return nil, pipeline.Errorf(pipeline.CodeInvalid, "The request body is not a JSON object: send one, for example {\"name\": \"...\"}.")
	}
	return m, nil
}
