package clouddriver

import (
	"context"
	"slices"
	"strings"

	apierrors "k8s.io/apimachinery/pkg/api/errors"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/apis/meta/v1/unstructured"
	"k8s.io/apimachinery/pkg/runtime"
	"k8s.io/apimachinery/pkg/runtime/schema"
	"k8s.io/apimachinery/pkg/runtime/serializer"
	"k8s.io/client-go/dynamic"
	"k8s.io/client-go/rest"

	"github.com/gennaker/gennaker/activities/clouddriver/status"
	"github.com/gennaker/gennaker/pipeline"
)

// Reading is a connection to an account's cluster for those who only read.
type Reading struct {
	// Account is the account's configuration.
	Account Account
	cluster *cluster
}

// Reading opens an account's connection, and checks that it leads to the cluster
// which the account is known for. Errors: invalid, not_found,
// unavailable.
func (a *Accounts) Reading(ctx context.Context, name string) (*Reading, error) {
	acc, err := a.find(name)
	if err != nil {
		return nil, err
	}
	cl, err := acc.connect(ctx)
	if err != nil {
		return nil, err
	}
	if err := cl.verify(ctx); err != nil {
		return nil, err
	}
	return &Reading{Account: acc.Account, cluster: cl}, nil
}

// Resource is one kind as a cluster serves it.
type Resource struct {
	GVK        schema.GroupVersionKind
	GVR        schema.GroupVersionResource
	Namespaced bool
	// Kind is Spinnaker's word for the kind, Group Spinnaker's kind of it.
	Kind, Group string
}

// Resolve returns what Spinnaker's text for a kind means in the cluster. Errors:
// invalid when the cluster has no such kind, unavailable.
func (r *Reading) Resolve(ctx context.Context, kind string) (Resource, error) {
	found, err := r.cluster.catalog.resolve(ctx, kind)
	if err != nil {
		return Resource{}, err
	}
	k := KindOf(found.gvk)
	return Resource{GVK: found.gvk, GVR: found.gvr, Namespaced: found.namespaced, Kind: k.String(), Group: r.cluster.account.info(k).spinnakerKind}, nil
}

// KindsOf lists the kinds that are of one of Spinnaker's kinds in the account,
// sorted; without any it lists all that have a row in Spinnaker's table or in the
// account's configuration, but events.
func (r *Reading) KindsOf(groups ...string) []string {
	var out []string
	add := func(name string, info kindInfo) {
		if !info.undeployable && (len(groups) == 0 || slices.Contains(groups, info.spinnakerKind)) {
			out = append(out, name)
		}
	}
	for _, info := range kinds {
		add(info.name, info)
	}
	for _, custom := range r.Account.CustomResources {
		k := ParseKind(custom.KubernetesKind)
		add(k.String(), r.cluster.account.custom[k.key()])
	}
	slices.Sort(out)
	return slices.Compact(out)
}

// KindText spells the kind of an apiVersion and kind as Spinnaker does.
func KindText(apiVersion, kind string) string {
	gv, err := schema.ParseGroupVersion(apiVersion)
	if err != nil {
		return kind
	}
	return KindOf(gv.WithKind(kind)).String()
}

// Get reads one object by "kind name" from the cluster itself. Errors: invalid,
// forbidden, not_found, unavailable.
func (r *Reading) Get(ctx context.Context, namespace, fullName string) (*unstructured.Unstructured, error) {
	o, err := r.cluster.locate(ctx, namespace, fullName)
	if err != nil {
		return nil, err
	}
	obj, err := r.cluster.get(ctx, o.resource, o.namespace, o.name)
	if err != nil {
		return nil, fromAPI(ctx, err, r.Account.Name, "read "+o.String())
	}
	return obj, nil
}

// Each calls see for every object of a kind in a namespace, page by page.
// Errors: as [Reading.Get].
func (r *Reading) Each(ctx context.Context, kind, namespace string, options metav1.ListOptions, see func(*unstructured.Unstructured)) error {
	found, err := r.cluster.catalog.resolve(ctx, kind)
	if err != nil {
		return err
	}
	if found.namespaced {
		if err := r.cluster.account.checkNamespace(namespace); err != nil {
			return err
		}
	}
	return r.cluster.each(ctx, found, namespace, options, see)
}

// Dynamic is the client of all kinds.
func (r *Reading) Dynamic() dynamic.Interface { return r.cluster.dynamic }

// Core returns a client of the core API, which serves the logs of pods. Errors:
// unavailable.
func (r *Reading) Core(ctx context.Context) (rest.Interface, error) {
	from, err := r.cluster.account.source(ctx)
	if err != nil {
		return nil, r.cluster.account.unusable(err)
	}
	config, _, err := r.cluster.account.restConfig(from)
	if err != nil {
		return nil, pipeline.Wrap(pipeline.CodeUnavailable, err, "The kubeconfig of account %q cannot be used: %s.", r.Account.Name, err)
	}
	if r.cluster.account.wrap != nil {
		config.Wrap(r.cluster.account.wrap)
	}
	config.GroupVersion, config.APIPath = &schema.GroupVersion{Version: "v1"}, "/api"
	// It reads bytes; of objects only what refuses it.
	known := runtime.NewScheme()
	metav1.AddToGroupVersion(known, *config.GroupVersion)
	config.NegotiatedSerializer = serializer.NewCodecFactory(known).WithoutConversion()
	client, err := rest.RESTClientFor(config)
	if err != nil {
		return nil, pipeline.Wrap(pipeline.CodeUnavailable, err, "The kubeconfig of account %q cannot be used: %s.", r.Account.Name, err)
	}
	return client, nil
}

// Fault turns an error of the API server into one with its words. doing
// completes "could not ...".
func (r *Reading) Fault(ctx context.Context, err error, doing string) error {
	return fromAPI(ctx, err, r.Account.Name, doing)
}

// Allows reports whether the account may use a namespace.
func (r *Reading) Allows(namespace string) bool {
	return r.cluster.account.checkNamespace(namespace) == nil
}

// Shown is an object as it may be shown: without field management, and of a
// Secret without its values.
func Shown(obj *unstructured.Unstructured) pipeline.Map { return shown(obj) }

// StatusOf is what Spinnaker says about an object; what its rules do not cover
// is unstable, with the reason.
func StatusOf(obj *unstructured.Unstructured) status.Status {
	s, err := status.Of(obj)
	if err != nil {
		s = status.Status{Stable: status.State{Message: pipeline.MessageOf(err)}, Available: status.State{Message: pipeline.MessageOf(err)}}
	}
	return s
}

// ArtifactsOf lists what an object refers to, each once (reference: clouddriver
// section 8, listArtifacts).
func (r *Reading) ArtifactsOf(obj *unstructured.Unstructured) []pipeline.Artifact {
	k := KindOf(obj.GroupVersionKind())
	m := &manifest{obj: obj, kind: k, info: r.cluster.account.info(k)}
	var out artifactSet
	for _, s := range (Settings{}).slots(m) {
		if text := s.text(); text != "" {
			out.add(pipeline.Artifact{Type: s.kind, Name: s.name(text), Reference: text})
		}
	}
	slices.SortStableFunc(out.list, func(a, b pipeline.Artifact) int {
		return strings.Compare(a.Type+" "+a.Reference, b.Type+" "+b.Reference)
	})
	return out.list
}

// IsForbidden and IsMissing tell the refusals of an API server apart.
func IsForbidden(err error) bool {
	return apierrors.IsForbidden(err) || apierrors.IsUnauthorized(err)
}

// IsMissing reports whether the cluster does not serve what was asked for.
func IsMissing(err error) bool {
	return apierrors.IsNotFound(err) || apierrors.IsMethodNotSupported(err)
}

// ClusterScoped reports whether a kind of Spinnaker's table is outside
// namespaces.
func ClusterScoped(kind string) bool { return kinds[ParseKind(kind).key()].clusterScoped }

// Config returns an account's configuration; false when there is no such
// account.
func (a *Accounts) Config(name string) (Account, bool) {
	acc, err := a.find(name)
	if err != nil {
		return Account{}, false
	}
	return acc.Account, true
}
