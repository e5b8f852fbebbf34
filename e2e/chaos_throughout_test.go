package e2e

import (
	"context"
	"fmt"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/gennaker/gennaker/e2e/harness"
	"github.com/gennaker/gennaker/pipeline"
)

// lasting are the types of stages that take time: what an outage can hit.
var lasting = []string{"wait", "webhook", "manualJudgment", "pipeline"}

// awaitLasting returns when a stage of each lasting type runs.
func awaitLasting(ctx context.Context, w *world, f form) error {
	return harness.Until(ctx, "a running stage of each lasting type", func(ctx context.Context) (bool, error) {
		list, err := listed(ctx, w, f.runs)
		for _, kind := range lasting {
			if runningAt(list, kind, time.Now()) == 0 {
				return false, err
			}
		}
		return true, err
	})
}

// requireStagesThroughout checks that the outages of each part met what they were
// to meet: at nearly every moment a stage of each lasting type was running.
func requireStagesThroughout(t *testing.T, ctx context.Context, w *world, f form, began time.Time, outages []outage) {
	t.Helper()
	list, err := listed(ctx, w, f.runs)
	require.NoError(t, err)
	var text strings.Builder
	type where struct{ part, kind string }
	moments, met := map[string]int{}, map[where]int{}
	for _, o := range outages {
		fmt.Fprintf(&text, "\n  at %5.1fs %s:", o.from.Sub(began).Seconds(), o)
		least := map[string]int{}
		for at := o.from; at.Before(o.to); at = at.Add(250 * time.Millisecond) {
			moments[o.part]++
			for _, kind := range lasting {
				n := runningAt(list, kind, at)
				if before, seen := least[kind]; !seen || n < before {
					least[kind] = n
				}
				if n > 0 {
					met[where{o.part, kind}]++
				}
			}
		}
		for _, kind := range lasting {
			fmt.Fprintf(&text, " %s %d", kind, least[kind])
		}
	}
	t.Logf("the least number of running stages in each outage:%s", &text)
	const enough = 0.9
	for part, all := range moments {
		for _, kind := range lasting {
			require.GreaterOrEqual(t, float64(met[where{part, kind}]), enough*float64(all),
				"the outages of %s went by for the most part without a stage %s: make the pipelines longer", part, kind)
		}
	}
}

// runningAt counts the stages of a type that ran at a moment.
func runningAt(list []*pipeline.Execution, kind string, at time.Time) int {
	n := 0
	for _, e := range list {
		n += len(slices.DeleteFunc(slices.Clone(e.Stages), func(s *pipeline.Stage) bool {
			return s.Type != kind || s.StartTime == 0 || s.StartTime.Time().After(at) || s.EndTime != 0 && s.EndTime.Time().Before(at)
		}))
	}
	return n
}
