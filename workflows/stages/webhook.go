package stages

import (
	"maps"
	"slices"
	"strconv"
	"strings"
	"time"

	"go.temporal.io/sdk/workflow"

	"github.com/gennaker/gennaker/activities"
	"github.com/gennaker/gennaker/pipeline"
	"github.com/gennaker/gennaker/workflows"
)

// Webhook calls a URL and, when asked to, polls another until what was begun
// has ended (reference: orca section 6.2).
//
//	{"type": "webhook", "refId": "1", "name": "Run the tests", "url": "https://ci.example.com/api/runs", "method": "POST",
//	 "payload": {"suite": "smoke"}, "customHeaders": {"X-Team": "shop"}, "account": "ci",
//	 "waitForCompletion": true, "statusUrlResolution": "webhookResponse", "statusUrlJsonPath": "$.links.self",
//	 "statusJsonPath": "$.state", "progressJsonPath": "$.step", "successStatuses": "PASSED", "canceledStatuses": "ABORTED",
//	 "terminalStatuses": "FAILED, BROKEN", "cancelEndpoint": "https://ci.example.com/api/runs/cancel", "waitBeforeMonitor": 5}
//
// Cancelling the stage, and its failure, call cancelEndpoint.
type Webhook struct {
	// preconfigured is set on stages of preconfigured webhooks, whose sensitive
	// headers the worker adds to each call.
	preconfigured bool
}

var (
	_ workflows.StageType     = Webhook{}
	_ workflows.BeforePlanner = Webhook{}
	_ workflows.Patcher       = Webhook{}
	_ workflows.Canceller     = Webhook{}
	_ workflows.Restarter     = Webhook{}
	_ workflows.Caller        = Webhook{}
	_ workflows.Receiver      = Webhook{}
	_ workflows.Documented    = Webhook{}
)

const (
	// createTimeout bounds the calls of a webhook with all repetitions,
	// createBackoff is the wait between two of them.
	createTimeout = 5 * time.Minute
	createBackoff = 10 * time.Second
	// monitorTimeout bounds the polling; it happens every pollOften for the first
	// pollOftenFor, then every pollRarely.
	monitorTimeout = time.Hour
	pollOften      = time.Second
	pollOftenFor   = time.Minute
	pollRarely     = 15 * time.Second
	// leastCall is the time that a call needs to be worth making.
	leastCall = time.Second
)

// The tasks, by their names in Orca.
const (
	createWebhookTask = "createWebhook"
	waitWebhookTask   = "waitBeforeMonitorWebhook"
	monitorWebhook    = "monitorWebhook"
)

// Type implements workflows.StageType.
func (Webhook) Type() string { return "webhook" }

// Tasks implements workflows.StageType.
func (w Webhook) Tasks(s *pipeline.Stage) []workflows.Task {
	var tasks []workflows.Task
	if !s.Context.Bool("monitorOnly") {
		tasks = append(tasks, workflows.Task{Name: createWebhookTask, Timeout: createTimeout, Run: w.create})
	}
	if s.Context.Bool("waitForCompletion") {
		if seconds, _ := s.Context.Int("waitBeforeMonitor"); seconds > 0 {
			tasks = append(tasks, workflows.Task{Name: waitWebhookTask, Run: w.waitBeforeMonitor})
		}
		tasks = append(tasks, workflows.Task{Name: monitorWebhook, Timeout: monitorTimeout, Run: w.monitor})
	}
	if _, present := s.Context["expectedArtifacts"]; present {
		tasks = append(tasks, workflows.BindProducedArtifacts())
	}
	return tasks
}

// Before implements workflows.BeforePlanner, only to refuse stages that cannot
// run.
func (Webhook) Before(_ *pipeline.Execution, s *pipeline.Stage) ([]workflows.Synthetic, error) {
	if s.Context.Bool("monitorOnly") && !s.Context.Bool("waitForCompletion") {
		return nil, pipeline.Errorf(pipeline.CodeInvalid,
			"Can't specify monitorOnly = true and waitForCompletion = false at the same time: change one of them on the stage '%s'.", s.Name)
	}
	_, err := readWebhook(s)
	return nil, err
}

// waitBeforeMonitor waits as a wait stage does, so counted from the stage's
// start.
func (Webhook) waitBeforeMonitor(ctx workflow.Context, t *workflows.TaskRun) (workflows.Outcome, error) {
	if t.Stage.Context["waitTime"] == nil {
		t.Progress(pipeline.Map{"waitTime": t.Stage.Context["waitBeforeMonitor"]})
	}
	return Wait{}.wait(ctx, t)
}

// ValidatePatch implements workflows.Patcher: the wait before the polling can be
// skipped.
func (Webhook) ValidatePatch(s *pipeline.Stage, patch pipeline.Map) error {
	if _, present := patch["judgmentStatus"]; present {
		return pipeline.Errorf(pipeline.CodeConflict, "The stage '%s' is a webhook and takes no judgment.", s.Name)
	}
	if !patch.Bool("skipRemainingWait") {
		return nil
	}
	for _, task := range s.Tasks {
		if task.Name == waitWebhookTask && task.Status == pipeline.Running {
			return nil
		}
	}
	return pipeline.Errorf(pipeline.CodeConflict, "The stage '%s' is a webhook that does not wait now: there is no wait to skip.", s.Name)
}

// Received implements workflows.Receiver: what was answered, and what the stage
// took from the answer.
func (Webhook) Received(s *pipeline.Stage) []string {
	hook := s.Context.Map("webhook")
	if hook == nil {
		return nil
	}
	keys := []string{"webhook"}
	if target := hook.String("statusEndpoint"); target != "" && target == s.Context.String("statusEndpoint") {
		keys = append(keys, "statusEndpoint")
	}
	if len(s.Context.List("expectedArtifacts")) > 0 && !s.Context.Bool("waitForCompletion") {
		keys = append(keys, "artifacts", "resolvedExpectedArtifacts")
	}
	return keys
}

// PrepareRestart implements workflows.Restarter: a new run counts its polls
// anew, and asks anew.
func (w Webhook) PrepareRestart(s *pipeline.Stage, _ pipeline.Map) {
	for _, key := range w.Received(s) {
		delete(s.Context, key)
	}
	delete(s.Context, "skipRemainingWait")
}

// Calls implements workflows.Caller.
func (Webhook) Calls(s *pipeline.Stage) []string {
	c := s.Context
	var out []string
	if !c.Bool("monitorOnly") {
		out = append(out, "call "+method(c, "method")+" "+orUnknown(c.String("url")))
	}
	if c.Bool("waitForCompletion") {
		switch {
		case c.Bool("monitorOnly"):
			target := strings.TrimSpace(c.String("statusEndpoint"))
			if target == "" {
				target = c.String("url")
			}
			out = append(out, "poll "+orUnknown(target)+" for its status")
		case resolution(c) == "getMethod":
			out = append(out, "poll "+orUnknown(c.String("url"))+" for its status")
		default:
			out = append(out, "poll the address that the answer names for its status")
		}
	}
	return out
}

func orUnknown(target string) string {
	if target == "" {
		return "(no URL)"
	}
	return target
}

// webhook is a stage's context as the tasks read it.
type webhook struct {
	context pipeline.Map
	// failFast, retry and retryStatus are status codes; caps how often a code may
	// be met while polling.
	failFast, retry, retryStatus map[int64]bool
	caps                         map[int64]int64
	headers                      map[string][]string
}

// readWebhook reads and checks the context.
func readWebhook(s *pipeline.Stage) (*webhook, error) {
	w := &webhook{context: s.Context, caps: map[int64]int64{}}
	var err error
	if w.failFast, err = statusCodes(s, "failFastStatusCodes"); err != nil {
		return nil, err
	}
	if _, present := s.Context["failFastStatusCodes"]; !present {
		w.failFast[504] = true
	}
	if w.retry, err = statusCodes(s, "webhookRetryStatusCodes"); err != nil {
		return nil, err
	}
	if w.retryStatus, err = statusCodes(s, "retryStatusCodes"); err != nil {
		return nil, err
	}
	retries := s.Context.Map("retries")
	for _, code := range slices.Sorted(maps.Keys(retries)) {
		n, err := strconv.ParseInt(code, 10, 32)
		if err != nil {
			return nil, pipeline.Errorf(pipeline.CodeInvalid,
				"The retries of stage '%s' have the key '%s': write status codes, such as {\"404\": {\"maxAttempts\": 5}}.", s.Name, code)
		}
		w.caps[n], _ = pipeline.AsMap(retries[code]).Int("maxAttempts")
	}
	w.headers = headers(s.Context.Map("customHeaders"))
	return w, nil
}

// statusCodes reads a list of status codes.
func statusCodes(s *pipeline.Stage, key string) (map[int64]bool, error) {
	out := map[int64]bool{}
	raw := s.Context[key]
	list, isList := raw.([]any)
	if raw != nil && !isList {
		return nil, pipeline.Errorf(pipeline.CodeInvalid, "The %s of stage '%s' are not a list: write status codes such as [503, 504].", key, s.Name)
	}
	for _, e := range list {
		code, ok := pipeline.Map{"code": e}.Int("code")
		if !ok {
			return nil, pipeline.Errorf(pipeline.CodeInvalid, "The %s of stage '%s' hold %v, which is no status code.", key, s.Name, e)
		}
		out[code] = true
	}
	return out, nil
}

// headers reads custom headers: text, a list of texts, or a number or boolean.
func headers(given pipeline.Map) map[string][]string {
	out := map[string][]string{}
	for _, name := range slices.Sorted(maps.Keys(given)) {
		list, isList := given[name].([]any)
		if !isList {
			list = []any{given[name]}
		}
		for _, v := range list {
			if text, ok := scalarText(v); ok {
				out[name] = append(out[name], text)
			}
		}
	}
	return out
}

// scalarText is a single value as text.
func scalarText(v any) (string, bool) {
	switch v := v.(type) {
	case string:
		return v, true
	case nil, []any, map[string]any:
		return "", false
	default:
		b, err := pipeline.EncodeValue(v)
		return string(b), err == nil
	}
}

// method reads an HTTP method; absent is POST.
func method(c pipeline.Map, key string) string {
	if m := strings.ToUpper(strings.TrimSpace(c.String(key))); m != "" {
		return m
	}
	return "POST"
}

// resolution is where the address to poll comes from.
func resolution(c pipeline.Map) string {
	if r := c.String("statusUrlResolution"); r != "" {
		return r
	}
	return "getMethod"
}

// input is a call of a stage to a URL.
func (w Webhook) input(t *workflows.TaskRun, target string, headers map[string][]string) activities.CallWebhookInput {
	in := activities.CallWebhookInput{
		Scope: t.Scope(), URL: strings.TrimSpace(target), Headers: headers, Account: t.Stage.Context.String("account"),
	}
	if w.preconfigured {
		in.Preconfigured = t.Stage.Type
	}
	return in
}

// response is an answer in the shape of the context's webhook and its monitor.
func response(out activities.CallWebhookOutput) pipeline.Map {
	m := pipeline.Map{"statusCode": statusName(out.StatusCode), "statusCodeValue": int64(out.StatusCode)}
	if out.Body.Value != nil {
		m["body"] = out.Body.Value
	}
	if len(out.Headers) > 0 {
		all := map[string]any{}
		for _, name := range slices.Sorted(maps.Keys(out.Headers)) {
			all[name] = out.Headers[name]
		}
		m["headers"] = all
	}
	return m
}

// nextCall waits between two calls of a task, at least as long as the stage's
// backoffPeriodMs. When the task's time does not allow another call it gives up
// at once, with why the last one was not enough; without a why it waits for the end.
func nextCall(ctx workflow.Context, t *workflows.TaskRun, wait time.Duration, summary, why string) error {
	if ms, _ := t.Stage.Context.Int("backoffPeriodMs"); ms > 0 {
		wait = max(wait, time.Duration(min(ms, int64(maxWait/time.Millisecond)))*time.Millisecond)
	}
	deadline, bounded := t.Deadline(ctx)
	if left := deadline.Sub(workflow.Now(ctx)); bounded && left < wait+leastCall {
		if why != "" {
			return &pipeline.Error{Code: pipeline.CodeTimeout, Message: why, Details: []string{"The time that the task may take is up."}}
		}
		wait = left + leastCall
	}
	return t.AwaitFor(ctx, wait, summary, func() bool { return false })
}
