package engine

import (
	"errors"
	"testing"

	"github.com/stretchr/testify/require"
	"go.temporal.io/api/serviceerror"

	"github.com/gennaker/gennaker/pipeline"
)

func TestRefusalsAreTheCallersFault(t *testing.T) {
	t.Parallel()
	for _, tt := range []struct {
		err  error
		code pipeline.Code
		want string
	}{
		{serviceerror.NewInvalidArgument("Blob data size exceeds limit."), pipeline.CodeTooLarge, "The execution is too large for Temporal: Blob data size exceeds limit."},
		{serviceerror.NewInvalidArgument("Namespace is not set"), pipeline.CodeInvalid, "The execution was refused by Temporal: Namespace is not set."},
		{&serviceerror.ResourceExhausted{Message: "grpc: received message larger than max (5243963 vs. 4194304)"}, pipeline.CodeTooLarge,
			"The execution is too large for Temporal: grpc: received message larger than max (5243963 vs. 4194304)."},
	} {
		err := startRefused(tt.err)
		require.Equal(t, tt.code, pipeline.CodeOf(err))
		var told *pipeline.Error
		require.ErrorAs(t, err, &told)
		require.Equal(t, tt.want, told.Message)
	}
	require.NoError(t, startRefused(nil))
	require.NoError(t, startRefused(errors.New("connection refused")))
	require.NoError(t, startRefused(&serviceerror.ResourceExhausted{Message: "namespace rate limit exceeded"}), "worth another try")
}
