package cli

import (
	"net/url"
	"strconv"
	"strings"
	"time"

	"github.com/gennaker/gennaker/cli/client"
	"github.com/gennaker/gennaker/cli/render"
	"github.com/gennaker/gennaker/pipeline"
)

// projectCommand are the commands on projects.
type projectCommand struct {
	Flags
	List      projectListCommand      `cmd:"" aliases:"ls" help:"List the projects."`
	Get       projectGetCommand       `cmd:"" help:"Print one project."`
	Save      projectSaveCommand      `cmd:"" help:"Create or replace a project."`
	Delete    projectDeleteCommand    `cmd:"" aliases:"del" help:"Delete a project."`
	Pipelines projectPipelinesCommand `cmd:"" aliases:"get-pipelines" help:"List recent executions of a project's pipelines."`
}

// projectApplication is the application of tasks on projects, which belong to
// none.
const projectApplication = "spinnaker"

type projectListCommand struct{}

// Run implements the command.
func (c *projectListCommand) Run(p *Process) error {
	gate, err := p.gate()
	if err != nil {
		return err
	}
	all, err := gate.List(p.Ctx, "/projects", nil)
	if err != nil {
		return err
	}
	return p.answer(all, func() error {
		t := render.Table{Head: []string{"NAME", "ID", "EMAIL", "APPLICATIONS", "PIPELINES", "UPDATED"}}
		for _, project := range all {
			config := project.Map("config")
			t.Add(project.String("name"), project.String("id"), project.String("email"), render.Cut(joined(config, "applications"), 40),
				strconv.Itoa(len(config.List("pipelineConfigs"))), moment(project, "updateTs"))
		}
		return p.table(&t, "There are no projects.")
	})
}

// projectName names a project by an argument, or by the flag that spin has.
type projectName struct {
	Name     string `arg:"" optional:"" help:"Name or ID of the project."`
	NameFlag string `name:"name" short:"n" hidden:"" help:"The same as NAME."`
}

// of returns the Gate to ask and the project that is named.
func (n projectName) of(p *Process) (gate *client.Client, name string, err error) {
	if name = either(n.Name, n.NameFlag); name == "" {
		return nil, "", usagef("name the project")
	}
	gate, err = p.gate()
	return gate, name, err
}

type projectGetCommand struct{ projectName }

// Run implements the command.
func (c *projectGetCommand) Run(p *Process) error {
	gate, name, err := c.of(p)
	if err != nil {
		return err
	}
	project, err := gate.Get(p.Ctx, client.Path("projects", name), nil)
	if err != nil {
		return err
	}
	return p.document(project)
}

type projectSaveCommand struct {
	projectName
	File  string `short:"f" help:"File with the project, JSON or YAML. '-' is standard input." placeholder:"FILE"`
	Email string `short:"e" help:"Email of the owner." placeholder:"EMAIL"`
}

// Run implements the command. A project of the same name gives the file its ID.
func (c *projectSaveCommand) Run(p *Process) error {
	project := pipeline.Map{}
	var err error
	if c.File != "" {
		if project, err = p.readFile(c.File, "the project"); err != nil {
			return err
		}
	}
	if name := either(c.Name, c.NameFlag); name != "" {
		project["name"] = name
	}
	if c.Email != "" {
		project["email"] = c.Email
	}
	name := project.String("name")
	if name == "" || project.String("email") == "" {
		return usagef("a project needs a name and the email of its owner: gennaker project save NAME --email EMAIL, or a file with -f")
	}
	gate, err := p.gate()
	if err != nil {
		return err
	}
	stored, err := gate.Get(p.Ctx, client.Path("projects", name), nil)
	switch {
	case err != nil && !client.IsNotFound(err):
		return err
	case err == nil && strings.EqualFold(stored.String("name"), name) && stored.String("id") != "":
		project["id"] = stored.String("id")
		if c.File == "" && project.Map("config") == nil {
			project["config"] = stored["config"] // the flags change what they name alone
		}
	}
	if project.Map("config") == nil {
		project["config"] = map[string]any{}
	}
	if err := gate.Run(p.Ctx, projectApplication, "Save Project: "+name, pipeline.Map{"type": "upsertProject", "project": map[string]any(project)}); err != nil {
		return err
	}
	p.say("Project %s is saved.", render.Line(name))
	return nil
}

type projectDeleteCommand struct{ projectName }

// Run implements the command.
func (c *projectDeleteCommand) Run(p *Process) error {
	gate, name, err := c.of(p)
	if err != nil {
		return err
	}
	project, err := gate.Get(p.Ctx, client.Path("projects", name), nil)
	if err != nil {
		return err
	}
	if err := gate.Run(p.Ctx, projectApplication, "Delete Project: "+name, pipeline.Map{"type": "deleteProject", "project": map[string]any(project)}); err != nil {
		return err
	}
	p.say("Project %s is deleted.", render.Line(name))
	return nil
}

type projectPipelinesCommand struct {
	projectName
	Status string `short:"s" help:"Only executions with this status, or one of these with commas between." placeholder:"STATUS"`
	Limit  int    `short:"l" default:"5" help:"At most so many of each pipeline."`
}

// Run implements the command.
func (c *projectPipelinesCommand) Run(p *Process) error {
	gate, name, err := c.of(p)
	if err != nil {
		return err
	}
	query := url.Values{"limit": {strconv.Itoa(c.Limit)}}
	set(query, "statuses", strings.ToUpper(c.Status))
	all, err := gate.List(p.Ctx, client.Path("projects", name, "pipelines"), query)
	if err != nil {
		return err
	}
	return p.executions(all)
}

// executions answers with a list of executions.
func (p *Process) executions(all []pipeline.Map) error {
	return p.answer(all, func() error {
		t := render.Table{Head: []string{"ID", "APPLICATION", "PIPELINE", "STATUS", "STARTED", "TOOK", "BY"}}
		for _, m := range all {
			start, _ := m.Int("startTime")
			end, _ := m.Int("endTime")
			t.Add(m.String("id"), m.String("application"), m.String("name"), pipeline.Status(m.String("status")), moment(m, "startTime"),
				render.Duration(pipeline.Millis(start), pipeline.Millis(end), time.Now()), startedBy(m))
		}
		return p.table(&t, "There are no such executions.")
	})
}
