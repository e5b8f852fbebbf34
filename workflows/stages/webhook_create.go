package stages

import (
	"errors"
	"fmt"
	"maps"
	"net/url"
	"slices"
	"strings"

	"go.temporal.io/sdk/workflow"

	"github.com/gennaker/gennaker/activities"
	"github.com/gennaker/gennaker/pipeline"
	"github.com/gennaker/gennaker/pipeline/jsonpath"
	"github.com/gennaker/gennaker/workflows"
)

// tooManyRequests is the status code that is always worth another call.
const tooManyRequests = 429

// verdict is what an answer to a webhook means.
type verdict struct {
	// context is what the stage shows of it.
	context pipeline.Map
	// again is set when the call is to be made again; err is then why.
	again bool
	err   error
}

// create is the task createWebhook.
func (w Webhook) create(ctx workflow.Context, t *workflows.TaskRun) (workflows.Outcome, error) {
	data, err := readWebhook(t.Stage)
	if err != nil {
		return workflows.Outcome{}, err
	}
	in := w.input(t, data.context.String("url"), data.headers)
	in.Method = method(data.context, "method")
	in.Payload = activities.JSON{Value: data.context["payload"]}
	for {
		out, err := workflows.Call(ctx, t, activities.CallWebhook, in)
		if workflows.Canceled(err) {
			return workflows.Outcome{}, err
		}
		if err != nil {
			failed := fmt.Sprintf(
				"An exception occurred for pipeline %s performing a %s request to %s. %s", t.Execution().ID, in.Method, in.URL, pipeline.MessageOf(err))
			return workflows.Outcome{Context: pipeline.Map{"webhook": map[string]any{"error": failed}}}, err
		}
		v := data.created(t.Execution().ID, in, out)
		if !v.again {
			return workflows.Outcome{Context: v.context}, v.err
		}
		t.Progress(v.context)
		if err := nextCall(ctx, t, createBackoff, "next call", pipeline.MessageOf(v.err)); err != nil {
			return workflows.Outcome{}, err
		}
	}
}

// created decides what the answer to the first call means, with Orca's words.
func (w *webhook) created(id string, in activities.CallWebhookInput, out activities.CallWebhookOutput) verdict {
	if out.Failure != nil {
		return w.unanswered(id, in, out.Failure)
	}
	code := int64(out.StatusCode)
	hook := response(out)
	v := verdict{context: pipeline.Map{"webhook": map[string]any(hook)}}
	message := ""
	switch {
	case code >= 200 && code < 400:
		if err := w.accepted(hook, v.context, in.URL, out); err != nil {
			v.err = err
			message = pipeline.MessageOf(err)
		}
	case code < 400:
		message = "The webhook request failed"
	case w.failFast[code]:
		message = fmt.Sprintf("Received status code %d, which is configured to fail fast, terminating stage for pipeline %s to %s", code, id, in.URL)
	case code >= 500 || code == tooManyRequests || w.retry[code]:
		v.again = true
		message = fmt.Sprintf("Error submitting webhook for pipeline %s to %s with status code %d, will retry.", id, in.URL, code)
	default:
		message = fmt.Sprintf("Error submitting webhook for pipeline %s to %s with status code %d.", id, in.URL, code)
	}
	if message != "" {
		hook["error"] = message
		if v.err == nil {
			v.err = &pipeline.Error{Code: pipeline.CodeFailed, Message: message}
		}
	}
	return v
}

// unanswered decides about a call without an answer: it is made again when the
// receiver cannot have got it, or may get it twice.
func (w *webhook) unanswered(id string, in activities.CallWebhookInput, f *activities.WebhookFailure) verdict {
	repeatable := in.Method == "GET" || in.Method == "HEAD" || f.SafeToRetry
	var message string
	switch {
	case f.UnknownHost:
		message = fmt.Sprintf("Remote host resolution failure in webhook for pipeline %s to %s, will retry. %s", id, in.URL, f.Message)
	case f.TimedOut && repeatable:
		message = fmt.Sprintf("Socket timeout in webhook on %s request for pipeline %s to %s, will retry. %s", in.Method, id, in.URL, f.Message)
	case repeatable || !f.Sent:
		message = fmt.Sprintf("Error submitting webhook for pipeline %s to %s, will retry. %s", id, in.URL, f.Message)
	default:
		message = fmt.Sprintf("An exception occurred for pipeline %s performing a %s request to %s. %s", id, in.Method, in.URL, f.Message)
	}
	return verdict{
		context: pipeline.Map{"webhook": map[string]any{"error": message}},
		again:   repeatable || !f.Sent,
		err:     &pipeline.Error{Code: pipeline.CodeFailed, Message: message},
	}
}

// accepted completes what the stage shows of a call that was taken: the address
// to poll, or the artifacts that the answer lists.
func (w *webhook) accepted(hook, context pipeline.Map, called string, out activities.CallWebhookOutput) error {
	if w.context.Bool("waitForCompletion") {
		target, err := w.statusURL(called, out)
		if err != nil {
			return pipeline.Errorf(pipeline.CodeFailed, "Exception while resolving status check URL: %s", pipeline.MessageOf(err))
		}
		if strings.TrimSpace(target) == "" {
			return pipeline.Errorf(pipeline.CodeFailed, "The status URL couldn't be resolved, but 'Wait for completion' is configured")
		}
		hook["statusEndpoint"] = target
		context["statusEndpoint"] = target
		return nil
	}
	if len(w.context.List("expectedArtifacts")) == 0 {
		return nil
	}
	artifacts, err := jsonpath.Read(document(out.Body.Value), "artifacts")
	if err != nil {
		return pipeline.Errorf(pipeline.CodeFailed, "Expected artifacts in webhook response couldn't be parsed: %s", pipeline.MessageOf(err))
	}
	context["artifacts"] = artifacts
	return nil
}

// statusURL finds the address to poll in the answer to a call.
func (w *webhook) statusURL(called string, out activities.CallWebhookOutput) (string, error) {
	var target string
	switch how := resolution(w.context); how {
	case "getMethod":
		return called, nil
	case "locationHeader":
		target = header(out.Headers, "Location")
	case "webhookResponse":
		v, err := jsonpath.Read(document(out.Body.Value), w.context.String("statusUrlJsonPath"))
		if err != nil {
			return "", err
		}
		text, ok := v.(string)
		if !ok && v != nil {
			return "", pipeline.Errorf(pipeline.CodeFailed, "The json path '%s' did not resolve to a String value", w.context.String("statusUrlJsonPath"))
		}
		target = text
	default:
		return "", pipeline.Errorf(pipeline.CodeInvalid,
			"Unexpected value: %s. Set statusUrlResolution to getMethod, locationHeader or webhookResponse.", how)
	}
	if target == "" {
		return "", nil
	}
	return sameScheme(called, target)
}

// sameScheme completes an address that an answer gave by the one that was
// called: what is relative counts from there, and on the same host the scheme is
// kept, since services behind a proxy tend to name their own.
func sameScheme(called, target string) (string, error) {
	from, err := url.Parse(called)
	if err != nil {
		return "", errors.New("the webhook's own URL cannot be read")
	}
	to, err := from.Parse(strings.TrimSpace(target))
	if err != nil {
		return "", errors.New("the answer names something that is no URL")
	}
	if to.Hostname() == from.Hostname() && to.Scheme != from.Scheme {
		to.Scheme = from.Scheme
		return to.String(), nil
	}
	if strings.Contains(target, "://") {
		return strings.TrimSpace(target), nil // as it was given
	}
	return to.String(), nil
}

// header looks a header up without regard to case.
func header(all map[string]string, name string) string {
	if v, ok := all[name]; ok {
		return v
	}
	for _, k := range slices.Sorted(maps.Keys(all)) {
		if strings.EqualFold(k, name) {
			return all[k]
		}
	}
	return ""
}

// document is a body as paths read it: text that is JSON is read too, since
// servers often call their JSON text.
func document(body any) any {
	text, ok := body.(string)
	if !ok {
		return body
	}
	trimmed := strings.TrimSpace(text)
	if strings.HasPrefix(trimmed, "{") || strings.HasPrefix(trimmed, "[") {
		if v, err := pipeline.DecodeValue([]byte(trimmed)); err == nil {
			return v
		}
	}
	return body
}
