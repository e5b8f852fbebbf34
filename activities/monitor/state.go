package monitor

import (
	"strings"

	"github.com/gennaker/gennaker/activities"
	"github.com/gennaker/gennaker/pipeline"
)

// Bounds of one answer, since Temporal takes no more than 2 MiB.
const (
	// maxFailures is how many errors of stages are told in all, each cut to
	// maxFailureLength bytes.
	maxFailures      = 200
	maxFailureLength = 1000
)

// budget is what an answer may still hold.
type budget struct {
	failures int
	outputs  int
}

// state tells of one execution.
func (b *budget) state(e *pipeline.Execution, outputs bool) activities.ExecutionState {
	s := activities.ExecutionState{
		ID: e.ID, Application: e.Application, Name: e.Name, Status: e.Status, StartTime: e.StartTime, EndTime: e.EndTime,
		Workload: workload(e),
	}
	for i, stage := range e.Stages {
		if stage.Status != pipeline.Terminal {
			continue
		}
		if s.FailedStage == nil {
			s.FailedStage = &activities.StageRef{ID: stage.ID, Name: stage.Name, Index: i}
		}
		for _, message := range stage.Errors() {
			if b.failures == 0 {
				break
			}
			b.failures--
			s.Failures = append(s.Failures, activities.StageFailure{Stage: stage.Name, Message: cut(message)})
		}
	}
	if outputs && e.Status.Complete() {
		merged := e.MergedOutputs()
		text, err := pipeline.EncodeValue(map[string]any(merged))
		if err != nil || len(text) > b.outputs {
			s.OutputsSize = max(len(text), 1)
		} else {
			b.outputs -= len(text)
			s.Outputs = merged
		}
	}
	return s
}

// workload finds what the execution deployed last; see [activities.Workload].
func workload(e *pipeline.Execution) *activities.Workload {
	app := e.Trigger.Parameters.String("app")
	if app == "" {
		return nil
	}
	var last *pipeline.Stage
	for _, s := range e.Stages {
		manifests := manifestsOf(s)
		if len(manifests) == 0 || last != nil && s.EndTime < last.EndTime {
			continue
		}
		manifest := pipeline.AsMap(manifests[0])
		switch manifest.String("kind") {
		case "DaemonSet", "Deployment", "StatefulSet":
			if strings.Contains(manifest.Map("metadata").String("name"), app) {
				last = s
			}
		}
	}
	if last == nil {
		return nil
	}
	created := last.Outputs.List("outputs.createdArtifacts")
	if len(created) == 0 {
		return nil
	}
	artifact := pipeline.AsMap(created[0])
	account := last.Context.String("deploy.account.name")
	if account == "" {
		account = last.Context.String("account")
	}
	return &activities.Workload{
		Account:      account,
		ManifestName: pipeline.AsMap(manifestsOf(last)[0]).String("kind") + " " + artifact.String("name"),
		Location:     artifact.String("location"),
	}
}

// manifestsOf lists the manifests that a deploying stage left.
func manifestsOf(s *pipeline.Stage) []any {
	if s.Type != "deployManifest" && s.Type != "runJobManifest" || !strings.HasPrefix(s.Name, "Deploy") || s.Status == pipeline.Skipped {
		return nil
	}
	if list := s.Outputs.List("manifests"); len(list) > 0 {
		return list
	}
	return s.Outputs.List("outputs.manifests")
}

// cut bounds a message without breaking a character.
func cut(s string) string {
	if len(s) <= maxFailureLength {
		return s
	}
	at := maxFailureLength
	for at > 0 && s[at]&0xC0 == 0x80 {
		at--
	}
	return s[:at] + "…"
}
