package expr

import (
	"github.com/gennaker/gennaker/pipeline"
)

type (
	executionObject struct {
		*pipeline.Execution
		graph *graph
	}
	stageObject struct {
		stage *pipeline.Stage
		exec  *pipeline.Execution
		graph *graph
	}
	taskObject     struct{ *pipeline.Task }
	artifactObject struct{ *pipeline.Artifact }
	expectedObject struct{ *pipeline.ExpectedArtifact }
	triggerObject  struct{ *pipeline.Trigger }
	authObject     struct{ *pipeline.Authentication }
	scmObject      struct{ m mapping }
	// stageContext is a stage's context as other stages see it: its own keys, and
	// behind them the outputs of its ancestors.
	stageContext struct{ stageObject }
	// parentExecution stands for the execution that started this one until
	// something looks into it.
	parentExecution struct{ ref pipeline.ParentRef }
)

func statusValue(s pipeline.Status) any {
	if s == "" {
		return nil
	}
	return enumValue{class: "ExecutionStatus", name: string(s), ord: statusOrdinal(s)}
}

func statusOrdinal(s pipeline.Status) int32 {
	order := []pipeline.Status{
		pipeline.NotStarted, pipeline.Running, pipeline.Paused, pipeline.Suspended, pipeline.Succeeded, pipeline.FailedContinue,
		pipeline.Terminal, pipeline.Canceled, pipeline.Redirect, pipeline.Stopped, pipeline.Skipped, pipeline.Buffered,
	}
	for i, o := range order {
		if o == s {
			return int32(i)
		}
	}
	return int32(len(order))
}

func orNull(s string) any {
	if s == "" {
		return nil
	}
	return s
}

func textList(ss []string) *list {
	items := make([]any, len(ss))
	for i, s := range ss {
		items[i] = s
	}
	return &list{items: items, class: "UnmodifiableSet"}
}

func notNil(m pipeline.Map) map[string]any {
	if m == nil {
		return map[string]any{}
	}
	return m
}

// filtered is the failure of a property that exists and is hidden by the type
// filter.
func filtered(name, returned string) *Error {
	msg := "found getter for requested " + name + " but rejected due to return type " + returned
	e := evalError(elPropertyRead, name, msg).because(javaError(typeIllegalArg, msg))
	e.Hint = "The type filter hides this property."
	return e
}

func (o *executionObject) class() string { return "PipelineExecution" }

func (o *executionObject) identity() any { return o.Execution }

func (o *executionObject) names() []string {
	return []string{
		"id", "application", "name", "status", "stages", "trigger", "authentication", "canceled", "canceledBy", "cancellationReason",
		"startTime", "endTime", "buildTime", "context", "notifications", "pipelineConfigId", "origin", "templateVariables", "initialConfig",
		"description", "rootId", "limitConcurrent", "maxConcurrentExecutions", "keepWaitingPipelines", "spelEvaluator", "paused",
	}
}

func (o *executionObject) property(_ *evaluator, name string) (any, bool, *Error) {
	e := o.Execution
	switch name {
	case "id":
		return e.ID, true, nil
	case "rootId":
		return orNull(e.RootID), true, nil
	case "application":
		return e.Application, true, nil
	case "name":
		return orNull(e.Name), true, nil
	case "description":
		return orNull(e.Description), true, nil
	case "status":
		return statusValue(e.Status), true, nil
	case "stages":
		items := make([]any, len(e.Stages))
		for i, s := range e.Stages {
			items[i] = &stageObject{s, e, o.graph}
		}
		return newList(items), true, nil
	case "trigger":
		return &triggerObject{&e.Trigger}, true, nil
	case "authentication":
		return &authObject{&e.Authentication}, true, nil
	case "canceled":
		return e.Canceled, true, nil
	case "canceledBy":
		return orNull(e.CanceledBy), true, nil
	case "cancellationReason":
		return orNull(e.CancellationReason), true, nil
	case "buildTime":
		return e.BuildTime, true, nil
	case "startTime":
		return e.StartTime, true, nil
	case "endTime":
		return e.EndTime, true, nil
	case "startTimeExpiry":
		return e.StartTimeExpiry, true, nil
	case "notifications":
		return e.Notifications, true, nil
	case "systemNotifications":
		return e.SystemNotifications, true, nil
	case "pipelineConfigId":
		return orNull(e.PipelineConfigID), true, nil
	case "origin":
		return orNull(e.Origin), true, nil
	case "spelEvaluator":
		return orNull(e.SpelEvaluator), true, nil
	case "templateVariables":
		if e.TemplateVariables == nil {
			return nil, true, nil
		}
		return map[string]any(e.TemplateVariables), true, nil
	case "initialConfig":
		return notNil(e.InitialConfig), true, nil
	case "context":
		return executionContext(e), true, nil
	case "limitConcurrent":
		return e.LimitConcurrent, true, nil
	case "maxConcurrentExecutions":
		return int32(e.MaxConcurrentExecutions), true, nil
	case "keepWaitingPipelines":
		return e.KeepWaitingPipelines, true, nil
	case "paused", "partition":
		return nil, true, nil
	case "type":
		return nil, false, filtered(name, "interface com.netflix.spinnaker.orca.api.pipeline.models.ExecutionType")
	case "source", "size", "totalSize":
		return nil, false, filtered(name, "another type")
	}
	return nil, false, nil
}

func (o *stageObject) class() string { return "StageExecution" }

func (o *stageObject) identity() any { return o.stage }

func (o *stageObject) names() []string {
	return []string{
		"id", "refId", "name", "type", "status", "context", "outputs", "startTime", "endTime", "tasks", "parent", "hasSucceeded",
		"hasFailed", "requisiteStageRefIds", "parentStageId", "scheduledTime", "execution",
	}
}

func (o *stageObject) property(_ *evaluator, name string) (any, bool, *Error) {
	s := o.stage
	switch name {
	case "id":
		return s.ID, true, nil
	case "refId":
		return orNull(s.RefID), true, nil
	case "name":
		return s.Name, true, nil
	case "type":
		return s.Type, true, nil
	case "status":
		return statusValue(s.Status), true, nil
	case "context":
		return &stageContext{*o}, true, nil
	case "outputs":
		return notNil(s.Outputs), true, nil
	case "startTime":
		return s.StartTime, true, nil
	case "endTime":
		return s.EndTime, true, nil
	case "startTimeExpiry":
		return s.StartTimeExpiry, true, nil
	case "scheduledTime":
		return s.ScheduledTime, true, nil
	case "tasks":
		items := make([]any, len(s.Tasks))
		for i, t := range s.Tasks {
			items[i] = &taskObject{t}
		}
		return newList(items), true, nil
	case "hasSucceeded":
		return s.Status == pipeline.Succeeded, true, nil
	case "hasFailed":
		return s.Status == pipeline.Terminal, true, nil
	case "parentStageId":
		return orNull(s.ParentStageID), true, nil
	case "requisiteStageRefIds":
		return textList(s.RequisiteStageRefIDs), true, nil
	case "parent":
		if s.ParentStageID == "" || o.exec == nil {
			return nil, true, nil
		}
		if p := o.exec.Stage(s.ParentStageID); p != nil {
			return &stageObject{p, o.exec, o.graph}, true, nil
		}
		return nil, true, nil
	case "topLevelStage":
		top := s
		for top.ParentStageID != "" && o.exec != nil && o.exec.Stage(top.ParentStageID) != nil && top != o.exec.Stage(top.ParentStageID) {
			top = o.exec.Stage(top.ParentStageID)
		}
		return &stageObject{top, o.exec, o.graph}, true, nil
	case "execution":
		if o.exec == nil {
			return nil, true, nil
		}
		return &executionObject{o.exec, o.graph}, true, nil
	case "join":
		return len(s.RequisiteStageRefIDs) > 1, true, nil
	case "manualJudgmentType":
		return s.Type == "manualJudgment", true, nil
	case "additionalMetricTags":
		return nil, true, nil
	case "syntheticStageOwner":
		return nil, false, filtered(name, "class com.netflix.spinnaker.orca.api.pipeline.SyntheticStageOwner")
	case "lastModified", "size", "timeout", "backoffPeriod":
		return nil, false, filtered(name, "another type")
	}
	return nil, false, nil
}

func (o *taskObject) class() string { return "TaskExecution" }

func (o *taskObject) identity() any { return o.Task }

func (o *taskObject) property(_ *evaluator, name string) (any, bool, *Error) {
	switch name {
	case "id":
		return o.ID, true, nil
	case "name":
		return o.Name, true, nil
	case "implementingClass":
		return o.ImplementingClass, true, nil
	case "status":
		return statusValue(o.Status), true, nil
	case "startTime":
		return o.StartTime, true, nil
	case "endTime":
		return o.EndTime, true, nil
	case "stageStart":
		return o.StageStart, true, nil
	case "stageEnd":
		return o.StageEnd, true, nil
	case "loopStart":
		return o.LoopStart, true, nil
	case "loopEnd":
		return o.LoopEnd, true, nil
	case "taskExceptionDetails":
		return notNil(o.TaskException), true, nil
	}
	return nil, false, nil
}

func (c *stageContext) class() string { return "StageContext" }

func (c *stageContext) size() int { return len(c.stage.Context) }

func (c *stageContext) entries(yield func(k, v any) bool) { goMap(c.stage.Context).entries(yield) }

func (c *stageContext) lookup(key any) (any, bool) {
	name, ok := key.(string)
	if !ok {
		return nil, false
	}
	if v, ok := c.stage.Context[name]; ok {
		return v, true
	}
	if c.exec == nil {
		return nil, false
	}
	for _, s := range c.graph.ancestorsOf(c.exec, c.stage) {
		if v, ok := s.Outputs[name]; ok {
			return v, true
		}
	}
	return nil, false
}
