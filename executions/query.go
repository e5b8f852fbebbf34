package executions

import (
	"cmp"
	"slices"
	"strings"

	"github.com/gennaker/gennaker/pipeline"
)

// Compare orders executions as every list does: newest first by build time,
// then by ID.
func Compare(a, b *pipeline.Execution) int {
	if c := cmp.Compare(b.BuildTime, a.BuildTime); c != 0 {
		return c
	}
	return cmp.Compare(a.ID, b.ID)
}

// Sort puts records in the order of [Compare].
func Sort(records []Record) {
	slices.SortFunc(records, func(a, b Record) int { return Compare(a.Execution, b.Execution) })
}

// GroupOf names the group that [Query.LimitPerConfig] counts an execution in:
// its pipeline configuration, or for executions without one their type and
// application.
func GroupOf(e *pipeline.Execution) string {
	return Group(e.Type, e.PipelineConfigID, e.Application)
}

// Group is [GroupOf] for the three fields it looks at.
func Group(t pipeline.ExecutionType, configID, application string) string {
	if configID != "" {
		return string(t) + ":" + configID
	}
	return string(t) + "::" + applicationKey(application)
}

// SameApplication reports whether two names are of one application. It goes by the
// key under which applications are stored, not by [strings.EqualFold]: that takes
// ſhop for shop, which permissions tell apart.
func SameApplication(a, b string) bool { return applicationKey(a) == applicationKey(b) }

func applicationKey(name string) string { return strings.ToLower(name) }

// Matches reports whether e is selected by q, limits aside.
func (q Query) Matches(e *pipeline.Execution) bool {
	switch {
	case q.Application != "" && !SameApplication(q.Application, e.Application),
		q.Type != "" && q.Type != e.Type,
		len(q.PipelineConfigIDs) > 0 && !slices.Contains(q.PipelineConfigIDs, e.PipelineConfigID),
		len(q.Statuses) > 0 && !slices.Contains(q.Statuses, e.Status),
		q.From != 0 && e.BuildTime < q.From,
		q.To != 0 && e.BuildTime > q.To:
		return false
	}
	return true
}

// Bound returns how many executions q may answer with.
func (q Query) Bound() int {
	if q.Limit <= 0 || q.Limit > MaxResults {
		return MaxResults
	}
	return q.Limit
}

// BoundPerConfig returns how many executions of one group q may answer with.
func (q Query) BoundPerConfig() int {
	if q.LimitPerConfig <= 0 {
		return q.Bound()
	}
	return min(q.LimitPerConfig, q.Bound())
}

// Apply returns the records that q selects, in order, within its limits and in
// the form it asks for. Of several records with one ID the one with the highest
// sequence counts, and among equals the first.
func (q Query) Apply(records []Record) []Record {
	best := make(map[string]int, len(records))
	for i, r := range records {
		if j, seen := best[r.Execution.ID]; !seen || r.Sequence > records[j].Sequence {
			best[r.Execution.ID] = i
		}
	}
	out := make([]Record, 0, len(best))
	for _, i := range best {
		if q.Matches(records[i].Execution) {
			out = append(out, records[i])
		}
	}
	Sort(out)
	if q.LimitPerConfig > 0 {
		counts := map[string]int{}
		out = slices.DeleteFunc(out, func(r Record) bool {
			g := GroupOf(r.Execution)
			counts[g]++
			return counts[g] > q.LimitPerConfig
		})
	}
	out = out[:min(len(out), q.Bound())]
	if q.Summary {
		for i := range out {
			out[i].Execution = out[i].Execution.Summary()
		}
	}
	return out
}

// unfinishedOnly reports whether q selects only unfinished executions.
func (q Query) unfinishedOnly() bool {
	return len(q.Statuses) > 0 && !slices.ContainsFunc(q.Statuses, pipeline.Status.Complete)
}

// Unfinished lists the statuses that are not final.
func Unfinished() []pipeline.Status {
	return slices.DeleteFunc(pipeline.Statuses(), pipeline.Status.Complete)
}
