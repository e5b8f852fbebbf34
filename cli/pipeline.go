package cli

import (
	"net/http"
	"net/url"
	"strconv"

	"github.com/gennaker/gennaker/cli/client"
	"github.com/gennaker/gennaker/cli/render"
)

// pipelineCommand are the commands on pipelines.
type pipelineCommand struct {
	Flags
	List      pipelineListCommand    `cmd:"" aliases:"ls" help:"List the pipelines of an application."`
	Get       pipelineGetCommand     `cmd:"" help:"Print one pipeline."`
	Save      pipelineSaveCommand    `cmd:"" help:"Create or replace a pipeline from a file."`
	Update    pipelineUpdateCommand  `cmd:"" help:"Enable or disable a pipeline."`
	Delete    pipelineDeleteCommand  `cmd:"" aliases:"del" help:"Delete a pipeline."`
	Execute   pipelineExecuteCommand `cmd:"" aliases:"exec,run" help:"Run a pipeline."`
	Plan      planCommand            `cmd:"" help:"Say what a run of a pipeline would do, without starting it."`
	History   pipelineHistoryCommand `cmd:"" help:"List the versions of a pipeline."`
	Diff      pipelineDiffCommand    `cmd:"" help:"Show what differs between versions of a pipeline, or between a file and the stored one."`
	Execution executionCommands      `cmd:"" aliases:"executions,ex" help:"Look at executions, and steer them."`
}

// pipelineName names a pipeline by arguments, or by the flags that spin has.
type pipelineName struct {
	Application string `arg:"" optional:"" help:"The application."`
	Name        string `arg:"" optional:"" help:"Name or ID of the pipeline."`
	AppFlag     string `name:"application" short:"a" help:"The same as APPLICATION, as spin has it." placeholder:"APPLICATION"`
	NameFlag    string `name:"name" short:"n" help:"The same as NAME, as spin has it." placeholder:"NAME"`
}

// both returns application and name, of which neither may be missing.
func (n pipelineName) both() (application, name string, err error) {
	application, name = either(n.Application, n.AppFlag), either(n.Name, n.NameFlag)
	if n.AppFlag != "" && n.Application != "" && n.Name == "" && n.NameFlag == "" {
		application, name = n.AppFlag, n.Application // pipeline get -a shop Deploy
	}
	if application == "" || name == "" {
		return "", "", usagef("name a pipeline: APPLICATION and NAME, or --application and --name")
	}
	return application, name, nil
}

// of returns the Gate to ask and the pipeline that is named.
func (n pipelineName) of(p *Process) (gate *client.Client, application, name string, err error) {
	if application, name, err = n.both(); err != nil {
		return nil, "", "", err
	}
	gate, err = p.gate()
	return gate, application, name, err
}

func configPath(application, name string) string {
	return client.Path("applications", application, "pipelineConfigs", name)
}

type pipelineListCommand struct {
	Application string `arg:"" optional:"" help:"The application."`
	AppFlag     string `name:"application" short:"a" help:"The same as APPLICATION, as spin has it." placeholder:"APPLICATION"`
	Strategies  bool   `help:"List its strategies instead."`
}

// Run implements the command.
func (c *pipelineListCommand) Run(p *Process) error {
	app := either(c.Application, c.AppFlag)
	if app == "" {
		return usagef("name the application: gennaker pipeline list APPLICATION")
	}
	gate, err := p.gate()
	if err != nil {
		return err
	}
	kind := "pipelineConfigs"
	if c.Strategies {
		kind = "strategyConfigs"
	}
	all, err := gate.List(p.Ctx, client.Path("applications", app, kind), nil)
	if err != nil {
		return err
	}
	return p.answer(all, func() error {
		t := render.Table{Head: []string{"NAME", "ID", "STAGES", "TRIGGERS", "STATE", "UPDATED", "BY"}}
		for _, config := range all {
			state := "enabled"
			if config.Bool("disabled") {
				state = "disabled"
			}
			if config.String("type") == "templatedPipeline" {
				state += ", templated"
			}
			t.Add(config.String("name"), config.String("id"), strconv.Itoa(len(config.List("stages"))), strconv.Itoa(len(config.List("triggers"))),
				state, moment(config, "updateTs"), config.String("lastModifiedBy"))
		}
		return p.table(&t, "The application has none.")
	})
}

type pipelineGetCommand struct{ pipelineName }

// Run implements the command.
func (c *pipelineGetCommand) Run(p *Process) error {
	gate, application, name, err := c.of(p)
	if err != nil {
		return err
	}
	config, err := gate.Get(p.Ctx, configPath(application, name), nil)
	if err != nil {
		return err
	}
	return p.document(config)
}

type pipelineSaveCommand struct {
	File        string `short:"f" required:"" help:"File with the pipeline, JSON or YAML. '-' is standard input." placeholder:"FILE"`
	Application string `short:"a" help:"Save it to this application, whatever the file says." placeholder:"APPLICATION"`
	StaleCheck  bool   `name:"stale-check" help:"Refuse when the stored pipeline has changed since the file was read from it (its updateTs)."`
}

// Run implements the command. A pipeline of the same name gives the file its ID.
func (c *pipelineSaveCommand) Run(p *Process) error {
	config, err := p.readFile(c.File, "the pipeline")
	if err != nil {
		return err
	}
	if c.Application != "" {
		config["application"] = c.Application
	}
	application, name := config.String("application"), config.String("name")
	if application == "" || name == "" {
		return usagef("the pipeline in %s has no application or no name", c.File)
	}
	gate, err := p.gate()
	if err != nil {
		return err
	}
	stored, err := gate.Get(p.Ctx, configPath(application, name), nil)
	if err != nil && !client.IsNotFound(err) {
		return err
	}
	// The path takes an ID as well: only a pipeline of this name is the same one.
	if id := stored.String("id"); id != "" && stored.String("name") == name {
		config["id"] = id
	}
	query := url.Values{}
	if c.StaleCheck {
		query.Set("staleCheck", "true")
	}
	if _, err := gate.Do(p.Ctx, http.MethodPost, "/pipelines", query, map[string]any(config)); err != nil {
		return err
	}
	p.say("Pipeline %s / %s is saved.", render.Line(application), render.Line(name))
	return nil
}

type pipelineUpdateCommand struct {
	pipelineName
	Disabled bool `short:"d" xor:"state" help:"Disable it: nothing starts it."`
	Enabled  bool `short:"e" xor:"state" help:"Enable it."`
}

// Run implements the command.
func (c *pipelineUpdateCommand) Run(p *Process) error {
	application, name, err := c.both()
	if err != nil {
		return err
	}
	if !c.Disabled && !c.Enabled {
		return usagef("say --enabled or --disabled")
	}
	gate, err := p.gate()
	if err != nil {
		return err
	}
	config, err := gate.Get(p.Ctx, configPath(application, name), nil)
	if err != nil {
		return err
	}
	config["disabled"] = c.Disabled
	if _, err := gate.Do(p.Ctx, http.MethodPost, "/pipelines", url.Values{"staleCheck": {"true"}}, map[string]any(config)); err != nil {
		return err
	}
	p.say("Pipeline %s / %s is updated.", render.Line(application), render.Line(config.String("name")))
	return nil
}

type pipelineDeleteCommand struct{ pipelineName }

// Run implements the command. Gate takes a pipeline that is not there for
// deleted; a person is told.
func (c *pipelineDeleteCommand) Run(p *Process) error {
	gate, application, name, err := c.of(p)
	if err != nil {
		return err
	}
	config, err := gate.Get(p.Ctx, configPath(application, name), nil)
	if err != nil {
		return err
	}
	name = either(config.String("name"), name)
	if _, err := gate.Do(p.Ctx, http.MethodDelete, client.Path("pipelines", application, name), nil, nil); err != nil {
		return err
	}
	p.say("Pipeline %s / %s is deleted.", render.Line(application), render.Line(name))
	return nil
}
