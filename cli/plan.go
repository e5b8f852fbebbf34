package cli

import (
	"errors"
	"fmt"
	"io"
	"net/http"
	"slices"
	"strings"

	"github.com/gennaker/gennaker/cli/client"
	"github.com/gennaker/gennaker/cli/render"
	"github.com/gennaker/gennaker/pipeline"
	"github.com/gennaker/gennaker/pipeline/templates"
	"github.com/gennaker/gennaker/workflows"
)

// planCommand asks Gate for a plan and prints it. It ends with an exit code of 1
// when the plan holds a fatal problem, so that scripts can check a pipeline
// before they save it.
type planCommand struct {
	pipelineName

	File      string            `short:"f" help:"File with a pipeline, JSON or YAML, in place of a saved one. '-' is standard input." placeholder:"FILE"`
	Parameter map[string]string `short:"p" mapsep:"none" help:"Parameter of the run; repeat it for more." placeholder:"NAME=VALUE"`
	Trigger   string            `help:"File with the trigger of the run." placeholder:"FILE"`
	Manifests bool              `help:"Have the clusters tell what would change in them, without effect. It takes the right to deploy there."`
}

// errPlanProblems is the end of a plan with fatal problems, which are printed
// already.
var errPlanProblems = errors.New("the pipeline would not succeed")

// Run implements the command.
func (c *planCommand) Run(p *Process) error {
	gate, err := p.gate()
	if err != nil {
		return err
	}
	config, err := c.pipeline(p, gate)
	if err != nil {
		return err
	}
	if err := c.setTrigger(p, config); err != nil {
		return err
	}
	config["plan"] = true
	if c.Manifests {
		config["planManifests"] = true
	}
	answer, err := gate.Object(p.Ctx, http.MethodPost, "/pipelines/start", nil, map[string]any(config))
	if err != nil {
		return err
	}
	var plan workflows.Plan
	if err := pipeline.Bind(map[string]any(answer.Map("planned")), &plan); err != nil {
		return fmt.Errorf("gate's answer holds no plan: %w", err)
	}
	err = p.answer(answer, func() error { return printPlan(p.Stdout, answer, plan) })
	if err == nil && slices.ContainsFunc(plan.Problems, func(f workflows.Problem) bool { return f.Severity == templates.Fatal }) {
		err = errPlanProblems
	}
	return err
}

// pipeline reads the pipeline to plan: the file's, or the saved one.
func (c *planCommand) pipeline(p *Process, gate *client.Client) (pipeline.Map, error) {
	switch {
	case c.File != "" && either(c.Application, c.AppFlag) != "":
		return nil, usagef("give a file or a saved pipeline, not both")
	case c.File != "":
		return p.readFile(c.File, "the pipeline")
	}
	application, name, err := c.both()
	if err != nil {
		return nil, usagef("name a saved pipeline, for example: gennaker pipeline plan shop Deploy, or give a file with -f")
	}
	return gate.Get(p.Ctx, configPath(application, name), nil)
}

// setTrigger gives the pipeline the trigger that the flags describe.
func (c *planCommand) setTrigger(p *Process, config pipeline.Map) error {
	trigger := config.Map("trigger")
	if c.Trigger != "" {
		var err error
		if trigger, err = p.readFile(c.Trigger, "the trigger"); err != nil {
			return err
		}
	}
	if trigger == nil {
		trigger = pipeline.Map{}
	}
	parameters := trigger.Map("parameters")
	if parameters == nil {
		parameters = pipeline.Map{}
	}
	for name, value := range c.Parameter {
		parameters[name] = value
	}
	trigger["parameters"] = map[string]any(parameters)
	config["trigger"] = map[string]any(trigger)
	return nil
}

// printPlan prints a plan for people.
func printPlan(w io.Writer, config pipeline.Map, plan workflows.Plan) error {
	var b strings.Builder
	line := func(format string, args ...any) { _, _ = fmt.Fprintf(&b, format+"\n", args...) }
	line("%s / %s", config.String("application"), config.String("name"))
	if len(plan.Parameters) > 0 {
		text, err := pipeline.EncodeValue(map[string]any(plan.Parameters))
		if err != nil {
			return err
		}
		line("parameters %s", text)
	}
	for _, s := range plan.Stages {
		after := ""
		if len(s.RequisiteStageRefIDs) > 0 {
			after = " after " + strings.Join(s.RequisiteStageRefIDs, ", ")
		}
		line("")
		line("%s. %s (%s)%s", s.RefID, s.Name, s.Type, after)
		if len(s.Before) > 0 {
			line("   before: %s", strings.Join(s.Before, ", "))
		}
		if len(s.Tasks) > 0 {
			line("   tasks: %s", strings.Join(s.Tasks, ", "))
		}
		for _, call := range s.Calls {
			line("   calls: %s", call)
		}
		for _, text := range manifestLines(s.Manifests) {
			line("   %s", text)
		}
		for _, u := range plan.Unknown {
			if u.RefID == s.RefID {
				line("   unknown: %s = %s", u.Path, u.Expression)
				line("            %s", u.Why)
			}
		}
	}
	if len(plan.Problems) > 0 {
		line("")
		line("problems:")
	}
	for _, f := range plan.Problems {
		where := ""
		if f.RefID != "" {
			where = "stage " + f.RefID + ": "
		}
		line("   %-5s %s%s", f.Severity, where, f.Message)
	}
	_, err := io.WriteString(w, render.Clean(b.String()))
	return err
}
