package stages

import (
	"strings"

	"go.temporal.io/sdk/workflow"

	"github.com/gennaker/gennaker/activities"
	"github.com/gennaker/gennaker/pipeline"
	"github.com/gennaker/gennaker/workflows"
)

// DeleteManifest deletes Kubernetes objects by name, criteria or label (reference:
// orca section 6.1, clouddriver section 4).
//
//	{"type": "deleteManifest", "refId": "3", "name": "Delete", "account": "prod",
//	 "cloudProvider": "kubernetes", "location": "shop", "mode": "static",
//	 "manifestName": "deployment web-canary", "options": {"cascading": true}}
type DeleteManifest struct{}

var (
	_ workflows.StageType  = DeleteManifest{}
	_ workflows.Caller     = DeleteManifest{}
	_ workflows.Documented = DeleteManifest{}
)

// Type implements workflows.StageType.
func (DeleteManifest) Type() string { return "deleteManifest" }

// Tasks implements workflows.StageType.
func (DeleteManifest) Tasks(*pipeline.Stage) []workflows.Task {
	return []workflows.Task{
		{Name: "resolveTargetManifest", Run: resolveDoomed},
		{Name: "deleteManifest", Timeout: operationTimeout, Run: deleteObjects},
		instant("monitorDelete"),
		{Name: "promoteManifestKatoOutputs", Run: promoteDeleted},
	}
}

func byLabel(s *pipeline.Stage) bool { return s.Context.String("mode") == "label" }

// resolveDoomed finds a dynamic target, and refuses what names none.
func resolveDoomed(ctx workflow.Context, t *workflows.TaskRun) (workflows.Outcome, error) {
	s := t.Stage
	if s.Context.String("criteria") != "" && !byLabel(s) {
		return resolveTarget(ctx, t)
	}
	_, err := deletionOf(s)
	return workflows.Outcome{}, err
}

// deletionOf reads what a stage deletes.
func deletionOf(s *pipeline.Stage) (activities.DeleteManifestInput, error) {
	c := s.Context
	in := activities.DeleteManifestInput{
		Account:      accountOf(s),
		Location:     c.String("location"),
		ManifestName: strings.TrimSpace(c.String("manifestName")),
		Kinds:        c.Strings("kinds"),
		Options:      c.Map("options"),
		UID:          c.String(uidKey),
		Detach:       c.Bool(detachKey),
	}
	if v := c["labelSelectors"]; v != nil {
		if err := pipeline.Bind(v, &in.LabelSelectors); err != nil {
			return in, pipeline.Wrap(pipeline.CodeInvalid, err, "The labelSelectors of stage '%s' cannot be read: %s.", s.Name, err)
		}
	}
	switch {
	case byLabel(s) || in.ManifestName == "" && len(in.Kinds) > 0:
		in.ManifestName = ""
		if len(in.Kinds) == 0 || len(in.LabelSelectors.Selectors) == 0 {
			return in, pipeline.Errorf(pipeline.CodeInvalid, "The stage '%s' deletes by label and names no kinds or no labelSelectors: set both, or nothing would hold it back from deleting everything.", s.Name)
		}
	case in.ManifestName == "":
		return in, pipeline.Errorf(pipeline.CodeInvalid, "The stage '%s' names nothing to delete: set manifestName to \"kind name\", criteria with kind and cluster, or kinds with labelSelectors.", s.Name)
	}
	return in, nil
}

func deleteObjects(ctx workflow.Context, t *workflows.TaskRun) (workflows.Outcome, error) {
	if _, err := findAccount(ctx, t); err != nil {
		return workflows.Outcome{}, err
	}
	in, err := deletionOf(t.Stage)
	if err != nil {
		return workflows.Outcome{}, err
	}
	in.Scope = t.Scope()
	out, err := workflows.Call(ctx, t, activities.DeleteManifest, in)
	if err != nil {
		return workflows.Outcome{}, err
	}
	context := katoTasks(t)
	context["outputs.manifestNamesByNamespace"] = namesValue(out.ManifestNamesByNamespace)
	return workflows.Outcome{Context: context}, nil
}

// promoteDeleted makes what was deleted an output of the stage.
func promoteDeleted(_ workflow.Context, t *workflows.TaskRun) (workflows.Outcome, error) {
	const key = "outputs.manifestNamesByNamespace"
	return workflows.Outcome{Outputs: pipeline.Map{key: t.Stage.Context[key]}}, nil
}

// Calls implements workflows.Caller.
func (DeleteManifest) Calls(s *pipeline.Stage) []string {
	c := s.Context
	what := strings.TrimSpace(c.String("manifestName"))
	switch {
	case byLabel(s) || what == "" && c.String("criteria") == "":
		what = "objects of " + strings.Join(c.Strings("kinds"), ", ") + " by their labels"
	case c.String("criteria") != "":
		return callOn("delete", s)
	}
	return []string{"delete " + what + " in " + c.String("location") + " from account " + accountOf(s)}
}

// Describe implements workflows.Documented.
func (DeleteManifest) Describe() workflows.Description {
	return workflows.Description{
		Summary: "Deletes Kubernetes objects, by name, by age or size within a cluster, or by label. What is not there is no failure.",
		Inputs: targetInputs([]workflows.Field{
			{Name: "mode", Type: "static, dynamic or label", Default: "static", Text: "With label, `labelSelectors` find the objects; else `manifestName` names the one, or `criteria` finds it."},
			{Name: "kinds", Type: "list of kinds", Text: "With mode label: what kinds of objects."},
			{Name: "labelSelectors", Type: "map", Text: "With mode label: `selectors`, a list of {kind, key, values}, where kind is EQUALS, NOT_EQUALS, CONTAINS, NOT_CONTAINS, EXISTS, NOT_EXISTS or ANY."},
			{Name: "options", Type: "map", Text: "`cascading` (default true), `orphanDependents`, `gracePeriodSeconds`."},
		}...),
		Outputs: []workflows.Field{
			{Name: "outputs.manifestNamesByNamespace", Type: "map", Text: "What was deleted, as \"kind name\" under each namespace."},
			targetField,
		},
		Notes: []string{"With mode label both `kinds` and `labelSelectors` are required, so that nothing forgotten deletes everything."},
	}
}
