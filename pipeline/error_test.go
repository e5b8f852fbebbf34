package pipeline

import (
	"errors"
	"fmt"
	"io"
	"testing"
	"time"

	"github.com/stretchr/testify/require"
)

func TestErrors(t *testing.T) {
	t.Parallel()
	plain := Errorf(CodeConflict, "The stage '%s' has ended.", "a")
	require.Equal(t, "The stage 'a' has ended.", plain.Error())
	require.NoError(t, errors.Unwrap(plain))

	wrapped := Wrap(CodeUnavailable, io.ErrUnexpectedEOF, "The store does not answer.")
	require.ErrorIs(t, wrapped, io.ErrUnexpectedEOF)
	require.Equal(t, "The store does not answer.: unexpected EOF", wrapped.Error())
	require.Equal(t, "The store does not answer.", MessageOf(wrapped))

	outer := fmt.Errorf("saving: %w", &Error{Code: CodeInvalid, Message: "m", Details: []string{"d"}})
	require.Equal(t, CodeInvalid, CodeOf(outer))
	require.Equal(t, "m", MessageOf(outer))
	require.Equal(t, []string{"d"}, DetailsOf(outer))
	require.Zero(t, RetryAfterOf(outer))
	require.Equal(t, time.Minute, RetryAfterOf(fmt.Errorf("asking: %w", &Error{Code: CodeThrottled, RetryAfter: time.Minute})))

	require.Equal(t, CodeInternal, CodeOf(io.EOF))
	require.Equal(t, "EOF", MessageOf(io.EOF))
	require.Nil(t, DetailsOf(io.EOF))
}

func TestRetryableCodes(t *testing.T) {
	t.Parallel()
	for code, want := range map[Code]bool{
		CodeInvalid: false, CodeUnauthenticated: false, CodeForbidden: false, CodeNotFound: false, CodeNotAllowed: false,
		CodeConflict: false, CodeTooLarge: false, CodeUnprocessable: false, CodeThrottled: true, CodeInternal: false,
		CodeUnavailable: true, CodeTimeout: false, CodeFailed: false,
	} {
		require.Equal(t, want, code.Retryable(), code)
	}
}
