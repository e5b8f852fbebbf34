package gate

import (
	"net/http"
	"strconv"
	"strings"

	"github.com/gennaker/gennaker/pipeline"
)

// failedStage is a stage at which an execution failed, in the form of Orca.
// Absent values are null.
type failedStage struct {
	ParentPipelineExecutionID   *string         `json:"parentPipelineExecutionId"`
	ParentPipelineExecutionName *string         `json:"parentPipelineExecutionName"`
	ParentPipelineApplication   *string         `json:"parentPipelineApplication"`
	ParentPipelineExecutionURL  *string         `json:"parentPipelineExecutionUrl"`
	PipelineExecutionID         string          `json:"pipelineExecutionId"`
	PipelineExecutionName       string          `json:"pipelineExecutionName"`
	PipelineApplication         string          `json:"pipelineApplication"`
	PipelineExecutionURL        string          `json:"pipelineExecutionUrl"`
	StageID                     string          `json:"stageId"`
	StageName                   string          `json:"stageName"`
	StageType                   string          `json:"stageType"`
	StageStatus                 pipeline.Status `json:"stageStatus"`
	StageException              string          `json:"stageException"`
	ChildPipelineExecutionID    *string         `json:"childPipelineExecutionId"`
	ChildPipelineExecutionName  *string         `json:"childPipelineExecutionName"`
	ChildPipelineApplication    *string         `json:"childPipelineApplication"`
	ChildPipelineExecutionURL   *string         `json:"childPipelineExecutionUrl"`
}

const (
	// maxFailedStages bounds the answer, maxFailedExecutions how many executions
	// are read for it.
	maxFailedStages     = 1000
	maxFailedExecutions = 200
	// noException is what stands for a reason that is not known.
	noException = "NOT_FOUND_CHECK_UI"
)

// listFailedStages finds the stages at which an execution failed. A failed
// pipeline stage stands for those of the execution that it started, so the answer
// holds first causes only. An unknown execution has none.
func listFailedStages(r *request) error {
	id := r.text("executionId")
	if id == "" {
		return pipeline.Errorf(pipeline.CodeInvalid, "The query has no executionId: set it to the ID of an execution.")
	}
	limit, err := integer(r.query, "limit", 1)
	if err != nil {
		return err
	}
	if limit == 0 {
		return pipeline.Errorf(pipeline.CodeInvalid, "limit must be positive!")
	}
	limit = min(limit, maxFailedStages)
	may, err := r.applicationsToRead()
	if err != nil {
		return err
	}
	out := []failedStage{}
	queue, seen := []string{id}, map[string]bool{id: true}
	for read := 0; len(queue) > 0 && len(out) < limit && read < maxFailedExecutions; read++ {
		record, _, err := r.look(queue[0])
		if err != nil {
			return err
		}
		queue = queue[1:]
		x := record.Execution
		if x == nil || x.Type != pipeline.TypePipeline || !may(x.Application) {
			continue
		}
		for i, s := range x.Ordered() {
			if !s.Status.Failure() || len(out) == limit {
				continue
			}
			f := newFailedStage(x, s, i, r.text("deckOrigin"))
			switch child := f.ChildPipelineExecutionID; {
			case child == nil:
				out = append(out, f)
			case !seen[*child]:
				seen[*child] = true
				queue = append(queue, *child)
			}
		}
	}
	return r.answer(http.StatusOK, out)
}

func newFailedStage(x *pipeline.Execution, s *pipeline.Stage, index int, deck string) failedStage {
	isPipeline := strings.EqualFold(s.Type, "pipeline")
	config := "runJobConfig"
	if isPipeline {
		config = "pipelineConfig"
	}
	out := failedStage{
		PipelineExecutionID: x.ID, PipelineExecutionName: x.Name, PipelineApplication: x.Application,
		PipelineExecutionURL: deck + "/#/applications/" + x.Application + "/executions/details/" + x.ID +
			"?stage=" + strconv.Itoa(index) + "&step=0&details=" + config,
		StageID: s.ID, StageName: s.Name, StageType: s.Type, StageStatus: s.Status, StageException: stageException(s),
	}
	if p := x.Trigger.Parent; p != nil {
		out.ParentPipelineExecutionID, out.ParentPipelineExecutionName = known(p.ExecutionID), known(p.Pipeline)
		out.ParentPipelineApplication = known(p.Application)
	}
	if isPipeline {
		out.ChildPipelineExecutionID = known(s.Context.String("executionId"))
		out.ChildPipelineExecutionName = known(s.Context.String("executionName"))
		out.ChildPipelineApplication = known(s.Context.String("application"))
	}
	return out
}

// stageException is the first reason that a stage gives.
func stageException(s *pipeline.Stage) string {
	details := s.Context.Map("exception").Map("details")
	for _, text := range append(details.Strings("errors"), details.String("error")) {
		if text != "" {
			return text
		}
	}
	return noException
}

// known returns a text, or nil when it is empty.
func known(s string) *string {
	if s == "" {
		return nil
	}
	return &s
}
