package clouddriver

import (
	"fmt"
	"net/http"
	"strconv"
	"strings"
	"time"

	"github.com/gennaker/gennaker/pipeline"
)

// waitInPlace is the longest wait that a request takes upon itself when the API
// server says when to come again. A longer one ends the call, so that the stage
// shows it and the worker is free meanwhile.
const waitInPlace = 5 * time.Second

// askedToWait is the answer of an API server that asks to be left alone.
type askedToWait struct {
	status int
	after  time.Duration
}

// Error implements error.
func (e *askedToWait) Error() string {
	return fmt.Sprintf("%d %s, retry after %s", e.status, http.StatusText(e.status), e.after)
}

func (e *askedToWait) toError(account, doing string) *pipeline.Error {
	code, what := pipeline.CodeUnavailable, "is not ready"
	if e.status == http.StatusTooManyRequests {
		code, what = pipeline.CodeThrottled, "has too many requests"
	}
	wrapped := pipeline.Wrap(code, e, "Account %q could not %s: its API server %s (%d) and asks to come again in %s.", account, doing, what, e.status, e.after)
	wrapped.RetryAfter = e.after
	return wrapped
}

// handingUpWaits keeps client-go from waiting where nobody sees it. It waits by
// itself, up to ten times, when an answer has a Retry-After; that is left to it
// for short ones alone, and only as long as the request has the time.
func handingUpWaits(next http.RoundTripper) http.RoundTripper { return &throttledTransport{next: next} }

type throttledTransport struct{ next http.RoundTripper }

// RoundTrip implements http.RoundTripper.
func (t *throttledTransport) RoundTrip(q *http.Request) (*http.Response, error) {
	answer, err := t.next.RoundTrip(q)
	if err != nil || answer.StatusCode != http.StatusTooManyRequests && answer.StatusCode < http.StatusInternalServerError {
		return answer, err
	}
	seconds, err := strconv.Atoi(strings.TrimSpace(answer.Header.Get("Retry-After")))
	if err != nil || seconds <= 0 {
		return answer, nil //nolint:nilerr // it does not say when to come again
	}
	after := time.Duration(seconds) * time.Second
	deadline, bounded := q.Context().Deadline()
	if after <= waitInPlace && (!bounded || time.Until(deadline) > after+time.Second) {
		return answer, nil
	}
	_ = answer.Body.Close() // it says what its status says
	return nil, &askedToWait{status: answer.StatusCode, after: after}
}

// WrappedRoundTripper lets client-go look through.
func (t *throttledTransport) WrappedRoundTripper() http.RoundTripper { return t.next }
