package httpjson_test

import (
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/gennaker/gennaker/internal/httpjson"
	"github.com/gennaker/gennaker/pipeline"
)

func TestCodeIsTheInverseOfStatus(t *testing.T) {
	t.Parallel()
	for _, code := range []pipeline.Code{
		pipeline.CodeInvalid, pipeline.CodeUnauthenticated, pipeline.CodeForbidden, pipeline.CodeNotFound,
		pipeline.CodeNotAllowed, pipeline.CodeConflict, pipeline.CodeTooLarge, pipeline.CodeUnprocessable,
		pipeline.CodeThrottled, pipeline.CodeInternal, pipeline.CodeUnavailable, pipeline.CodeTimeout,
	} {
		require.Equal(t, code, httpjson.Code(httpjson.Status(code)))
	}
	require.Equal(t, pipeline.CodeUnavailable, httpjson.Code(502))
	require.Equal(t, pipeline.CodeTimeout, httpjson.Code(408))
	require.Equal(t, pipeline.CodeInvalid, httpjson.Code(418))
	require.Equal(t, pipeline.CodeInternal, httpjson.Code(599))
}
