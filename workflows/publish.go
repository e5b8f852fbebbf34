package workflows

import (
	"fmt"
	"strings"

	"go.temporal.io/sdk/workflow"

	"github.com/gennaker/gennaker/pipeline"
)

// publishChanges is the coroutine that publishes the execution whenever it has
// changed and nothing more can happen for now. One workflow task, which may
// change hundreds of stages, publishes once.
func (r *run) publishChanges(ctx workflow.Context) {
	for {
		if err := workflow.Await(ctx, func() bool { return r.changed }); err != nil {
			return
		}
		counted := false
		for r.changed {
			r.changed = false
			before := r.seq
			letOthersRun(ctx)
			counted = r.seq != before // the end is shown by its archiving
		}
		if !counted {
			r.publish(ctx)
		}
	}
}

// letOthersRun gives every other coroutine a turn. Temporal runs coroutines in
// rounds until one passes in which none got on; this one gets on in each round,
// so that another follows.
func letOthersRun(ctx workflow.Context) {
	turns := 0
	_ = workflow.Await(ctx, func() bool { turns++; return turns > 1 })
}

// sequencesPerEvent is the room for states between two events of the history.
const sequencesPerEvent = 1000

// publish hands a copy of the execution to the publisher. It writes nothing to
// history and publishes nothing during replay; the sequence counts in both
// cases, so that a replayed workflow goes on where the lost one stopped. It
// follows the length of the history: a workflow task that was lost with its
// worker may have published states that never came true, and the task computed
// in its place, having a longer history, must outnumber them all.
func (r *run) publish(ctx workflow.Context) {
	r.count(ctx)
	if workflow.IsReplaying(ctx) {
		return
	}
	r.engine.publisher.Publish(r.snapshot())
}

// count gives the present state its sequence, and the Temporal UI its words.
func (r *run) count(ctx workflow.Context) {
	r.changed = false
	r.seq = max(r.seq+1, r.base+sequencesPerEvent*int64(workflow.GetInfo(ctx).GetCurrentHistoryLength()))
	workflow.SetCurrentDetails(ctx, r.details())
}

func (r *run) snapshot() Snapshot {
	return Snapshot{Execution: r.exec.Clone(), Sequence: r.seq}
}

// details is the state in words, for the Temporal UI.
func (r *run) details() string {
	const shown = 50
	var b strings.Builder
	fmt.Fprintf(&b, "**%s** %s\n\n", r.exec.Status, r.exec.Application)
	for i, s := range r.exec.Stages {
		if i == shown {
			fmt.Fprintf(&b, "- … and %d more\n", len(r.exec.Stages)-shown)
			break
		}
		fmt.Fprintf(&b, "- %s: %s", shorten(plain(s.Name), 200), s.Status)
		if s.Status == pipeline.Running {
			for _, t := range s.Tasks {
				if t.Status == pipeline.Running {
					fmt.Fprintf(&b, " (%s)", t.Name)
				}
			}
		}
		b.WriteByte('\n')
	}
	return b.String()
}

// plain takes the meaning out of Markdown's control characters.
func plain(s string) string {
	return strings.NewReplacer("*", "∗", "[", "(", "]", ")", "<", "‹", ">", "›", "`", "'", "\n", " ").Replace(s)
}
