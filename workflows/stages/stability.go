package stages

import (
	"errors"
	"fmt"
	"strings"
	"time"

	"github.com/gennaker/gennaker/activities"
	"github.com/gennaker/gennaker/pipeline"
	"github.com/gennaker/gennaker/workflows"
)

// stabilityKey holds, in the context of a stage that waits for objects, why each
// of them is not stable.
const stabilityKey = "stability"

// waitingKeys are what a stage that waits for stability shows of what the cluster
// said.
var waitingKeys = []string{"messages", stabilityKey}

// stabilityNote documents it.
const stabilityNote = "Why an object is not stable stands in the stage's context under `stability`, and in the errors of a stage that fails or whose time is up: its counts, conditions, pods by their reasons, and last warnings. See [rollouts](../../rollouts.md#why-an-object-is-not-stable)."

// explanations is what the context says of objects that are explained.
func explanations(statuses []activities.ManifestStatus) []any {
	out := []any{}
	for _, s := range statuses {
		if s.Stable || s.Explanation == nil {
			continue
		}
		v, err := pipeline.ToValue(*s.Explanation)
		m := pipeline.AsMap(v)
		if err != nil || m == nil {
			continue
		}
		delete(m, "edition")
		m["manifestName"], m["location"] = s.Name, location(s)
		if s.Failed {
			m["failed"] = true
		}
		out = append(out, map[string]any(m))
	}
	return out
}

// explained adds to an error of a wait that ended without an answer, for instance
// because its time was up, what was known of the objects.
func explained(err error, account string, statuses []activities.ManifestStatus) error {
	var e *pipeline.Error
	if workflows.Canceled(err) || !errors.As(err, &e) {
		return err
	}
	var details []string
	for _, s := range statuses {
		if s.Stable {
			continue
		}
		if s.Message != "" {
			details = append(details, describe(account, s)+s.Message)
		}
		details = append(details, because(s)...)
	}
	if len(details) == 0 {
		return err
	}
	told := *e
	told.Details = append(append([]string{}, e.Details...), details...)
	return &told
}

// because says in words, one line each, why an object is not stable.
func because(s activities.ManifestStatus) []string {
	e := s.Explanation
	if e == nil {
		return nil
	}
	var out []string
	say := func(format string, args ...any) {
		out = append(out, strings.TrimSuffix(s.Name+": "+fmt.Sprintf(format, args...), ": "))
	}
	if len(e.Counts) > 0 {
		counts := make([]string, len(e.Counts))
		for i, c := range e.Counts {
			counts[i] = fmt.Sprintf("%d %s", c.Value, c.Name)
		}
		say("%s", strings.Join(counts, ", "))
	}
	for _, c := range e.Conditions {
		name := c.Type + " is " + c.Status
		if c.Reason != "" {
			name += " (" + c.Reason + ")"
		}
		say("%s: %s", name, c.Message)
	}
	for _, p := range e.Pods {
		say("%s", troubleText(p))
	}
	for _, w := range e.Events {
		last := ""
		if w.LastSeen > 0 {
			last = ", last at " + w.LastSeen.Time().UTC().Format(time.TimeOnly) + " UTC"
		}
		say("%s of %s, %s%s: %s", w.Reason, w.Object, times(w.Count), last, w.Message)
	}
	for _, m := range e.Missing {
		say("%s", m)
	}
	return out
}

// troubleText is one reason of pods in words: "2 pods ImagePullBackOff, for
// example web-1 (container main): Back-off pulling image "web:2"".
func troubleText(p activities.PodTrouble) string {
	text := "1 pod " + p.Reason + ", " + p.Pod
	if p.Count != 1 {
		text = fmt.Sprintf("%d pods %s, for example %s", p.Count, p.Reason, p.Pod)
	}
	var facts []string
	if p.Container != "" {
		facts = append(facts, "container "+p.Container)
	}
	if p.Restarts > 0 {
		facts = append(facts, fmt.Sprintf("restarted %s", times(p.Restarts)))
	}
	if p.ExitCode != nil {
		ended := fmt.Sprintf("last exit code %d", *p.ExitCode)
		if p.ExitReason != "" {
			ended += " (" + p.ExitReason + ")"
		}
		facts = append(facts, ended)
	}
	if len(facts) > 0 {
		text += " (" + strings.Join(facts, ", ") + ")"
	}
	if p.Message != "" {
		text += ": " + p.Message
	}
	return text
}

func times(n int64) string {
	if n == 1 {
		return "once"
	}
	return fmt.Sprintf("%d times", n)
}
