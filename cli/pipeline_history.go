package cli

import (
	"errors"
	"fmt"
	"io"
	"net/url"
	"strconv"

	"github.com/gennaker/gennaker/cli/client"
	"github.com/gennaker/gennaker/cli/render"
	"github.com/gennaker/gennaker/pipeline"
)

type pipelineHistoryCommand struct {
	pipelineName
	Limit int `short:"l" default:"20" help:"At most so many versions."`
}

// Run implements the command. Versions are counted from the present one, 0.
func (c *pipelineHistoryCommand) Run(p *Process) error {
	gate, application, name, err := c.of(p)
	if err != nil {
		return err
	}
	versions, err := p.versions(gate, application, name, c.Limit)
	if err != nil {
		return err
	}
	return p.answer(versions, func() error {
		t := render.Table{Head: []string{"VERSION", "UPDATED", "BY", "NAME", "STAGES", "CHANGES"}}
		for i, v := range versions {
			changes := "-"
			if i+1 < len(versions) {
				if changes, err = changed(versions[i+1], v); err != nil {
					return err
				}
			}
			t.Add(strconv.Itoa(i), moment(v, "updateTs"), v.String("lastModifiedBy"), v.String("name"), strconv.Itoa(len(v.List("stages"))), changes)
		}
		return p.table(&t, "The pipeline has no versions that are kept.")
	})
}

// versions reads the versions of a pipeline, the newest first.
func (p *Process) versions(gate *client.Client, application, name string, limit int) ([]pipeline.Map, error) {
	config, err := gate.Get(p.Ctx, configPath(application, name), nil)
	if err != nil {
		return nil, err
	}
	return gate.List(p.Ctx, client.Path("pipelineConfigs", config.String("id"), "history"), url.Values{"limit": {strconv.Itoa(limit)}})
}

// changed counts the lines that a version added and removed.
func changed(before, after pipeline.Map) (string, error) {
	diff, err := render.Diff("a", "b", withoutStamps(before), withoutStamps(after), false)
	if err != nil {
		return "", err
	}
	added, removed := render.CountDiff(diff)
	return fmt.Sprintf("+%d -%d", added, removed), nil
}

// stamps are what a store writes into each version.
var stamps = []string{"updateTs", "createTs", "lastModifiedBy", "lastModified"}

// withoutStamps returns a document without [stamps].
func withoutStamps(m pipeline.Map) pipeline.Map {
	out := m.Clone()
	for _, key := range stamps {
		delete(out, key)
	}
	return out
}

// errDiffers is the end of a diff with --exit-code that is not empty, which is
// printed already.
var errDiffers = errors.New("they differ")

type pipelineDiffCommand struct {
	pipelineName
	File     string `short:"f" help:"Compare the stored pipeline with this file, JSON or YAML. '-' is standard input." placeholder:"FILE"`
	From     int    `default:"1" help:"The older version, counted from the present one, 0; see history." placeholder:"VERSION"`
	To       int    `default:"0" help:"The newer version." placeholder:"VERSION"`
	Stamps   bool   `help:"Compare the times and authors of changes too."`
	ExitCode bool   `name:"exit-code" help:"End with 1 when there is a difference."`
}

// Run implements the command. Documents are compared with sorted keys, as JSON,
// or as YAML with -o yaml.
func (c *pipelineDiffCommand) Run(p *Process) error {
	if c.File != "" && c.Application == "" && c.AppFlag == "" {
		file, err := p.readFile(c.File, "the pipeline")
		if err != nil {
			return err
		}
		c.Application, c.Name = file.String("application"), file.String("name")
		return c.run(p, file)
	}
	if c.File == "" {
		return c.run(p, nil)
	}
	file, err := p.readFile(c.File, "the pipeline")
	if err != nil {
		return err
	}
	return c.run(p, file)
}

func (c *pipelineDiffCommand) run(p *Process, file pipeline.Map) error {
	application, name, err := c.both()
	if err != nil {
		return err
	}
	if c.From < 0 || c.To < 0 {
		return usagef("versions are counted from the present one, 0")
	}
	gate, err := p.gate()
	if err != nil {
		return err
	}
	var before pipeline.Map
	after := file
	oldName, newName := application+"/"+name, c.File
	if file != nil {
		if before, err = gate.Get(p.Ctx, configPath(application, name), nil); err != nil {
			return err
		}
		if file.String("id") == "" && before != nil {
			after["id"] = before["id"] // a save gives it
		}
	} else {
		versions, err := p.versions(gate, application, name, max(c.From, c.To)+1)
		if err != nil {
			return err
		}
		if most := max(c.From, c.To); most >= len(versions) {
			return fmt.Errorf("there is no version %d of %s: %d are kept", most, name, len(versions))
		}
		before, after = versions[c.From], versions[c.To]
		oldName, newName = fmt.Sprintf("%s@%d", oldName, c.From), fmt.Sprintf("%s@%d", oldName, c.To)
	}
	if !c.Stamps {
		before, after = withoutStamps(before), withoutStamps(after)
	}
	diff, err := render.Diff(oldName, newName, before, after, p.answers.Output == "yaml")
	if err != nil {
		return err
	}
	if diff == "" {
		p.say("There is no difference.")
		return nil
	}
	if _, err := io.WriteString(p.Stdout, render.PaintDiff(diff, p.style())); err != nil {
		return err
	}
	if c.ExitCode {
		return errDiffers
	}
	return nil
}
