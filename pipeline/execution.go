package pipeline

import (
	"slices"
	"time"
)

// Millis is a moment as milliseconds since 1970 in UTC; 0 is no moment at all.
type Millis int64

// ToMillis returns t as [Millis]; the zero time is 0.
func ToMillis(t time.Time) Millis {
	if t.IsZero() {
		return 0
	}
	return Millis(t.UnixMilli())
}

// Time returns m as a time in UTC; 0 is the zero time.
func (m Millis) Time() time.Time {
	if m == 0 {
		return time.Time{}
	}
	return time.UnixMilli(int64(m)).UTC()
}

// ExecutionType tells pipelines from ad-hoc tasks.
type ExecutionType string

// The execution types.
const (
	// TypePipeline is a run of a pipeline configuration.
	TypePipeline ExecutionType = "PIPELINE"
	// TypeOrchestration is an ad-hoc list of stages: what clients call a task.
	TypeOrchestration ExecutionType = "ORCHESTRATION"
)

// Execution is one run of a pipeline or of an ad-hoc task, in the JSON that
// Spinnaker's clients read (reference: orca section 2.1). Moments that have not
// come are left out.
type Execution struct {
	Type                    ExecutionType  `json:"type"`
	ID                      string         `json:"id"`
	RootID                  string         `json:"rootId,omitempty"`
	Application             string         `json:"application"`
	Name                    string         `json:"name,omitempty"`
	Description             string         `json:"description,omitempty"`
	PipelineConfigID        string         `json:"pipelineConfigId,omitempty"`
	BuildTime               Millis         `json:"buildTime,omitempty"`
	StartTime               Millis         `json:"startTime,omitempty"`
	EndTime                 Millis         `json:"endTime,omitempty"`
	StartTimeExpiry         Millis         `json:"startTimeExpiry,omitempty"`
	Status                  Status         `json:"status"`
	Canceled                bool           `json:"canceled"`
	CanceledBy              string         `json:"canceledBy,omitempty"`
	CancellationReason      string         `json:"cancellationReason,omitempty"`
	LimitConcurrent         bool           `json:"limitConcurrent"`
	MaxConcurrentExecutions int            `json:"maxConcurrentExecutions"`
	KeepWaitingPipelines    bool           `json:"keepWaitingPipelines"`
	Authentication          Authentication `json:"authentication"`
	Paused                  *PausedDetails `json:"paused,omitempty"`
	Origin                  string         `json:"origin,omitempty"`
	Source                  Map            `json:"source,omitempty"`
	SpelEvaluator           string         `json:"spelEvaluator,omitempty"`
	TemplateVariables       Map            `json:"templateVariables,omitempty"`
	InitialConfig           Map            `json:"initialConfig,omitempty"`
	Notifications           []Map          `json:"notifications"`
	SystemNotifications     []Map          `json:"systemNotifications"`
	Trigger                 Trigger        `json:"trigger"`
	Stages                  []*Stage       `json:"stages"`
}

// Authentication is the user that an execution runs as.
type Authentication struct {
	User            string   `json:"user"`
	AllowedAccounts []string `json:"allowedAccounts"`
}

// PausedDetails tells of the last pause of an execution.
type PausedDetails struct {
	PausedBy   string `json:"pausedBy"`
	PauseTime  Millis `json:"pauseTime"`
	ResumedBy  string `json:"resumedBy,omitempty"`
	ResumeTime Millis `json:"resumeTime,omitempty"`
	// IsPaused is set while the pause lasts; PausedMs is its length once it is
	// over.
	IsPaused bool  `json:"paused"`
	PausedMs int64 `json:"pausedMs"`
}

// SyntheticOwner tells on which side of its parent a synthetic stage runs.
type SyntheticOwner string

// The sides.
const (
	StageBefore SyntheticOwner = "STAGE_BEFORE"
	StageAfter  SyntheticOwner = "STAGE_AFTER"
)

// Stage is one stage of an execution (reference: orca section 2.2). Context is
// its input and scratch space; Outputs are what stages downstream see.
type Stage struct {
	ID                   string         `json:"id"`
	RefID                string         `json:"refId"`
	Type                 string         `json:"type"`
	Name                 string         `json:"name"`
	StartTime            Millis         `json:"startTime,omitempty"`
	EndTime              Millis         `json:"endTime,omitempty"`
	StartTimeExpiry      Millis         `json:"startTimeExpiry,omitempty"`
	ScheduledTime        Millis         `json:"scheduledTime,omitempty"`
	Status               Status         `json:"status"`
	Context              Map            `json:"context"`
	Outputs              Map            `json:"outputs"`
	Tasks                []*Task        `json:"tasks"`
	SyntheticStageOwner  SyntheticOwner `json:"syntheticStageOwner,omitempty"`
	ParentStageID        string         `json:"parentStageId,omitempty"`
	RequisiteStageRefIDs []string       `json:"requisiteStageRefIds"`
	LastModified         *LastModified  `json:"lastModified,omitempty"`
	// Attempt counts restarts of the stage, from 0; PreviousAttempts tell what
	// the last [MaxAttempts] of the earlier ones did, oldest first.
	Attempt          int            `json:"attempt,omitempty"`
	PreviousAttempts []StageAttempt `json:"previousAttempts,omitempty"`
}

// MaxAttempts is how many earlier attempts a stage keeps.
const MaxAttempts = 20

// StageAttempt is what is kept of a stage's run before a restart.
type StageAttempt struct {
	Attempt   int     `json:"attempt"`
	Status    Status  `json:"status"`
	StartTime Millis  `json:"startTime,omitempty"`
	EndTime   Millis  `json:"endTime,omitempty"`
	Exception Map     `json:"exception,omitempty"`
	Tasks     []*Task `json:"tasks"`
	// RestartedBy ended the attempt's validity by asking for the next.
	RestartedBy string `json:"restartedBy,omitempty"`
}

// LastModified tells who last edited a running stage.
type LastModified struct {
	User             string   `json:"user"`
	AllowedAccounts  []string `json:"allowedAccounts"`
	LastModifiedTime Millis   `json:"lastModifiedTime"`
}

// Task is one step of a stage (reference: orca section 2.3).
type Task struct {
	ID                string `json:"id"`
	Name              string `json:"name"`
	ImplementingClass string `json:"implementingClass"`
	Status            Status `json:"status"`
	StartTime         Millis `json:"startTime,omitempty"`
	EndTime           Millis `json:"endTime,omitempty"`
	StageStart        bool   `json:"stageStart"`
	StageEnd          bool   `json:"stageEnd"`
	LoopStart         bool   `json:"loopStart"`
	LoopEnd           bool   `json:"loopEnd"`
	TaskException     Map    `json:"taskExceptionDetails,omitempty"`
}

// Stage returns the stage with the given ID, or nil.
func (e *Execution) Stage(id string) *Stage {
	for _, s := range e.Stages {
		if s.ID == id {
			return s
		}
	}
	return nil
}

// StageByRef returns the stage with the given refId, or nil.
func (e *Execution) StageByRef(refID string) *Stage {
	for _, s := range e.Stages {
		if s.RefID == refID {
			return s
		}
	}
	return nil
}

// Ordered lists the top-level stages so that each follows its requisites, else
// in their order.
func (e *Execution) Ordered() []*Stage { return topological(e.Stages) }

// Clone returns a deep copy of the execution.
func (e *Execution) Clone() *Execution {
	out := *e
	out.Authentication.AllowedAccounts = append([]string{}, e.Authentication.AllowedAccounts...)
	out.Source = e.Source.Clone()
	out.TemplateVariables = e.TemplateVariables.Clone()
	out.InitialConfig = e.InitialConfig.Clone()
	out.Notifications = cloneMaps(e.Notifications)
	out.SystemNotifications = cloneMaps(e.SystemNotifications)
	out.Trigger = e.Trigger.Clone()
	if e.Paused != nil {
		c := *e.Paused
		out.Paused = &c
	}
	out.Stages = make([]*Stage, len(e.Stages))
	for i, s := range e.Stages {
		out.Stages[i] = s.Clone()
	}
	return &out
}

// Clone returns a deep copy of the stage.
func (s *Stage) Clone() *Stage {
	out := *s
	out.Context = s.Context.Clone()
	out.Outputs = s.Outputs.Clone()
	out.RequisiteStageRefIDs = append([]string{}, s.RequisiteStageRefIDs...)
	out.Tasks = cloneTasks(s.Tasks)
	out.PreviousAttempts = slices.Clone(s.PreviousAttempts) // never edited
	if s.LastModified != nil {
		c := *s.LastModified
		c.AllowedAccounts = append([]string{}, c.AllowedAccounts...)
		out.LastModified = &c
	}
	return &out
}

func cloneTasks(tasks []*Task) []*Task {
	out := make([]*Task, len(tasks))
	for i, t := range tasks {
		c := *t
		c.TaskException = t.TaskException.Clone()
		out[i] = &c
	}
	return out
}

// Summary returns the execution in the short form of lists: stages keep their
// place, status and times; contexts keep only the key group, outputs and tasks
// are empty (reference: gate section 4, expand=false).
func (e *Execution) Summary() *Execution {
	out := *e
	out.Stages = make([]*Stage, len(e.Stages))
	for i, s := range e.Stages {
		c := *s
		c.Context = Map{}
		if group, ok := s.Context["group"]; ok {
			c.Context["group"] = group
		}
		c.Outputs = Map{}
		c.Tasks = []*Task{}
		c.PreviousAttempts = nil
		out.Stages[i] = &c
	}
	return &out
}

func cloneMaps(in []Map) []Map {
	out := make([]Map, len(in))
	for i, m := range in {
		out[i] = m.Clone()
	}
	return out
}
