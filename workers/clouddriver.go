package workers

import (
	"fmt"
	"slices"

	"go.temporal.io/sdk/worker"

	"github.com/gennaker/gennaker/activities"
	"github.com/gennaker/gennaker/activities/clouddriver"
)

// addClouddriver serves one task queue for each account, so that a worker
// inside a private cluster can serve that cluster alone.
func (w *Worker) addClouddriver() error {
	known := w.deps.Accounts.Names()
	names := w.config.Accounts
	if len(names) == 0 {
		names = known
	}
	room := clouddriver.New(w.deps.Accounts, w.deps.Logger)
	for _, name := range names {
		if !slices.Contains(known, name) {
			return fmt.Errorf("worker configuration: the account %q is to be served and is not configured: known accounts are %v", name, known)
		}
		queueName := activities.ClouddriverQueue(name)
		options := w.options()
		options.DisableWorkflowWorker = true
		served := worker.New(w.deps.Temporal, queueName, options)
		activities.RegisterClouddriver(served, room)
		w.queues = append(w.queues, queue{queueName, served})
	}
	return nil
}
