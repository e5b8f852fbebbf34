package workflowstest

import (
	"context"
	"time"

	"github.com/gennaker/gennaker/activities"
	"github.com/gennaker/gennaker/pipeline"
)

// ClusterSize implements activities.Clouddriver: every cluster has one server
// group in each namespace.
func (w *World) ClusterSize(ctx context.Context, in activities.ClusterSizeInput) (activities.ClusterSizeOutput, error) {
	return ask(ctx, w, activities.ClusterSize, in, func() (activities.ClusterSizeOutput, error) {
		out := activities.ClusterSizeOutput{ServerGroups: map[string][]string{}}
		for _, ns := range in.Namespaces {
			out.ServerGroups[ns] = []string{"replicaSet " + in.Cluster + "-v000"}
		}
		return out, nil
	})
}

// ListAccounts implements activities.Accounts.
func (w *World) ListAccounts(ctx context.Context, in activities.ListAccountsInput) (activities.ListAccountsOutput, error) {
	return ask(ctx, w, activities.ListAccounts, in, func() (activities.ListAccountsOutput, error) {
		return activities.ListAccountsOutput{Accounts: []string{w.Account}}, nil
	})
}

// ApplicationResources implements activities.Clouddriver: no application has
// anything.
func (w *World) ApplicationResources(ctx context.Context, in activities.ApplicationResourcesInput) (activities.ApplicationResourcesOutput, error) {
	return ask(ctx, w, activities.ApplicationResources, in, func() (activities.ApplicationResourcesOutput, error) {
		return activities.ApplicationResourcesOutput{Clusters: []string{}, SecurityGroups: []string{}}, nil
	})
}

// ReorderPipelines implements activities.Configuration.
func (w *World) ReorderPipelines(ctx context.Context, in activities.ReorderPipelinesInput) (activities.Done, error) {
	return ask(ctx, w, activities.ReorderPipelines, in, func() (activities.Done, error) {
		for id, index := range in.IDsToIndices {
			p, known := w.pipelines[id]
			if !known {
				return activities.Done{}, pipeline.Errorf(pipeline.CodeNotFound, "Pipeline not found (id: %s)", id)
			}
			p["index"] = int64(index)
		}
		return activities.Done{}, nil
	})
}

// FindPipeline implements activities.Configuration.
func (w *World) FindPipeline(ctx context.Context, in activities.FindPipelineInput) (activities.FindPipelineOutput, error) {
	return ask(ctx, w, activities.FindPipeline, in, func() (activities.FindPipelineOutput, error) {
		for _, p := range w.pipelines {
			if p.Application() == in.Application && p.Name() == in.Name {
				return activities.FindPipelineOutput{Pipeline: p.Clone()}, nil
			}
		}
		return activities.FindPipelineOutput{}, pipeline.Errorf(pipeline.CodeNotFound, "The application '%s' has no pipeline '%s'.", in.Application, in.Name)
	})
}

// AwaitExecutions implements activities.Executions: it knows the executions of
// this world, as published.
func (w *World) AwaitExecutions(ctx context.Context, in activities.AwaitExecutionsInput) (activities.AwaitExecutionsOutput, error) {
	return ask(ctx, w, activities.AwaitExecutions, in, func() (activities.AwaitExecutionsOutput, error) {
		// The room looks again when something is published; here the lock is given up
		// between looks.
		w.mu.Unlock()
		defer w.mu.Lock()
		tick := time.NewTicker(10 * time.Millisecond)
		defer tick.Stop()
		const justStarted = time.Second // the owner knows what has published nothing yet
		began := time.Now()
		for {
			out, err := w.states(in)
			if err == nil && out.Done || err != nil && time.Since(began) > justStarted {
				return out, err
			}
			select {
			case <-ctx.Done():
				return out, ctx.Err()
			case <-tick.C:
			}
		}
	})
}

// states answers with the present state of executions.
func (w *World) states(in activities.AwaitExecutionsInput) (activities.AwaitExecutionsOutput, error) {
	out := activities.AwaitExecutionsOutput{Done: true}
	for _, id := range in.IDs {
		published := w.Published(id)
		if len(published) == 0 {
			return out, pipeline.Errorf(pipeline.CodeNotFound, "There is no execution with the id '%s'.", id)
		}
		e := published[len(published)-1].Execution
		s := activities.ExecutionState{
			ID: e.ID, Application: e.Application, Name: e.Name, Status: e.Status, StartTime: e.StartTime, EndTime: e.EndTime,
		}
		for i, stage := range e.Stages {
			if stage.Status == pipeline.Terminal {
				s.FailedStage = &activities.StageRef{ID: stage.ID, Name: stage.Name, Index: i}
				for _, message := range stage.Errors() {
					s.Failures = append(s.Failures, activities.StageFailure{Stage: stage.Name, Message: message})
				}
			}
		}
		out.Done = out.Done && e.Status.Complete()
		out.Executions = append(out.Executions, s)
	}
	return out, nil
}
