package pipeline

import (
	"errors"
	"sort"
	"strings"
	"time"
)

// Launch is a request to run a configuration.
type Launch struct {
	// ID is the execution's ID, a ULID.
	ID string
	// Trigger says why; its zero value is a manual start.
	Trigger Trigger
	// User is the caller, "" for nobody known.
	User string
	// Automatic is set when a trigger of the configuration fires and nobody asks.
	// The execution then runs as the trigger's runAsUser, or without one as User,
	// where "" is [AutomaticUser]. Who asks for a start runs it as himself, whatever
	// the trigger says.
	Automatic bool
	// Origin names the client, for example "deck" or "api".
	Origin string
	// Now is the moment of the request.
	Now time.Time
	// StageID makes the ID of the stage with the given refId. Equal refIds must
	// give equal IDs, since a start may be replayed.
	StageID func(refID string) string
	// Received are artifacts that came with the start from elsewhere: those that
	// the calling stage or the parent execution had. They come before those of
	// the trigger.
	Received []Artifact
	// ExpectedArtifactIDs name the expected artifacts of the configuration that
	// this start must bring, beside those under the trigger's own key
	// expectedArtifactIds.
	ExpectedArtifactIDs []string
	// Prior are the artifacts of the configuration's latest execution
	// ([Execution.Artifacts]), when [Launch.NeedsPrior] asks for them.
	Prior []Artifact
}

// NewExecution builds the execution that config describes, every stage
// NOT_STARTED. It fills parameters with their defaults, resolves the expected
// artifacts into the trigger, and refuses with
// [CodeInvalid] a disabled pipeline (unless its initialConfig says enabled, as
// Spinnaker allows), a required parameter without value or
// default, and stages that cannot run.
//
// When nothing but an expected artifact stands in the way, the error is invalid
// with [ErrUnresolved] in its chain, and the execution comes with it all the
// same, so that it can be recorded as failed.
func NewExecution(config Pipeline, l Launch) (*Execution, error) {
	if config.Disabled() && !Map(config).Map("initialConfig").Bool("enabled") {
		return nil, Errorf(CodeInvalid, "The pipeline '%s' of application '%s' is disabled and cannot be started: enable it first.", config.Name(), config.Application())
	}
	stages, err := config.Stages()
	if err != nil {
		return nil, err
	}
	if err := ValidateGraph(stages); err != nil {
		return nil, err
	}
	trigger, err := launchTrigger(config, l)
	if err != nil {
		return nil, err
	}
	unresolved := l.resolveArtifacts(config, &trigger)
	if unresolved != nil && !errors.Is(unresolved, ErrUnresolved) {
		return nil, unresolved
	}
	m := Map(config)
	limit, _ := m.Int("maxConcurrentExecutions")
	expiry, _ := m.Int("startTimeExpiry")
	e := &Execution{
		Type:                    TypePipeline,
		ID:                      l.ID,
		RootID:                  l.ID,
		Application:             config.Application(),
		Name:                    config.Name(),
		PipelineConfigID:        config.ID(),
		BuildTime:               ToMillis(l.Now),
		StartTimeExpiry:         Millis(expiry),
		Status:                  NotStarted,
		LimitConcurrent:         m.Bool("limitConcurrent"),
		MaxConcurrentExecutions: int(limit),
		KeepWaitingPipelines:    m.Bool("keepWaitingPipelines"),
		Authentication:          Authentication{User: l.runsAs(trigger), AllowedAccounts: []string{}},
		Origin:                  l.Origin,
		Source:                  m.Map("source").Clone(),
		SpelEvaluator:           m.String("spelEvaluator"),
		TemplateVariables:       m.Map("templateVariables").Clone(),
		InitialConfig:           m.Map("initialConfig").Clone(),
		Notifications:           mapList(m.List("notifications")),
		SystemNotifications:     []Map{},
		Trigger:                 trigger,
	}
	if p := trigger.Parent; p != nil && p.RootID != "" {
		e.RootID = p.RootID
	}
	e.Stages = newStages(stages, l)
	return e, unresolved
}

// TaskRequest is an ad-hoc list of jobs: the body of POST /tasks (reference:
// gate section 2).
type TaskRequest struct {
	Application string   `json:"application"`
	Description string   `json:"description"`
	Name        string   `json:"name,omitempty"`
	Job         []Map    `json:"job"`
	Project     string   `json:"project,omitempty"`
	Trigger     *Trigger `json:"trigger,omitempty"`
}

// NewOrchestration builds the execution of an ad-hoc task. Jobs without refId
// run one after another. The errors are those of [NewExecution].
func NewOrchestration(r TaskRequest, l Launch) (*Execution, error) {
	if strings.TrimSpace(r.Application) == "" {
		return nil, Errorf(CodeInvalid, "A task requires an application: set application to its name.")
	}
	if len(r.Job) == 0 {
		return nil, Errorf(CodeInvalid, "A task requires at least one job: set job to a list of objects with a type.")
	}
	jobs := make([]any, len(r.Job))
	for i, j := range r.Job {
		jobs[i] = map[string]any(j)
	}
	description := r.Description
	if description == "" {
		description = r.Name
	}
	if r.Trigger != nil {
		l.Trigger = *r.Trigger
	}
	e, err := NewExecution(Pipeline{"name": description, "application": r.Application, "stages": jobs}, l)
	if err != nil {
		return nil, err
	}
	e.Type = TypeOrchestration
	e.Name = ""
	e.Description = description
	return e, nil
}

// ErrParameters is in the chain of the error about required parameters that have
// no value.
var ErrParameters = errors.New("a required parameter has no value")

func launchTrigger(config Pipeline, l Launch) (Trigger, error) {
	t := l.Trigger
	if strings.TrimSpace(t.Type) == "" {
		t.Type = "manual"
	}
	t.fillKind()
	switch {
	case l.Automatic && t.User == "":
		t.User = l.runsAs(t)
	case !l.Automatic && l.User != "":
		t.User = l.User
	case t.User == "":
		t.User = AnonymousUser
	}
	given := t.Parameters
	t.Parameters = given.Clone()
	if t.Parameters == nil {
		t.Parameters = Map{}
	}
	var missing []string
	for _, p := range config.Parameters() {
		if _, present := given[p.Name]; present || p.Name == "" {
			continue
		}
		t.Parameters[p.Name] = CloneValue(p.Default) // null without a default, so that an expression may ask
		if p.Required && (!p.HasDefault || p.Default == nil || p.Default == "") {
			missing = append(missing, "'"+p.Name+"'")
		}
	}
	if len(missing) > 0 {
		sort.Strings(missing)
		return t, Wrap(CodeInvalid, ErrParameters, "The pipeline '%s' requires the parameters %s, which have no default: set them in parameters.", config.Name(), strings.Join(missing, ", "))
	}
	return t, nil
}

// runsAs is whom the execution runs as. A trigger cannot lend its runAsUser to
// somebody who sends it.
func (l Launch) runsAs(t Trigger) string {
	if !l.Automatic {
		return t.User
	}
	if user := strings.TrimSpace(t.Other.String(runAsUserKey)); user != "" {
		return user
	}
	if l.User != "" {
		return l.User
	}
	return AutomaticUser
}

func newStages(configs []StageConfig, l Launch) []*Stage {
	out := make([]*Stage, len(configs))
	for i, c := range configs {
		requisites := c.RequisiteStageRefIDs
		if requisites == nil {
			requisites = []string{}
		}
		out[i] = &Stage{
			ID:                   l.StageID(c.RefID),
			RefID:                c.RefID,
			Type:                 c.Type,
			Name:                 c.Name,
			StartTimeExpiry:      c.StartTimeExpiry,
			Status:               NotStarted,
			Context:              c.Context,
			Outputs:              Map{},
			Tasks:                []*Task{},
			RequisiteStageRefIDs: requisites,
		}
	}
	return out
}

func mapList(list []any) []Map {
	out := make([]Map, 0, len(list))
	for _, e := range list {
		if m := AsMap(e); m != nil {
			out = append(out, m.Clone())
		}
	}
	return out
}
