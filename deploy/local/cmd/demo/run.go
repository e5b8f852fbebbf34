package main

import (
	"context"
	"fmt"
	"net/url"
	"time"

	"github.com/gennaker/gennaker/pipeline"
)

// waiting says that Gate is being waited for.
func (d *demo) waiting(err error) {
	d.say("Gate is away, waiting for it up to %s: %v", d.gate.patience, err)
}

// demo is one run in progress.
type demo struct {
	gate  *gate
	deck  string
	began time.Time
}

// say prints one step with the time since the start.
func (d *demo) say(format string, args ...any) {
	fmt.Printf("%6.1fs  %s\n", time.Since(d.began).Seconds(), fmt.Sprintf(format, args...))
}

// prepare creates the application and saves the pipeline.
func (d *demo) prepare(ctx context.Context, p pipeline.Pipeline) error {
	d.say("creating the application %s", p.Application())
	err := d.gate.runTask(ctx, pipeline.TaskRequest{
		Application: p.Application(),
		Description: "Create Application: " + p.Application(),
		Job: []pipeline.Map{{
			"type": "createApplication",
			"application": map[string]any{
				"name": p.Application(), "email": "demo@example.com", "cloudProviders": "kubernetes",
				"description": "Made by the demo.",
			},
		}},
	})
	if err != nil {
		return err
	}
	d.say("saving the pipeline %q", p.Name())
	return d.gate.savePipeline(ctx, p)
}

// follow starts the pipeline, prints what changes, approves judgments through
// the API and returns the ended execution.
func (d *demo) follow(ctx context.Context, p pipeline.Pipeline) (*pipeline.Execution, error) {
	id, err := d.gate.start(ctx, p.Application(), p.Name())
	if err != nil {
		return nil, err
	}
	d.say("started the execution %s", id)
	d.say("watch it: %s/applications/%s/executions/%s", d.deck, url.PathEscape(p.Application()), id)
	seen := map[string]pipeline.Status{}
	// A judgment whose answer was lost is asked again while the stage still waits; a conflict then says that it was heard.
	asked, approved := map[string]bool{}, map[string]bool{}
	for {
		e, err := d.gate.execution(ctx, id)
		if err != nil {
			return nil, err
		}
		for _, s := range e.Stages {
			if seen[s.ID] != s.Status && s.Status != pipeline.NotStarted {
				seen[s.ID] = s.Status
				d.say("  %-30s %s%s", s.Name, s.Status, failure(s))
			}
			if s.Type == "manualJudgment" && s.Status == pipeline.Running && !approved[s.ID] {
				if !asked[s.ID] {
					d.say("  approving %q through the API", s.Name)
				}
				err := d.gate.approve(ctx, id, s.ID)
				repeated := asked[s.ID] && conflict(err) // it took, and its answer was lost
				if err != nil && !away(err) && !repeated {
					return nil, err
				}
				asked[s.ID], approved[s.ID] = true, !away(err)
			}
		}
		if e.Status.Complete() {
			d.say("the execution ended %s", e.Status)
			return e, nil
		}
		if err := pause(ctx); err != nil {
			return nil, err
		}
	}
}

// failure is what a failed stage says of itself.
func failure(s *pipeline.Stage) string {
	if !s.Status.Failure() {
		return ""
	}
	text := ""
	for _, m := range s.Context.Map("exception").Map("details").Strings("errors") {
		text += "\n            " + m
	}
	return text
}
