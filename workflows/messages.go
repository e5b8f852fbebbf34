package workflows

import (
	"maps"
	"slices"

	"go.temporal.io/sdk/temporal"
	"go.temporal.io/sdk/workflow"

	"github.com/gennaker/gennaker/pipeline"
)

// handleMessages opens the workflow for the execution query, the cancel and
// patchStage updates, the cancel signal of a parent, and Temporal's own
// cancellation. Validators refuse before anything is written to history, so the
// caller learns at once whether its request took; what is accepted is written
// before it is done ([run.written]).
func (r *run) handleMessages(ctx workflow.Context) error {
	err := workflow.SetQueryHandlerWithOptions(ctx, ExecutionQuery, func() (Snapshot, error) {
		return r.snapshot(), nil
	}, workflow.QueryHandlerOptions{Description: "The execution as Spinnaker's clients read it."})
	if err != nil {
		return err
	}
	refuseCancel := func() error { return r.refuseEnded("cancelled") }
	err = workflow.SetUpdateHandlerWithOptions(ctx, CancelUpdate, func(ctx workflow.Context, in CancelInput) error {
		if err := r.written(ctx, refuseCancel); err != nil {
			return err
		}
		r.cancel(in)
		return nil
	}, workflow.UpdateHandlerOptions{
		Description: "Ends the execution; running stages clean up.",
		Validator:   func(CancelInput) error { return refusal(refuseCancel()) },
	})
	if err != nil {
		return err
	}
	err = workflow.SetUpdateHandlerWithOptions(ctx, PatchStageUpdate, r.patchStage, workflow.UpdateHandlerOptions{
		Description: "Merges a map into a stage's context: judgments, skipped waits.",
		Validator:   func(in PatchStageInput) error { return refusal(r.validatePatch(in)) },
	})
	if err != nil {
		return err
	}
	for _, control := range []struct {
		name, what string
		check      func() error
		do         func(workflow.Context, PauseInput)
	}{
		{PauseUpdate, "Holds the execution: nothing starts until it is resumed.",
			func() error { return r.refuseUnless(pipeline.Running, "paused") },
			func(ctx workflow.Context, in PauseInput) { r.pause(ctx, in.User) }},
		{ResumeUpdate, "Lets a paused execution go on.",
			func() error { return r.refuseUnless(pipeline.Paused, "resumed") },
			func(ctx workflow.Context, in PauseInput) { r.unpause(in.User, r.now(ctx)) }},
	} {
		err := workflow.SetUpdateHandlerWithOptions(ctx, control.name, func(ctx workflow.Context, in PauseInput) error {
			if err := r.written(ctx, control.check); err != nil {
				return err
			}
			control.do(ctx, in)
			return nil
		}, workflow.UpdateHandlerOptions{
			Description: control.what,
			Validator:   func(PauseInput) error { return refusal(control.check()) },
		})
		if err != nil {
			return err
		}
	}
	err = workflow.SetUpdateHandlerWithOptions(ctx, RestartUpdate, func(ctx workflow.Context, in RestartInput) error {
		if err := r.written(ctx, func() error { return r.validateRestart(in) }); err != nil {
			return err
		}
		r.restart(ctx, in)
		return nil
	}, workflow.UpdateHandlerOptions{
		Description: "Runs a stage, and what is complete behind it, again.",
		Validator:   func(in RestartInput) error { return refusal(r.validateRestart(in)) },
	})
	if err != nil {
		return err
	}
	workflow.GoNamed(r.ctx, "cancel signal", func(c workflow.Context) {
		var in CancelInput
		workflow.GetSignalChannel(c, CancelSignal).Receive(c, &in)
		r.cancelUntold(c, in)
	})
	workflow.GoNamed(r.ctx, "cancellation", func(c workflow.Context) {
		ctx.Done().Receive(c, nil)
		r.cancelUntold(c, CancelInput{User: "temporal", Reason: "The workflow was cancelled in Temporal."})
	})
	return nil
}

func (r *run) validatePatch(in PatchStageInput) error {
	if err := r.refuseEnded("edited"); err != nil {
		return err
	}
	s := r.exec.Stage(in.StageID)
	if s == nil {
		return pipeline.Errorf(pipeline.CodeNotFound, "The execution %s has no stage with the id '%s'.", r.exec.ID, in.StageID)
	}
	if s.Status.Complete() {
		return pipeline.Errorf(pipeline.CodeConflict, "The stage '%s' has ended %s and takes no more edits.", s.Name, s.Status)
	}
	t, err := r.engine.typeOf(s)
	if err != nil {
		return err
	}
	if in.Patch.Bool("manualSkip") {
		if k, ok := t.(Skippable); !ok || !k.CanSkip(s) {
			return pipeline.Errorf(pipeline.CodeNotAllowed, "The stage '%s' of type '%s' cannot be skipped by hand.", s.Name, s.Type)
		}
		if s.Status == pipeline.NotStarted {
			return pipeline.Errorf(pipeline.CodeConflict, "The stage '%s' has not started: skip it when it runs.", s.Name)
		}
		return nil
	}
	if p, ok := t.(Patcher); ok {
		return p.ValidatePatch(s, in.Patch)
	}
	for _, key := range []string{"judgmentStatus", "skipRemainingWait"} {
		if _, present := in.Patch[key]; present {
			return pipeline.Errorf(pipeline.CodeConflict, "The stage '%s' is of type '%s' and does not take %s.", s.Name, s.Type, key)
		}
	}
	return nil
}

func (r *run) patchStage(ctx workflow.Context, in PatchStageInput) (PatchStageOutput, error) {
	if err := r.written(ctx, func() error { return r.validatePatch(in) }); err != nil {
		return PatchStageOutput{}, err
	}
	s := r.exec.Stage(in.StageID)
	for _, k := range slices.Sorted(maps.Keys(in.Patch)) {
		s.Context[k] = in.Patch[k]
	}
	s.Context["lastModifiedBy"] = in.User
	s.LastModified = &pipeline.LastModified{User: in.User, AllowedAccounts: []string{}, LastModifiedTime: r.now(ctx)}
	if in.Patch.Bool("manualSkip") {
		r.skip(s)
	}
	r.changed = true
	r.log.Info("a stage was edited", "stage", s.Name, "user", in.User)
	return PatchStageOutput{Sequence: r.seq}, nil
}

// skip ends a running stage, and the synthetic stages in it, as skipped.
func (r *run) skip(s *pipeline.Stage) {
	for s.ParentStageID != "" {
		s = r.exec.Stage(s.ParentStageID)
		s.Context["manualSkip"] = true
	}
	if cancel := r.cancels[s.ID]; cancel != nil {
		cancel()
	}
	r.moved()
}

func (r *run) refuseEnded(verb string) error {
	if r.ended {
		return pipeline.Errorf(pipeline.CodeConflict, "The execution %s has ended %s and cannot be %s.", r.exec.ID, r.outcome, verb)
	}
	return nil
}

// refusal makes an error that keeps its code on the way back to the caller.
func refusal(err error) error {
	if err == nil {
		return nil
	}
	return temporal.NewNonRetryableApplicationError(pipeline.MessageOf(err), string(pipeline.CodeOf(err)), nil)
}
