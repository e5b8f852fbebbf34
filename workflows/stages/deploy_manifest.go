package stages

import (
	"time"

	"go.temporal.io/sdk/workflow"

	"github.com/gennaker/gennaker/activities"
	"github.com/gennaker/gennaker/pipeline"
	"github.com/gennaker/gennaker/workflows"
)

// DeployManifest applies Kubernetes manifests and waits until they are stable
// (reference: orca section 6.1, clouddriver sections 5 and 11).
//
//	{"type": "deployManifest", "refId": "1", "name": "Deploy", "account": "prod",
//	 "cloudProvider": "kubernetes", "source": "text", "moniker": {"app": "shop"},
//	 "manifests": [{"apiVersion": "v1", "kind": "ConfigMap", "metadata": {"name": "c"}}]}
type DeployManifest struct{}

var (
	_ workflows.StageType       = DeployManifest{}
	_ workflows.AfterPlanner    = DeployManifest{}
	_ workflows.Preparer        = DeployManifest{}
	_ workflows.Restarter       = DeployManifest{}
	_ workflows.Caller          = DeployManifest{}
	_ workflows.Checker         = DeployManifest{}
	_ workflows.Receiver        = DeployManifest{}
	_ workflows.Documented      = DeployManifest{}
	_ workflows.ManifestPlanner = DeployManifest{}
)

// Type implements workflows.StageType.
func (DeployManifest) Type() string { return "deployManifest" }

// Tasks implements workflows.StageType.
func (DeployManifest) Tasks(s *pipeline.Stage) []workflows.Task {
	d := &deployment{}
	tasks := []workflows.Task{{Name: "resolveDeploySourceManifest", Timeout: sourceTimeout, Run: d.resolve}}
	if rollsBack(s) {
		tasks = append(tasks, workflows.Task{Name: "findRollbackTargets", Timeout: operationTimeout, Run: d.findRollback})
	}
	tasks = append(tasks, []workflows.Task{
		{Name: "deployManifest", Timeout: operationTimeout, Run: d.deploy},
		instant("monitorDeploy"),
		{Name: "promoteManifestKatoOutputs", Run: d.promote},
		{Name: awaitTask, Timeout: stableTimeout(s), Run: waitForStable},
		{Name: "cleanupArtifacts", Timeout: operationTimeout, Run: d.cleanUp},
		instant("monitorCleanup"),
		withoutOutput(workflows.BindProducedArtifacts()),
	}...)
	if strategy, err := strategyOf(s); err == nil && strategy != "" {
		tasks = append(tasks, workflows.Task{Name: "findReplacedServerGroups", Timeout: operationTimeout, Run: findReplaced})
	}
	if rollsBack(s) {
		tasks = append(tasks, workflows.Task{Name: "rollBackManifests", Timeout: stableTimeout(s), OnFailureOf: awaitTask, Run: rollBack})
	}
	return tasks
}

// Check implements workflows.Checker.
func (DeployManifest) Check(s *pipeline.Stage) error {
	if err := checkSource(s); err != nil {
		return err
	}
	_, err := strategyOf(s)
	return err
}

// Received implements workflows.Receiver: what the cluster answered, and the
// manifests that were fetched, whose expressions are evaluated once.
func (DeployManifest) Received(s *pipeline.Stage) []string {
	keys := append([]string{deployedKey, replacedKey, targetsKey, rolledBackKey, notRolledBackKey}, waitingKeys...)
	if fromArtifact(s) {
		keys = append(keys, "manifests")
	}
	return keys
}

// manifestKeys are where the stage holds manifests as text.
var manifestKeys = []string{"manifests", "manifest"}

// deployment is one run of the stage; its tasks share it.
type deployment struct {
	in  activities.DeployManifestInput
	out activities.DeployManifestOutput
}

func (d *deployment) resolve(ctx workflow.Context, t *workflows.TaskRun) (workflows.Outcome, error) {
	s := t.Stage
	if err := (DeployManifest{}).Check(s); err != nil {
		return workflows.Outcome{}, err
	}
	manifests, err := sourceManifests(ctx, t, manifestKeys...)
	if err == nil {
		err = atLeastOne(s, manifests, manifestKeys[0])
	}
	if err != nil {
		return workflows.Outcome{}, err
	}
	required, err := requiredArtifacts(ctx, t)
	if err != nil {
		return workflows.Outcome{}, err
	}
	optional, err := t.Artifacts()
	if err != nil {
		return workflows.Outcome{}, err
	}
	d.in, err = deployInput(s, workflows.ManifestKnowledge{
		Application: t.Execution().Application, Manifests: manifests, Required: required, Artifacts: optional,
	})
	if err != nil {
		return workflows.Outcome{}, err
	}
	bound, err := artifactValues(required)
	context := pipeline.Map{"requiredArtifacts": bound}
	if fromArtifact(s) {
		context["manifests"] = manifestValues(manifests)
	}
	return workflows.Outcome{Context: context}, err
}

// deployInput is what a stage has deployed, but for the account and the scope.
func deployInput(s *pipeline.Stage, k workflows.ManifestKnowledge) (activities.DeployManifestInput, error) {
	c := s.Context
	in := activities.DeployManifestInput{
		Manifests:              k.Manifests,
		NamespaceOverride:      c.String("namespaceOverride"),
		RequiredArtifacts:      k.Required,
		OptionalArtifacts:      k.Artifacts,
		EnableTraffic:          true,
		SkipSpecTemplateLabels: c.Bool("skipSpecTemplateLabels"),
		AllowNothingSelected:   c.Bool("allowNothingSelected"),
	}
	for _, part := range []struct {
		key  string
		into any
	}{
		{"moniker", &in.Moniker},
		{"labelSelectors", &in.LabelSelectors},
		{"versioned", &in.Versioned},
	} {
		if v := c[part.key]; v != nil {
			if err := pipeline.Bind(v, part.into); err != nil {
				return in, pipeline.Wrap(pipeline.CodeInvalid, err, "The %s of stage '%s' cannot be read: %s.", part.key, s.Name, err)
			}
		}
	}
	if in.Moniker.App == "" {
		in.Moniker.App = k.Application
	}
	if v, present := c["enableArtifactBinding"]; present && v != nil {
		in.DisableArtifactBinding = !c.Bool("enableArtifactBinding")
	}
	traffic := c.Map("trafficManagement")
	if traffic.Bool("enabled") {
		options := traffic.Map("options")
		in.EnableTraffic = options.Bool("enableTraffic")
		in.Services = options.Strings("services")
		var err error
		if in.Strategy, err = strategyOf(s); err != nil {
			return in, err
		}
	}
	return in, nil
}

// PlanManifests implements workflows.ManifestPlanner.
func (DeployManifest) PlanManifests(k workflows.ManifestKnowledge, s *pipeline.Stage) (activities.PlanManifestsInput, error) {
	in, err := deployInput(s, k)
	return activities.PlanManifestsInput{Deploy: &in}, err
}

// flatten reads the manifests under the first of keys that the stage holds: one
// object or a list, in which lists may be nested and empty documents are null.
// There must be at least one.
func flatten(s *pipeline.Stage, keys ...string) ([]pipeline.Map, error) {
	out, err := flattenValue(s, firstOf(s, keys), keys[0])
	if err != nil {
		return nil, err
	}
	return out, atLeastOne(s, out, keys[0])
}

// firstOf is the value of the first of keys that the stage holds.
func firstOf(s *pipeline.Stage, keys []string) any {
	for _, key := range keys {
		if v := s.Context[key]; v != nil {
			return v
		}
	}
	return nil
}

// atLeastOne refuses to do without manifests; key is where the stage takes text
// from.
func atLeastOne(s *pipeline.Stage, manifests []pipeline.Map, key string) error {
	switch {
	case len(manifests) > 0:
		return nil
	case fromArtifact(s):
		return pipeline.Errorf(pipeline.CodeInvalid, "The artifact of stage '%s' holds no manifest.", s.Name)
	}
	return pipeline.Errorf(pipeline.CodeInvalid, "No text manifest was specified: the stage '%s' needs at least one object under %s.", s.Name, key)
}

// flattenValue reads the objects of one key of a stage.
func flattenValue(s *pipeline.Stage, raw any, key string) ([]pipeline.Map, error) {
	var out []pipeline.Map
	var walk func(v any) error
	walk = func(v any) error {
		switch v := v.(type) {
		case nil:
			return nil
		case []any:
			for _, e := range v {
				if err := walk(e); err != nil {
					return err
				}
			}
			return nil
		}
		m := pipeline.AsMap(v)
		if m == nil {
			return pipeline.Errorf(pipeline.CodeInvalid, "A manifest of stage '%s' is %s, not an object: write Kubernetes objects under %s.", s.Name, pipeline.Excerpt(v), key)
		}
		out = append(out, m)
		return nil
	}
	err := walk(raw)
	return out, err
}

// input completes the deployment's input.
func (d *deployment) input(ctx workflow.Context, t *workflows.TaskRun) error {
	account, err := findAccount(ctx, t)
	if err != nil {
		return err
	}
	if len(d.in.Manifests) == 0 {
		// The workflow continued as new since the manifests were resolved.
		if _, err := d.resolve(ctx, t); err != nil {
			return err
		}
	}
	d.in.Account = account
	d.in.Scope = t.Scope()
	d.in.Scope.Task = "deployManifest"
	return nil
}

func (d *deployment) deploy(ctx workflow.Context, t *workflows.TaskRun) (workflows.Outcome, error) {
	err := d.input(ctx, t)
	if err != nil {
		return workflows.Outcome{}, err
	}
	d.out, err = workflows.Call(ctx, t, activities.DeployManifest, d.in)
	if err != nil {
		return workflows.Outcome{}, err
	}
	return workflows.Outcome{Context: katoTasks(t)}, nil
}

func (d *deployment) promote(workflow.Context, *workflows.TaskRun) (workflows.Outcome, error) {
	outputs, err := manifestOutputs(d.out)
	return workflows.Outcome{Context: outputs, Outputs: outputs.Clone()}, err
}

// cleanUp deletes versions beyond max-version-history. It calls the cluster only
// when a manifest asks for it.
func (d *deployment) cleanUp(ctx workflow.Context, t *workflows.TaskRun) (workflows.Outcome, error) {
	// From the context: the workflow may have continued as new while it waited for
	// the manifests to be stable.
	var deployed []pipeline.Map
	for _, v := range t.Stage.Context.List(deployedKey) {
		if m := pipeline.AsMap(v); m != nil {
			deployed = append(deployed, m)
		}
	}
	for _, m := range deployed {
		if m.Map("metadata").Map("annotations")["strategy.spinnaker.io/max-version-history"] == nil {
			continue
		}
		_, err := workflows.Call(ctx, t, activities.CleanupArtifacts, activities.CleanupArtifactsInput{
			Scope: t.Scope(), Account: accountOf(t.Stage), Manifests: deployed,
		})
		return workflows.Outcome{}, err
	}
	return workflows.Outcome{}, nil
}

// withoutOutput makes a stage's last task leave no outputs when the stage says
// noOutput.
func withoutOutput(task workflows.Task) workflows.Task {
	run := task.Run
	task.Run = func(ctx workflow.Context, t *workflows.TaskRun) (workflows.Outcome, error) {
		outcome, err := run(ctx, t)
		if t.Stage.Context.Bool("noOutput") {
			t.ClearOutputs()
			outcome.Outputs = nil
		}
		return outcome, err
	}
	return task
}

// stableTimeout is how long manifests may take to become stable.
func stableTimeout(s *pipeline.Stage) time.Duration {
	if minutes, ok := s.Context.Int("stableManifestTimeoutMinutes"); ok && minutes > 0 && minutes < 100000 {
		return time.Duration(minutes) * time.Minute
	}
	return 30 * time.Minute
}

// Calls implements workflows.Caller.
func (DeployManifest) Calls(s *pipeline.Stage) []string {
	calls := append(callsForManifests("deploy", s), strategyCalls(s)...)
	if rollsBack(s) {
		calls = append(calls, "roll back on account "+accountOf(s)+" what does not become stable")
	}
	return calls
}

// Describe implements workflows.Documented.
func (DeployManifest) Describe() workflows.Description {
	return workflows.Description{
		Summary: "Applies Kubernetes manifests by Spinnaker's rules and waits until they are stable.",
		Inputs: []workflows.Field{
			accountField, providerField,
			sourceField("the manifests come"),
			manifestArtifactField, manifestArtifactIDField, manifestArtifactAccountField,
			{Name: "manifests", Type: "list of objects", Text: "The manifests, with source text. Lists may be nested, nulls are passed over."},
			{Name: "moniker", Type: "map", Text: "`app` (default: the pipeline's application), `cluster`, `stack`, `detail`."},
			{Name: "namespaceOverride", Type: "namespace", Text: "Where everything goes, whatever the manifests say."},
			requiredArtifactsField, requiredArtifactIDsField,
			{Name: "enableArtifactBinding", Type: "boolean", Default: "true", Text: "Whether artifacts replace what manifests name."},
			{Name: "trafficManagement", Type: "map", Text: "`enabled`, `options` with `services`, `enableTraffic`, `strategy`."},
			{Name: "versioned", Type: "boolean", Default: "by kind", Text: "Whether objects get a version in their name."},
			{Name: "labelSelectors", Type: "map", Text: "Deploys only the manifests that they select."},
			{Name: "allowNothingSelected", Type: "boolean", Default: "false", Text: "Whether selecting none is no failure."},
			{Name: "skipSpecTemplateLabels", Type: "boolean", Default: "false", Text: "Leaves the labels of pod templates alone."},
			{Name: "skipExpressionEvaluation", Type: "boolean", Default: "false", Text: "Leaves expressions in the manifests alone, under evaluator v4."},
			{Name: "stableManifestTimeoutMinutes", Type: "whole minutes", Default: "30", Text: "How long the manifests may take to become stable."},
			{Name: "rollback", Type: "map", Default: "off", Text: "{\"onFailure\": true}: Deployments, StatefulSets and DaemonSets that do not become stable are rolled back to their last completed revision; see [rollouts](../../rollouts.md#rollback)."},
			noOutputField,
		},
		Outputs: []workflows.Field{
			{Name: "outputs.manifests", Type: "list of objects", Text: "What the cluster now holds, without the values of Secrets."},
			{Name: "outputs.manifestNamesByNamespace", Type: "map", Text: "\"kind name\" under each namespace."},
			{Name: "outputs.createdArtifacts", Type: "list of artifacts", Text: "The objects as artifacts, also under `artifacts`."},
			{Name: "outputs.boundArtifacts", Type: "list of artifacts", Text: "The artifacts that were bound."},
			producedField,
		},
		Notes: []string{
			"With `rollback.onFailure` two more tasks run: `findRollbackTargets` looks at the workloads before the deployment, `rollBackManifests` rolls back and waits until that is stable. The stage ends failed all the same; `rolledBack` and `notRolledBack` in its context and its errors say what was done.",
			"The rollout is watched, not polled: the stage ends when it does. What the manifests wait for stands in `messages`, those that are done in `stableManifests` and `failedManifests`.", stabilityNote,
		},
	}
}
