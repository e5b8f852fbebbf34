package webhook

import (
	"bytes"
	"mime"
	"net/http"
	"net/url"
	"slices"
	"strings"

	"github.com/gennaker/gennaker/pipeline"
)

const (
	contentType = "Content-Type"
	formType    = "application/x-www-form-urlencoded"
)

// encode makes the body of a request and sets its content type when the stage
// has none: a form for a map whose content type says so, text as it is, and JSON
// for all else. Methods without a body get none.
func encode(method string, payload any, header http.Header) ([]byte, error) {
	if payload == nil || method == http.MethodGet || method == http.MethodHead || method == http.MethodTrace {
		return nil, nil
	}
	kind, _, _ := mime.ParseMediaType(header.Get(contentType))
	if text, ok := payload.(string); ok {
		if kind == "" {
			header.Set(contentType, "text/plain;charset=UTF-8")
		}
		return []byte(text), nil
	}
	if fields := pipeline.AsMap(payload); fields != nil && kind == formType {
		return form(fields)
	}
	if kind == "" {
		header.Set(contentType, "application/json")
	}
	if header.Get("Accept") == "" {
		header.Set("Accept", "application/json, */*")
	}
	body, err := pipeline.EncodeValue(payload)
	if err != nil {
		return nil, pipeline.Wrap(pipeline.CodeInvalid, err, "The payload cannot be written as JSON.")
	}
	return body, nil
}

// form writes a map as a form: text as it is, everything else as JSON.
func form(fields pipeline.Map) ([]byte, error) {
	values := url.Values{}
	for name, v := range fields {
		text, ok := v.(string)
		if !ok && v != nil {
			encoded, err := pipeline.EncodeValue(v)
			if err != nil {
				return nil, pipeline.Wrap(pipeline.CodeInvalid, err, "The field %s of the payload cannot be written.", name)
			}
			text = string(encoded)
		}
		values.Set(name, text)
	}
	return []byte(values.Encode()), nil
}

// decode reads the body of an answer: JSON when the content type says so, and in
// answers that tell of a failure also when it looks like it, as Orca does;
// everything else, and JSON that is none, is text. An empty body is nil.
func decode(status int, kind string, body []byte) any {
	if len(body) == 0 {
		return nil
	}
	trimmed := bytes.TrimSpace(body)
	looks := len(trimmed) > 0 && (trimmed[0] == '{' || trimmed[0] == '[')
	if status >= http.StatusBadRequest && looks || status < http.StatusBadRequest && isJSON(kind) {
		if v, err := pipeline.DecodeValue(trimmed); err == nil {
			return v
		}
	}
	return strings.ToValidUTF8(string(body), "\ufffd")
}

func isJSON(contentType string) bool {
	kind, _, err := mime.ParseMediaType(contentType)
	if err != nil {
		return false
	}
	_, sub, _ := strings.Cut(kind, "/")
	return slices.Contains([]string{"json"}, sub) || strings.HasSuffix(sub, "+json")
}
