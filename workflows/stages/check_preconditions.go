package stages

import (
	"maps"
	"regexp"
	"slices"
	"strconv"
	"strings"
	"time"

	"go.temporal.io/sdk/workflow"

	"github.com/gennaker/gennaker/activities"
	"github.com/gennaker/gennaker/pipeline"
	"github.com/gennaker/gennaker/pipeline/expr"
	"github.com/gennaker/gennaker/workflows"
)

// CheckPreconditions fails unless everything in its list holds (reference: orca
// section 6.2). Each entry becomes a stage of the same type before this one, all
// at once; what a stage is, is told by whether it has a parent.
//
//	{"type": "checkPreconditions", "refId": "1", "name": "May we?", "preconditions": [
//	  {"type": "expression", "failPipeline": true, "context": {"expression": "trigger.type == 'manual'"}},
//	  {"type": "clusterSize", "context": {"credentials": "prod", "cluster": "deployment web", "regions": ["shop"],
//	    "moniker": {"app": "shop"}, "comparison": "<=", "expected": 3}}]}
//
// An entry's failPipeline decides what its failure does, the stage's own when it
// has none.
type CheckPreconditions struct{}

var (
	_ workflows.StageType     = CheckPreconditions{}
	_ workflows.BeforePlanner = CheckPreconditions{}
	_ workflows.Caller        = CheckPreconditions{}
	_ workflows.Documented    = CheckPreconditions{}
)

// maxPreconditions bounds the list of one stage.
const maxPreconditions = 200

// clusterSizeTimeout bounds one look at a cluster, with a restart of the worker
// that serves it; Orca gives up after 30 s.
const clusterSizeTimeout = 5 * time.Minute

// Type implements workflows.StageType.
func (CheckPreconditions) Type() string { return "checkPreconditions" }

// Tasks implements workflows.StageType.
func (c CheckPreconditions) Tasks(s *pipeline.Stage) []workflows.Task {
	if s.ParentStageID == "" {
		return nil
	}
	task := workflows.Task{Name: "checkPrecondition"}
	switch kind := s.Context.String("preconditionType"); kind {
	case "expression":
		task.Run = c.checkExpression
	case "stageStatus":
		task.Run = c.checkStageStatus
	case "clusterSize":
		task.Timeout = clusterSizeTimeout
		task.Run = c.checkClusterSize
	case "noop":
		return []workflows.Task{instant("checkPrecondition")}
	default:
		task.Run = func(_ workflow.Context, t *workflows.TaskRun) (workflows.Outcome, error) {
			return workflows.Outcome{}, unknownPrecondition(t.Stage.Name, kind)
		}
	}
	return []workflows.Task{task}
}

func unknownPrecondition(stage, kind string) error {
	return pipeline.Errorf(pipeline.CodeInvalid, "no Precondition implementation for type %s: the stage '%s' can check expression, stageStatus, clusterSize and noop.", kind, stage)
}

// Before implements workflows.BeforePlanner.
func (c CheckPreconditions) Before(e *pipeline.Execution, s *pipeline.Stage) ([]workflows.Synthetic, error) {
	if s.ParentStageID != "" {
		return nil, nil
	}
	base := s.Context.Clone()
	strategyParameters(e, base)
	list, isList := base["preconditions"].([]any)
	if !isList {
		return nil, pipeline.Errorf(pipeline.CodeInvalid, "The stage '%s' holds no list of preconditions: set preconditions to one.", s.Name)
	}
	if len(list) > maxPreconditions {
		return nil, pipeline.Errorf(pipeline.CodeTooLarge, "The stage '%s' holds %d preconditions: at most %d are checked by one stage.", s.Name, len(list), maxPreconditions)
	}
	delete(base, "preconditions")
	var out []workflows.Synthetic
	for i, v := range list {
		entry := pipeline.AsMap(v)
		if entry == nil {
			return nil, pipeline.Errorf(pipeline.CodeInvalid, "The precondition %d of stage '%s' is not an object: write {\"type\": …, \"context\": …}.", i+1, s.Name)
		}
		kind := entry.String("type")
		context := merged(base, entry)
		context["type"] = c.Type()
		context["preconditionType"] = kind
		context["context"] = preconditionContext(context.Map("context"), base)
		out = append(out, workflows.Synthetic{Type: c.Type(), Name: "Check precondition (" + kind + ")", Context: context})
	}
	return out, nil
}

// merged returns a copy of one map with another's keys over it.
func merged(under, over pipeline.Map) pipeline.Map {
	out := under.Clone()
	if out == nil {
		out = pipeline.Map{}
	}
	for _, k := range slices.Sorted(maps.Keys(over)) {
		out[k] = pipeline.CloneValue(over[k])
	}
	return out
}

// preconditionContext adds what entries take over from their stage.
func preconditionContext(own, stage pipeline.Map) map[string]any {
	out := merged(own, nil)
	for _, key := range []string{"cluster", "regions", "credentials"} {
		if out[key] == nil && stage[key] != nil {
			out[key] = pipeline.CloneValue(stage[key])
		}
	}
	return out
}

// strategyParameters gives the stages of a deployment strategy the cluster that
// they are to work on.
func strategyParameters(e *pipeline.Execution, context pipeline.Map) {
	p := e.Trigger.Parameters
	if e.Type != pipeline.TypePipeline || !p.Bool("strategy") {
		return
	}
	for _, key := range []string{"cloudProvider", "cluster", "credentials"} {
		context[key] = p[key]
	}
	if region := p["region"]; region != nil {
		context["regions"] = []any{region}
	} else if zone := p["zone"]; zone != nil {
		context["zones"] = []any{zone}
	}
}

// wrapped is an expression whose text came back as it went in.
var wrapped = regexp.MustCompile(`^\$\{(.*)\}$`)

func (CheckPreconditions) checkExpression(ctx workflow.Context, t *workflows.TaskRun) (workflows.Outcome, error) {
	context := merged(t.Stage.Context.Map("context"), nil)
	text := "false"
	if v := context["expression"]; v != nil {
		text = plain(v)
	}
	value, summary, err := t.Evaluate(ctx, "${"+text+"}")
	if err != nil {
		return workflows.Outcome{}, err
	}
	result := plain(value)
	if inner := wrapped.FindStringSubmatch(result); inner != nil {
		result = inner[1]
	}
	context["expressionResult"] = result
	outcome := workflows.Outcome{Context: pipeline.Map{"context": map[string]any(context)}}
	if strings.EqualFold(result, "true") {
		return outcome, nil
	}
	if summary.Failed() && !strings.HasPrefix(strings.TrimSpace(result), "$") {
		outcome.Context[expr.SummaryKey] = map[string]any(merged(t.Stage.Context.Map(expr.SummaryKey), summary.Value()))
	}
	return outcome, pipeline.Errorf(pipeline.CodeFailed, "Precondition check failed: the expression %s is %s, not true", short(text), short(result))
}

// plain prints a value: text as it is, everything else as JSON.
func plain(v any) string {
	if s, ok := v.(string); ok {
		return s
	}
	text, err := pipeline.EncodeValue(v)
	if err != nil {
		return ""
	}
	return string(text)
}

// short cuts text that a message quotes.
func short(s string) string {
	const limit = 500
	if len(s) <= limit {
		return s
	}
	return strings.ToValidUTF8(s[:limit], "") + "…"
}

func (CheckPreconditions) checkStageStatus(_ workflow.Context, t *workflows.TaskRun) (workflows.Outcome, error) {
	c := t.Stage.Context.Map("context")
	name, want := c.String("stageName"), c.String("stageStatus")
	switch {
	case name == "":
		return workflows.Outcome{}, pipeline.Errorf(pipeline.CodeInvalid, "Stage name is required for preconditions of type stageStatus.")
	case want == "":
		return workflows.Outcome{}, pipeline.Errorf(pipeline.CodeInvalid, "Stage status is required for preconditions of type stageStatus.")
	}
	for _, s := range t.Execution().Stages {
		if s.Name != name {
			continue
		}
		if string(s.Status) != want {
			return workflows.Outcome{}, pipeline.Errorf(pipeline.CodeFailed, "The status of stage %s was asserted to be %s, but was actually %s", name, want, s.Status)
		}
		return workflows.Outcome{}, nil
	}
	return workflows.Outcome{}, pipeline.Errorf(pipeline.CodeInvalid, "Failed to find stage %s in execution. Please specify a valid stage name", name)
}

// comparisons are the operators of a clusterSize precondition.
var comparisons = map[string]func(actual, expected int64) bool{
	"<":  func(a, e int64) bool { return a < e },
	"<=": func(a, e int64) bool { return a <= e },
	"==": func(a, e int64) bool { return a == e },
	">=": func(a, e int64) bool { return a >= e },
	">":  func(a, e int64) bool { return a > e },
}

// clusterSize is what a clusterSize precondition asks.
type clusterSize struct {
	account, application, cluster string
	regions                       []string
	comparison                    string
	expected                      int64
	enabledOnly                   bool
}

// readClusterSize reads a precondition's context; faults lists all that is wrong
// with it, as Orca does.
func readClusterSize(t *pipeline.Stage, application string) (clusterSize, error) {
	c := t.Context.Map("context")
	size := clusterSize{
		account: c.String("credentials"), application: c.Map("moniker").String("app"), cluster: c.String("cluster"),
		regions: c.Strings("regions"), comparison: "==", expected: 1, enabledOnly: c.Bool("onlyEnabledServerGroups"),
	}
	if size.application == "" {
		size.application = application
	}
	var faults []string
	if size.cluster == "" {
		faults = append(faults, "Missing cluster")
	}
	if v := c["comparison"]; v != nil {
		size.comparison = plain(v)
	}
	if comparisons[size.comparison] == nil {
		faults = append(faults, "Unsupported comparison "+size.comparison)
	}
	if v := c["expected"]; v != nil {
		n, ok := c.Int("expected")
		size.expected = n
		if !ok || n < 0 {
			faults = append(faults, "Invalid value for expected "+plain(v))
		}
	}
	if len(size.regions) == 0 {
		faults = append(faults, "Missing regions")
	}
	if size.account == "" {
		faults = append(faults, "Missing credentials")
	}
	if len(faults) > 0 {
		return size, pipeline.Errorf(pipeline.CodeInvalid, "Invalid configuration %s", strings.Join(faults, ", "))
	}
	return size, nil
}

func (CheckPreconditions) checkClusterSize(ctx workflow.Context, t *workflows.TaskRun) (workflows.Outcome, error) {
	size, err := readClusterSize(t.Stage, t.Execution().Application)
	if err != nil {
		return workflows.Outcome{}, err
	}
	if _, err := workflows.Call(ctx, t, activities.FindAccount, activities.FindAccountInput{Account: size.account}); err != nil {
		return workflows.Outcome{}, err
	}
	out, err := workflows.Call(ctx, t, activities.ClusterSize, activities.ClusterSizeInput{
		Scope: t.Scope(), Account: size.account, Application: size.application, Cluster: size.cluster,
		Namespaces: size.regions, EnabledOnly: size.enabledOnly,
	})
	if err != nil {
		return workflows.Outcome{}, err
	}
	enabled := ""
	if size.enabledOnly {
		enabled = "enabled "
	}
	var failures []string
	for _, region := range size.regions {
		found := out.ServerGroups[region]
		if comparisons[size.comparison](int64(len(found)), size.expected) {
			continue
		}
		failures = append(failures, "expected "+size.comparison+" "+strconv.FormatInt(size.expected, 10)+" "+enabled+"server groups in "+region+
			" but found "+strconv.Itoa(len(found))+": ["+short(strings.Join(found, ", "))+
			"]. Please clean up the cluster to only have the specific number of server groups, or opt out of this check in your deploy stage.")
	}
	if len(failures) > 0 {
		return workflows.Outcome{}, pipeline.Errorf(pipeline.CodeFailed, "Precondition check failed: %s", strings.Join(failures, ", "))
	}
	return workflows.Outcome{}, nil
}

// Calls implements workflows.Caller.
func (CheckPreconditions) Calls(s *pipeline.Stage) []string {
	contexts := []pipeline.Map{}
	if s.Context.String("preconditionType") == "clusterSize" {
		contexts = append(contexts, s.Context.Map("context"))
	}
	for _, v := range s.Context.List("preconditions") {
		if entry := pipeline.AsMap(v); entry.String("type") == "clusterSize" {
			contexts = append(contexts, preconditionContext(entry.Map("context"), s.Context))
		}
	}
	var out []string
	for _, c := range contexts {
		out = append(out, "count the server groups of cluster "+c.String("cluster")+" in account "+c.String("credentials"))
	}
	return out
}

// Describe implements workflows.Documented.
func (CheckPreconditions) Describe() workflows.Description {
	return workflows.Description{
		Summary: "Goes on only if all of its preconditions hold. Each is checked by a stage of its own before this one, all at the same time.",
		Inputs: []workflows.Field{
			{Name: "preconditions", Type: "list of {type, failPipeline, context}", Text: "What must hold; at most 200 entries. An entry's `failPipeline` replaces the stage's for its own failure."},
			{Name: "cluster", Type: "text", Text: "Taken over by entries that name none, as are `regions` and `credentials`."},
			{Name: "regions", Type: "list of namespaces", Text: "See `cluster`."},
			{Name: "credentials", Type: "account", Text: "See `cluster`."},
		},
		Notes: []string{
			"`expression`: `context.expression`, without `${ }`, must be true. What it gives stands in `context.expressionResult` as text.",
			"`stageStatus`: the first stage named `context.stageName` must have the status `context.stageStatus` at that moment.",
			"`clusterSize`: the number of server groups (ReplicaSets, StatefulSets, DaemonSets, Jobs, CronJobs) of `context.cluster` in each of `context.regions` " +
				"of the account `context.credentials` must compare by `context.comparison` (`<`, `<=`, `==`, `>=`, `>`; default `==`) with `context.expected` (default 1). " +
				"`context.onlyEnabledServerGroups` leaves out those that should take traffic and do not. The cluster itself is asked, not a cache.",
			"`noop`: always holds.",
			"An expression that is not true fails with a message that quotes it, where Orca leaves the message empty.",
		},
	}
}
