package stages

import (
	"errors"
	"fmt"
	"maps"
	"strings"
	"time"

	"go.temporal.io/sdk/workflow"

	"github.com/gennaker/gennaker/activities"
	"github.com/gennaker/gennaker/pipeline"
	"github.com/gennaker/gennaker/pipeline/jsonpath"
	"github.com/gennaker/gennaker/workflows"
)

// maxPastCodes bounds the status codes that a stage remembers of its polls.
const maxPastCodes = 5000

// poll is what the answer to one poll means.
type poll struct {
	status  pipeline.Status
	monitor pipeline.Map
	err     error
}

// monitor is the task monitorWebhook.
func (w Webhook) monitor(ctx workflow.Context, t *workflows.TaskRun) (workflows.Outcome, error) {
	data, err := readWebhook(t.Stage)
	if err != nil {
		return workflows.Outcome{}, err
	}
	target, err := data.pollTarget()
	if err != nil {
		return workflows.Outcome{}, err
	}
	in := w.input(t, target, data.headers)
	for {
		out, err := workflows.Call(ctx, t, activities.PollWebhook, in)
		if workflows.Canceled(err) {
			return workflows.Outcome{}, err
		}
		past := t.Stage.Context.Map("webhook").Map("monitor").List("pastStatusCodes")
		if err != nil {
			p := poll{monitor: pipeline.Map{"error": pollException(target, pipeline.MessageOf(err))}}
			return workflows.Outcome{Context: data.show(p, past)}, err
		}
		p, past := data.polled(target, out, past)
		if p.status != pipeline.Running {
			return workflows.Outcome{Status: p.status, Context: data.show(p, past)}, p.err
		}
		t.Progress(data.show(p, past))
		why := ""
		if p.err != nil {
			why = pipeline.MessageOf(p.err)
		}
		if err := nextCall(ctx, t, pollInterval(ctx, t), "next poll", why); err != nil {
			return workflows.Outcome{}, err
		}
	}
}

// pollTarget is the address to poll.
func (w *webhook) pollTarget() (string, error) {
	target := strings.TrimSpace(w.context.String("statusEndpoint"))
	if target != "" {
		return target, nil
	}
	if !w.context.Bool("monitorOnly") {
		return "", pipeline.Errorf(pipeline.CodeInvalid, "Missing required parameter: statusEndpoint = %s", w.context.String("statusEndpoint"))
	}
	if target = strings.TrimSpace(w.context.String("url")); target == "" {
		return "", pipeline.Errorf(pipeline.CodeInvalid, "Missing required parameter. Either webhook url or statusEndpoint are required")
	}
	return target, nil
}

// pollInterval is the wait until the next poll.
func pollInterval(ctx workflow.Context, t *workflows.TaskRun) time.Duration {
	for _, task := range t.Stage.Tasks {
		if task.Name == monitorWebhook && workflow.Now(ctx).Sub(task.StartTime.Time()) <= pollOftenFor {
			return pollOften
		}
	}
	return pollRarely
}

func pollException(target, why string) string {
	return fmt.Sprintf("an exception occurred in webhook monitor to %s: %s", target, why)
}

// show is the context after a poll: what the first call left, and the monitor
// anew.
func (w *webhook) show(p poll, past []any) pipeline.Map {
	hook := maps.Clone(w.context.Map("webhook"))
	if hook == nil {
		hook = pipeline.Map{}
	}
	monitor := maps.Clone(p.monitor)
	if len(past) > 0 {
		monitor["pastStatusCodes"] = past
	}
	hook["monitor"] = map[string]any(monitor)
	return pipeline.Map{"webhook": map[string]any(hook)}
}

// polled decides what the answer to a poll means, with Orca's words, and adds
// the status codes that only delay the end to those of the past.
func (w *webhook) polled(target string, out activities.CallWebhookOutput, past []any) (poll, []any) {
	if f := out.Failure; f != nil {
		// A GET may always be made again.
		message := pollException(target, f.Message) + " It will be polled again."
		return poll{status: pipeline.Running, monitor: pipeline.Map{"error": message}, err: failure(message)}, past
	}
	code := int64(out.StatusCode)
	if code < 400 {
		return w.status(response(out)), past
	}
	message := pollException(target, fmt.Sprintf("%d %s", code, statusName(out.StatusCode)))
	if w.pollsAgain(code, past) {
		past = append(past[:len(past):len(past)], code)
		if len(past) > maxPastCodes {
			past = past[len(past)-maxPastCodes:]
		}
		return poll{status: pipeline.Running, monitor: pipeline.Map{}, err: failure(message)}, past
	}
	monitor := pipeline.Map{"error": message}
	if headers, ok := response(out)["headers"]; ok {
		monitor["headers"] = headers
	}
	return poll{status: pipeline.Terminal, monitor: monitor, err: failure(message)}, past
}

func failure(message string) error {
	return &pipeline.Error{Code: pipeline.CodeFailed, Message: message}
}

// pollsAgain reports whether polling goes on after a status code. A code with a
// cap of its own may be met so often and no more; others count as usual.
func (w *webhook) pollsAgain(code int64, past []any) bool {
	if most, capped := w.caps[code]; capped {
		met := int64(0)
		for _, p := range past {
			if p == code {
				met++
			}
		}
		return met < most
	}
	return code >= 500 || code == tooManyRequests || w.retryStatus[code]
}

// status reads the status out of an answer.
func (w *webhook) status(monitor pipeline.Map) poll {
	path := w.context.String("statusJsonPath")
	if path == "" {
		return poll{status: pipeline.Succeeded, monitor: monitor}
	}
	body := document(monitor["body"])
	terminal := func(format string, args ...any) poll {
		message := fmt.Sprintf(format, args...)
		monitor["error"] = message
		return poll{status: pipeline.Terminal, monitor: monitor, err: failure(message)}
	}
	result, err := jsonpath.Read(body, path)
	switch {
	case errors.Is(err, jsonpath.ErrNotFound):
		return terminal("Unable to parse status: JSON property '%s' not found in response body", path)
	case err != nil:
		return terminal("Unable to parse status: %s", pipeline.MessageOf(err))
	}
	text, single := scalarText(result)
	if !single {
		if result != nil {
			monitor["resolvedValue"] = result
		}
		return terminal("The json path '%s' did not resolve to a single value", path)
	}
	if progress := w.context.String("progressJsonPath"); progress != "" {
		v, err := jsonpath.Read(body, progress)
		switch {
		case errors.Is(err, jsonpath.ErrNotFound):
			return terminal("Unable to parse progress: JSON property '%s' not found in response body", progress)
		case err != nil:
			return terminal("Unable to parse progress: %s", pipeline.MessageOf(err))
		}
		message, ok := v.(string)
		if !ok {
			if v != nil {
				monitor["resolvedValue"] = v
			}
			return terminal("The json path '%s' did not resolve to a String value", progress)
		}
		monitor["progressMessage"] = message
	}
	if isNumber(result) {
		monitor["percentComplete"] = result
		if text == "100" || text == "100.0" {
			return poll{status: pipeline.Succeeded, monitor: monitor}
		}
		return poll{status: pipeline.Running, monitor: monitor}
	}
	switch status := w.listed(text); status {
	case pipeline.Terminal:
		return poll{status: status, monitor: monitor, err: failure("The status of the webhook is '" + text + "', which is one of its terminalStatuses.")}
	default:
		return poll{status: status, monitor: monitor}
	}
}

func isNumber(v any) bool {
	switch v.(type) {
	case string, bool:
		return false
	}
	return true
}

// listed is what the stage's lists make of a status; the last list that holds it
// counts, and one that no list holds is still running.
func (w *webhook) listed(text string) pipeline.Status {
	out := pipeline.Running
	for _, list := range []struct {
		key    string
		status pipeline.Status
	}{
		{"successStatuses", pipeline.Succeeded}, {"canceledStatuses", pipeline.Canceled}, {"terminalStatuses", pipeline.Terminal},
	} {
		for name := range strings.SplitSeq(w.context.String(list.key), ",") {
			if name = strings.TrimSpace(name); name != "" && strings.EqualFold(name, text) {
				out = list.status
			}
		}
	}
	return out
}
