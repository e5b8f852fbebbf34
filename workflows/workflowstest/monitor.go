package workflowstest

import (
	"context"

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
