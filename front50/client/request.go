package client

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net/http"
	"net/url"
	"strings"
	"time"

	"github.com/cenkalti/backoff/v5"

	"github.com/gennaker/gennaker/front50"
	"github.com/gennaker/gennaker/internal/httpjson"
	"github.com/gennaker/gennaker/pipeline"
)

// maxErrorBody bounds what is read of an answer that is an error.
const maxErrorBody = 1 << 20

// request is one call of the API. Path is escaped.
type request struct {
	method, path string
	query        url.Values
	body         []byte
	by           front50.Author
}

// response is a successful answer. Attempts counts how often the request was
// sent: from the second time on, an earlier one may have been carried out.
type response struct {
	body     []byte
	attempts int
}

func (c *Client) get(ctx context.Context, path string, query url.Values, into any) error {
	r, err := c.do(ctx, request{method: http.MethodGet, path: path, query: query})
	if err != nil || into == nil {
		return err
	}
	return decode(r.body, into)
}

// do sends a request until it is answered, at most as often as the options
// allow.
//
// Errors: those that the server answers with, by status; unavailable.
func (c *Client) do(ctx context.Context, r request) (response, error) {
	pause := backoff.NewExponentialBackOff()
	pause.InitialInterval = 100 * time.Millisecond
	pause.MaxInterval = 2 * time.Second
	var out response
	_, err := backoff.Retry(ctx, func() (struct{}, error) {
		out.attempts++
		var err error
		out.body, err = c.once(ctx, r)
		if err != nil && !passing(err) {
			err = backoff.Permanent(err)
		}
		return struct{}{}, err
	}, backoff.WithBackOff(pause), backoff.WithMaxTries(uint(c.attempts)))
	var permanent *backoff.PermanentError
	if errors.As(err, &permanent) {
		err = permanent.Unwrap()
	}
	return out, err
}

// passing reports whether the same request may be answered later.
func passing(err error) bool {
	switch pipeline.CodeOf(err) {
	case pipeline.CodeUnavailable, pipeline.CodeThrottled, pipeline.CodeTimeout:
		return true
	}
	return false
}

// once sends a request and reads its answer.
func (c *Client) once(ctx context.Context, r request) ([]byte, error) {
	attempt, cancel := context.WithTimeout(ctx, c.timeout)
	defer cancel()
	u := *c.base
	target := strings.TrimRight(u.String(), "/") + r.path
	if len(r.query) > 0 {
		target += "?" + r.query.Encode()
	}
	req, err := http.NewRequestWithContext(attempt, r.method, target, bytes.NewReader(r.body))
	if err != nil {
		return nil, pipeline.Errorf(pipeline.CodeInvalid, "The request to Front50 cannot be made: %s.", err)
	}
	req.Header.Set("Accept", "application/json")
	if r.body != nil {
		req.Header.Set("Content-Type", "application/json")
	}
	if r.by != "" {
		req.Header.Set(front50.UserHeader, headerText(string(r.by)))
	}
	res, err := c.http.Do(req)
	if err != nil {
		return nil, c.lost(ctx, err)
	}
	defer func() { _ = res.Body.Close() }() // read to the end below
	if res.StatusCode < 200 || res.StatusCode > 299 {
		return nil, c.refused(res)
	}
	body, err := io.ReadAll(io.LimitReader(res.Body, c.maxBody+1))
	if err != nil {
		return nil, c.lost(ctx, err)
	}
	if int64(len(body)) > c.maxBody {
		return nil, pipeline.Errorf(pipeline.CodeTooLarge, "The answer of Front50 to %s %s is over %d bytes.", r.method, r.path, c.maxBody)
	}
	return body, nil
}

// lost returns the error for a request without an answer.
func (c *Client) lost(ctx context.Context, err error) error {
	if ctx.Err() != nil {
		return ctx.Err()
	}
	return pipeline.Wrap(pipeline.CodeUnavailable, err, "Front50 at %s does not answer: start it, or correct its address.", c.base.Host)
}

// refused returns the error that an answer tells of.
func (c *Client) refused(res *http.Response) error {
	code := httpjson.Code(res.StatusCode)
	var told struct {
		Message string   `json:"message"`
		Errors  []string `json:"errors"`
	}
	body, err := io.ReadAll(io.LimitReader(res.Body, maxErrorBody))
	if err == nil {
		err = json.Unmarshal(body, &told)
	}
	if err != nil || told.Message == "" {
		told.Message = fmt.Sprintf("Front50 at %s answered %s.", c.base.Host, res.Status)
	}
	return &pipeline.Error{Code: code, Message: told.Message, Details: told.Errors}
}

// decode reads an answer's JSON.
func decode(body []byte, into any) error {
	if err := json.Unmarshal(body, into); err != nil {
		return pipeline.Wrap(pipeline.CodeUnavailable, err, "The answer of Front50 cannot be read: is something else at its address?")
	}
	return nil
}

// headerText keeps a user's name within what a header may hold.
func headerText(s string) string {
	return strings.Map(func(r rune) rune {
		if r < ' ' || r == 0x7f {
			return -1
		}
		return r
	}, s)
}
