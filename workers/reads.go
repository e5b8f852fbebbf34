package workers

import (
	"fmt"
	"slices"

	"go.temporal.io/sdk/worker"

	"github.com/gennaker/gennaker/activities"
	"github.com/gennaker/gennaker/activities/clouddriver/reads"
)

const (
	// readsAtOnce is how many questions about one account are answered at once.
	readsAtOnce = 50
	// readPollers is how many polls wait for them.
	readPollers = 2
)

// addReads answers questions about the clusters of accounts, and watches those
// that somebody asks about. Without a mirror nobody could read what is watched.
func (w *Worker) addReads() error {
	if w.deps.Clusters == nil {
		return nil
	}
	names := w.config.Accounts
	if len(names) == 0 {
		names = w.deps.Accounts.Names()
	}
	for _, name := range names {
		if !slices.Contains(w.deps.Accounts.Names(), name) {
			return fmt.Errorf("worker configuration: the account %q is to be served and is not configured", name)
		}
	}
	room := reads.New(w.deps.Accounts, w.deps.Clusters, func() []string { return names }, w.deps.Reads, w.deps.Logger)
	for _, name := range names {
		queueName := activities.ReadsQueue(name)
		options := w.options()
		options.DisableWorkflowWorker = true
		// A question belongs to no execution, so it goes to any build.
		options.DeploymentOptions = worker.DeploymentOptions{}
		options.MaxConcurrentActivityExecutionSize = readsAtOnce
		options.MaxConcurrentActivityTaskPollers = readPollers
		served := worker.New(w.deps.Temporal, queueName, options)
		activities.RegisterReads(served, room)
		w.queues = append(w.queues, queue{queueName, served})
	}
	w.beside = append(w.beside, room.Run)
	return nil
}
