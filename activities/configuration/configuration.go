// Package configuration is the room behind activities.Configuration: what
// stages read and write of what Front50 keeps goes to a front50.Store.
package configuration

import (
	"context"
	"strconv"

	"github.com/google/uuid"

	"github.com/gennaker/gennaker/activities"
	"github.com/gennaker/gennaker/front50"
	"github.com/gennaker/gennaker/pipeline"
)

// newPipelines is the name space of the IDs that new pipelines get here.
var newPipelines = uuid.MustParse("6f3b1a52-54c1-4e6c-9d0e-2b6e0a7f8c11")

// Configuration implements activities.Configuration. Every method may be called
// again with the same input, after an answer was lost, and then does nothing
// twice.
type Configuration struct {
	store front50.Store
}

// New returns the room over store.
func New(store front50.Store) *Configuration { return &Configuration{store: store} }

// ReadPipeline implements activities.Configuration.
func (c *Configuration) ReadPipeline(ctx context.Context, in activities.ReadPipelineInput) (activities.ReadPipelineOutput, error) {
	p, err := c.store.Pipeline(ctx, in.ID)
	if err == nil && !in.AsStored {
		p, err = c.resolve(ctx, p, in)
	}
	return activities.ReadPipelineOutput{Pipeline: p}, err
}

// FindPipeline implements activities.Configuration.
func (c *Configuration) FindPipeline(ctx context.Context, in activities.FindPipelineInput) (activities.FindPipelineOutput, error) {
	var none activities.FindPipelineOutput
	if in.Application == "" || in.Name == "" {
		// Without an application the store would answer with every pipeline there is.
		return none, pipeline.Errorf(pipeline.CodeInvalid, "A pipeline is found by its application and its name: name both.")
	}
	p, err := c.store.FindPipeline(ctx, in.Application, in.Name)
	if err == nil && p.Name() != in.Name || pipeline.CodeOf(err) == pipeline.CodeNotFound {
		return none, pipeline.Errorf(pipeline.CodeNotFound, "The application '%s' has no pipeline '%s'.", in.Application, in.Name)
	}
	return activities.FindPipelineOutput{Pipeline: p}, err
}

// UpsertApplication implements activities.Configuration.
func (c *Configuration) UpsertApplication(ctx context.Context, in activities.UpsertApplicationInput) (activities.UpsertApplicationOutput, error) {
	previous, current, err := c.store.SaveApplication(ctx, in.Application, author(in.Scope))
	return activities.UpsertApplicationOutput{Previous: previous, Current: current}, err
}

// DeleteApplication implements activities.Configuration.
func (c *Configuration) DeleteApplication(ctx context.Context, in activities.DeleteApplicationInput) (activities.DeleteApplicationOutput, error) {
	previous, err := c.store.DeleteApplication(ctx, in.Name, author(in.Scope))
	return activities.DeleteApplicationOutput{Previous: previous}, err
}

// SavePipeline implements activities.Configuration. A new pipeline's ID and the
// IDs of its cron triggers follow from who calls and what is saved, so that a
// repeated call finds what its forerunner saved instead of a taken name.
func (c *Configuration) SavePipeline(ctx context.Context, in activities.SavePipelineInput) (activities.SavePipelineOutput, error) {
	return c.savePipeline(ctx, in, identified(in), "", nil)
}

// savePipeline saves a pipeline with an ID, and the service account that was made for
// it with its roles; without roles there is none.
func (c *Configuration) savePipeline(ctx context.Context, in activities.SavePipelineInput, p pipeline.Pipeline, account string, roles []string) (activities.SavePipelineOutput, error) {
	saved, err := front50.SaveManaged(ctx, c.store, account, roles, p, front50.SaveOptions{By: author(in.Scope), StaleCheck: in.StaleCheck})
	return activities.SavePipelineOutput{Pipeline: saved}, err
}

func identified(in activities.SavePipelineInput) pipeline.Pipeline {
	given := 0
	key := in.Scope.Key() + "\x00" + front50.ApplicationKey(in.Pipeline.Application()) + "\x00" + in.Pipeline.Name()
	return front50.Identified(in.Pipeline, func() string {
		given++
		return uuid.NewSHA1(newPipelines, []byte(key+"\x00"+strconv.Itoa(given))).String()
	})
}

// DeletePipeline implements activities.Configuration.
func (c *Configuration) DeletePipeline(ctx context.Context, in activities.DeletePipelineInput) (activities.Done, error) {
	err := c.store.DeletePipeline(ctx, in.ID, author(in.Scope))
	if pipeline.CodeOf(err) == pipeline.CodeNotFound {
		err = nil
	}
	return activities.Done{}, err
}

// ReorderPipelines implements activities.Configuration.
func (c *Configuration) ReorderPipelines(ctx context.Context, in activities.ReorderPipelinesInput) (activities.Done, error) {
	if in.Strategies {
		return activities.Done{}, front50.ReorderStrategies(ctx, c.store, in.Application, in.IDsToIndices, author(in.Scope))
	}
	return activities.Done{}, front50.ReorderPipelines(ctx, c.store, in.Application, in.IDsToIndices, author(in.Scope))
}

func author(s activities.Scope) front50.Author { return front50.Author(s.User) }

var _ activities.Configuration = (*Configuration)(nil)
