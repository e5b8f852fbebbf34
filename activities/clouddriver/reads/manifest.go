package reads

import (
	"context"
	"slices"
	"strings"
	"sync"

	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/apis/meta/v1/unstructured"
	"k8s.io/apimachinery/pkg/fields"

	"github.com/gennaker/gennaker/activities"
	"github.com/gennaker/gennaker/activities/clouddriver"
	"github.com/gennaker/gennaker/activities/clouddriver/status"
	"github.com/gennaker/gennaker/clusters"
	"github.com/gennaker/gennaker/pipeline"
)

// maxEvents bounds the events of one object, the newest stay.
const maxEvents = 500

// ShowManifest implements [activities.Reads] (reference: clouddriver section
// 12): the object is read from the cluster itself, and its events beside it.
func (r *Reads) ShowManifest(ctx context.Context, in activities.ShowManifestInput) (activities.ShowManifestOutput, error) {
	var none activities.ShowManifestOutput
	reading, err := r.accounts.Reading(ctx, in.Account)
	if err != nil {
		return none, err
	}
	obj, err := reading.Get(ctx, in.Location, in.Name)
	if err != nil {
		return none, err
	}
	kind := clouddriver.KindOf(obj.GroupVersionKind()).String()
	var events []any
	var metrics []any
	var eventsErr error
	if in.IncludeEvents {
		var beside sync.WaitGroup
		beside.Go(func() { events, eventsErr = eventsOf(ctx, reading, obj) })
		if strings.EqualFold(kind, "pod") {
			beside.Go(func() { metrics = metricsOf(ctx, reading, obj) })
		}
		beside.Wait()
	}
	warnings := []any{}
	if eventsErr != nil {
		// The object is there: that its events are not is told beside it.
		warnings = append(warnings, map[string]any{"type": "events", "message": pipeline.MessageOf(eventsErr)})
	}
	annotations := obj.GetAnnotations()
	m := clusters.MonikerOf(kind, obj.GetName(), annotations)
	artifacts := []any{}
	for _, a := range reading.ArtifactsOf(obj) {
		artifacts = append(artifacts, map[string]any{"type": a.Type, "name": a.Name, "reference": a.Reference})
	}
	if events == nil {
		events = []any{}
	}
	if metrics == nil {
		metrics = []any{}
	}
	return activities.ShowManifestOutput{Manifest: pipeline.Map{
		"account": in.Account, "name": kind + " " + obj.GetName(), "location": obj.GetNamespace(), "moniker": monikerMap(m),
		"manifest": map[string]any(clouddriver.Shown(obj)), "status": statusMap(clouddriver.StatusOf(obj)), "artifacts": artifacts,
		"events": events, "warnings": warnings, "metrics": metrics,
	}}, nil
}

func monikerMap(m clusters.Moniker) map[string]any {
	out := map[string]any{}
	for key, value := range map[string]string{"app": m.App, "cluster": m.Cluster, "stack": m.Stack, "detail": m.Detail} {
		if value != "" {
			out[key] = value
		}
	}
	if m.Sequence != nil {
		out["sequence"] = int64(*m.Sequence)
	}
	return out
}

func statusMap(s status.Status) map[string]any {
	out := map[string]any{}
	for key, state := range map[string]status.State{"stable": s.Stable, "paused": s.Paused, "available": s.Available, "failed": s.Failed} {
		entry := map[string]any{"state": state.State}
		if state.Message != "" {
			entry["message"] = state.Message
		}
		out[key] = entry
	}
	return out
}

// eventsOf lists an object's events by the time of their last occurrence, those
// without a time last.
func eventsOf(ctx context.Context, reading *clouddriver.Reading, obj *unstructured.Unstructured) ([]any, error) {
	namespace := obj.GetNamespace()
	if namespace == "" {
		namespace = metav1.NamespaceDefault // where events of what has no namespace are
		if !reading.Allows(namespace) {
			return nil, nil
		}
	}
	selector := fields.Set{"involvedObject.name": obj.GetName(), "involvedObject.kind": obj.GetKind()}.AsSelector().String()
	var found []*unstructured.Unstructured
	err := reading.Each(ctx, "event", namespace, metav1.ListOptions{FieldSelector: selector}, func(e *unstructured.Unstructured) {
		found = append(found, e)
	})
	if err != nil {
		return nil, err
	}
	at := func(e *unstructured.Unstructured) string {
		for _, key := range []string{"lastTimestamp", "firstTimestamp"} {
			if text, _, _ := unstructured.NestedString(e.Object, key); text != "" {
				return text
			}
		}
		return "n/a"
	}
	slices.SortStableFunc(found, func(a, b *unstructured.Unstructured) int { return strings.Compare(at(a), at(b)) })
	found = found[max(len(found)-maxEvents, 0):]
	out := make([]any, len(found))
	for i, e := range found {
		e.SetManagedFields(nil)
		out[i] = e.Object
	}
	return out, nil
}

// metricsOf reads what a pod's containers use, where the cluster measures it.
func metricsOf(ctx context.Context, reading *clouddriver.Reading, pod *unstructured.Unstructured) []any {
	client := reading.Dynamic().Resource(podMetrics).Namespace(pod.GetNamespace())
	measured, err := client.Get(ctx, pod.GetName(), metav1.GetOptions{})
	if err != nil {
		return nil // most clusters measure nothing, and say so with an error
	}
	containers, _, _ := unstructured.NestedSlice(measured.Object, "containers")
	var out []any
	for _, c := range containers {
		container, _ := c.(map[string]any)
		usage, _ := container["usage"].(map[string]any)
		out = append(out, map[string]any{"containerName": container["name"], "metrics": map[string]any{
			"CPU(cores)": usage["cpu"], "MEMORY(bytes)": usage["memory"],
		}})
	}
	return out
}

// ListManifests implements [activities.Reads] (reference: clouddriver sections 4
// and 12).
func (r *Reads) ListManifests(ctx context.Context, in activities.ListManifestsInput) (activities.ListManifestsOutput, error) {
	var none activities.ListManifestsOutput
	pick, ok := criteria[in.Criteria]
	if !ok {
		return none, pipeline.Errorf(pipeline.CodeInvalid, "The criteria %q are not known: use oldest, newest, second_newest, largest or smallest.", in.Criteria)
	}
	reading, err := r.accounts.Reading(ctx, in.Account)
	if err != nil {
		return none, err
	}
	namespace := in.Location
	if namespace == "_" {
		namespace = ""
	}
	var found []candidate
	err = reading.Each(ctx, in.Kind, namespace, metav1.ListOptions{}, func(obj *unstructured.Unstructured) {
		annotations := obj.GetAnnotations()
		if annotations["moniker.spinnaker.io/cluster"] == in.Cluster && annotations["moniker.spinnaker.io/application"] == in.Application {
			found = append(found, candidateOf(obj))
		}
	})
	if err != nil {
		return none, err
	}
	if pick != nil {
		i := pick(found)
		if i < 0 || i >= len(found) {
			return none, pipeline.Errorf(pipeline.CodeNotFound,
				"No manifests matching (account: %s, location: %s, kind: %s, app %s, cluster: %s, criteria: %s) found",
				in.Account, in.Location, in.Kind, in.Application, in.Cluster, in.Criteria)
		}
		found = found[i : i+1]
	}
	out := activities.ListManifestsOutput{Manifests: []activities.ManifestCoordinates{}}
	for _, c := range found {
		out.Manifests = append(out.Manifests, c.ManifestCoordinates)
	}
	return out, nil
}

// candidate is one object of a cluster with what criteria look at.
type candidate struct {
	activities.ManifestCoordinates
	created  string
	replicas int64
}

func candidateOf(obj *unstructured.Unstructured) candidate {
	c := candidate{
		ManifestCoordinates: activities.ManifestCoordinates{
			Kind: clouddriver.KindOf(obj.GroupVersionKind()).String(), Name: obj.GetName(), Namespace: obj.GetNamespace(),
		},
		replicas: -1,
	}
	c.created, _, _ = unstructured.NestedString(obj.Object, "metadata", "creationTimestamp")
	if n, found, err := unstructured.NestedInt64(obj.Object, "spec", "replicas"); found && err == nil {
		c.replicas = n
	}
	return c
}

// criteria sort candidates and say which is meant.
var criteria = map[string]func([]candidate) int{
	"":              nil,
	"oldest":        func(c []candidate) int { byAge(c); return 0 },
	"newest":        func(c []candidate) int { byAge(c); return len(c) - 1 },
	"second_newest": func(c []candidate) int { byAge(c); return len(c) - 2 },
	"smallest":      func(c []candidate) int { bySize(c); return 0 },
	"largest":       func(c []candidate) int { bySize(c); return len(c) - 1 },
}

func byAge(c []candidate) {
	slices.SortStableFunc(c, func(a, b candidate) int { return strings.Compare(a.created, b.created) })
}

func bySize(c []candidate) {
	slices.SortStableFunc(c, func(a, b candidate) int { return int(a.replicas - b.replicas) })
}
