package workers

import (
	"go.temporal.io/sdk/worker"

	"github.com/gennaker/gennaker/activities"
)

// plansAtOnce is how many plans of one account are made at once.
const plansAtOnce = 10

// plansQueue returns the Temporal worker that makes an account's plans. It takes
// one poll: a plan is asked for by a person.
func (w *Worker) plansQueue(account string) worker.Worker {
	options := w.options()
	options.DisableWorkflowWorker = true
	// A plan belongs to no execution, so any build makes it.
	options.DeploymentOptions = worker.DeploymentOptions{}
	options.MaxConcurrentActivityExecutionSize = plansAtOnce
	options.MaxConcurrentActivityTaskPollers = 1
	served := worker.New(w.deps.Temporal, activities.PlansQueue(account), options)
	activities.RegisterPlans(served, w.fleet.room)
	return served
}
