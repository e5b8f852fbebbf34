package cli

import (
	"net/http"
	"net/url"
	"strings"

	"github.com/gennaker/gennaker/cli/client"
	"github.com/gennaker/gennaker/cli/render"
	"github.com/gennaker/gennaker/pipeline"
)

// templateCommand are the commands on pipeline templates of schema v2.
type templateCommand struct {
	Flags
	List   templateListCommand   `cmd:"" aliases:"ls" help:"List the versions of the pipeline templates."`
	Get    templateGetCommand    `cmd:"" help:"Print one version of a template."`
	Save   templateSaveCommand   `cmd:"" help:"Create or replace a template from a file."`
	Delete templateDeleteCommand `cmd:"" aliases:"del" help:"Delete a version of a template."`
	Plan   templatePlanCommand   `cmd:"" help:"Print the pipeline that a templated one stands for."`
	Use    templateUseCommand    `cmd:"" help:"Print a pipeline that is made from a template, to save."`
}

const templatesPath = "/v2/pipelineTemplates"

type templateListCommand struct {
	Scopes []string `help:"Only templates for one of these scopes." placeholder:"SCOPE,..."`
}

// Run implements the command.
func (c *templateListCommand) Run(p *Process) error {
	gate, err := p.gate()
	if err != nil {
		return err
	}
	query := url.Values{}
	set(query, "scopes", strings.Join(c.Scopes, ","))
	all, err := gate.List(p.Ctx, templatesPath, query)
	if err != nil {
		return err
	}
	return p.answer(all, func() error {
		t := render.Table{Head: []string{"ID", "TAG", "DIGEST", "NAME", "OWNER", "SCOPES", "UPDATED"}}
		for _, m := range all {
			about := m.Map("metadata")
			t.Add(m.String("id"), m.String("tag"), render.Cut(m.String("digest"), 13), about.String("name"), about.String("owner"), joined(about, "scopes"), moment(m, "updateTs"))
		}
		return p.table(&t, "There are no templates.")
	})
}

// templateName names a version of a template.
type templateName struct {
	ID     string `arg:"" optional:"" help:"ID of the template."`
	IDFlag string `name:"id" hidden:"" help:"The same as ID."`
	Tag    string `help:"The version with this tag." placeholder:"TAG" xor:"version"`
	Digest string `help:"The version with this digest." placeholder:"DIGEST" xor:"version"`
}

func (n templateName) version() (id string, query url.Values, err error) {
	if id = either(n.ID, n.IDFlag); id == "" {
		return "", nil, usagef("name the template by its ID")
	}
	query = url.Values{}
	set(query, "tag", n.Tag)
	set(query, "digest", n.Digest)
	return id, query, nil
}

type templateGetCommand struct{ templateName }

// Run implements the command.
func (c *templateGetCommand) Run(p *Process) error {
	id, query, err := c.version()
	if err != nil {
		return err
	}
	gate, err := p.gate()
	if err != nil {
		return err
	}
	t, err := gate.Get(p.Ctx, templatesPath+client.Path(id), query)
	if err != nil {
		return err
	}
	return p.document(t)
}

type templateSaveCommand struct {
	File string `short:"f" required:"" help:"File with the template, JSON or YAML. '-' is standard input." placeholder:"FILE"`
	Tag  string `help:"Save it under this tag." placeholder:"TAG"`
}

// Run implements the command.
func (c *templateSaveCommand) Run(p *Process) error {
	t, err := p.readFile(c.File, "the template")
	if err != nil {
		return err
	}
	id := t.String("id")
	if id == "" || t.String("schema") != "v2" {
		return usagef(`the template in %s has no id, or a schema other than "v2"`, c.File)
	}
	gate, err := p.gate()
	if err != nil {
		return err
	}
	query := url.Values{}
	set(query, "tag", either(c.Tag, t.String("tag")))
	path := templatesPath + "/update" + client.Path(id)
	if _, err := gate.Get(p.Ctx, templatesPath+client.Path(id), query); client.IsNotFound(err) {
		path = templatesPath + "/create"
	} else if err != nil {
		return err
	}
	if err := settled(gate.Object(p.Ctx, http.MethodPost, path, query, map[string]any(t))); err != nil {
		return err
	}
	p.say("Template %s is saved.", render.Line(id))
	return nil
}

// settled looks at the view of a task that a request waited for. A Gate that does
// not wait answers with nothing.
func settled(task pipeline.Map, err error) error {
	if err != nil || task.String("status") == "" {
		return err
	}
	return client.TaskEnd(task)
}

type templateDeleteCommand struct{ templateName }

// Run implements the command.
func (c *templateDeleteCommand) Run(p *Process) error {
	id, query, err := c.version()
	if err != nil {
		return err
	}
	gate, err := p.gate()
	if err != nil {
		return err
	}
	if _, err := gate.Get(p.Ctx, templatesPath+client.Path(id), query); err != nil {
		return err
	}
	if err := settled(gate.Object(p.Ctx, http.MethodDelete, templatesPath+client.Path(id), query, nil)); err != nil {
		return err
	}
	p.say("Template %s is deleted.", render.Line(id))
	return nil
}

type templatePlanCommand struct {
	File string `short:"f" required:"" help:"File with the templated pipeline, JSON or YAML. '-' is standard input." placeholder:"FILE"`
}

// Run implements the command.
func (c *templatePlanCommand) Run(p *Process) error {
	config, err := p.readFile(c.File, "the pipeline")
	if err != nil {
		return err
	}
	gate, err := p.gate()
	if err != nil {
		return err
	}
	planned, err := gate.Object(p.Ctx, http.MethodPost, templatesPath+"/plan", nil, map[string]any(config))
	if err != nil {
		return err
	}
	return p.document(planned)
}

// templateUseCommand writes a templated pipeline, as spin does. Gate is not asked.
type templateUseCommand struct {
	ID              string            `arg:"" optional:"" help:"ID of the template."`
	IDFlag          string            `name:"id" hidden:"" help:"The same as ID."`
	Application     string            `short:"a" required:"" help:"Application of the pipeline." placeholder:"APPLICATION"`
	Name            string            `short:"n" required:"" help:"Name of the pipeline." placeholder:"NAME"`
	Tag             string            `short:"t" help:"The version with this tag." placeholder:"TAG"`
	Description     string            `short:"d" help:"Description of the pipeline." placeholder:"TEXT"`
	Type            string            `default:"front50/pipelineTemplate" help:"Type of the template's artifact."`
	ArtifactAccount string            `name:"artifact-account" default:"front50ArtifactCredentials" help:"Account of the template's artifact."`
	Set             map[string]string `mapsep:"," help:"Values of the template's variables; they go before the files'." placeholder:"NAME=VALUE,..."`
	Values          []string          `help:"Files with values of the template's variables, JSON or YAML." placeholder:"FILE,..."`
}

// Run implements the command.
func (c *templateUseCommand) Run(p *Process) error {
	id := either(c.ID, c.IDFlag)
	if id == "" {
		return usagef("name the template by its ID")
	}
	variables := map[string]any{}
	for _, file := range c.Values {
		values, err := p.readFile(file, "the values")
		if err != nil {
			return err
		}
		if inner := values.Map("variables"); inner != nil {
			values = inner
		}
		for name, value := range values {
			variables[name] = value
		}
	}
	for name, value := range c.Set {
		variables[name] = value
	}
	reference := "spinnaker://" + id
	if c.Tag != "" {
		reference += ":" + c.Tag
	}
	return p.document(pipeline.Map{
		"schema": "v2", "application": c.Application, "name": c.Name, "description": c.Description, "type": "templatedPipeline",
		"template":  map[string]any{"artifactAccount": c.ArtifactAccount, "type": c.Type, "reference": reference},
		"variables": variables, "exclude": []any{}, "triggers": []any{}, "parameters": []any{}, "notifications": []any{}, "stages": []any{},
	})
}
