package stages

import (
	"hash/fnv"
	"time"
	_ "time/tzdata" // every worker must know the same zones

	"go.temporal.io/sdk/workflow"

	"github.com/gennaker/gennaker/pipeline"
	"github.com/gennaker/gennaker/workflows"
)

// DefaultWindowZone is the time zone of execution windows unless the workers'
// configuration names another (reference: orca section 3.6).
const DefaultWindowZone = "America/Los_Angeles"

// RestrictExecution waits until its execution window opens (reference: orca
// section 3.6). The engine puts it before stages that set
// restrictExecutionDuringTimeWindow.
//
//	{"type": "restrictExecutionDuringTimeWindow", "refId": "1",
//	 "restrictedExecutionWindow": {"days": [2, 3, 4, 5, 6], "whitelist": [{"startHour": 9, "startMin": 0, "endHour": 17, "endMin": 0}]}}
//
// Setting skipRemainingWait to true on the waiting stage ends the wait.
type RestrictExecution struct {
	// Zone is an IANA time zone; empty means [DefaultWindowZone]. An execution
	// keeps the zone that its wait began with.
	Zone string
}

var (
	_ workflows.StageType  = RestrictExecution{}
	_ workflows.Patcher    = RestrictExecution{}
	_ workflows.Documented = RestrictExecution{}
)

// Type implements workflows.StageType.
func (RestrictExecution) Type() string { return workflows.WindowType }

// Tasks implements workflows.StageType.
func (r RestrictExecution) Tasks(s *pipeline.Stage) []workflows.Task {
	tasks := []workflows.Task{{Name: "suspendExecutionDuringTimeWindow", Run: r.suspend}}
	if s.Context.Map("restrictedExecutionWindow").Map("jitter").Bool("enabled") {
		tasks = append(tasks, workflows.Task{Name: "waitForJitter", Run: r.jitter})
	}
	return tasks
}

// parsedWindow reads the stage's window; a faulty one is told as failureReason
// too, where Orca's users look.
func parsedWindow(t *workflows.TaskRun) (pipeline.ExecutionWindow, workflows.Outcome, error) {
	w, err := pipeline.ParseExecutionWindow(t.Stage.Context.Map("restrictedExecutionWindow"))
	if err != nil {
		return w, workflows.Outcome{Context: pipeline.Map{"failureReason": pipeline.MessageOf(err)}}, err
	}
	return w, workflows.Outcome{}, nil
}

func (r RestrictExecution) suspend(ctx workflow.Context, t *workflows.TaskRun) (workflows.Outcome, error) {
	window, outcome, err := parsedWindow(t)
	if err != nil {
		return outcome, err
	}
	zone, err := r.zone(ctx)
	if err != nil {
		return workflows.Outcome{Context: pipeline.Map{"failureReason": pipeline.MessageOf(err)}}, err
	}
	skipped := func() bool { return t.Stage.Context.Bool("skipRemainingWait") }
	for !skipped() {
		now := workflow.Now(ctx)
		opening, ok := window.Next(now, zone)
		if !ok {
			err := pipeline.Errorf(pipeline.CodeInvalid, "The execution window of the stage '%s' does not open within two weeks: change its days or hours.", t.Stage.Name)
			return workflows.Outcome{Context: pipeline.Map{"failureReason": err.Message}}, err
		}
		if !opening.After(now) {
			break
		}
		t.Stage.ScheduledTime = pipeline.ToMillis(opening)
		t.Progress(pipeline.Map{"timeZone": zone.String()})
		if err := t.AwaitFor(ctx, opening.Sub(now), "execution window", skipped); err != nil {
			return workflows.Outcome{}, err
		}
	}
	return workflows.Outcome{}, nil
}

// zone is recorded in history, so that a change of the configuration does not
// change an execution that waits.
func (r RestrictExecution) zone(ctx workflow.Context) (*time.Location, error) {
	name := r.Zone
	if name == "" {
		name = DefaultWindowZone
	}
	if err := workflow.SideEffect(ctx, func(workflow.Context) any { return name }).Get(&name); err != nil {
		return nil, pipeline.Wrap(pipeline.CodeInternal, err, "The time zone of the execution window cannot be read.")
	}
	zone, err := time.LoadLocation(name)
	if err != nil {
		return nil, pipeline.Wrap(pipeline.CodeInvalid, err, "The time zone %q of execution windows is unknown: configure an IANA name such as Europe/Berlin.", name)
	}
	return zone, nil
}

// jitter waits a while that differs from execution to execution, counted from
// the start of the stage: a long wait for the window swallows it.
func (RestrictExecution) jitter(ctx workflow.Context, t *workflows.TaskRun) (workflows.Outcome, error) {
	window, outcome, err := parsedWindow(t)
	if err != nil {
		return outcome, err
	}
	j := window.Jitter
	if j.SkipManual && t.Execution().Trigger.Type == "manual" {
		return workflows.Outcome{Status: pipeline.Skipped}, nil
	}
	h := fnv.New64a()
	_, _ = h.Write([]byte(t.Execution().ID + "\x00" + t.Stage.ID)) // writing to a hash never fails
	seconds := j.MinDelay + int64(h.Sum64()%uint64(j.MaxDelay-j.MinDelay+1))
	t.Progress(pipeline.Map{"waitTime": seconds})
	until := t.Stage.StartTime.Time().Add(time.Duration(seconds) * time.Second)
	err = t.AwaitFor(ctx, until.Sub(workflow.Now(ctx)), "jitter", func() bool { return t.Stage.Context.Bool("skipRemainingWait") })
	return workflows.Outcome{}, err
}

// ValidatePatch implements workflows.Patcher.
func (RestrictExecution) ValidatePatch(s *pipeline.Stage, patch pipeline.Map) error {
	return Wait{}.ValidatePatch(s, patch)
}

// Describe implements workflows.Documented.
func (RestrictExecution) Describe() workflows.Description {
	return workflows.Description{
		Summary: "Waits until an execution window opens. The engine adds it before every stage with restrictExecutionDuringTimeWindow.",
		Inputs: []workflows.Field{
			{Name: "restrictedExecutionWindow", Type: "map", Text: "days (1 is Sunday), whitelist of {startHour, startMin, endHour, endMin}, jitter {enabled, minDelay, maxDelay, skipManual}. Hours that start after they end wrap midnight."},
			{Name: "skipRemainingWait", Type: "boolean", Default: "false", Text: "Set by a person on the waiting stage: ends the wait."},
		},
		Notes: []string{"Both ends of a window are inside it, at minute resolution. The time zone is " + DefaultWindowZone + " unless the workers' configuration names another."},
	}
}
