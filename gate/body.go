package gate

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"mime"
	"net/http"
	"strings"

	"github.com/gennaker/gennaker/pipeline"
)

// object reads the body as a JSON object. Without a body it is nil when
// optional, and refused otherwise. What is not JSON is refused with the line
// and byte of the fault.
func (r *request) object(optional bool) (pipeline.Map, error) {
	data, err := r.body()
	if err != nil {
		return nil, err
	}
	if len(bytes.TrimSpace(data)) == 0 {
		if optional {
			return nil, nil
		}
		return nil, pipeline.Errorf(pipeline.CodeInvalid, "The request has no body: send a JSON object.")
	}
	if err := checkContentType(r.Request.Header.Get("Content-Type")); err != nil {
		return nil, err
	}
	return decodeObject(data)
}

func (r *request) body() ([]byte, error) {
	if r.Request.Body == nil {
		return nil, nil
	}
	data, err := io.ReadAll(http.MaxBytesReader(r.Writer, r.Request.Body, r.server.config.MaxBody))
	var tooLarge *http.MaxBytesError
	switch {
	case errors.As(err, &tooLarge):
		return nil, pipeline.Errorf(pipeline.CodeTooLarge, "The request body is over the limit of %d bytes: send less, or raise the gate's max-body.", tooLarge.Limit)
	case err != nil:
		return nil, pipeline.Errorf(pipeline.CodeInvalid, "The request body did not arrive whole: %s.", err)
	}
	return data, nil
}

// checkContentType refuses what is not JSON. A request without the header is
// taken for JSON.
func checkContentType(header string) error {
	if header == "" {
		return nil
	}
	media, _, err := mime.ParseMediaType(header)
	if err == nil && (media == "application/json" || strings.HasPrefix(media, "application/") && strings.HasSuffix(media, "+json")) {
		return nil
	}
	return &statusError{
		status: http.StatusUnsupportedMediaType,
		err:    pipeline.Errorf(pipeline.CodeInvalid, "The content type %q is not supported: send application/json.", header),
	}
}

func decodeObject(data []byte) (pipeline.Map, error) {
	v, err := pipeline.DecodeValue(data)
	if err != nil {
		return nil, pipeline.Errorf(pipeline.CodeInvalid, "The request body is not JSON: %s.", explain(data, err))
	}
	m := pipeline.AsMap(v)
	if m == nil {
		return nil, pipeline.Errorf(pipeline.CodeInvalid, "The request body is %s: send a JSON object.", kind(v))
	}
	return m, nil
}

// explain says where JSON is broken.
func explain(data []byte, err error) string {
	var syntax *json.SyntaxError
	if errors.As(err, &syntax) {
		offset := min(max(syntax.Offset, 0), int64(len(data)))
		line := bytes.Count(data[:offset], []byte("\n")) + 1
		return fmt.Sprintf("%s at line %d (byte %d)", syntax.Error(), line, offset)
	}
	if errors.Is(err, io.ErrUnexpectedEOF) {
		return fmt.Sprintf("it ends too early, at line %d (byte %d)", bytes.Count(data, []byte("\n"))+1, len(data))
	}
	return err.Error()
}

func kind(v any) string {
	switch v.(type) {
	case nil:
		return "null"
	case bool:
		return "a boolean"
	case string:
		return "a string"
	case []any:
		return "a list"
	case map[string]any, pipeline.Map:
		return "an object"
	}
	return "a number"
}
