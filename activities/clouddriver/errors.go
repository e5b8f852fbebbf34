package clouddriver

import (
	"context"
	"errors"
	"net/http"
	"regexp"
	"strings"
	"time"

	apierrors "k8s.io/apimachinery/pkg/api/errors"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"

	"github.com/gennaker/gennaker/pipeline"
)

// silentServer is the cause of a request that got no answer in time.
type silentServer struct{ limit time.Duration }

// Error implements error.
func (e *silentServer) Error() string { return "no answer in " + e.limit.String() }

// errSilentServer is that of a request within [requestTimeout].
var errSilentServer = &silentServer{requestTimeout}

// fromAPI turns what client-go returned into a [pipeline.Error] with the API
// server's own words. doing completes "could not ...".
//
// Whose fault it is decides the code: a request that the server understood and
// refused is the request's own (invalid, forbidden, not_found, not_allowed,
// conflict, too_large, unprocessable); refused credentials (401) count as
// unavailable, because they expire and are renewed without anyone touching the
// pipeline, like everything else that is not about the request: no connection,
// no answer, 5xx. 429 is throttled. An admission webhook's status counts as the
// API server's own, but for 401. A cancelled ctx comes back as it is.
func fromAPI(ctx context.Context, err error, account, doing string) error {
	if err == nil {
		return nil
	}
	var already *pipeline.Error
	if errors.As(err, &already) {
		return err
	}
	if errors.Is(ctx.Err(), context.Canceled) {
		return context.Cause(ctx)
	}
	var wait *askedToWait
	if errors.As(err, &wait) {
		return wait.toError(account, doing)
	}
	var status apierrors.APIStatus
	if !errors.As(err, &status) {
		return unreachable(ctx, err, account, doing)
	}
	s := status.Status()
	e := pipeline.Wrap(codeOf(s), err, "Account %q could not %s: %s", account, doing, sentence(s.Message))
	e.Details = causes(s)
	if s.Details != nil && e.Code.Retryable() {
		e.RetryAfter = time.Duration(s.Details.RetryAfterSeconds) * time.Second
	}
	switch {
	case denied(s.Message):
		// The webhook's status is its own; 401 would be taken for the worker's.
		if s.Code == http.StatusUnauthorized {
			e.Code, e.RetryAfter = pipeline.CodeForbidden, 0
		}
		if e.Code.Retryable() {
			e.Message += " The webhook tells of a fault of its own, so the request is tried again."
		} else {
			e.Message += " Change the manifest as the webhook asks, or have its rules changed in the cluster."
		}
	case e.Code == pipeline.CodeNotFound && s.Details != nil && s.Details.Kind == "namespaces":
		e.Message += " The cluster has no such namespace: create it, or correct the manifest."
	case e.Code == pipeline.CodeForbidden:
		e.Message += lacking(s.Message)
	case s.Code == http.StatusUnauthorized:
		e.Message = "The API server of account \"" + account + "\" refuses the worker's credentials (" + s.Message +
			"). Renew them in the account's kubeconfig; the request is tried again."
	}
	return e
}

// denied reports whether an admission webhook decided against a request, in
// contrast to one that could not be called.
func denied(message string) bool {
	return strings.HasPrefix(message, "admission webhook ") && strings.Contains(message, " denied the request")
}

// refusal is how an API server with RBAC names what was not allowed.
var refusal = regexp.MustCompile(`cannot (\S+) resource "([^"]+)" in API group "([^"]*)"(?: in the namespace "([^"]+)")?`)

// lacking names the permission that a refused request needed, in the words in
// which an account's health lists it; empty when the refusal is another one.
func lacking(message string) string {
	m := refusal.FindStringSubmatch(message)
	if m == nil {
		return ""
	}
	verb, resource, group, namespace := m[1], m[2], m[3], m[4]
	if group != "" {
		name, sub, isSub := strings.Cut(resource, "/")
		resource = name + "." + group
		if isSub {
			resource += "/" + sub
		}
	}
	text := " The account lacks the permission to " + verb + " " + resource
	if namespace != "" {
		text += " in namespace " + namespace
	}
	return text + ": grant it to the account's role in the cluster."
}

func codeOf(s metav1.Status) pipeline.Code {
	switch s.Code {
	case http.StatusBadRequest, http.StatusNotAcceptable, http.StatusUnsupportedMediaType:
		return pipeline.CodeInvalid
	case http.StatusForbidden:
		return pipeline.CodeForbidden
	case http.StatusNotFound:
		return pipeline.CodeNotFound
	case http.StatusMethodNotAllowed:
		return pipeline.CodeNotAllowed
	case http.StatusConflict:
		return pipeline.CodeConflict
	case http.StatusRequestEntityTooLarge:
		return pipeline.CodeTooLarge
	case http.StatusUnprocessableEntity:
		return pipeline.CodeUnprocessable
	case http.StatusTooManyRequests:
		return pipeline.CodeThrottled
	}
	return pipeline.CodeUnavailable
}

// causes lists what the API server says about single fields.
func causes(s metav1.Status) []string {
	if s.Details == nil {
		return nil
	}
	var out []string
	for _, c := range s.Details.Causes {
		line := c.Message
		if c.Field != "" {
			line = c.Field + ": " + c.Message
		}
		if line != "" {
			out = append(out, line)
		}
	}
	return out
}

func unreachable(ctx context.Context, err error, account, doing string) error {
	var silent *silentServer
	switch cause := context.Cause(ctx); {
	case errors.As(cause, &silent), errors.As(err, &silent):
	case cause != nil && errors.Is(ctx.Err(), context.DeadlineExceeded):
		return pipeline.Wrap(pipeline.CodeTimeout, err, "Account %q could not %s in the time allowed.", account, doing)
	case cause != nil:
		err = cause
	case errors.Is(err, context.DeadlineExceeded): // the request's own, while its caller goes on
		silent = errSilentServer
	}
	if silent != nil {
		return pipeline.Wrap(pipeline.CodeUnavailable, err, "Account %q could not %s: its API server did not answer in %s.", account, doing, silent.limit)
	}
	return pipeline.Wrap(pipeline.CodeUnavailable, err, "Account %q could not %s: its API server does not answer (%s).",
		account, doing, err)
}

// sentence ends text with one full stop.
func sentence(text string) string {
	text = strings.TrimSpace(text)
	if text == "" || strings.HasSuffix(text, ".") || strings.HasSuffix(text, "!") || strings.HasSuffix(text, "?") {
		return text
	}
	return text + "."
}

// ofManifest prefixes a message with the manifest that it is about.
func ofManifest(err error, m *manifest) error {
	var e *pipeline.Error
	if !errors.As(err, &e) {
		return err
	}
	named := *e
	named.Message = m.label() + ": " + e.Message
	return &named
}

// passing reports whether an error may go away by itself.
func passing(err error) bool {
	code := pipeline.CodeOf(err)
	return code == pipeline.CodeUnavailable || code == pipeline.CodeThrottled
}
