package gate

import (
	"github.com/gennaker/gennaker/executions"
	"github.com/gennaker/gennaker/pipeline"
)

// withArtifacts completes a launch by what the configuration's expected
// artifacts are looked for among: those of the execution that the trigger names
// as its parent, and those of the configuration's latest execution when an
// expected artifact may be one of them (reference: orca sections 1 and 5).
func (r *request) withArtifacts(config pipeline.Pipeline, l pipeline.Launch) (pipeline.Launch, error) {
	l, err := r.withParent(l)
	if err != nil || len(l.NeedsPrior(config)) == 0 {
		return l, err
	}
	latest, err := executions.Latest(r.ctx(), r.server.executions, config.ID(), nil, 1)
	if err != nil {
		return l, err
	}
	for _, e := range latest {
		if l.Prior, err = e.Artifacts(""); err != nil {
			return l, err
		}
	}
	return l, nil
}

// withParent completes a start that a person asks for in place of a pipeline
// trigger: the trigger names the execution that would have fired it, whose
// artifacts come with the start. One that does not exist is passed over, as Orca
// does.
func (r *request) withParent(l pipeline.Launch) (pipeline.Launch, error) {
	id := l.Trigger.Other.String("parentPipelineId")
	if id == "" || l.Trigger.Parent != nil || l.Trigger.Other["parentExecution"] != nil {
		return l, nil
	}
	record, err := r.server.executions.Get(r.ctx(), id)
	if err != nil && pipeline.CodeOf(err) == pipeline.CodeNotFound {
		return l, nil
	}
	if err != nil {
		return l, err
	}
	parent := record.Execution
	if may, err := r.applicationsToRead(); err != nil || !may(parent.Application) {
		return l, err // what the caller may not see does not exist
	}
	artifacts, err := parent.Artifacts("")
	if err != nil {
		return l, err
	}
	l.Received = append(l.Received, artifacts...)
	l.Trigger = l.Trigger.Clone()
	l.Trigger.Other["isPipeline"] = true
	l.Trigger.Other["parentStatus"] = string(parent.Status)
	l.Trigger.Other["parentPipelineName"] = parent.Name
	l.Trigger.Parent = &pipeline.ParentRef{ExecutionID: parent.ID, Application: parent.Application, Pipeline: parent.Name}
	return l, nil
}
