package cli

import (
	"errors"
	"fmt"
	"io"
	"net/url"
	"slices"
	"strings"

	"github.com/gennaker/gennaker/cli/client"
	"github.com/gennaker/gennaker/cli/render"
	"github.com/gennaker/gennaker/pipeline"
)

// executionLogsCommand prints what the pods of run job stages wrote, as far as
// their clusters still have it.
type executionLogsCommand struct {
	oneExecution
	Stage     string `help:"Only this stage: its ID, refId or name." placeholder:"STAGE"`
	Container string `short:"c" help:"Only this container." placeholder:"CONTAINER"`
}

// pod is a pod that a stage ran.
type pod struct {
	stage, account, namespace, name string
}

// Run implements the command. A log that cannot be read does not keep the others
// from being printed.
func (c *executionLogsCommand) Run(p *Process) error {
	gate, id, err := c.of(p)
	if err != nil {
		return err
	}
	e, _, err := gate.Execution(p.Ctx, id)
	if err != nil {
		return err
	}
	stages := e.Stages
	if c.Stage != "" {
		one, err := findStage(e, c.Stage, "", nil)
		if err != nil {
			return err
		}
		stages = []*pipeline.Stage{one}
	}
	var pods []pod
	for _, s := range stages {
		pods = append(pods, podsOf(s)...)
		if link := s.Context.Map("execution").String("logs"); link != "" {
			p.say("Stage %s keeps its logs at %s", render.Line(s.Name), render.Line(link))
		}
	}
	if len(pods) == 0 {
		return fmt.Errorf("the execution %s has no pods that are known: those of run job stages are, once they run", id)
	}
	var faults []error
	all := []any{}
	for _, one := range pods {
		output, err := c.console(p, gate, one)
		if err != nil {
			faults = append(faults, fmt.Errorf("stage %s, pod %s: %w", one.stage, one.name, err))
			continue
		}
		for _, container := range output {
			if c.Container != "" && container.String("name") != c.Container {
				continue
			}
			if p.scripted() {
				all = append(all, map[string]any{"stage": one.stage, "account": one.account, "namespace": one.namespace, "pod": one.name,
					"container": container.String("name"), "output": container.String("output")})
				continue
			}
			if err := writeLog(p.Stdout, p.style(), one, container); err != nil {
				return err
			}
		}
	}
	if p.scripted() {
		if err := p.answers.format.Write(p.scriptOut(), all); err != nil {
			return err
		}
	}
	return errors.Join(faults...)
}

func writeLog(out io.Writer, style render.Style, one pod, container pipeline.Map) error {
	head := fmt.Sprintf("==> stage %s, pod %s, container %s <==", render.Line(one.stage), render.Line(one.name), render.Line(container.String("name")))
	text := render.Clean(container.String("output"))
	if text != "" && !strings.HasSuffix(text, "\n") {
		text += "\n"
	}
	_, err := io.WriteString(out, style.Faint(head)+"\n"+text)
	return err
}

// console reads the logs of a pod: a list of containers, or a text, as providers
// differ.
func (c *executionLogsCommand) console(p *Process, gate *client.Client, one pod) ([]pipeline.Map, error) {
	answer, err := gate.Get(p.Ctx, client.Path("instances", one.account, one.namespace, "pod "+one.name)+"/console", url.Values{"provider": {"kubernetes"}})
	if err != nil {
		return nil, err
	}
	if text := answer.String("output"); text != "" {
		return []pipeline.Map{{"name": "", "output": text}}, nil
	}
	var out []pipeline.Map
	for _, container := range answer.List("output") {
		if m := pipeline.AsMap(container); m != nil {
			out = append(out, m)
		}
	}
	return out, nil
}

// podsOf lists the pods of a run job stage, from the status of its Job.
func podsOf(s *pipeline.Stage) []pod {
	status := s.Context.Map("jobStatus")
	if status == nil {
		status = s.Outputs.Map("jobStatus")
	}
	account := either(s.Context.String("account"), s.Context.String("credentials"))
	namespace := either(status.String("location"), s.Context.String("jobNamespace"))
	var out []pod
	for _, v := range status.List("pods") {
		name := pipeline.AsMap(v).String("name")
		if name != "" && !slices.ContainsFunc(out, func(o pod) bool { return o.name == name }) {
			out = append(out, pod{stage: s.Name, account: account, namespace: namespace, name: name})
		}
	}
	return out
}
