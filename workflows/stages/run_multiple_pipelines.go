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

// RunMultiplePipelines starts pipelines of one application level by level, each
// level once the one before has ended (reference: orca section 6.2). yamlConfig
// holds one document with the apps under bundle_web.
//
//	{"type": "runMultiplePipelines", "refId": "1", "name": "Release", "pipelineApplication": "shop",
//	 "yamlConfig": [{"bundle_web": {
//	   "api": {"child_pipeline": "deploy", "arguments": {"app": "api", "tag": "1.2"}},
//	   "web": {"child_pipeline": "deploy", "arguments": {"app": "web", "tag": "1.2"}, "depends_on": ["api"]}}}]}
type RunMultiplePipelines struct{}

var (
	_ workflows.StageType  = RunMultiplePipelines{}
	_ workflows.Canceller  = RunMultiplePipelines{}
	_ workflows.Restarter  = RunMultiplePipelines{}
	_ workflows.Caller     = RunMultiplePipelines{}
	_ workflows.Documented = RunMultiplePipelines{}
)

// maxApps bounds the apps of one stage; those of one level are bounded by
// [activities.MaxAwaited].
const maxApps = 500

// Type implements workflows.StageType.
func (RunMultiplePipelines) Type() string { return "runMultiplePipelines" }

// Tasks implements workflows.StageType.
func (r RunMultiplePipelines) Tasks(*pipeline.Stage) []workflows.Task {
	return []workflows.Task{
		{Name: "parsePipelinesYamlTask", Run: r.parse},
		{Name: "runMultiplePipelines", Timeout: time.Hour, Run: r.start, LoopStart: true},
		{Name: "monitorMultiplePipelinesTask", Timeout: 24 * time.Hour, Run: r.monitor, LoopEnd: true},
		{Name: "saveOutputsForDetailsTask", Run: r.save},
	}
}

// app is one pipeline to start. What is known of it stands in the stage's
// context, so that a stage whose workflow continues as new goes on.
type app struct {
	id, pipeline string
	arguments    pipeline.Map
	dependsOn    []string
}

// value is the app in the stage's context, in Orca's words.
func (a app) value() map[string]any {
	depends := make([]any, len(a.dependsOn))
	for i, d := range a.dependsOn {
		depends[i] = d
	}
	return map[string]any{"yamlIdentifier": a.id, "child_pipeline": a.pipeline, "arguments": map[string]any(a.arguments), "depends_on": depends}
}

func appFrom(id string, v any) app {
	m := pipeline.AsMap(v)
	arguments := m.Map("arguments")
	if arguments == nil {
		arguments = pipeline.Map{}
	}
	return app{id: id, pipeline: m.String("child_pipeline"), arguments: arguments, dependsOn: m.Strings("depends_on")}
}

// readApps reads the stage's yamlConfig; apps are in the order of their names.
func readApps(s *pipeline.Stage) ([]app, error) {
	documents := s.Context.List("yamlConfig")
	if len(documents) == 0 {
		return nil, pipeline.Errorf(pipeline.CodeInvalid, "The stage '%s' holds no yamlConfig: set it to a list with one document.", s.Name)
	}
	bundle := pipeline.AsMap(documents[0]).Map("bundle_web")
	var out []app
	for _, id := range slices.Sorted(maps.Keys(bundle)) {
		if id == "rollback_onfailure" {
			continue
		}
		a := appFrom(id, bundle[id])
		if a.pipeline == "" {
			return nil, pipeline.Errorf(pipeline.CodeInvalid, "The app '%s' of stage '%s' names no pipeline: set child_pipeline to a pipeline's name.", id, s.Name)
		}
		out = append(out, a)
	}
	switch {
	case len(out) == 0:
		return nil, pipeline.Errorf(pipeline.CodeInvalid, "The stage '%s' holds no apps: write them under bundle_web in yamlConfig.", s.Name)
	case len(out) > maxApps:
		return nil, pipeline.Errorf(pipeline.CodeTooLarge, "The stage '%s' holds %d apps: at most %d are run by one stage.", s.Name, len(out), maxApps)
	}
	return out, nil
}

// levelsOf orders apps: one is in the first level after all that it depends on.
func levelsOf(apps []app) ([][]app, error) {
	level := make(map[string]int, len(apps))
	known := make(map[string]bool, len(apps))
	for _, a := range apps {
		known[a.id] = true
	}
	var out [][]app
	for left := apps; len(left) > 0; {
		var ready, later []app
		for _, a := range left {
			waits := false
			for _, d := range a.dependsOn {
				if !known[d] {
					return nil, pipeline.Errorf(pipeline.CodeInvalid, "The app '%s' depends on '%s', which is not there: correct depends_on.", a.id, d)
				}
				_, placed := level[d]
				waits = waits || !placed
			}
			if waits {
				later = append(later, a)
			} else {
				ready = append(ready, a)
			}
		}
		if len(ready) == 0 {
			return nil, pipeline.Errorf(pipeline.CodeInvalid, "The app '%s' depends on itself, by way of what it depends on: correct depends_on.", later[0].id)
		}
		for _, a := range ready {
			level[a.id] = len(out)
		}
		if len(ready) > activities.MaxAwaited {
			return nil, pipeline.Errorf(pipeline.CodeTooLarge, "There are %d apps to run at once: at most %d are.", len(ready), activities.MaxAwaited)
		}
		out = append(out, ready)
		left = later
	}
	return out, nil
}

func (RunMultiplePipelines) parse(_ workflow.Context, t *workflows.TaskRun) (workflows.Outcome, error) {
	c := t.Stage.Context
	apps, err := readApps(t.Stage)
	if err != nil {
		return workflows.Outcome{}, err
	}
	if check := c["checkDuplicated"]; check == nil || c.Bool("checkDuplicated") {
		if err := refuseDuplicates(apps); err != nil {
			return workflows.Outcome{}, err
		}
	}
	levels, err := levelsOf(apps)
	if err != nil {
		return workflows.Outcome{}, err
	}
	order := make([]any, len(levels))
	for i, level := range levels {
		list := make([]any, len(level))
		for j, a := range level {
			list[j] = a.value()
		}
		order[i] = list
	}
	return workflows.Outcome{Context: pipeline.Map{
		"orderOfExecutions": order, "orderOfExecutionsSize": int64(len(order)), "levelNumber": int64(0),
		"ignoreUncompleted": c.Bool("ignoreUncompleted"), "monitorBehavior": "WaitForAllToComplete",
	}}, nil
}

// refuseDuplicates fails when two apps would be the same execution.
func refuseDuplicates(apps []app) error {
	seen := map[string]string{}
	for _, a := range apps {
		arguments, err := pipeline.EncodeValue(map[string]any(a.arguments))
		if err != nil {
			return pipeline.Wrap(pipeline.CodeInvalid, err, "The arguments of the app '%s' cannot be read: %s.", a.id, err)
		}
		key := a.pipeline + "\x00" + string(arguments)
		if other, twice := seen[key]; twice {
			return &pipeline.Error{
				Code:    pipeline.CodeInvalid,
				Message: "Detected two or more duplicated arguments and calling the same child_pipeline. You would have the same execution",
				Details: []string{"The apps '" + other + "' and '" + a.id + "' are the same: remove one, or set checkDuplicated to false."},
			}
		}
		seen[key] = a.id
	}
	return nil
}

// present returns the level that the stage is at.
func (RunMultiplePipelines) present(s *pipeline.Stage) (number int, apps []app, levels int) {
	order := s.Context.List("orderOfExecutions")
	n, _ := s.Context.Int("levelNumber")
	if n < 0 || n >= int64(len(order)) {
		return int(n), nil, len(order)
	}
	list, _ := order[n].([]any)
	for _, v := range list {
		apps = append(apps, appFrom(pipeline.AsMap(v).String("yamlIdentifier"), v))
	}
	return int(n), apps, len(order)
}

// start starts the pipelines of one level. All of them are read first, so that
// nothing is started when one is missing, and so that the part that starts is
// never taken up again in its middle.
func (r RunMultiplePipelines) start(ctx workflow.Context, t *workflows.TaskRun) (workflows.Outcome, error) {
	_, apps, _ := r.present(t.Stage)
	if len(apps) == 0 {
		return workflows.Outcome{}, pipeline.Errorf(pipeline.CodeInvalid, "Child Pipelines were not executed")
	}
	executions := make([]*pipeline.Execution, len(apps))
	failures := make([]*workflows.StartFailure, len(apps))
	for i, a := range apps {
		config, err := r.find(ctx, t, a)
		if err != nil {
			return workflows.Outcome{}, err
		}
		if executions[i], failures[i], err = childExecution(ctx, t, config, a.arguments, a.id); err != nil {
			return workflows.Outcome{}, err
		}
	}
	executionIDs := []any{}
	for i, e := range executions {
		if _, err := workflows.StartChild(ctx, e, failures[i]); err != nil {
			return workflows.Outcome{}, err
		}
		executionIDs = append(executionIDs, e.ID)
		t.Progress(pipeline.Map{"executionIds": slices.Clone(executionIDs)})
	}
	return workflows.Outcome{}, nil
}

// find reads the pipeline of an app.
func (RunMultiplePipelines) find(ctx workflow.Context, t *workflows.TaskRun, a app) (pipeline.Pipeline, error) {
	application := t.Stage.Context.String("pipelineApplication")
	if application == "" {
		application = t.Execution().Application
	}
	found, err := workflows.Call(ctx, t, activities.FindPipeline, activities.FindPipelineInput{Scope: t.Scope(), Application: application, Name: a.pipeline})
	if err != nil && pipeline.CodeOf(err) == pipeline.CodeNotFound {
		return nil, pipeline.Errorf(pipeline.CodeNotFound, "The pipeline '%s' of the app '%s' is not in the application '%s': correct child_pipeline or pipelineApplication.", a.pipeline, a.id, application)
	}
	if err != nil {
		return nil, err
	}
	read, err := workflows.Call(ctx, t, activities.ReadPipeline, activities.ReadPipelineInput{Scope: t.Scope(), ID: found.Pipeline.ID(), Parameters: a.arguments})
	if err == nil && read.Pipeline.Disabled() {
		err = pipeline.Errorf(pipeline.CodeInvalid, "Pipeline '%s' is disabled and cannot be triggered", read.Pipeline.Name())
	}
	return read.Pipeline, err
}

func (r RunMultiplePipelines) monitor(ctx workflow.Context, t *workflows.TaskRun) (workflows.Outcome, error) {
	number, apps, levels := r.present(t.Stage)
	in := activities.AwaitExecutionsInput{Scope: t.Scope(), IDs: t.Stage.Context.Strings("executionIds"), Type: pipeline.TypePipeline}
	states, err := awaitExecutions(ctx, t, in, func(states []activities.ExecutionState) {
		t.Stage.Outputs["executionStatuses"] = executionStatuses(states)
		t.Progress(nil)
	})
	if err != nil {
		return workflows.Outcome{}, err
	}
	list := slices.Clone(t.Stage.Context.List("runMultiplePipelinesOutputs"))
	for i, s := range states {
		identifier := ""
		if i < len(apps) {
			identifier = apps[i].id
		}
		list = append(list, executionDetails(s, identifier))
	}
	next := workflows.Outcome{Status: pipeline.Redirect, Context: pipeline.Map{"levelNumber": int64(number + 1), "runMultiplePipelinesOutputs": list}}
	verdict := worst(states)
	goesOn := number < levels-1 && (verdict == pipeline.Succeeded || t.Stage.Context.Bool("ignoreUncompleted"))
	message := map[pipeline.Status]string{pipeline.Terminal: monitoredFailed, pipeline.Canceled: monitoredCanceled}[verdict]
	switch {
	case goesOn:
		if message != "" {
			next.Context["exception"] = withError(t.Stage, message)["exception"]
		}
		return next, nil
	case verdict == pipeline.Succeeded:
		return workflows.Outcome{Context: pipeline.Map{"runMultiplePipelinesOutputs": list}}, nil
	}
	r.forget(t.Stage)
	t.ClearOutputs()
	ended := workflows.Outcome{Outputs: pipeline.Map{"executionsList": list}}
	if verdict == pipeline.Canceled {
		ended.Status = pipeline.Canceled
		ended.Context = withError(t.Stage, message)
		return ended, nil
	}
	return ended, &pipeline.Error{Code: pipeline.CodeFailed, Message: message, Details: childFailures(states)}
}

// executionDetails is what the stage's outputs tell of an execution.
func executionDetails(s activities.ExecutionState, identifier string) map[string]any {
	out := map[string]any{
		"id": s.ID, "executionIdentifier": identifier, "status": string(s.Status),
		"startTime": int64(s.StartTime), "endTime": int64(s.EndTime),
	}
	if w := s.Workload; w != nil {
		out["artifactCreated"] = map[string]any{"account": w.Account, "manifestName": w.ManifestName, "location": w.Location}
	}
	return out
}

func (r RunMultiplePipelines) save(_ workflow.Context, t *workflows.TaskRun) (workflows.Outcome, error) {
	list := slices.Clone(t.Stage.Context.List("runMultiplePipelinesOutputs"))
	r.forget(t.Stage)
	t.ClearOutputs()
	return workflows.Outcome{Outputs: pipeline.Map{"executionsList": list}}, nil
}

// forget takes from the context what only the running stage needs.
func (RunMultiplePipelines) forget(s *pipeline.Stage) {
	for _, key := range []string{"orderOfExecutions", "runMultiplePipelinesOutputs"} {
		delete(s.Context, key)
	}
}

// Cancel implements workflows.Canceller: pipelines of the present level that
// still run are cancelled.
func (RunMultiplePipelines) Cancel(ctx workflow.Context, t *workflows.TaskRun) (workflows.Outcome, error) {
	statuses := t.Stage.Outputs.Map("executionStatuses")
	var first error
	for _, id := range t.Stage.Context.Strings("executionIds") {
		if pipeline.Status(statuses.Map(id).String("status")).Complete() || t.Stage.Outputs["executionsList"] != nil {
			continue
		}
		err := workflows.CancelChild(ctx, id, workflows.CancelInput{
			User: "parent pipeline", Reason: "The parent pipeline '" + t.Execution().Name + "' was ended.",
		})
		if first == nil {
			first = err
		}
	}
	return workflows.Outcome{}, first
}

// PrepareRestart implements workflows.Restarter.
func (r RunMultiplePipelines) PrepareRestart(s *pipeline.Stage, _ pipeline.Map) {
	r.forget(s)
	for _, key := range []string{"orderOfExecutionsSize", "levelNumber", "executionIds"} {
		delete(s.Context, key)
	}
	s.Outputs = pipeline.Map{}
}

// Calls implements workflows.Caller.
func (RunMultiplePipelines) Calls(s *pipeline.Stage) []string {
	apps, err := readApps(s)
	if err != nil {
		return nil
	}
	levels, err := levelsOf(apps)
	if err != nil {
		return nil
	}
	var out []string
	for i, level := range levels {
		for _, a := range level {
			call := "start the pipeline " + a.pipeline + " for the app " + a.id
			if len(a.dependsOn) > 0 {
				call += ", after " + strings.Join(a.dependsOn, ", ")
			}
			out = append(out, call+" (level "+strconv.Itoa(i+1)+")")
		}
	}
	return out
}

// Describe implements workflows.Documented.
func (RunMultiplePipelines) Describe() workflows.Description {
	return workflows.Description{
		Summary: "Starts many pipelines of one application, level by level in the order of their dependencies, and waits for them.",
		Inputs: []workflows.Field{
			{Name: "yamlConfig", Type: "list with one document", Text: "`bundle_web` maps each app to `child_pipeline` (a pipeline's name), `arguments` (its parameters) and `depends_on` (names of other apps). At most 500 apps, 200 on one level."},
			{Name: "pipelineApplication", Type: "text", Default: "the pipeline's application", Text: "Where the pipelines are looked for."},
			{Name: "checkDuplicated", Type: "boolean", Default: "true", Text: "Refuses two apps with the same pipeline and arguments."},
			{Name: "ignoreUncompleted", Type: "boolean", Default: "false", Text: "Whether the next level starts although a pipeline of this one failed or was cancelled."},
		},
		Outputs: []workflows.Field{
			{Name: "executionsList", Type: "list of maps", Text: "For each execution `id`, `executionIdentifier` (the app), `status`, `startTime`, `endTime`, and `artifactCreated` (`account`, `manifestName`, `location`): the last workload that a manifest stage named \"Deploy…\" left whose name contains the parameter `app`."},
		},
		Notes: []string{
			"While the stage runs, its outputs hold `executionStatuses`, as those of [monitorPipeline](monitorPipeline.md) do.",
			"A dependency that is not there, and apps that wait for each other, are refused before anything starts; so is a level one of whose pipelines is missing or disabled. Orca leaves such apps out.",
			"Cancelling the stage cancels the pipelines that run; Orca lets them go on.",
			"`rollback_onfailure` is accepted and does nothing, as in Orca.",
		},
	}
}
