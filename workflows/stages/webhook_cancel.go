package stages

import (
	"fmt"
	"maps"
	"strings"
	"time"

	"go.temporal.io/sdk/workflow"

	"github.com/gennaker/gennaker/activities"
	"github.com/gennaker/gennaker/pipeline"
	"github.com/gennaker/gennaker/workflows"
)

const (
	// cancelAttempts is how often cancelEndpoint is called while it does not take
	// the call, cancelBackoff the wait between two.
	cancelAttempts = 3
	cancelBackoff  = 5 * time.Second
)

// Cancel implements workflows.Canceller: cancelEndpoint is called when the
// stage is cancelled or has failed. How that went is shown under
// webhook.cancellation and changes nothing.
func (w Webhook) Cancel(ctx workflow.Context, t *workflows.TaskRun) (workflows.Outcome, error) {
	c, err := evaluated(ctx, t, "cancelEndpoint", "cancelMethod", "cancelPayload", "customHeaders")
	if err != nil {
		return workflows.Outcome{}, err
	}
	target := strings.TrimSpace(c.String("cancelEndpoint"))
	if target == "" {
		return workflows.Outcome{}, nil
	}
	in := w.input(t, target, headers(c.Map("customHeaders")))
	in.Method = method(c, "cancelMethod")
	in.Payload = activities.JSON{Value: c["cancelPayload"]}
	for attempt := 1; ; attempt++ {
		out, err := workflows.Call(ctx, t, activities.CallWebhook, in)
		again := false
		told := pipeline.Map{}
		switch {
		case err != nil:
			told["error"] = pipeline.MessageOf(err)
		case out.Failure != nil:
			told["error"] = out.Failure.Message
			again = !out.Failure.Sent || out.Failure.SafeToRetry
		default:
			told["statusCodeValue"] = int64(out.StatusCode)
			if out.StatusCode >= 400 {
				told["error"] = fmt.Sprintf("The cancelEndpoint %s answered %d %s.", target, out.StatusCode, statusName(out.StatusCode))
				again = out.StatusCode >= 500 || out.StatusCode == tooManyRequests
			}
		}
		if !again || attempt == cancelAttempts {
			hook := maps.Clone(t.Stage.Context.Map("webhook"))
			if hook == nil {
				hook = pipeline.Map{}
			}
			hook["cancellation"] = map[string]any(told)
			return workflows.Outcome{Context: pipeline.Map{"webhook": map[string]any(hook)}}, err
		}
		if err := t.AwaitFor(ctx, cancelBackoff, "next call", func() bool { return false }); err != nil {
			return workflows.Outcome{}, err
		}
	}
}

// evaluated returns some keys of the stage's context with their expressions
// evaluated: what the answer told may not have been known when the tasks began.
func evaluated(ctx workflow.Context, t *workflows.TaskRun, keys ...string) (pipeline.Map, error) {
	some := map[string]any{}
	for _, key := range keys {
		if v, present := t.Stage.Context[key]; present {
			some[key] = pipeline.CloneValue(v)
		}
	}
	v, _, err := t.Evaluate(ctx, some)
	if err != nil {
		return nil, err
	}
	return pipeline.AsMap(v), nil
}
