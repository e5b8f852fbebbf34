package transfer

import (
	"context"
	"errors"
	"net/http"
	"time"

	"github.com/cenkalti/backoff/v5"

	"github.com/gennaker/gennaker/cli/client"
	"github.com/gennaker/gennaker/pipeline"
)

// tries and firstWait bound how often a Gate that is broken is asked again.
const (
	tries     = 4
	firstWait = 250 * time.Millisecond
)

// again does something up to [tries] times, as long as it fails of a broken
// world. Everything here may be done twice: a save writes the same document.
func again(ctx context.Context, do func() error) error {
	wait := backoff.NewExponentialBackOff()
	wait.InitialInterval = firstWait
	_, err := backoff.Retry(ctx, func() (struct{}, error) {
		err := do()
		var refusal *client.Refusal
		switch {
		case err == nil:
			return struct{}{}, nil
		case errors.As(err, &refusal) && !passing(refusal.Status):
			return struct{}{}, backoff.Permanent(err)
		case pipeline.CodeOf(err) == pipeline.CodeInvalid:
			return struct{}{}, backoff.Permanent(err)
		}
		return struct{}{}, err
	}, backoff.WithBackOff(wait), backoff.WithMaxTries(tries))
	return err
}

func passing(status int) bool {
	switch status {
	case http.StatusTooManyRequests, http.StatusBadGateway, http.StatusServiceUnavailable, http.StatusGatewayTimeout:
		return true
	}
	return false
}

// reader reads documents of a Gate, again and again if need be. What is not
// there is nil without an error: a Gate that has none of a kind may not know its
// path.
type reader struct{ *client.Client }

func (r reader) list(ctx context.Context, path string) (out []pipeline.Map, err error) {
	err = again(ctx, func() error {
		out, err = r.List(ctx, path, nil)
		return err
	})
	if client.IsNotFound(err) {
		return nil, nil
	}
	return out, err
}

func (r reader) get(ctx context.Context, path string, query map[string][]string) (out pipeline.Map, err error) {
	err = again(ctx, func() error {
		out, err = r.Get(ctx, path, query)
		return err
	})
	if client.IsNotFound(err) {
		return nil, nil
	}
	return out, err
}
