package clouddriver

import (
	"cmp"
	"context"
	"errors"
	"regexp"
	"slices"
	"strings"
	"time"

	"k8s.io/apimachinery/pkg/apis/meta/v1/unstructured"

	"github.com/gennaker/gennaker/activities"
	"github.com/gennaker/gennaker/internal/packed"
	"github.com/gennaker/gennaker/pipeline"
)

const (
	// reachPatience is how long a cluster may be silent before a plan says that it
	// is away.
	reachPatience = 4 * time.Second
	// planPatience is how long a plan tries objects; those that are left are told.
	// It leaves time for the answer within the call's own limit.
	planPatience = 15 * time.Second
	// tryParallel is how many objects are tried at once.
	tryParallel = 8
)

// PlanManifests implements [activities.Plans]: the operation itself, up to its
// writes, which are sent as dry runs. It takes the access that the operation takes.
func (c *Clouddriver) PlanManifests(ctx context.Context, in activities.PlanManifestsInput) (activities.PlanManifestsOutput, error) {
	var none activities.PlanManifestsOutput
	ctx, cancel := context.WithTimeout(dry(ctx), planPatience)
	defer cancel()
	cl, err := c.reach(ctx, in.Scope, in.Account)
	if err != nil {
		return none, err
	}
	p := &planning{
		Clouddriver: c, cluster: cl, in: in, created: slices.Clone(in.Earlier),
		out: activities.ManifestPlan{Objects: []activities.PlannedObject{}, Counts: map[activities.PlanAction]int{}},
	}
	if err := p.run(ctx); err != nil {
		return none, err
	}
	document, err := pack(p.out)
	return activities.PlanManifestsOutput{Packed: document}, err
}

// reach is open, with a short wait for a cluster that may be away.
func (c *Clouddriver) reach(ctx context.Context, scope activities.Scope, account string) (*cluster, error) {
	acc, err := c.accounts.find(account)
	if err != nil {
		return nil, err
	}
	if err := acc.authorize(ctx, scope, Write); err != nil {
		return nil, err
	}
	cl, err := acc.connect(ctx)
	if err != nil {
		return nil, err
	}
	within, cancel := context.WithTimeoutCause(ctx, reachPatience, errors.New("it did not answer in "+reachPatience.String()))
	defer cancel()
	var status int
	err = cl.catalog.discovery.RESTClient().Get().AbsPath("/version").Do(within).StatusCode(&status).Error()
	if err != nil && status == 0 {
		if cause := context.Cause(within); cause != nil && ctx.Err() == nil {
			err = cause
		}
		return nil, unreachable(ctx, err, account, "be planned for")
	}
	return cl, cl.verify(ctx)
}

// planning is one run of PlanManifests.
type planning struct {
	*Clouddriver
	cluster *cluster
	in      activities.PlanManifestsInput
	out     activities.ManifestPlan
	// created are the objects that would be created, by stages before this one too.
	created []activities.PlannedRef
	// refused are manifests that did not come as far as being tried.
	refused []setAside
}

// setAside is a manifest that cannot be deployed.
type setAside struct {
	obj *unstructured.Unstructured
	err error
}

func (p *planning) run(ctx context.Context) error {
	in := p.in
	if target := in.Target; target != nil {
		target.Scope, target.Account = in.Scope, in.Account
		name, err := p.target(ctx, *target)
		if pipeline.CodeOf(err) == pipeline.CodeNotFound && slices.ContainsFunc(p.created, func(r activities.PlannedRef) bool { return ParseKind(target.Kind).Equal(ParseKind(r.Kind)) }) {
			p.out.Problems = append(p.out.Problems, activities.PlanProblem{Message: "Its target is not known yet: stages before it create objects of the kind.", Passing: true})
			return nil
		}
		if err != nil {
			return err
		}
		for _, m := range []*activities.ManifestInput{patchTarget(in.Patch), scaleTargetOf(in.Scale)} {
			if m != nil {
				m.ManifestName = name
			}
		}
		if in.Delete != nil {
			in.Delete.ManifestName = name
		}
	}
	// The account and the user are those that were checked.
	switch {
	case in.Deploy != nil:
		in.Deploy.Scope, in.Deploy.Account = in.Scope, in.Account
		return p.deploy(ctx, *in.Deploy)
	case in.Patch != nil:
		in.Patch.Scope, in.Patch.Account = in.Scope, in.Account
		return p.change(ctx, in.Patch.ManifestInput, func(o object) (*unstructured.Unstructured, error) {
			patched, _, _, err := p.patch(ctx, p.cluster, o, *in.Patch)
			return patched, err
		})
	case in.Scale != nil:
		in.Scale.Scope, in.Scale.Account = in.Scope, in.Account
		return p.change(ctx, in.Scale.ManifestInput, func(o object) (*unstructured.Unstructured, error) {
			scaled, _, err := p.cluster.scale(ctx, o, *in.Scale)
			return scaled, err
		})
	case in.Delete != nil:
		in.Delete.Scope, in.Delete.Account = in.Scope, in.Account
		return p.delete(ctx, *in.Delete)
	}
	return pipeline.Errorf(pipeline.CodeInvalid, "The plan names no operation.")
}

// add puts an object into the plan.
func (p *planning) add(o activities.PlannedObject) {
	o.Message = visible(cut(o.Message, 2*maxShown))
	o.Details = slices.Clone(o.Details[:min(len(o.Details), maxDetails)])
	for i, d := range o.Details {
		o.Details[i] = visible(cut(d, maxShown))
	}
	p.out.Objects = append(p.out.Objects, o)
	p.out.Counts[o.Action]++
}

// maxDetails bounds what the API server says about single fields of an object.
const maxDetails = 20

// problem tells of something about the operation as a whole.
func (p *planning) problem(err error) {
	p.out.Problems = append(p.out.Problems, activities.PlanProblem{
		Message: visible(cut(pipeline.MessageOf(err), 2*maxShown)), Details: pipeline.DetailsOf(err), Passing: passing(err) || pipeline.CodeOf(err) == pipeline.CodeTimeout,
	})
}

// verdict marks an object by the error that trying it ended with.
func (p *planning) verdict(ctx context.Context, o *activities.PlannedObject, err error) {
	o.Message, o.Details = pipeline.MessageOf(err), pipeline.DetailsOf(err)
	o.Message = leading.ReplaceAllString(o.Message, "")
	o.Action = activities.PlanRefused
	switch before, waits := p.waitsFor(o.Ref(), err); {
	case errors.Is(err, errNoStandIn):
		o.Action, o.Message = activities.PlanUntried, "It would be deleted and created anew, which cannot be tried for objects of this kind."
	case errors.Is(err, errVersionTaken):
		o.Action, o.Message = activities.PlanUntried, "Another deployment took its version meanwhile. Plan again."
	case ctx.Err() != nil:
		o.Action, o.Message, o.Details = activities.PlanUntried, "The time for the plan was over before it was tried.", nil
	case passing(err) || pipeline.CodeOf(err) == pipeline.CodeTimeout:
		o.Action = activities.PlanUntried
	case unsupported(err):
		o.Action = activities.PlanUntried
		o.Message = "It cannot be tried without effect: " + o.Message
	case waits:
		o.Action = activities.PlanUntried
		o.Details = append([]string{o.Message}, o.Details...)
		o.Message = "It cannot be tried yet: it needs " + before.Kind + " " + before.Name + ", which would be created before it."
	}
}

// leading is how messages name the manifest that they are about.
var leading = regexp.MustCompile(`^Manifest \d+ \([^)]*\): `)

// absent is how errors say that something is not there.
var absent = regexp.MustCompile(`(?i)not found|was found|does not exist|no such`)

// waitsFor reports whether an error is about an object that would be there by then.
func (p *planning) waitsFor(own activities.PlannedRef, err error) (activities.PlannedRef, bool) {
	text := err.Error()
	if !absent.MatchString(text) && !strings.Contains(text, "has no kind") {
		return activities.PlannedRef{}, false
	}
	for _, ref := range p.created {
		if ref == own {
			continue
		}
		if plural, group, _ := strings.Cut(ref.Name, "."); ref.Kind == "customResourceDefinition" && plural != "" &&
			strings.Contains(text, "has no kind") && strings.Contains(text, " in "+group+"/") {
			return ref, true
		}
		words := `(?i)\b` + regexp.QuoteMeta(ref.Kind) + `(s|es)?(\.[a-z0-9.-]+)?( with name)? "?` + regexp.QuoteMeta(ref.Name) + `("|\s|$)`
		if found, err := regexp.MatchString(words, text); err == nil && found {
			return ref, true
		}
	}
	return activities.PlannedRef{}, false
}

// pack writes a plan within [activities.MaxPlan]: what is too much is counted and
// left out, the details of fields before whole objects.
func pack(plan activities.ManifestPlan) ([]byte, error) {
	for _, limit := range []struct{ fields, text int }{{maxChanges, maxShown}, {25, 150}, {10, 80}, {3, 50}, {0, 0}} {
		small := plan
		small.Objects = slices.Clone(plan.Objects)
		for i := range small.Objects {
			shorten(&small.Objects[i], limit.fields, limit.text)
		}
		document, err := packed.Pack(small)
		if err != nil || len(document) <= activities.MaxPlan {
			return document, err
		}
		plan = small
	}
	for {
		document, err := packed.Pack(plan)
		if err != nil || len(document) <= activities.MaxPlan {
			return document, err
		}
		switch kept := len(plan.Objects) * 3 / 4; {
		case len(plan.CreatedArtifacts) > 0:
			plan.CreatedArtifacts = nil
			plan.Problems = append(plan.Problems, activities.PlanProblem{
				Message: "The stage has too many artifacts for its plan: stages behind it are planned without them.", Passing: true,
			})
		case len(plan.Objects) > 0:
			// What goes wrong is kept the longest.
			slices.SortStableFunc(plan.Objects, func(a, b activities.PlannedObject) int { return cmp.Compare(weight(a), weight(b)) })
			plan.Cut += len(plan.Objects) - kept
			plan.Objects = plan.Objects[:kept]
		case len(plan.Problems) > 1:
			plan.Problems = plan.Problems[:1]
		default:
			return nil, pipeline.Errorf(pipeline.CodeTooLarge, "The plan is too large to be told. Split the stage.")
		}
	}
}

func weight(o activities.PlannedObject) int {
	switch o.Action {
	case activities.PlanRefused:
		return 0
	case activities.PlanLeft:
		return 2
	default:
		return 1
	}
}

// shorten leaves out fields of an object beyond a number, and text beyond a length.
func shorten(o *activities.PlannedObject, fields, text int) {
	kept := min(len(o.Changes), fields)
	o.MoreChanges += len(o.Changes) - kept
	o.Changes = slices.Clone(o.Changes[:kept])
	for i := range o.Changes {
		for _, value := range []**string{&o.Changes[i].Before, &o.Changes[i].After} {
			if *value != nil && len(**value) > text+len("… (100000 more bytes)") {
				short := cut(**value, text)
				*value = &short
			}
		}
	}
	if text < maxShown {
		o.Message = cut(o.Message, max(2*text, 100))
		o.Details = o.Details[:min(len(o.Details), fields)]
	}
}
