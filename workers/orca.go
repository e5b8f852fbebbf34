package workers

import (
	"time"

	"go.temporal.io/sdk/worker"

	"github.com/gennaker/gennaker/activities"
	"github.com/gennaker/gennaker/activities/archive"
	"github.com/gennaker/gennaker/activities/configuration"
	"github.com/gennaker/gennaker/activities/fetch"
	"github.com/gennaker/gennaker/activities/history"
	"github.com/gennaker/gennaker/activities/limits"
	"github.com/gennaker/gennaker/activities/monitor"
	"github.com/gennaker/gennaker/activities/permissions"
	"github.com/gennaker/gennaker/activities/webhook"
	"github.com/gennaker/gennaker/executions"
	"github.com/gennaker/gennaker/fiat"
	"github.com/gennaker/gennaker/pipeline"
	"github.com/gennaker/gennaker/workflows"
	"github.com/gennaker/gennaker/workflows/stages"
)

// addOrca serves the workflows, and beside them the activities that are short
// enough to run inside a workflow's task.
func (w *Worker) addOrca() error {
	w.publisher = executions.NewPublisher(w.deps.Model, w.deps.Logger)
	if err := observe(w.publisher, w.deps.Metrics); err != nil {
		return err
	}
	types := stages.Configured(stages.Options{
		WindowZone: w.config.WindowZone, ConditionClusters: w.config.ConditionClusters, Conditions: w.config.Conditions,
		Preconfigured: w.deps.Webhook.Preconfigured,
	})
	engine, err := workflows.NewEngine(types, publisher{w.publisher})
	if err != nil {
		return err
	}
	webhooks, err := webhook.New(w.deps.Outbound, w.deps.Webhook)
	if err != nil {
		return err
	}
	engine = engine.WithQueueTimeout(w.config.UnservedTimeout)
	authorizer := w.deps.Permissions
	if authorizer == nil {
		authorizer = fiat.Unchecked()
	}
	w.queues = append(w.queues, queue{workflows.OrcaQueue, func() worker.Worker {
		orca := worker.New(w.deps.Temporal, workflows.OrcaQueue, w.options())
		engine.Register(orca)
		w.registerOrca(orca, authorizer, webhooks)
		return orca
	}})
	return nil
}

// registerOrca registers the role's activities.
func (w *Worker) registerOrca(orca worker.Worker, authorizer *fiat.Authorizer, webhooks *webhook.Webhook) {
	activities.RegisterAccounts(orca, w.deps.Directory)
	activities.RegisterConfiguration(orca, configuration.New(w.deps.Front50).Guard(authorizer))
	activities.RegisterPermissions(orca, permissions.New(authorizer))
	activities.RegisterArchive(orca, archive.New(w.deps.Archive, w.deps.Model, w.deps.Logger))
	activities.RegisterHistory(orca, history.New(w.deps.Executions))
	activities.RegisterLimits(orca, limits.New(w.deps.Temporal))
	activities.RegisterExecutions(orca, monitor.New(w.deps.Executions))
	activities.RegisterFetch(orca, fetch.New(w.deps.Outbound, w.deps.Front50, w.deps.Executions))
	activities.RegisterWebhook(orca, webhooks)
}

// publisher hands what workflows publish to the read model.
type publisher struct{ *executions.Publisher }

// Publish implements workflows.Publisher.
func (p publisher) Publish(s workflows.Snapshot) {
	p.Publisher.Publish(executions.Record{
		Execution:   s.Execution,
		Sequence:    s.Sequence,
		PublishedAt: pipeline.ToMillis(time.Now()),
	})
}
