// Package webhook is the room behind activities.Webhook: it calls the URLs of
// webhook stages with the credentials that configuration gives them.
//
// A call is made at least once. One whose worker dies between sending it and
// telling Temporal is made again by another worker, with the same
// Idempotency-Key; receivers that must not act twice compare it.
package webhook

import (
	"context"
	"errors"
	"net/http"
	"net/url"
	"regexp"
	"slices"
	"strings"
	"time"

	"go.temporal.io/sdk/activity"

	"github.com/gennaker/gennaker/activities"
	"github.com/gennaker/gennaker/internal/outbound"
	"github.com/gennaker/gennaker/pipeline"
)

const (
	// heartbeatEvery keeps a call alive well within its heartbeat timeout.
	heartbeatEvery = 4 * time.Second
	// pollTimeout ends a poll before the local activity that it is runs out.
	pollTimeout = 50 * time.Second
	// callTimeout ends a call likewise.
	callTimeout = 9 * time.Minute
)

// idempotencyHeader tells receivers which calls are the same.
const idempotencyHeader = "Idempotency-Key"

// denied are headers that Spinnaker's services trust; they are left out of every
// call.
var denied = []string{"X-Spinnaker-User", "X-Spinnaker-Account", "X-Spinnaker-User-Origin", "X-Spinnaker-Request-Id", "X-Spinnaker-Execution-Id"}

// methods are those that a webhook may use.
var methods = []string{
	http.MethodGet, http.MethodHead, http.MethodPost, http.MethodPut, http.MethodPatch, http.MethodDelete, http.MethodOptions, http.MethodTrace,
}

// Webhook implements activities.Webhook.
type Webhook struct {
	client  *outbound.Client
	config  Config
	allowed []AllowedRequest
}

var _ activities.Webhook = (*Webhook)(nil)

// New returns the room over a guarded client. It fails for a configuration that
// does not validate.
func New(client *outbound.Client, c Config) (*Webhook, error) {
	if err := c.Validate(); err != nil {
		return nil, err
	}
	w := &Webhook{client: client, config: c, allowed: slices.Clone(c.AllowedRequests)}
	for i, a := range w.allowed {
		if a.URLPattern != "" {
			w.allowed[i].pattern = regexp.MustCompile("^(?:" + a.URLPattern + ")$") // validated above
		}
	}
	return w, nil
}

// CallWebhook implements activities.Webhook.
func (w *Webhook) CallWebhook(ctx context.Context, in activities.CallWebhookInput) (activities.CallWebhookOutput, error) {
	ctx, cancel := context.WithCancel(ctx)
	defer cancel()
	go beat(ctx)
	return w.call(ctx, in, callTimeout)
}

// PollWebhook implements activities.Webhook.
func (w *Webhook) PollWebhook(ctx context.Context, in activities.CallWebhookInput) (activities.CallWebhookOutput, error) {
	in.Method, in.Payload = http.MethodGet, activities.JSON{}
	return w.call(ctx, in, pollTimeout)
}

func (w *Webhook) call(ctx context.Context, in activities.CallWebhookInput, timeout time.Duration) (activities.CallWebhookOutput, error) {
	method := strings.ToUpper(strings.TrimSpace(in.Method))
	if method == "" {
		method = http.MethodPost
	}
	if !slices.Contains(methods, method) {
		return activities.CallWebhookOutput{}, pipeline.Errorf(pipeline.CodeInvalid,
			"The method %q is none: use %s.", in.Method, strings.Join(methods, ", "))
	}
	target := strings.TrimSpace(in.URL)
	safe, err := w.permit(method, target)
	if err != nil {
		return activities.CallWebhookOutput{}, err
	}
	header := header(in.Headers)
	body, err := encode(method, in.Payload.Value, header)
	if err != nil {
		return activities.CallWebhookOutput{}, err
	}
	if changes(method) && header.Get(idempotencyHeader) == "" {
		header.Set(idempotencyHeader, in.Scope.Key())
	}
	if err := w.authorize(ctx, in, target, body, header); err != nil {
		if pipeline.CodeOf(err).Retryable() {
			return activities.CallWebhookOutput{Failure: &activities.WebhookFailure{Message: pipeline.MessageOf(err), SafeToRetry: safe}}, nil
		}
		return activities.CallWebhookOutput{}, err
	}
	answer, err := w.client.Call(ctx, outbound.Request{
		Method: method, URL: target, Header: header, Body: body, Timeout: timeout, MaxResponse: w.config.MaxResponse,
		Check: func(u *url.URL) error {
			_, err := w.permit(method, u.String())
			return err
		},
	})
	if err != nil {
		return failed(err, safe)
	}
	return activities.CallWebhookOutput{
		StatusCode: answer.StatusCode, Headers: single(answer.Header),
		Body: activities.JSON{Value: decode(answer.StatusCode, answer.Header.Get("Content-Type"), answer.Body)},
	}, nil
}

// failed tells the networks that fail from the calls that were never to be made.
func failed(err error, safe bool) (activities.CallWebhookOutput, error) {
	if errors.Is(err, context.Canceled) {
		return activities.CallWebhookOutput{}, err
	}
	switch code := pipeline.CodeOf(err); code {
	case pipeline.CodeUnavailable, pipeline.CodeThrottled, pipeline.CodeTimeout:
		return activities.CallWebhookOutput{Failure: &activities.WebhookFailure{
			Message:     pipeline.MessageOf(err),
			UnknownHost: outbound.UnknownHost(err),
			TimedOut:    code == pipeline.CodeTimeout,
			Sent:        outbound.Sent(err),
			SafeToRetry: safe,
		}}, nil
	case pipeline.CodeTooLarge:
		return activities.CallWebhookOutput{}, pipeline.Wrap(code, err,
			"%s An operator can raise webhook-max-response and outbound-max-response.", pipeline.MessageOf(err))
	}
	return activities.CallWebhookOutput{}, err
}

// permit refuses requests that configuration does not allow, and tells whether
// the others may be made twice.
func (w *Webhook) permit(method, target string) (safe bool, err error) {
	for _, a := range w.allowed {
		if a.allows(method, target) {
			return a.SafeToRetry, nil
		}
	}
	if !w.config.AllowedRequestsEnabled {
		return false, nil
	}
	return false, pipeline.Errorf(pipeline.CodeInvalid,
		"http method '%s', uri: '%s' not allowed: an operator can allow it in webhook.allowedRequests.", method, withoutQuery(target))
}

// withoutQuery is a URL as messages name it.
func withoutQuery(target string) string {
	u, err := url.Parse(target)
	if err != nil {
		return "(not a URL)"
	}
	return (&url.URL{Scheme: u.Scheme, Host: u.Host, Path: u.Path}).String()
}

// changes reports whether a method may change something.
func changes(method string) bool {
	switch method {
	case http.MethodGet, http.MethodHead, http.MethodOptions, http.MethodTrace:
		return false
	}
	return true
}

// header copies a stage's headers without those that must not be sent.
func header(given map[string][]string) http.Header {
	out := http.Header{}
	for name, values := range given {
		key := http.CanonicalHeaderKey(strings.TrimSpace(name))
		if slices.Contains(denied, key) {
			continue
		}
		out[key] = append(out[key], values...)
	}
	return out
}

// single holds the first value of each header.
func single(h http.Header) map[string]string {
	if len(h) == 0 {
		return nil
	}
	out := make(map[string]string, len(h))
	for name := range h {
		out[name] = strings.ToValidUTF8(h.Get(name), "\ufffd")
	}
	return out
}

// beat tells Temporal that the call goes on, until ctx ends.
func beat(ctx context.Context) {
	tick := time.NewTicker(heartbeatEvery)
	defer tick.Stop()
	for {
		select {
		case <-ctx.Done():
			return
		case <-tick.C:
			activity.RecordHeartbeat(ctx)
		}
	}
}
