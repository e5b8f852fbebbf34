package cli

import (
	"net/http"

	"github.com/gennaker/gennaker/cli/client"
	"github.com/gennaker/gennaker/pipeline"
)

// pipelineExecuteCommand runs a pipeline. With --wait or --watch it ends with the
// execution, and with exit code 1 unless that succeeded.
type pipelineExecuteCommand struct {
	pipelineName
	Parameter     map[string]string `short:"p" mapsep:"none" help:"Parameter of the run; repeat it for more. It goes before the file's." placeholder:"NAME=VALUE"`
	ParameterFile string            `name:"parameter-file" short:"f" help:"File with parameters, JSON or YAML. '-' is standard input." placeholder:"FILE"`
	ArtifactsFile string            `name:"artifacts-file" short:"t" help:"File with the run's artifacts: {\"artifacts\": […]}." placeholder:"FILE"`
	TriggerFile   string            `name:"trigger" help:"File with the whole trigger of the run." placeholder:"FILE"`
	DryRun        bool              `name:"dry-run" help:"Run it as a dry run, for stages that know one."`
	Wait          bool              `short:"w" help:"Wait for the end of the execution."`
	Watch         bool              `help:"Show the execution as it goes, to its end."`
}

// Run implements the command.
func (c *pipelineExecuteCommand) Run(p *Process) error {
	application, name, err := c.both()
	if err != nil {
		return err
	}
	trigger, err := c.trigger(p)
	if err != nil {
		return err
	}
	gate, err := p.gate()
	if err != nil {
		return err
	}
	answer, err := gate.Object(p.Ctx, http.MethodPost, client.Path("pipelines", application, name), nil, map[string]any(trigger))
	if err != nil {
		return err
	}
	id, err := client.RefID(answer)
	if err != nil {
		return err
	}
	if !c.Wait && !c.Watch {
		return p.answer(map[string]any{"id": id, "ref": answer.String("ref")}, func() error {
			p.say("The execution is started. Follow it with: gennaker execution watch %s", id)
			_, err := p.Stdout.Write([]byte(id + "\n"))
			return err
		})
	}
	if c.Wait && !c.Watch {
		p.say("Execution %s is started.", id)
	}
	return p.follow(gate, id, c.Watch)
}

// trigger makes the trigger of the flags.
func (c *pipelineExecuteCommand) trigger(p *Process) (pipeline.Map, error) {
	trigger := pipeline.Map{}
	var err error
	if c.TriggerFile != "" {
		if trigger, err = p.readFile(c.TriggerFile, "the trigger"); err != nil {
			return nil, err
		}
	}
	if trigger.String("type") == "" {
		trigger["type"] = "manual"
	}
	parameters := trigger.Map("parameters")
	if c.ParameterFile != "" {
		if parameters, err = p.readFile(c.ParameterFile, "the parameters"); err != nil {
			return nil, err
		}
	}
	if parameters == nil {
		parameters = pipeline.Map{}
	}
	for name, value := range c.Parameter {
		parameters[name] = value
	}
	if len(parameters) > 0 {
		trigger["parameters"] = map[string]any(parameters)
	}
	if c.ArtifactsFile != "" {
		file, err := p.readFile(c.ArtifactsFile, "the artifacts")
		if err != nil {
			return nil, err
		}
		artifacts := file.List("artifacts")
		if artifacts == nil {
			return nil, usagef("the file %s has no list under artifacts", c.ArtifactsFile)
		}
		trigger["artifacts"] = artifacts
	}
	if c.DryRun {
		trigger["dryRun"] = true
	}
	return trigger, nil
}
