package activities_test

import (
	"context"
	"errors"
	"fmt"
	"io"
	"testing"
	"time"

	"github.com/stretchr/testify/require"
	"go.temporal.io/api/enums/v1"
	"go.temporal.io/sdk/temporal"

	"github.com/gennaker/gennaker/activities"
	"github.com/gennaker/gennaker/pipeline"
)

func TestErrorsRoundTrip(t *testing.T) {
	t.Parallel()
	for _, code := range []pipeline.Code{
		pipeline.CodeInvalid, pipeline.CodeUnauthenticated, pipeline.CodeForbidden, pipeline.CodeNotFound, pipeline.CodeNotAllowed,
		pipeline.CodeConflict, pipeline.CodeTooLarge, pipeline.CodeUnprocessable, pipeline.CodeThrottled, pipeline.CodeInternal,
		pipeline.CodeUnavailable, pipeline.CodeTimeout, pipeline.CodeFailed,
	} {
		in := &pipeline.Error{Code: code, Message: "It is so.", Details: []string{"first", "second"}, RetryAfter: time.Minute, Cause: io.EOF}
		wire := activities.ToTemporal(fmt.Errorf("deploying: %w", in))
		var app *temporal.ApplicationError
		require.ErrorAs(t, wire, &app)
		require.Equal(t, string(code), app.Type())
		require.True(t, app.NonRetryable(), "the workflow decides about attempts")
		require.Equal(t, &pipeline.Error{Code: code, Message: "It is so.", Details: []string{"first", "second"}, RetryAfter: time.Minute}, activities.FromTemporal(wire))
	}
}

func TestToTemporal(t *testing.T) {
	t.Parallel()
	require.NoError(t, activities.ToTemporal(nil))
	for _, err := range []error{context.Canceled, fmt.Errorf("watching: %w", context.Canceled), temporal.NewCanceledError()} {
		require.Equal(t, err, activities.ToTemporal(err), "cancellation stays what it is")
	}
	app := temporal.NewApplicationError("m", "own")
	require.Equal(t, app, activities.ToTemporal(app))
	plain := activities.FromTemporal(activities.ToTemporal(errors.New("boom")))
	require.Equal(t, &pipeline.Error{Code: pipeline.CodeInternal, Message: "boom"}, plain)
}

func TestFromTemporal(t *testing.T) {
	t.Parallel()
	require.NoError(t, activities.FromTemporal(nil))
	canceled := temporal.NewCanceledError("why")
	require.Equal(t, canceled, activities.FromTemporal(canceled))

	for kind, want := range map[enums.TimeoutType]pipeline.Code{
		enums.TIMEOUT_TYPE_SCHEDULE_TO_CLOSE: pipeline.CodeTimeout,
		enums.TIMEOUT_TYPE_SCHEDULE_TO_START: pipeline.CodeUnavailable,
		enums.TIMEOUT_TYPE_START_TO_CLOSE:    pipeline.CodeUnavailable,
		enums.TIMEOUT_TYPE_HEARTBEAT:         pipeline.CodeUnavailable,
	} {
		// A timeout that ended retries wraps the last attempt's own error.
		err := activities.FromTemporal(temporal.NewTimeoutError(kind, temporal.NewApplicationError("last", "other")))
		require.Equal(t, want, pipeline.CodeOf(err), kind)
	}

	foreign := activities.FromTemporal(temporal.NewApplicationError("m", "SomethingElse"))
	require.Equal(t, &pipeline.Error{Code: pipeline.CodeInternal, Message: "m"}, foreign)

	ours := pipeline.Errorf(pipeline.CodeConflict, "m")
	require.Equal(t, error(ours), activities.FromTemporal(fmt.Errorf("x: %w", ours)))
	require.Equal(t, pipeline.CodeInternal, pipeline.CodeOf(activities.FromTemporal(io.EOF)))
}
