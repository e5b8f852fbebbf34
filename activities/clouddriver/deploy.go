package clouddriver

import (
	"context"
	"errors"
	"log/slog"
	"slices"
	"strings"

	apierrors "k8s.io/apimachinery/pkg/api/errors"
	"k8s.io/apimachinery/pkg/apis/meta/v1/unstructured"
	"k8s.io/apimachinery/pkg/labels"
	"k8s.io/apimachinery/pkg/types"

	"github.com/gennaker/gennaker/activities"
	"github.com/gennaker/gennaker/pipeline"
)

// clusterScope stands for "no namespace" in answers.
const clusterScope = "_"

// versionTries is how often a deployment starts over because another one took
// the version that it had chosen.
const versionTries = 5

// DeployManifest implements [activities.Clouddriver] (reference: clouddriver
// section 5). Nothing is sent before every manifest is converted, bound and
// named; then they are sent one by one, and the first failure ends the
// deployment with the earlier objects left in place.
func (c *Clouddriver) DeployManifest(ctx context.Context, in activities.DeployManifestInput) (activities.DeployManifestOutput, error) {
	cl, err := c.open(ctx, in.Scope, in.Account, Write)
	if err != nil {
		return activities.DeployManifestOutput{}, err
	}
	d := &deployment{Clouddriver: c, cluster: cl, in: in, operation: in.Scope.Key(), log: c.log(in.Scope, in.Account)}
	resumed(ctx, &d.sent)
	if d.sent != nil {
		d.heart = startHeart(ctx, d.sent)
	} else {
		d.heart = startQuietHeart(ctx) // the first beat is for the first manifest sent
	}
	defer d.heart.rest()
	for try := 1; ; try++ {
		out, err := d.run(ctx)
		if errors.Is(err, errVersionTaken) {
			if try < versionTries {
				continue
			}
			err = pipeline.Errorf(pipeline.CodeConflict, "Other deployments took %d versions in a row. Deploy again when they are done.", try)
		}
		return out, err
	}
}

// deployment is one run of DeployManifest.
type deployment struct {
	*Clouddriver
	cluster   *cluster
	in        activities.DeployManifestInput
	operation string
	log       *slog.Logger
	heart     *heart
	// sent is what reached the cluster so far; it is the heartbeat's details.
	sent []sentManifest
	// aside takes a manifest that cannot be deployed, so that a plan goes on with
	// the others; nil in a deployment, which ends with the first.
	aside aside

	selector labels.Selector
	created  artifactSet
	bound    artifactSet
	// listed are the live versions of artifacts by kind and namespace, then by
	// name, as far as they were asked for.
	listed map[string]map[string][]*unstructured.Unstructured
}

// sentManifest remembers one manifest that reached the cluster.
type sentManifest struct {
	Index     int    `json:"index"`
	Namespace string `json:"namespace,omitempty"`
	Name      string `json:"name"`
	UID       string `json:"uid"`
}

func (d *deployment) run(ctx context.Context) (activities.DeployManifestOutput, error) {
	manifests, err := d.prepare(ctx)
	if err == nil {
		err = d.checkWhole(manifests)
	}
	if err != nil {
		return activities.DeployManifestOutput{}, err
	}
	return d.send(ctx, manifests)
}

// readOptions reads what holds for all manifests.
func (d *deployment) readOptions() error {
	switch d.in.Strategy {
	case "", activities.StrategyRedBlack, activities.StrategyBlueGreen, activities.StrategyHighlander:
	default:
		return pipeline.Errorf(pipeline.CodeInvalid, "The rollout strategy %q is unknown: use redblack, bluegreen, highlander or none.", d.in.Strategy)
	}
	var err error
	d.selector, err = parseSelectors(d.in.LabelSelectors)
	return err
}

// prepare does everything that comes before the first write. It reads the
// cluster but changes nothing, and comes to the same names each time it is
// repeated for one operation.
func (d *deployment) prepare(ctx context.Context) ([]*manifest, error) {
	if err := d.readOptions(); err != nil {
		return nil, err
	}
	d.created, d.bound = artifactSet{}, artifactSet{}
	d.listed = map[string]map[string][]*unstructured.Unstructured{}
	manifests, err := d.cluster.convert(ctx, d.in.Manifests, d.in.NamespaceOverride, d.aside)
	if err != nil {
		return nil, err
	}
	artifacts := newPool()
	if !d.in.DisableArtifactBinding {
		artifacts = newPool(d.in.RequiredArtifacts, d.in.OptionalArtifacts)
	}
	ready := make([]*manifest, 0, len(manifests))
	for _, m := range manifests {
		if err := d.ready(ctx, m, artifacts, manifests); err != nil {
			if err := d.aside.take(m.index, m.obj.Object, ofManifest(err, m)); err != nil {
				return nil, err
			}
			continue
		}
		ready = append(ready, m)
	}
	return ready, nil
}

// checkWhole refuses what is wrong with the manifests together.
func (d *deployment) checkWhole(manifests []*manifest) error {
	if !d.in.DisableArtifactBinding {
		if err := checkBound(d.in.RequiredArtifacts, d.bound); err != nil {
			return err
		}
	}
	if !d.selector.Empty() {
		for _, m := range manifests {
			if m.strategy("replace") {
				return pipeline.Errorf(pipeline.CodeInvalid,
					"%s: label selectors are not supported with the replace strategy; nothing was deployed.", m.label())
			}
		}
	}
	return nil
}

// aside takes a manifest, as it was written, that cannot be deployed. Its error
// ends the whole deployment.
type aside func(index int, raw map[string]any, err error) error

func (a aside) take(index int, raw map[string]any, err error) error {
	if a == nil {
		return err
	}
	return a(index, raw, err)
}

// ready brings one manifest into the form in which it is sent (reference:
// clouddriver section 5, step 4).
func (d *deployment) ready(ctx context.Context, m *manifest, artifacts *pool, all []*manifest) error {
	if err := d.checkHistory(m); err != nil {
		return err
	}
	for _, a := range d.settings.bind(m, artifacts, d.in.Account) {
		d.bound.add(a)
	}
	cluster := m.kind.String() + " " + m.name
	if m.generated() {
		cluster = m.kind.String() + " " + strings.TrimRight(m.obj.GetGenerateName(), "-")
	}
	priors, err := d.version(ctx, m, all)
	if err != nil {
		return err
	}
	m.priors = priors
	m.settleName(d.operation)
	own := m.artifact(d.in.Account)
	d.created.add(own)
	artifacts.put(own)
	annotateArtifact(m, own)
	if err := d.cluster.useSourceCapacity(ctx, m, priors); err != nil {
		return err
	}
	if err := d.direct(ctx, m, all); err != nil {
		return err
	}
	moniker := d.in.Moniker
	if moniker.Cluster == "" {
		moniker.Cluster = cluster
	}
	if moniker.App == "" {
		moniker.App = d.in.Scope.Application
	}
	d.settings.annotateMoniker(m, moniker, d.in.SkipSpecTemplateLabels)
	m.obj.SetName(m.fullName())
	if m.version >= 0 || m.once() {
		m.mark(d.operation)
	}
	return nil
}

// priors lists the live versions of a manifest, oldest first. Those of all
// manifests of one kind in one namespace come from one list.
func (d *deployment) priors(ctx context.Context, m *manifest, all []*manifest) ([]*unstructured.Unstructured, error) {
	where := m.resource.gvr.String() + "\x00" + m.obj.GetNamespace()
	if d.listed[where] == nil {
		names := map[string]bool{}
		for _, other := range all {
			if other.resource != nil && other.resource.gvr == m.resource.gvr {
				names[other.name] = true
			}
		}
		versions, err := d.cluster.versionsOf(ctx, *m.resource, m.obj.GetNamespace(), func(name string) bool { return names[name] })
		if err != nil {
			return nil, err
		}
		d.listed[where] = versions
	}
	return d.listed[where][m.name], nil
}

// version settles the manifest's version and returns its live predecessors.
func (d *deployment) version(ctx context.Context, m *manifest, all []*manifest) ([]*unstructured.Unstructured, error) {
	if !m.wantsVersion(d.in.Versioned) {
		return nil, nil
	}
	if m.resource == nil { // the kind comes with this request: no predecessors
		m.version, m.fresh = 0, true
		return nil, nil
	}
	priors, err := d.priors(ctx, m, all)
	if err != nil {
		return nil, err
	}
	m.version, m.fresh = chooseVersion(m, priors, d.operation)
	return priors, nil
}

// send submits the manifests that the label selectors let through.
func (d *deployment) send(ctx context.Context, manifests []*manifest) (activities.DeployManifestOutput, error) {
	out := activities.DeployManifestOutput{
		Manifests: []pipeline.Map{}, ManifestNamesByNamespace: map[string][]string{},
		CreatedArtifacts: d.created.list, BoundArtifacts: d.bound.list,
	}
	manifests = slices.DeleteFunc(slices.Clone(manifests), func(m *manifest) bool { return !d.selects(m) })
	coming := d.cluster.lookAhead(ctx, manifests, func(m *manifest) bool {
		return slices.ContainsFunc(d.sent, func(s sentManifest) bool { return s.Index == m.index })
	})
	defer coming.close()
	for _, m := range manifests {
		obj, err := d.sendOne(ctx, m)
		if err != nil {
			return activities.DeployManifestOutput{}, ofManifest(err, m)
		}
		coming.sent(m)
		add(&out, obj)
	}
	return out, d.checkSelected(len(out.Manifests))
}

// selects reports whether the label selectors let a manifest through.
func (d *deployment) selects(m *manifest) bool {
	return d.selector.Matches(labels.Set(m.obj.GetLabels()))
}

// checkSelected refuses a deployment of nothing.
func (d *deployment) checkSelected(selected int) error {
	if selected > 0 || d.selector.Empty() || d.in.AllowNothingSelected {
		return nil
	}
	return pipeline.Errorf(pipeline.CodeInvalid,
		"Nothing was deployed to account %s with label selector(s) %s. Correct the selectors, or allow that nothing is selected.", d.in.Account, d.selector)
}

// add puts an object of the cluster into an answer.
func add(out *activities.DeployManifestOutput, obj *unstructured.Unstructured) {
	out.Manifests = append(out.Manifests, shown(obj))
	where := scopeOf(obj.GetNamespace())
	out.ManifestNamesByNamespace[where] = append(out.ManifestNamesByNamespace[where], KindOf(obj.GroupVersionKind()).String()+" "+obj.GetName())
}

// scopeOf is a namespace as answers name it.
func scopeOf(namespace string) string {
	if namespace == "" {
		return clusterScope
	}
	return namespace
}

func (d *deployment) sendOne(ctx context.Context, m *manifest) (*unstructured.Unstructured, error) {
	if obj, err := d.alreadySent(ctx, m); obj != nil || err != nil {
		return obj, err
	}
	obj, err := d.cluster.submit(ctx, m, d.operation)
	if err != nil {
		return nil, err
	}
	d.sent = append(
		slices.DeleteFunc(slices.Clone(d.sent), func(s sentManifest) bool { return s.Index == m.index }),
		sentManifest{Index: m.index, Namespace: obj.GetNamespace(), Name: obj.GetName(), UID: string(obj.GetUID())},
	)
	d.heart.progress(d.sent)
	d.log.InfoContext(ctx, "manifest deployed", slog.String("kind", m.kind.String()),
		slog.String("namespace", obj.GetNamespace()), slog.String("name", obj.GetName()))
	return obj, nil
}

// alreadySent returns the live object of a manifest that an earlier attempt
// sent, or nil. What has gone since is sent again, unless its making is an act
// of its own, like running a Job: then the answer is what was sent.
func (d *deployment) alreadySent(ctx context.Context, m *manifest) (*unstructured.Unstructured, error) {
	if m.resource == nil {
		return nil, nil
	}
	for _, s := range d.sent {
		if s.Index != m.index {
			continue
		}
		live, err := d.cluster.get(ctx, *m.resource, s.Namespace, s.Name)
		switch {
		case err == nil && live.GetUID() == types.UID(s.UID):
			return live, nil
		case err != nil && !apierrors.IsNotFound(err):
			return nil, fromAPI(ctx, err, d.in.Account, "read "+m.kind.String()+" "+s.Name)
		case !m.once():
			return nil, nil
		}
		was := m.obj.DeepCopy()
		was.SetNamespace(s.Namespace)
		was.SetName(s.Name)
		was.SetUID(types.UID(s.UID))
		return was, nil
	}
	return nil, nil
}
