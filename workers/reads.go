package workers

import (
	"slices"

	"go.temporal.io/sdk/worker"

	"github.com/gennaker/gennaker/activities"
	"github.com/gennaker/gennaker/activities/clouddriver/reads"
	"github.com/gennaker/gennaker/clusters"
)

const (
	// readsAtOnce is how many questions about one account are answered at once.
	readsAtOnce = 50
	// readPollers is how many polls wait for them.
	readPollers = 2
)

// addReads prepares the answers to questions about the clusters of accounts, and
// watches those that somebody asks about.
func (w *Worker) addReads() {
	mirror := w.deps.Clusters
	if mirror == nil {
		mirror = clusters.NoMirror{}
	}
	w.reads = reads.New(w.deps.Accounts, mirror, w.served, w.deps.Reads, w.deps.Logger)
	w.beside = append(w.beside, w.reads.Run)
}

// served lists the accounts that this worker serves, or all.
func (w *Worker) served() []string {
	names := w.deps.Accounts.Names()
	if only := w.config.Accounts; len(only) > 0 {
		names = slices.DeleteFunc(names, func(name string) bool { return !slices.Contains(only, name) })
	}
	return names
}

// readsQueue returns the Temporal worker that answers questions about an account.
func (w *Worker) readsQueue(account string) worker.Worker {
	options := w.options()
	options.DisableWorkflowWorker = true
	// A question belongs to no execution, so it goes to any build.
	options.DeploymentOptions = worker.DeploymentOptions{}
	options.MaxConcurrentActivityExecutionSize = readsAtOnce
	options.MaxConcurrentActivityTaskPollers = readPollers
	served := worker.New(w.deps.Temporal, activities.ReadsQueue(account), options)
	activities.RegisterReads(served, w.reads)
	return served
}
