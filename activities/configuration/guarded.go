package configuration

import (
	"context"

	"github.com/gennaker/gennaker/activities"
	"github.com/gennaker/gennaker/fiat"
	"github.com/gennaker/gennaker/pipeline"
)

// Guarded is the room for a worker that enforces permissions: what an execution's
// user may not do, no stage of the execution does, whatever Gate let pass. A
// pipeline that is read to be run takes EXECUTE on its application.
type Guarded struct {
	*Configuration
	permissions *fiat.Authorizer
}

var _ activities.Configuration = (*Guarded)(nil)

// Guard returns the room with permissions enforced.
func (c *Configuration) Guard(permissions *fiat.Authorizer) *Guarded {
	return &Guarded{Configuration: c, permissions: permissions}
}

// may refuses what the execution's user may not do with an application.
func (g *Guarded) may(ctx context.Context, scope activities.Scope, application string, needs fiat.Authorization) error {
	subject, err := g.permissions.SubjectOf(ctx, scope.User)
	if err != nil {
		return err
	}
	return g.permissions.Application(ctx, subject, application, needs)
}

// ReadPipeline implements activities.Configuration.
func (g *Guarded) ReadPipeline(ctx context.Context, in activities.ReadPipelineInput) (activities.ReadPipelineOutput, error) {
	out, err := g.Configuration.ReadPipeline(ctx, in)
	if err != nil {
		return out, err
	}
	needs := fiat.Execute
	if in.AsStored {
		needs = fiat.Read
	}
	if err := g.may(ctx, in.Scope, out.Pipeline.Application(), needs); err != nil {
		return activities.ReadPipelineOutput{}, err
	}
	return out, nil
}

// FindPipeline implements activities.Configuration.
func (g *Guarded) FindPipeline(ctx context.Context, in activities.FindPipelineInput) (activities.FindPipelineOutput, error) {
	out, err := g.Configuration.FindPipeline(ctx, in)
	if err != nil {
		return out, err
	}
	if err := g.may(ctx, in.Scope, out.Pipeline.Application(), fiat.Read); err != nil {
		return activities.FindPipelineOutput{}, err
	}
	return out, nil
}

// UpsertApplication implements activities.Configuration.
func (g *Guarded) UpsertApplication(ctx context.Context, in activities.UpsertApplicationInput) (activities.UpsertApplicationOutput, error) {
	needs := fiat.Write
	stored, err := g.store.Application(ctx, in.Application.Name())
	switch {
	case pipeline.CodeOf(err) == pipeline.CodeNotFound:
		needs = fiat.Create
	case err != nil:
		return activities.UpsertApplicationOutput{}, err
	}
	if err := g.may(ctx, in.Scope, in.Application.Name(), needs); err != nil {
		if applied(stored, in.Application) {
			// The call's own forerunner took the caller's permission away. What the caller
			// did not give is not the caller's to read.
			return activities.UpsertApplicationOutput{Previous: in.Application, Current: in.Application}, nil
		}
		return activities.UpsertApplicationOutput{}, err
	}
	return g.Configuration.UpsertApplication(ctx, in)
}

// applied reports whether a stored application holds what is given.
func applied(stored, given pipeline.Application) bool {
	if stored == nil {
		return false
	}
	for key, value := range given {
		if key == "name" || key == "user" {
			continue
		}
		is, err := pipeline.EncodeValue(stored[key])
		wanted, wantedErr := pipeline.EncodeValue(value)
		if err != nil || wantedErr != nil || string(is) != string(wanted) {
			return false
		}
	}
	return true
}

// DeleteApplication implements activities.Configuration.
func (g *Guarded) DeleteApplication(ctx context.Context, in activities.DeleteApplicationInput) (activities.DeleteApplicationOutput, error) {
	if err := g.may(ctx, in.Scope, in.Name, fiat.Write); err != nil && pipeline.CodeOf(err) != pipeline.CodeNotFound {
		return activities.DeleteApplicationOutput{}, err
	}
	return g.Configuration.DeleteApplication(ctx, in)
}

// SavePipeline implements activities.Configuration.
func (g *Guarded) SavePipeline(ctx context.Context, in activities.SavePipelineInput) (activities.SavePipelineOutput, error) {
	managed, err := g.maySave(ctx, in.Scope, identified(in))
	if err != nil {
		return activities.SavePipelineOutput{}, err
	}
	return g.savePipeline(ctx, in, managed.Pipeline, managed.Account, managed.Roles)
}

// maySave holds the rules that Gate has for a configuration that is saved, and returns
// it as it is to be saved.
func (g *Guarded) maySave(ctx context.Context, scope activities.Scope, p pipeline.Pipeline) (fiat.Managed, error) {
	subject, err := g.permissions.SubjectOf(ctx, scope.User)
	if err != nil {
		return fiat.Managed{}, err
	}
	stored, err := g.mayChange(ctx, subject, p)
	if err != nil {
		return fiat.Managed{}, err
	}
	managed, err := g.permissions.Manage(ctx, subject, p)
	if err != nil {
		return managed, err
	}
	return managed, g.permissions.Triggers(ctx, subject, managed.Pipeline, stored, managed.Account)
}

// mayChange refuses a configuration of an application, or one that was another's,
// which is not the subject's to change, and returns it as it is stored, if it is.
func (g *Guarded) mayChange(ctx context.Context, subject fiat.Subject, p pipeline.Pipeline) (stored pipeline.Pipeline, err error) {
	if err := g.permissions.Application(ctx, subject, p.Application(), fiat.Write); err != nil {
		return nil, err
	}
	if p.ID() == "" {
		return nil, nil
	}
	stored, err = g.store.Pipeline(ctx, p.ID())
	switch {
	case err == nil:
		return stored, g.permissions.Application(ctx, subject, stored.Application(), fiat.Write)
	case pipeline.CodeOf(err) == pipeline.CodeNotFound:
		return nil, nil
	}
	return nil, err
}

// DeletePipeline implements activities.Configuration.
func (g *Guarded) DeletePipeline(ctx context.Context, in activities.DeletePipelineInput) (activities.Done, error) {
	stored, err := g.store.Pipeline(ctx, in.ID)
	switch {
	case pipeline.CodeOf(err) == pipeline.CodeNotFound:
		return activities.Done{}, nil
	case err != nil:
		return activities.Done{}, err
	}
	if err := g.may(ctx, in.Scope, stored.Application(), fiat.Write); err != nil {
		return activities.Done{}, err
	}
	return g.Configuration.DeletePipeline(ctx, in)
}

// UpsertPluginInfo implements activities.Documents: plugins are administrators'.
func (g *Guarded) UpsertPluginInfo(ctx context.Context, in activities.UpsertPluginInfoInput) (activities.UpsertPluginInfoOutput, error) {
	if err := g.administers(ctx, in.Scope); err != nil {
		return activities.UpsertPluginInfoOutput{}, err
	}
	return g.Configuration.UpsertPluginInfo(ctx, in)
}

// DeletePluginInfo implements activities.Documents.
func (g *Guarded) DeletePluginInfo(ctx context.Context, in activities.DeletePluginInfoInput) (activities.Done, error) {
	if err := g.administers(ctx, in.Scope); err != nil {
		return activities.Done{}, err
	}
	return g.Configuration.DeletePluginInfo(ctx, in)
}

func (g *Guarded) administers(ctx context.Context, scope activities.Scope) error {
	subject, err := g.permissions.SubjectOf(ctx, scope.User)
	if err != nil {
		return err
	}
	return g.permissions.Administrator(subject)
}

// ReorderPipelines implements activities.Configuration.
func (g *Guarded) ReorderPipelines(ctx context.Context, in activities.ReorderPipelinesInput) (activities.Done, error) {
	if err := g.may(ctx, in.Scope, in.Application, fiat.Write); err != nil {
		return activities.Done{}, err
	}
	return g.Configuration.ReorderPipelines(ctx, in)
}
