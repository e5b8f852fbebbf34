package cli

import (
	"errors"
	"fmt"
	"net/http"
	"net/url"
	"slices"
	"strconv"
	"strings"
	"time"

	"github.com/gennaker/gennaker/cli/client"
	"github.com/gennaker/gennaker/cli/render"
	"github.com/gennaker/gennaker/pipeline"
)

// executionCommand are the commands on executions.
type executionCommand struct {
	Flags
	executionCommands
}

// executionCommands stand below execution, and as spin has them below pipeline.
type executionCommands struct {
	List    executionListCommand    `cmd:"" aliases:"ls" help:"List executions of an application or of a pipeline."`
	Get     executionGetCommand     `cmd:"" help:"Show one execution."`
	Watch   executionWatchCommand   `cmd:"" help:"Show an execution as it goes, to its end; exit code 1 unless it succeeds."`
	Cancel  executionCancelCommand  `cmd:"" help:"Cancel an execution."`
	Restart executionRestartCommand `cmd:"" help:"Run a stage, and what is complete behind it, again."`
	Judge   executionJudgeCommand   `cmd:"" help:"Judge a manual judgment."`
	Pause   executionPauseCommand   `cmd:"" help:"Hold a running execution: what is under way goes on, nothing else starts."`
	Resume  executionResumeCommand  `cmd:"" help:"Let a paused execution go on."`
	Logs    executionLogsCommand    `cmd:"" help:"Print the logs of the pods that an execution ran."`
}

type executionListCommand struct {
	Application string `arg:"" optional:"" help:"The application."`
	Pipeline    string `arg:"" optional:"" help:"Name or ID of one of its pipelines."`
	AppFlag     string `name:"application" short:"a" help:"The same as APPLICATION." placeholder:"APPLICATION"`
	PipelineID  string `name:"pipeline-id" short:"i" help:"ID of a pipeline; with commas between, of several." placeholder:"ID"`
	Status      string `short:"s" help:"Only executions with this status, or one of these with commas between." placeholder:"STATUS"`
	Running     bool   `help:"Only those that run."`
	Succeeded   bool   `help:"Only those that succeeded."`
	Failed      bool   `help:"Only those that failed."`
	Canceled    bool   `help:"Only those that were cancelled."`
	Limit       int    `short:"l" default:"10" help:"At most so many of each pipeline."`
	Expand      bool   `short:"x" help:"With all of their stages' values, for -o json."`
}

// statuses are those that the flags ask for, with commas between.
func (c *executionListCommand) statuses() string {
	var out []string
	if c.Status != "" {
		out = append(out, strings.ToUpper(c.Status))
	}
	for _, f := range []struct {
		set    bool
		status pipeline.Status
	}{{c.Running, pipeline.Running}, {c.Succeeded, pipeline.Succeeded}, {c.Failed, pipeline.Terminal}, {c.Canceled, pipeline.Canceled}} {
		if f.set {
			out = append(out, string(f.status))
		}
	}
	return strings.Join(out, ",")
}

// Run implements the command. The newest come first.
func (c *executionListCommand) Run(p *Process) error {
	app := either(c.Application, c.AppFlag)
	if app == "" && c.PipelineID == "" {
		return usagef("name an application, or a pipeline by --pipeline-id")
	}
	if c.Limit < 1 {
		c.Limit = 10 // spin's -1 leaves it to Gate
	}
	gate, err := p.gate()
	if err != nil {
		return err
	}
	query := url.Values{"limit": {strconv.Itoa(c.Limit)}, "expand": {strconv.FormatBool(c.Expand)}}
	set(query, "statuses", c.statuses())
	id := c.PipelineID
	if c.Pipeline != "" {
		config, err := gate.Get(p.Ctx, configPath(app, c.Pipeline), nil)
		if err != nil {
			return err
		}
		id = config.String("id")
	}
	path := client.Path("applications", app, "pipelines")
	if id != "" {
		path = "/executions"
		query.Set("pipelineConfigIds", id)
	}
	all, err := gate.List(p.Ctx, path, query)
	if err != nil {
		return err
	}
	slices.SortStableFunc(all, func(a, b pipeline.Map) int {
		at, _ := a.Int("buildTime")
		bt, _ := b.Int("buildTime")
		return int(min(max(bt-at, -1), 1))
	})
	return p.executions(all)
}

// startedBy tells what started an execution.
func startedBy(m pipeline.Map) string {
	trigger := m.Map("trigger")
	kind, user := trigger.String("type"), trigger.String("user")
	if user == "" {
		user = m.Map("authentication").String("user")
	}
	switch {
	case kind == "" || kind == "manual":
		return user
	case user == "":
		return kind
	}
	return kind + ", " + user
}

// oneExecution names an execution by an argument, or by a flag of spin.
type oneExecution struct {
	ID     string `arg:"" optional:"" help:"ID of the execution."`
	IDFlag string `name:"id" short:"i" hidden:"" help:"The same as ID."`
}

func (o oneExecution) id() (string, error) {
	id := either(o.ID, o.IDFlag)
	if id == "" {
		return "", usagef("name an execution by its ID; gennaker execution list shows them")
	}
	return id, nil
}

// of returns the Gate to ask and the execution that is named.
func (o oneExecution) of(p *Process) (gate *client.Client, id string, err error) {
	if id, err = o.id(); err != nil {
		return nil, "", err
	}
	gate, err = p.gate()
	return gate, id, err
}

type executionGetCommand struct{ oneExecution }

// Run implements the command.
func (c *executionGetCommand) Run(p *Process) error {
	gate, id, err := c.of(p)
	if err != nil {
		return err
	}
	e, raw, err := gate.Execution(p.Ctx, id)
	if err != nil {
		return err
	}
	return p.answer(raw, func() error {
		var f render.Fields
		f.Add("id", e.ID)
		f.Add("started", render.Time(e.StartTime)+" by "+startedBy(raw))
		if e.EndTime != 0 {
			f.Add("ended", render.Time(e.EndTime))
		}
		if e.Canceled {
			f.Add("cancelled", strings.TrimSuffix("by "+e.CanceledBy+": "+e.CancellationReason, ": "))
		}
		parameters := raw.Map("trigger").Map("parameters")
		for _, name := range sortedKeys(parameters) {
			f.Add("parameter", name+" = "+fmt.Sprint(parameters[name]))
		}
		if err := f.Write(p.Stdout, p.style()); err != nil {
			return err
		}
		for _, line := range render.Tree(e, p.style(), time.Now()) {
			if _, err := fmt.Fprintln(p.Stdout, line); err != nil {
				return err
			}
		}
		return nil
	})
}

type executionCancelCommand struct {
	oneExecution
	Reason string `short:"r" help:"Why; it is shown with the execution." placeholder:"TEXT"`
}

// Run implements the command.
func (c *executionCancelCommand) Run(p *Process) error {
	id, err := c.id()
	if err != nil {
		return err
	}
	query := url.Values{}
	set(query, "reason", c.Reason)
	return p.steer(id, "cancel", query, "is cancelled")
}

// steer sends an execution one of the short requests.
func (p *Process) steer(id, verb string, query url.Values, done string) error {
	gate, err := p.gate()
	if err != nil {
		return err
	}
	if _, err := gate.Do(p.Ctx, http.MethodPut, client.Path("pipelines", id, verb), query, nil); err != nil {
		return err
	}
	p.say("Execution %s %s.", render.Line(id), done)
	return nil
}

type executionPauseCommand struct{ oneExecution }

// Run implements the command.
func (c *executionPauseCommand) Run(p *Process) error {
	id, err := c.id()
	if err != nil {
		return err
	}
	return p.steer(id, "pause", nil, "is paused")
}

type executionResumeCommand struct{ oneExecution }

// Run implements the command.
func (c *executionResumeCommand) Run(p *Process) error {
	id, err := c.id()
	if err != nil {
		return err
	}
	return p.steer(id, "resume", nil, "goes on")
}

type executionRestartCommand struct {
	oneExecution
	Stage string `help:"The stage: its ID, refId or name; else the one that failed." placeholder:"STAGE"`
	Watch bool   `help:"Show the execution as it goes, to its end."`
}

// Run implements the command.
func (c *executionRestartCommand) Run(p *Process) error {
	gate, id, err := c.of(p)
	if err != nil {
		return err
	}
	e, _, err := gate.Execution(p.Ctx, id)
	if err != nil {
		return err
	}
	stage, err := findStage(e, c.Stage, "failed", func(s *pipeline.Stage) bool { return s.ParentStageID == "" && s.Status.Halt() })
	if err != nil {
		return err
	}
	if _, err := gate.Do(p.Ctx, http.MethodPut, client.Path("pipelines", id, "stages", stage.ID, "restart"), nil, map[string]any{"skip": false}); err != nil {
		return err
	}
	p.say("Stage %s runs again.", render.Line(stage.Name))
	if !c.Watch {
		return nil
	}
	return p.followFrom(gate, id, true, e)
}

// findStage returns the stage that a text names by ID, refId or name; without a
// text the only one that fits.
func findStage(e *pipeline.Execution, text, what string, fits func(*pipeline.Stage) bool) (*pipeline.Stage, error) {
	var found []*pipeline.Stage
	for _, s := range e.Stages {
		if text == "" && fits(s) || text != "" && (s.ID == text || s.RefID == text || s.Name == text) {
			found = append(found, s)
		}
	}
	switch {
	case len(found) == 1:
		return found[0], nil
	case len(found) == 0 && text == "":
		return nil, fmt.Errorf("the execution %s has no stage that %s", e.ID, what)
	case len(found) == 0:
		return nil, fmt.Errorf("the execution %s has no stage with the ID, refId or name %q", e.ID, text)
	}
	names := make([]string, len(found))
	for i, s := range found {
		names[i] = fmt.Sprintf("%s (refId %s)", s.Name, s.RefID)
	}
	return nil, fmt.Errorf("several stages are meant: name one with --stage: %s", strings.Join(names, ", "))
}

type executionJudgeCommand struct {
	oneExecution
	Stage    string `help:"The judgment: its ID, refId or name; else the one that waits." placeholder:"STAGE"`
	Continue bool   `xor:"judgment" help:"Let it go on."`
	Stop     bool   `xor:"judgment" help:"Stop it."`
	Input    string `help:"The option that is chosen, where the judgment has some." placeholder:"OPTION"`
}

// Run implements the command.
func (c *executionJudgeCommand) Run(p *Process) error {
	id, err := c.id()
	if err != nil {
		return err
	}
	if !c.Continue && !c.Stop {
		return usagef("say --continue or --stop")
	}
	gate, err := p.gate()
	if err != nil {
		return err
	}
	e, _, err := gate.Execution(p.Ctx, id)
	if err != nil {
		return err
	}
	stage, err := findStage(e, c.Stage, "waits for a judgment", func(s *pipeline.Stage) bool {
		return s.Type == "manualJudgment" && !s.Status.Complete() && s.Status != pipeline.NotStarted
	})
	if err != nil {
		return err
	}
	patch := map[string]any{"judgmentStatus": "continue"}
	if c.Stop {
		patch["judgmentStatus"] = "stop"
	}
	if c.Input != "" {
		patch["judgmentInput"] = c.Input
	}
	if _, err := gate.Do(p.Ctx, http.MethodPatch, client.Path("pipelines", id, "stages", stage.ID), nil, patch); err != nil {
		return err
	}
	p.say("Stage %s is judged.", render.Line(stage.Name))
	return nil
}

// errNotSucceeded is the end of a watch over an execution that did not succeed.
var errNotSucceeded = errors.New("the execution did not succeed")
