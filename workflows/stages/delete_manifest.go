package stages

import (
	"strings"

	"go.temporal.io/sdk/workflow"

	"github.com/gennaker/gennaker/activities"
	"github.com/gennaker/gennaker/pipeline"
	"github.com/gennaker/gennaker/workflows"
)

// DeleteManifest deletes Kubernetes objects by name or by label (reference:
// orca section 6.1, clouddriver section 4).
//
//	{"type": "deleteManifest", "refId": "3", "name": "Delete", "account": "prod",
//	 "cloudProvider": "kubernetes", "location": "shop", "mode": "static",
//	 "manifestName": "deployment web-canary", "options": {"cascading": true}}
type DeleteManifest struct{}

var (
	_ workflows.StageType  = DeleteManifest{}
	_ workflows.Caller     = DeleteManifest{}
	_ workflows.Checker    = DeleteManifest{}
	_ workflows.Documented = DeleteManifest{}
)

// Type implements workflows.StageType.
func (DeleteManifest) Type() string { return "deleteManifest" }

// Tasks implements workflows.StageType.
func (DeleteManifest) Tasks(*pipeline.Stage) []workflows.Task {
	d := &deletion{}
	return []workflows.Task{
		{Name: "resolveTargetManifest", Run: d.resolve},
		{Name: "deleteManifest", Timeout: operationTimeout, Run: d.delete},
		instant("monitorDelete"),
		{Name: "promoteManifestKatoOutputs", Run: d.promote},
	}
}

// Check implements workflows.Checker.
func (DeleteManifest) Check(s *pipeline.Stage) error {
	if s.Context.String("criteria") == "" && s.Context.String("mode") != "dynamic" {
		return nil
	}
	return pipeline.Errorf(pipeline.CodeInvalid, "The stage '%s' chooses its target by a criterion, and dynamic targets are not available: "+
		"set mode to \"static\" or \"label\".", s.Name)
}

type deletion struct {
	in  activities.DeleteManifestInput
	out activities.DeleteManifestOutput
}

func (d *deletion) resolve(_ workflow.Context, t *workflows.TaskRun) (workflows.Outcome, error) {
	s := t.Stage
	if err := (DeleteManifest{}).Check(s); err != nil {
		return workflows.Outcome{}, err
	}
	c := s.Context
	d.in = activities.DeleteManifestInput{
		Location:     c.String("location"),
		ManifestName: strings.TrimSpace(c.String("manifestName")),
		Kinds:        c.Strings("kinds"),
		Options:      c.Map("options"),
	}
	if v := c["labelSelectors"]; v != nil {
		if err := pipeline.Bind(v, &d.in.LabelSelectors); err != nil {
			return workflows.Outcome{}, pipeline.Wrap(pipeline.CodeInvalid, err, "The labelSelectors of stage '%s' cannot be read: %s.", s.Name, err)
		}
	}
	switch {
	case c.String("mode") == "label" || d.in.ManifestName == "" && len(d.in.Kinds) > 0:
		d.in.ManifestName = ""
		if len(d.in.Kinds) == 0 || len(d.in.LabelSelectors.Selectors) == 0 {
			return workflows.Outcome{}, pipeline.Errorf(pipeline.CodeInvalid, "The stage '%s' deletes by label and names no kinds or no labelSelectors: set both, or nothing would hold it back from deleting everything.", s.Name)
		}
	case d.in.ManifestName == "":
		return workflows.Outcome{}, pipeline.Errorf(pipeline.CodeInvalid, "The stage '%s' names nothing to delete: set manifestName to \"kind name\", or kinds with labelSelectors.", s.Name)
	}
	return workflows.Outcome{}, nil
}

func (d *deletion) delete(ctx workflow.Context, t *workflows.TaskRun) (workflows.Outcome, error) {
	account, err := findAccount(ctx, t)
	if err != nil {
		return workflows.Outcome{}, err
	}
	d.in.Account = account
	d.in.Scope = t.Scope()
	d.out, err = workflows.Call(ctx, t, activities.DeleteManifest, d.in)
	if err != nil {
		return workflows.Outcome{}, err
	}
	return workflows.Outcome{Context: katoTasks(t)}, nil
}

func (d *deletion) promote(workflow.Context, *workflows.TaskRun) (workflows.Outcome, error) {
	names := pipeline.Map{"outputs.manifestNamesByNamespace": namesValue(d.out.ManifestNamesByNamespace)}
	return workflows.Outcome{Context: names, Outputs: names.Clone()}, nil
}

// Calls implements workflows.Caller.
func (DeleteManifest) Calls(s *pipeline.Stage) []string {
	c := s.Context
	what := strings.TrimSpace(c.String("manifestName"))
	if what == "" || c.String("mode") == "label" {
		what = "objects of " + strings.Join(c.Strings("kinds"), ", ") + " by their labels"
	}
	return []string{"delete " + what + " in " + c.String("location") + " from account " + accountOf(s)}
}

// Describe implements workflows.Documented.
func (DeleteManifest) Describe() workflows.Description {
	return workflows.Description{
		Summary: "Deletes Kubernetes objects, by name or by label. What is not there is no failure.",
		Inputs: []workflows.Field{
			accountField, providerField,
			{Name: "location", Type: "namespace", Text: "Where to look; empty for objects without a namespace."},
			{Name: "mode", Type: "static or label", Default: "static", Text: "Whether `manifestName` names the object or `labelSelectors` find it."},
			{Name: "manifestName", Type: "text", Text: "\"kind name\", for example \"deployment web\"."},
			{Name: "kinds", Type: "list of kinds", Text: "With mode label: what kinds of objects."},
			{Name: "labelSelectors", Type: "map", Text: "With mode label: `selectors`, a list of {kind, key, values}, where kind is EQUALS, NOT_EQUALS, CONTAINS, NOT_CONTAINS, EXISTS, NOT_EXISTS or ANY."},
			{Name: "options", Type: "map", Text: "`cascading` (default true), `orphanDependants`, `gracePeriodSeconds`."},
		},
		Outputs: []workflows.Field{
			{Name: "outputs.manifestNamesByNamespace", Type: "map", Text: "What was deleted, as \"kind name\" under each namespace."},
		},
		Notes: []string{"With mode label both `kinds` and `labelSelectors` are required, so that nothing forgotten deletes everything."},
	}
}
