package gate

import (
	"context"
	"errors"
	"log/slog"
	"maps"
	"slices"
	"sync"
	"time"

	"github.com/gennaker/gennaker/activities"
	"github.com/gennaker/gennaker/executions"
	"github.com/gennaker/gennaker/pipeline"
	"github.com/gennaker/gennaker/workflows"
)

const (
	// triesPatience bounds all tries of a plan. It is below the limit of a request,
	// so that the plan itself is always answered.
	triesPatience = 35 * time.Second
	// triesAtOnce is how many stages are tried at the same time, maxTries how many
	// in all.
	triesAtOnce, maxTries = 6, 100
	// formerRuns is how many of the pipeline's last runs tell what its stages
	// deployed before.
	formerRuns = 5
	// maxFormer is how many objects of a stage they tell of.
	maxFormer = 300
)

// errNoTime is why a stage was not tried.
var errNoTime = pipeline.Errorf(pipeline.CodeTimeout, "The time for the plan was over before the stage was tried.")

// tryManifests has the workers of the accounts try what the stages of a plan would
// change, each after those before it. What cannot be told is told in the plan.
func (r *request) tryManifests(plan *workflows.Plan, config pipeline.Pipeline) {
	ctx, cancel := context.WithTimeout(r.ctx(), triesPatience)
	defer cancel()
	waiting := plan.ManifestTries()
	for i, t := range waiting {
		if i >= maxTries {
			t.NotKnown("The pipeline has too many stages to try them all.")
		}
	}
	waiting = waiting[:min(len(waiting), maxTries)]
	var former []*pipeline.Execution
	if len(waiting) > 0 {
		former = r.formerRuns(ctx, config.ID())
	}
	unserved := map[string]error{}
	for len(waiting) > 0 {
		var now, later []*workflows.ManifestTry
		for _, t := range waiting {
			if t.After(waiting) || len(now) == triesAtOnce {
				later = append(later, t)
			} else {
				now = append(now, t)
			}
		}
		r.tryAll(ctx, now, former, unserved)
		waiting = later
	}
	plan.Settle()
}

// attempt is one stage that is being tried.
type attempt struct {
	try     *workflows.ManifestTry
	source  *pipeline.Artifact
	fetched []pipeline.Map
	in      activities.PlanManifestsInput
	plan    activities.ManifestPlan
	// err ends the attempt; unknown is why there is nothing to try yet.
	err, unknown error
}

// tryAll tries stages none of which is before another.
func (r *request) tryAll(ctx context.Context, tries []*workflows.ManifestTry, former []*pipeline.Execution, unserved map[string]error) {
	attempts := make([]*attempt, len(tries))
	for i, t := range tries {
		a := &attempt{try: t}
		attempts[i] = a
		if a.source, a.unknown = t.Artifact(); a.unknown == nil {
			a.err = unserved[t.Account()]
		}
	}
	each := func(do func(*attempt)) {
		var all sync.WaitGroup
		for _, a := range attempts {
			if a.err == nil && a.unknown == nil {
				all.Go(func() { do(a) })
			}
		}
		all.Wait()
	}
	each(func(a *attempt) {
		if a.source != nil {
			a.fetched, a.err = r.fetchManifests(ctx, *a.source)
		}
	})
	for _, a := range attempts {
		if a.err != nil || a.unknown != nil {
			continue
		}
		if a.source != nil {
			a.try.Fetched(a.fetched)
		}
		if a.in, a.err = a.try.Input(); pipeline.CodeOf(a.err) == pipeline.CodeNotFound {
			a.unknown, a.err = a.err, nil
		}
		if a.in.Deploy != nil {
			a.in.Deployed = deployedBefore(former, a.try)
		}
	}
	each(func(a *attempt) {
		if r.server.plans == nil {
			a.err = pipeline.Errorf(pipeline.CodeUnavailable, "This Gate knows no workers that make plans.")
			return
		}
		a.plan, a.err = r.server.plans.Plan(ctx, a.in)
	})
	for _, a := range attempts {
		switch {
		case a.unknown != nil:
			a.try.NotKnown("It cannot be tried before the pipeline runs: " + pipeline.MessageOf(a.unknown) + ".")
			continue
		case a.err != nil && ctx.Err() != nil:
			a.err = errNoTime
		case errors.Is(a.err, activities.ErrNotTaken):
			unserved[a.try.Account()] = a.err
		}
		a.try.Told(a.plan, a.err)
	}
}

// fetchManifests reads the objects in an artifact.
func (r *request) fetchManifests(ctx context.Context, a pipeline.Artifact) ([]pipeline.Map, error) {
	shelf, err := r.artifacts()
	if err != nil {
		return nil, err
	}
	const patience = 10 * time.Second
	ctx, cancel := context.WithTimeout(ctx, patience)
	defer cancel()
	out, err := shelf.FetchManifests(ctx, activities.FetchArtifactInput{Artifact: a})
	if err != nil && ctx.Err() != nil {
		return nil, pipeline.Wrap(pipeline.CodeTimeout, err, "The artifact '%s' could not be fetched within %s.", a.Name, patience)
	}
	return out.Manifests, err
}

// formerRuns are the last runs of the configuration. Without them a plan tells of
// no orphans, which is no reason to tell nothing.
func (r *request) formerRuns(ctx context.Context, configID string) []*pipeline.Execution {
	runs, err := executions.Latest(ctx, r.server.executions, configID, nil, formerRuns)
	if err != nil {
		r.server.log.WarnContext(ctx, "a plan is made without the pipeline's earlier runs", slog.String("pipeline", configID), slog.Any("error", err))
	}
	return runs
}

// deployedBefore is what earlier runs of a stage deployed to its account: "kind
// name" under each namespace, once each, those of the last run first.
func deployedBefore(runs []*pipeline.Execution, t *workflows.ManifestTry) map[string][]string {
	const key = "outputs.manifestNamesByNamespace"
	out := map[string][]string{}
	count := 0
	for _, e := range runs {
		for _, s := range e.Stages {
			if s.RefID != t.RefID() || s.Type != t.Type() || s.Context.String("account") != t.Account() {
				continue
			}
			names := pipeline.AsMap(s.Context[key])
			if names == nil {
				names = pipeline.AsMap(s.Outputs[key])
			}
			for _, namespace := range slices.Sorted(maps.Keys(names)) {
				for _, name := range names.Strings(namespace) {
					if count < maxFormer && !slices.Contains(out[namespace], name) {
						out[namespace] = append(out[namespace], name)
						count++
					}
				}
			}
		}
	}
	return out
}
