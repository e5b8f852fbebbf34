package cli

import (
	"fmt"
	"slices"
	"strings"

	"github.com/gennaker/gennaker/activities"
	"github.com/gennaker/gennaker/workflows"
)

// planSigns stand before the objects of a plan.
var planSigns = []struct {
	action activities.PlanAction
	sign   string
}{
	{activities.PlanRefused, "!"}, {activities.PlanCreated, "+"}, {activities.PlanChanged, "~"}, {activities.PlanRecreated, "±"},
	{activities.PlanDeleted, "-"}, {activities.PlanDisabled, "-"}, {activities.PlanOrphaned, "?"}, {activities.PlanUntried, "?"}, {activities.PlanLeft, "="},
}

// manifestLines prints what a stage would change in a cluster. Objects that are
// left as they are are counted only.
func manifestLines(m *workflows.PlannedManifests) []string {
	if m == nil {
		return nil
	}
	var counts []string
	for _, s := range planSigns {
		if n := m.Counts[s.action]; n > 0 {
			counts = append(counts, fmt.Sprintf("%d %s", n, s.action))
		}
	}
	head := "account " + m.Account + ": "
	switch {
	case m.Message != "":
		head += m.Message
	case len(counts) == 0:
		head += "nothing"
	default:
		head += strings.Join(counts, ", ")
	}
	out := []string{head}
	for _, o := range m.Objects {
		if o.Action == activities.PlanLeft && o.Message == "" {
			continue
		}
		out = append(out, objectLines(o)...)
	}
	if m.Cut > 0 {
		out = append(out, fmt.Sprintf("... and %d more objects", m.Cut))
	}
	return out
}

func objectLines(o activities.PlannedObject) []string {
	at := slices.IndexFunc(planSigns, func(s struct {
		action activities.PlanAction
		sign   string
	}) bool {
		return s.action == o.Action
	})
	sign := " "
	if at >= 0 {
		sign = planSigns[at].sign
	}
	line := fmt.Sprintf("%s %s %s %s", sign, o.Action, o.Kind, o.Name)
	if o.Namespace != "" {
		line += " in " + o.Namespace
	}
	if o.ComparedWith != "" {
		line += ", compared with " + o.ComparedWith
	}
	out := []string{line}
	for _, text := range append([]string{o.Message}, o.Details...) {
		if text != "" {
			out = append(out, "    "+text)
		}
	}
	for _, c := range o.Changes {
		out = append(out, changeLines(c)...)
	}
	if o.MoreChanges > 0 {
		out = append(out, fmt.Sprintf("    ... and %d more fields", o.MoreChanges))
	}
	return out
}

// changeLines prints one changed field: on one line, or with the lines of both
// values below one another.
func changeLines(c activities.FieldChange) []string {
	if c.Hidden {
		return []string{"    " + c.Path + ": changes (secret)"}
	}
	before, after := "(none)", "(none)"
	if c.Before != nil {
		before = *c.Before
	}
	if c.After != nil {
		after = *c.After
	}
	if !strings.Contains(before, "\n") && !strings.Contains(after, "\n") {
		return []string{"    " + c.Path + ": " + before + " -> " + after}
	}
	out := []string{"    " + c.Path + ":"}
	for _, line := range strings.Split(before, "\n") {
		out = append(out, "      - "+line)
	}
	for _, line := range strings.Split(after, "\n") {
		out = append(out, "      + "+line)
	}
	return out
}
