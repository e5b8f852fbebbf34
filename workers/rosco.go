package workers

import (
	"go.temporal.io/sdk/worker"

	"github.com/gennaker/gennaker/activities"
	"github.com/gennaker/gennaker/activities/rosco"
)

// maxBakes is how many bakes and fetches a process has under way; the sandbox and
// the artifacts room let fewer of them run at once.
const maxBakes = 16

// addRosco serves bakes and artifacts.
func (w *Worker) addRosco() error {
	room, err := rosco.New(w.deps.Rosco, w.deps.Artifacts, w.deps.Sandbox)
	if err != nil {
		return err
	}
	options := w.options()
	options.DisableWorkflowWorker = true
	// What is fetched and baked is kept in memory.
	options.MaxConcurrentActivityExecutionSize = min(options.MaxConcurrentActivityExecutionSize, maxBakes)
	w.queues = append(w.queues, queue{activities.RoscoQueue, func() worker.Worker {
		served := worker.New(w.deps.Temporal, activities.RoscoQueue, options)
		activities.RegisterRosco(served, room)
		activities.RegisterArtifacts(served, w.deps.Artifacts)
		return served
	}})
	return nil
}
