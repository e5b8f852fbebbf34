package httpjson_test

import (
	"errors"
	"fmt"
	"net/http"
	"net/http/httptest"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/gennaker/gennaker/internal/httpjson"
	"github.com/gennaker/gennaker/pipeline"
)

func TestWriteError(t *testing.T) {
	t.Parallel()
	for _, tt := range []struct {
		name    string
		err     error
		status  int
		message string
	}{
		{"not found", pipeline.Errorf(pipeline.CodeNotFound, "Pipeline not found (id: 1)"), 404, "Pipeline not found (id: 1)"},
		{"wrapped", fmt.Errorf("reading: %w", pipeline.Errorf(pipeline.CodeConflict, "It has ended.")), 409, "It has ended."},
		{"unavailable", pipeline.Errorf(pipeline.CodeUnavailable, "Front50 does not answer."), 503, "Front50 does not answer."},
		{"cause stays hidden", pipeline.Wrap(pipeline.CodeUnavailable, errors.New("dial tcp 10.0.0.1"), "Front50 does not answer."), 503, "Front50 does not answer."},
		{"internal stays hidden", pipeline.Errorf(pipeline.CodeInternal, "password=x"), 500, httpjson.HiddenMessage},
		{"foreign stays hidden", errors.New("dial tcp 10.0.0.1:6379"), 500, httpjson.HiddenMessage},
		{"empty message", &pipeline.Error{Code: pipeline.CodeForbidden}, 403, "Forbidden"},
	} {
		t.Run(tt.name, func(t *testing.T) {
			t.Parallel()
			w := httptest.NewRecorder()
			httpjson.WriteError(w, tt.err)
			require.Equal(t, tt.status, w.Code)
			require.Equal(t, "application/json", w.Header().Get("Content-Type"))
			var body pipeline.Map
			require.NoError(t, body.UnmarshalJSON(w.Body.Bytes()))
			require.Equal(t, tt.message, body.String("message"))
			require.Equal(t, http.StatusText(tt.status), body.String("error"))
			require.Equal(t, int64(tt.status), body["status"])
			require.NotContains(t, body, "path")
			require.Equal(t, tt.status == 503, w.Header().Get("Retry-After") != "")
		})
	}
}

func TestErrorsListsEveryFault(t *testing.T) {
	t.Parallel()
	body := httpjson.ErrorOf(&pipeline.Error{Code: pipeline.CodeInvalid, Message: "a b", Details: []string{"a", "b"}}, 7)
	require.Equal(t, httpjson.Error{Timestamp: 7, Status: 400, Error: "Bad Request", Exception: "invalid", Message: "a b", Errors: []string{"a", "b"}}, body)
}

func TestEveryCodeHasItsOwnStatus(t *testing.T) {
	t.Parallel()
	for code, status := range map[pipeline.Code]int{
		pipeline.CodeInvalid: 400, pipeline.CodeUnauthenticated: 401, pipeline.CodeForbidden: 403, pipeline.CodeNotFound: 404,
		pipeline.CodeNotAllowed: 405, pipeline.CodeConflict: 409, pipeline.CodeTooLarge: 413, pipeline.CodeUnprocessable: 422,
		pipeline.CodeThrottled: 429, pipeline.CodeInternal: 500, pipeline.CodeFailed: 500, pipeline.CodeUnavailable: 503, pipeline.CodeTimeout: 504,
	} {
		require.Equal(t, status, httpjson.Status(code), code)
	}
}

func TestWriteSortsKeys(t *testing.T) {
	t.Parallel()
	w := httptest.NewRecorder()
	require.NoError(t, httpjson.Write(w, http.StatusAccepted, struct {
		B string `json:"b"`
		A any    `json:"a"`
	}{B: "<x>"}))
	require.Equal(t, http.StatusAccepted, w.Code)
	require.Equal(t, `{"a":null,"b":"<x>"}`, w.Body.String())
	require.Equal(t, "20", w.Header().Get("Content-Length"))
	require.Error(t, httpjson.Write(httptest.NewRecorder(), 200, func() {}))
}
