package main

import (
	"context"
	"errors"
	"fmt"
	"io"
	"net/http"
	"net/url"
	"slices"
	"strings"

	"github.com/gennaker/gennaker/pipeline"
	"github.com/gennaker/gennaker/pipeline/templates"
	"github.com/gennaker/gennaker/workflows"
)

// pipelineCommand are the commands on pipelines.
type pipelineCommand struct {
	Plan planCommand `cmd:"" help:"Say what a run of a pipeline would do, without starting it."`
}

// planCommand asks Gate for a plan and prints it. It ends with an exit code of 1
// when the plan holds a fatal problem, so that scripts can check a pipeline
// before they save it.
type planCommand struct {
	Application string `arg:"" optional:"" help:"Application of a saved pipeline."`
	Name        string `arg:"" optional:"" help:"Name or ID of the saved pipeline."`

	File      string            `short:"f" help:"JSON file with a pipeline, in place of a saved one. '-' is standard input." placeholder:"FILE"`
	Parameter map[string]string `short:"p" help:"Parameter of the run; repeat it for more." placeholder:"NAME=VALUE"`
	Trigger   string            `help:"JSON file with the trigger of the run." placeholder:"FILE"`
	Manifests bool              `help:"Have the clusters tell what would change in them, without effect. It takes the right to deploy there."`
	JSON      bool              `name:"json" help:"Print Gate's answer: the pipeline, and the plan under planned."`
	Gate      string            `name:"gate-url" help:"Address of Gate." default:"http://localhost:8084" placeholder:"URL"`
}

// errPlanProblems is the end of a plan with fatal problems, which are printed
// already.
var errPlanProblems = errors.New("the pipeline would not succeed")

// Run implements the command.
func (c *planCommand) Run(p *process) error {
	ctx, cancel := context.WithTimeout(p.ctx, gateTimeout)
	defer cancel()
	config, err := c.pipeline(ctx, p.stdin)
	if err != nil {
		return err
	}
	if err := c.setTrigger(config); err != nil {
		return err
	}
	config["plan"] = true
	if c.Manifests {
		config["planManifests"] = true
	}
	body, err := pipeline.EncodeValue(map[string]any(config))
	if err != nil {
		return err
	}
	answer, err := askGate(ctx, http.MethodPost, c.Gate, "/pipelines/start", body)
	if err != nil {
		return err
	}
	var plan workflows.Plan
	if err := pipeline.Bind(map[string]any(answer.Map("planned")), &plan); err != nil {
		return fmt.Errorf("gate's answer holds no plan: %w", err)
	}
	if c.JSON {
		err = printJSON(p.stdout, map[string]any(answer))
	} else {
		err = printPlan(p.stdout, answer, plan)
	}
	if err == nil && slices.ContainsFunc(plan.Problems, func(f workflows.Problem) bool { return f.Severity == templates.Fatal }) {
		err = errPlanProblems
	}
	return err
}

// pipeline reads the pipeline to plan: the file's, or the saved one.
func (c *planCommand) pipeline(ctx context.Context, stdin io.Reader) (pipeline.Map, error) {
	switch {
	case c.File != "" && c.Application != "":
		return nil, errors.New("give a file or a saved pipeline, not both")
	case c.File == "-":
		return readObject(stdin, "the pipeline")
	case c.File != "":
		return readObjectFile(c.File, "the pipeline")
	case c.Application == "" || c.Name == "":
		return nil, errors.New("name a saved pipeline, for example: gennaker pipeline plan shop Deploy, or give a file with -f")
	}
	return askGate(ctx, http.MethodGet, c.Gate, "/applications/"+url.PathEscape(c.Application)+"/pipelineConfigs/"+url.PathEscape(c.Name), nil)
}

// setTrigger gives the pipeline the trigger that the flags describe.
func (c *planCommand) setTrigger(config pipeline.Map) error {
	trigger := config.Map("trigger")
	if c.Trigger != "" {
		var err error
		if trigger, err = readObjectFile(c.Trigger, "the trigger"); err != nil {
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
	_, err := io.WriteString(w, b.String())
	return err
}
