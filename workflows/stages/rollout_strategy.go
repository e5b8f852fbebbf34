package stages

import (
	"strings"

	"go.temporal.io/sdk/workflow"

	"github.com/gennaker/gennaker/activities"
	"github.com/gennaker/gennaker/pipeline"
	"github.com/gennaker/gennaker/workflows"
)

// The rollout strategies of deployManifest (reference: clouddriver section 9).
// What a deployment replaces is found once what it made is stable; the stages
// after it then take the traffic away, one server group after another.

const (
	// replacedKey holds, in the context of deployManifest, what it replaces.
	replacedKey = "replacedServerGroups"
	// uidKey narrows a stage that a strategy added to the very object that was
	// found, detachKey has a deletion stop its traffic first.
	uidKey    = "manifestUid"
	detachKey = "disableFirst"
)

// strategyOf reads a stage's rollout strategy, empty for none. Errors: invalid.
func strategyOf(s *pipeline.Stage) (string, error) {
	traffic := s.Context.Map("trafficManagement")
	if !traffic.Bool("enabled") {
		return "", nil
	}
	strategy := strings.ToLower(strings.TrimSpace(traffic.Map("options").String("strategy")))
	switch strategy {
	case "", "none":
		return "", nil
	case activities.StrategyRedBlack, activities.StrategyBlueGreen, activities.StrategyHighlander:
		return strategy, nil
	}
	return "", pipeline.Errorf(pipeline.CodeInvalid, "The stage '%s' has the rollout strategy '%s': set the strategy of its traffic management to redblack, bluegreen, highlander or none.", s.Name, strategy)
}

// findReplaced is the task that finds the server groups which the stage replaces.
func findReplaced(ctx workflow.Context, t *workflows.TaskRun) (workflows.Outcome, error) {
	scope := t.Scope()
	deploying := scope
	deploying.Task = "deployManifest"
	in := activities.FindReplacedInput{Scope: scope, Account: accountOf(t.Stage), Application: applicationOf(t), Operation: deploying.Key()}
	for _, v := range t.Stage.Context.List("outputs.manifests") {
		m := pipeline.AsMap(v)
		if strings.EqualFold(m.String("kind"), "replicaSet") {
			in.Made = append(in.Made, activities.ServerGroup{Namespace: m.Map("metadata").String("namespace"), Name: m.Map("metadata").String("name")})
		}
	}
	replaced := []any{}
	if len(in.Made) > 0 {
		out, err := workflows.Call(ctx, t, activities.FindReplaced, in)
		if err != nil {
			return workflows.Outcome{}, err
		}
		for _, g := range out.Replaced {
			replaced = append(replaced, map[string]any{"manifestName": g.ManifestName, "location": g.Namespace, uidKey: g.UID, "unstable": g.Unstable, "app": in.Application})
		}
	}
	return workflows.Outcome{Context: pipeline.Map{replacedKey: replaced}}, nil
}

// applicationOf is the application that the stage's manifests belong to.
func applicationOf(t *workflows.TaskRun) string {
	if app := t.Stage.Context.Map("moniker").String("app"); app != "" {
		return app
	}
	return t.Execution().Application
}

// After implements workflows.AfterPlanner: red/black disables each replaced server
// group, and deletes one that is neither stable nor failed; highlander disables
// all and then deletes all. Each waits for the one before.
func (DeployManifest) After(_ *pipeline.Execution, s *pipeline.Stage) ([]workflows.Synthetic, error) {
	strategy, err := strategyOf(s)
	if err != nil || strategy == "" {
		return nil, err
	}
	var out []workflows.Synthetic
	add := func(kind string, replaced pipeline.Map) {
		step := workflows.Synthetic{Type: kind, Context: pipeline.Map{
			"account": accountOf(s), "app": replaced.String("app"), "cloudProvider": "kubernetes",
			"manifestName": replaced.String("manifestName"), "location": replaced.String("location"), uidKey: replaced.String(uidKey),
		}}
		if kind == "deleteManifest" {
			step.Context[detachKey] = true
		}
		if len(out) > 0 {
			step.After = []int{len(out) - 1}
		}
		out = append(out, step)
	}
	all := s.Context.List(replacedKey)
	for _, v := range all {
		replaced := pipeline.AsMap(v)
		if strategy != activities.StrategyHighlander && replaced.Bool("unstable") {
			add("deleteManifest", replaced)
		} else {
			add("disableManifest", replaced)
		}
	}
	if strategy == activities.StrategyHighlander {
		for _, v := range all {
			add("deleteManifest", pipeline.AsMap(v))
		}
	}
	return out, nil
}

// strategyCalls says what a stage's strategy would do after the deployment.
func strategyCalls(s *pipeline.Stage) []string {
	strategy, err := strategyOf(s)
	if err != nil || strategy == "" {
		return nil
	}
	manifests, err := flatten(s, manifestKeys...)
	if err != nil || fromArtifact(s) {
		manifests = nil
	}
	verb := "disable"
	if strategy == activities.StrategyHighlander {
		verb = "disable and then delete"
	}
	var out []string
	for _, m := range manifests {
		if strings.EqualFold(m.String("kind"), "replicaSet") {
			out = append(out, verb+" the older ReplicaSets of the cluster of "+m.Map("metadata").String("name")+" on account "+accountOf(s)+" once it is stable")
		}
	}
	return out
}
