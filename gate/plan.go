package gate

import (
	"net/http"

	"github.com/gennaker/gennaker/internal/ids"
	"github.com/gennaker/gennaker/pipeline"
	"github.com/gennaker/gennaker/pipeline/templates"
	"github.com/gennaker/gennaker/workflows"
	"github.com/gennaker/gennaker/workflows/stages"
)

// plannedKey holds the workflows.Plan in the answer to a plan; what is around it
// is the configuration without its template, as Orca answers it.
const plannedKey = "planned"

// plan answers what a run of the configuration would do, and starts nothing. With
// manifests it has what would change in clusters tried.
func (r *request) plan(config pipeline.Pipeline, trigger pipeline.Trigger, manifests bool) error {
	resolved, err := templates.Resolve(config, r.templateOptions(trigger))
	if err != nil {
		return err
	}
	if err := resolved.Pipeline.Validate(); err != nil {
		return refusedSave(err)
	}
	accounts, err := r.accountNames()
	if err != nil {
		return err
	}
	l, err := r.withArtifacts(resolved.Pipeline, r.launch(starting{trigger: trigger}, ids.NewExecutionID(r.server.now())))
	if err != nil {
		return err
	}
	types := stages.Configured(stages.Options{Preconfigured: r.server.webhooks})
	planned, err := workflows.NewPlan(resolved.Pipeline, l, workflows.PlanLookups{Types: types, Accounts: accounts, Warnings: resolved.Warnings})
	if err != nil {
		return err
	}
	if manifests {
		r.tryManifests(&planned, resolved.Pipeline)
	}
	value, err := pipeline.ToValue(planned)
	if err != nil {
		return pipeline.Wrap(pipeline.CodeInternal, err, "the plan cannot be encoded")
	}
	out := resolved.Pipeline.Clone()
	out[plannedKey] = value
	return r.answer(http.StatusOK, out)
}
