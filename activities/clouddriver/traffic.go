package clouddriver

import (
	"context"
	"encoding/json"
	"slices"
	"strings"

	apierrors "k8s.io/apimachinery/pkg/api/errors"
	"k8s.io/apimachinery/pkg/apis/meta/v1/unstructured"

	"github.com/gennaker/gennaker/pipeline"
)

// direct writes which load balancers send traffic to a workload and, when
// traffic is on, gives its pods the labels that they select (reference:
// clouddriver section 9). others are the manifests of the same request.
func (d *deployment) direct(ctx context.Context, m *manifest, others []*manifest) error {
	if !m.info.traffic {
		return nil
	}
	balancers, err := loadBalancersOf(m.obj)
	if err != nil {
		return err
	}
	if len(d.in.Services) > 0 {
		if balancers != nil && !slices.Equal(balancers, d.in.Services) {
			return pipeline.Errorf(pipeline.CodeInvalid,
				"the manifest already has %s %v, other than the stage's services %v. Remove the annotation, or make them equal.",
				loadBalancersAnnotation, balancers, d.in.Services)
		}
		balancers = d.in.Services
		text, err := json.Marshal(balancers)
		if err != nil {
			return pipeline.Wrap(pipeline.CodeInvalid, err, "the services %v cannot be written as JSON", balancers)
		}
		setAnnotation(m.obj, loadBalancersAnnotation, string(text))
	}
	if !d.in.EnableTraffic {
		return nil
	}
	for _, name := range balancers {
		balancer, err := d.loadBalancer(ctx, m, name, others)
		if err != nil {
			return err
		}
		if err := m.attach(name, balancer); err != nil {
			return err
		}
	}
	return nil
}

// loadBalancersOf reads the annotation: nil when absent, [] when empty.
func loadBalancersOf(obj *unstructured.Unstructured) ([]string, error) {
	if !hasAnnotation(obj, loadBalancersAnnotation) {
		return nil, nil
	}
	text := annotationOf(obj, loadBalancersAnnotation)
	balancers := []string{}
	if err := json.Unmarshal([]byte(text), &balancers); err != nil {
		return nil, pipeline.Errorf(pipeline.CodeInvalid, `annotation %s is %q, which is no list like ["service web"].`, loadBalancersAnnotation, text)
	}
	return balancers, nil
}

// loadBalancer finds a load balancer in the request, else in the cluster.
func (d *deployment) loadBalancer(ctx context.Context, m *manifest, fullName string, others []*manifest) (*unstructured.Unstructured, error) {
	kind, name, ok := strings.Cut(fullName, " ")
	if !ok || kind == "" || name == "" || strings.Contains(name, " ") {
		return nil, pipeline.Errorf(pipeline.CodeInvalid, "load balancer %q must be specified in the form '{kind} {name}'.", fullName)
	}
	if !ParseKind(kind).is("service") {
		return nil, pipeline.Errorf(pipeline.CodeInvalid, "there is no support for load balancing via %s. Name a service.", ParseKind(kind))
	}
	namespace := m.obj.GetNamespace()
	for _, other := range others {
		if other.kind.is("service") && other.obj.GetNamespace() == namespace && other.obj.GetName() == name {
			return other.obj, nil
		}
	}
	r, err := d.cluster.catalog.resolve(ctx, "service")
	if err != nil {
		return nil, err
	}
	live, err := d.cluster.get(ctx, r, namespace, name)
	if apierrors.IsNotFound(err) {
		return nil, pipeline.Errorf(pipeline.CodeInvalid, "load balancer %s does not exist in namespace %s. Deploy it first, or together with the manifest.",
			fullName, d.cluster.orDefault(namespace))
	}
	return live, fromAPI(ctx, err, d.in.Account, "read "+fullName)
}

// attach gives the workload's pods the labels that the service selects. A
// label that is there already is refused even with an equal value: taking the
// workload out of the service later would remove it.
func (m *manifest) attach(name string, service *unstructured.Unstructured) error {
	selector, _ := dig(service.Object, "spec", "selector")
	if len(selector) == 0 {
		return pipeline.Errorf(pipeline.CodeInvalid, "load balancer %s has an empty selector; no labels could be attached.", name)
	}
	target := m.templateMetadata()
	if target == nil {
		target = ensure(m.obj.Object, "metadata")
	}
	labels := ensure(target, "labels")
	if labels == nil {
		return pipeline.Errorf(pipeline.CodeInvalid, "its labels are not an object.")
	}
	var shared []string
	for key := range selector {
		if _, taken := labels[key]; taken {
			shared = append(shared, key)
		}
	}
	if len(shared) > 0 {
		slices.Sort(shared)
		return pipeline.Errorf(pipeline.CodeInvalid,
			"the selector of load balancer %s shares the label(s) %s with the workload. Select by labels that the workload does not have itself, since they are taken away to stop traffic.",
			name, strings.Join(shared, ", "))
	}
	for key, value := range selector {
		labels[key] = value
	}
	return nil
}
