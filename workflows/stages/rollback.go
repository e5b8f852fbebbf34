package stages

import (
	"fmt"
	"maps"
	"slices"
	"strings"

	"go.temporal.io/sdk/workflow"

	"github.com/gennaker/gennaker/activities"
	"github.com/gennaker/gennaker/pipeline"
	"github.com/gennaker/gennaker/workflows"
)

// The rollback of a deployManifest stage whose objects do not become stable. Its
// option has the name that Orca gives it in other providers' deploy stages
// (reference: orca section 6). Before the deployment one task finds what there is
// to go back to, and after a failure another goes back; both answers stand in the
// stage's context, so that they outlive the workflow's run.

const (
	// targetsKey holds what each workload could be rolled back to.
	targetsKey = "rollbackTargets"
	// rolledBackKey and notRolledBackKey tell what was done.
	rolledBackKey    = "rolledBack"
	notRolledBackKey = "notRolledBack"
)

// rollbackChange marks runs that know the option: older ones passed it over.
const rollbackChange = "deployManifest.rollback"

// rollsBack reports whether the stage is to roll back when it fails.
func rollsBack(s *pipeline.Stage) bool { return s.Context.Map("rollback").Bool("onFailure") }

// Prepare implements workflows.Preparer.
func (DeployManifest) Prepare(ctx workflow.Context, s *pipeline.Stage) error {
	if rollsBack(s) && workflow.GetVersion(ctx, rollbackChange, workflow.DefaultVersion, 1) == workflow.DefaultVersion {
		delete(s.Context, "rollback")
	}
	return nil
}

// PrepareRestart implements workflows.Restarter: what an earlier run knew of its
// rollback does not count for the next.
func (DeployManifest) PrepareRestart(s *pipeline.Stage, details pipeline.Map) {
	for _, key := range []string{rolledBackKey, notRolledBackKey} {
		if v, present := s.Context[key]; present {
			details[key] = v
		}
	}
	// What was stable then is for the next run to see again: it decides what is
	// rolled back.
	for _, key := range []string{targetsKey, rolledBackKey, notRolledBackKey, stabilityKey, "stableManifests", "failedManifests"} {
		delete(s.Context, key)
	}
}

// findRollback is the task that looks at the workloads before they are changed.
func (d *deployment) findRollback(ctx workflow.Context, t *workflows.TaskRun) (workflows.Outcome, error) {
	if err := d.input(ctx, t); err != nil {
		return workflows.Outcome{}, err
	}
	out, err := workflows.Call(ctx, t, activities.FindRollback, d.in)
	if err != nil {
		return workflows.Outcome{}, err
	}
	targets := make([]any, len(out.Targets))
	for i, target := range out.Targets {
		if targets[i], err = pipeline.ToValue(target); err != nil {
			return workflows.Outcome{}, err
		}
	}
	return workflows.Outcome{Context: pipeline.Map{targetsKey: targets}}, nil
}

// returned is one object of a stage that rolls back.
type returned struct {
	activities.ManifestStatus
	revision int64
	left     string // why it was not rolled back
	failed   bool   // the rollback did not do what it should
}

// rollBack is the task that runs when the objects did not become stable. It never
// fails with an error of its own, since the stage keeps the one that it has.
func rollBack(ctx workflow.Context, t *workflows.TaskRun) (workflows.Outcome, error) {
	var done []*returned
	back := activities.AwaitStableInput{Scope: t.Scope(), Account: accountOf(t.Stage), Manifests: map[string][]string{}}
	show := func() { t.Progress(shownRollback(done)) }
	for _, status := range unsettled(t.Stage) {
		r := &returned{ManifestStatus: status}
		done = append(done, r)
		if err := returnOne(ctx, t, r); err != nil {
			show()
			return workflows.Outcome{}, err
		}
		if r.left == "" {
			back.Manifests[r.Namespace] = append(back.Manifests[r.Namespace], r.Name)
		}
		show()
	}
	for len(back.Manifests) > 0 {
		out, err := workflows.Call(ctx, t, activities.AwaitStable, back)
		if workflows.Canceled(err) {
			return workflows.Outcome{}, err
		}
		for _, r := range done {
			for _, s := range out.Statuses {
				if s.Namespace == r.Namespace && s.Name == r.Name {
					r.ManifestStatus = s
				}
			}
			if err != nil && r.left == "" && !r.Stable {
				r.Message = pipeline.MessageOf(err)
			}
		}
		show()
		if err != nil || out.Done {
			break
		}
		back.Seen = out.Statuses
	}
	outcome := workflows.Outcome{Context: shownRollback(done)}
	var lines []string
	for _, r := range done {
		lines = append(lines, describe(back.Account, r.ManifestStatus)+r.String())
		if r.failed || r.left == "" && !r.Stable {
			outcome.Status = pipeline.Terminal
		}
	}
	outcome.Context["exception"] = map[string]any(withErrors(t.Stage.Context.Map("exception"), lines))
	return outcome, nil
}

// returnOne rolls one object back, or notes why it cannot be. Its error is
// Temporal's CanceledError.
func returnOne(ctx workflow.Context, t *workflows.TaskRun, r *returned) error {
	target, found := targetFor(t.Stage, r.ManifestStatus)
	kind, _, _ := strings.Cut(r.Name, " ")
	switch {
	case strings.EqualFold(kind, "replicaSet"):
		r.left = "a ReplicaSet has no revisions; the older server groups of its cluster were left as they are and go on serving"
		return nil
	case !found:
		r.left = "a " + kind + " has no revisions"
		return nil
	}
	where := r.Namespace
	out, err := workflows.Call(ctx, t, activities.RollBack, activities.RollBackInput{
		ManifestInput: activities.ManifestInput{Scope: t.Scope(), Account: accountOf(t.Stage), Location: where, ManifestName: r.Name},
		Target:        target, Deployed: deployedAs(t.Stage, r.ManifestStatus),
	})
	switch {
	case workflows.Canceled(err):
		return err
	case err != nil:
		r.left, r.failed = "the rollback failed: "+pipeline.MessageOf(err), true
	default:
		r.revision, r.left = out.Revision, out.Left
	}
	return nil
}

func (r *returned) String() string {
	switch {
	case r.left != "":
		return "not rolled back, because " + strings.TrimSuffix(r.left, ".") + "."
	case r.Stable:
		return fmt.Sprintf("rolled back to revision %d, which is stable.", r.revision)
	case r.Message != "":
		return fmt.Sprintf("rolled back to revision %d, which has not become stable: %s", r.revision, r.Message)
	}
	return fmt.Sprintf("rolled back to revision %d, which has not become stable.", r.revision)
}

// unsettled are the objects of the stage that are not known to have become stable.
func unsettled(s *pipeline.Stage) []activities.ManifestStatus {
	stable := map[string]bool{}
	for _, v := range s.Context.List("stableManifests") {
		m := pipeline.AsMap(v)
		stable[m.String("location")+"\x00"+m.String("manifestName")] = true
	}
	var out []activities.ManifestStatus
	names := namesFrom(s.Context["outputs.manifestNamesByNamespace"])
	for _, ns := range slices.Sorted(maps.Keys(names)) {
		for _, name := range names[ns] {
			status := activities.ManifestStatus{Namespace: ns, Name: name}
			if !stable[location(status)+"\x00"+name] {
				out = append(out, status)
			}
		}
	}
	return out
}

// targetFor finds what was known of an object before the deployment.
func targetFor(s *pipeline.Stage, of activities.ManifestStatus) (activities.RollbackTarget, bool) {
	for _, v := range s.Context.List(targetsKey) {
		var target activities.RollbackTarget
		if pipeline.Bind(v, &target) == nil && target.Namespace == of.Namespace && strings.EqualFold(target.Name, of.Name) {
			return target, true
		}
	}
	return activities.RollbackTarget{}, false
}

// deployedAs is the object as the deployment left it: of one that it holds twice,
// the last.
func deployedAs(s *pipeline.Stage, of activities.ManifestStatus) pipeline.Map {
	kind, name, _ := strings.Cut(of.Name, " ")
	for _, v := range slices.Backward(s.Context.List(deployedKey)) {
		m := pipeline.AsMap(v)
		metadata := m.Map("metadata")
		if strings.EqualFold(m.String("kind"), kind) && metadata.String("name") == name && metadata.String("namespace") == location(of) {
			return m
		}
	}
	return nil
}

// shownRollback is what the stage's context says of its rollback.
func shownRollback(done []*returned) pipeline.Map {
	back, left := []any{}, []any{}
	for _, r := range done {
		entry := map[string]any{"manifestName": r.Name, "location": location(r.ManifestStatus)}
		if r.left != "" {
			entry["reason"] = r.left
			left = append(left, entry)
			continue
		}
		entry["revision"], entry["stable"] = r.revision, r.Stable
		if !r.Stable && r.Message != "" {
			entry["message"] = r.Message
		}
		back = append(back, entry)
	}
	return pipeline.Map{rolledBackKey: back, notRolledBackKey: left}
}

// withErrors adds lines to the errors of a stage's exception, behind the first.
func withErrors(exception pipeline.Map, lines []string) pipeline.Map {
	out := exception.Clone()
	if out == nil {
		out = pipeline.Map{}
	}
	details := out.Map("details")
	if details == nil {
		details = pipeline.Map{}
	}
	errors := details.List("errors")
	first := min(len(errors), 1)
	told := append([]any{}, errors[:first]...)
	for _, line := range lines {
		told = append(told, line)
	}
	details["errors"] = append(told, errors[first:]...)
	out["details"] = map[string]any(details)
	return out
}
