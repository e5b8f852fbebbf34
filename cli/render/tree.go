package render

import (
	"fmt"
	"slices"
	"strings"
	"time"

	"github.com/gennaker/gennaker/pipeline"
)

// Tree returns an execution as lines: a head, then its stages in the order in
// which they can run, with the stages that they run before and after below them.
// Of a stage that runs the running task is named, of one that failed the reason.
func Tree(e *pipeline.Execution, style Style, now time.Time) []string {
	head := fmt.Sprintf("%s %s / %s  %s  %s", Mark(e.Status), Line(e.Application), Line(name(e)), e.Status, Duration(e.StartTime, e.EndTime, now))
	lines := []string{style.Status(e.Status, head)}
	children := map[string][]*pipeline.Stage{}
	for _, s := range e.Stages {
		if s.ParentStageID != "" {
			children[s.ParentStageID] = append(children[s.ParentStageID], s)
		}
	}
	var walk func(s *pipeline.Stage, depth int)
	walk = func(s *pipeline.Stage, depth int) {
		lines = append(lines, stageLines(s, depth, style, now)...)
		if depth == maxTreeDepth {
			return
		}
		for _, owner := range []pipeline.SyntheticOwner{pipeline.StageBefore, pipeline.StageAfter, ""} {
			for _, c := range children[s.ID] {
				if c.SyntheticStageOwner == owner {
					walk(c, depth+1)
				}
			}
		}
	}
	for _, s := range top(e) {
		walk(s, 1)
	}
	return lines
}

// maxTreeDepth bounds the nesting of stages that is followed.
const maxTreeDepth = 10

// top lists the top-level stages: those that can run first come first. What
// Ordered leaves out, because it is not a graph, comes behind.
func top(e *pipeline.Execution) []*pipeline.Stage {
	out := slices.DeleteFunc(slices.Clone(e.Ordered()), func(s *pipeline.Stage) bool { return s.ParentStageID != "" })
	for _, s := range e.Stages {
		if s.ParentStageID == "" && !slices.Contains(out, s) {
			out = append(out, s)
		}
	}
	return out
}

func name(e *pipeline.Execution) string {
	if e.Name != "" {
		return e.Name
	}
	return e.Description
}

func stageLines(s *pipeline.Stage, depth int, style Style, now time.Time) []string {
	indent := strings.Repeat("  ", depth)
	text := fmt.Sprintf("%s %s (%s)  %s", Mark(s.Status), Line(s.Name), Line(s.Type), s.Status)
	if s.StartTime != 0 {
		text += "  " + Duration(s.StartTime, s.EndTime, now)
	}
	lines := []string{indent + style.Status(s.Status, text)}
	for _, detail := range StageDetails(s) {
		lines = append(lines, indent+"    "+style.Faint(detail))
	}
	return lines
}

// StageDetails tells in a few lines what a stage does, waits for, or failed of.
func StageDetails(s *pipeline.Stage) []string {
	var out []string
	switch {
	case s.Status == pipeline.Running:
		if s.Type == "manualJudgment" && s.Context.String("judgmentStatus") == "" {
			out = append(out, Line("waits for a judgment: "+s.Context.String("instructions")))
		}
		for _, t := range s.Tasks {
			if t.Status == pipeline.Running {
				out = append(out, "task "+Line(t.Name))
			}
		}
	case s.Status.Failure():
		for _, text := range Errors(s) {
			out = append(out, Cut(Line(text), maxDetail))
		}
	}
	return out
}

// maxDetail bounds one line of details, in runes.
const maxDetail = 400

// Errors lists what a stage failed of, as Deck reads it: the errors under
// context.exception, and the messages of its tasks' exceptions.
func Errors(s *pipeline.Stage) []string {
	details := s.Context.Map("exception").Map("details")
	out := slices.Clone(details.Strings("errors"))
	if len(out) == 0 && details.String("error") != "" {
		out = append(out, details.String("error"))
	}
	for _, k := range s.Context.List("kato.tasks") {
		if text := pipeline.AsMap(k).Map("exception").String("message"); text != "" && !slices.Contains(out, text) {
			out = append(out, text)
		}
	}
	return out
}

// Changes follows the states of one execution and tells each change of a stage
// once, for readers without a terminal.
type Changes struct {
	stages map[string]pipeline.Status
	status pipeline.Status
}

// Next returns the lines about what is new in a state.
func (c *Changes) Next(e *pipeline.Execution, now time.Time) []string {
	if c.stages == nil {
		c.stages = map[string]pipeline.Status{}
	}
	var lines []string
	stamp := now.Local().Format("15:04:05")
	for _, s := range e.Stages {
		before, seen := c.stages[s.ID]
		if before == s.Status || !seen && s.Status == pipeline.NotStarted {
			continue
		}
		c.stages[s.ID] = s.Status
		line := fmt.Sprintf("%s %s stage %s (%s)", stamp, s.Status, Line(s.Name), Line(s.Type))
		if s.Status.Complete() && s.StartTime != 0 {
			line += " after " + Duration(s.StartTime, s.EndTime, now)
		}
		lines = append(lines, line)
		for _, detail := range StageDetails(s) {
			lines = append(lines, "         "+detail)
		}
	}
	if c.status != e.Status {
		c.status = e.Status
		lines = append(lines, fmt.Sprintf("%s %s %s / %s", stamp, e.Status, Line(e.Application), Line(name(e))))
	}
	return lines
}
