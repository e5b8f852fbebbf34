// Package status tells from a Kubernetes object alone whether it is stable,
// paused, available or failed, by Spinnaker's rules (reference: clouddriver
// section 10). It has one file per kind; every kind without a file is stable
// as soon as it exists, custom resources included.
package status

import (
	"strings"

	"k8s.io/apimachinery/pkg/apis/meta/v1/unstructured"

	"github.com/gennaker/gennaker/pipeline"
)

// State is one answer with its reason.
type State struct {
	State   bool   `json:"state"`
	Message string `json:"message,omitempty"`
}

// Status is what Spinnaker says about one object.
type Status struct {
	Stable    State `json:"stable"`
	Paused    State `json:"paused"`
	Available State `json:"available"`
	Failed    State `json:"failed"`
}

// workloads are the API groups of Kubernetes' own workload kinds; a kind of the
// same name in another group is another kind.
var workloads = map[string]bool{"": true, "apps": true, "extensions": true, "batch": true, "autoscaling": true}

// Of returns the status of an object as read from a cluster. Errors: invalid
// for a workload in an API version that the rules do not cover.
func Of(obj *unstructured.Unstructured) (Status, error) {
	gvk := obj.GroupVersionKind()
	if !workloads[gvk.Group] {
		return settled(), nil
	}
	o := fields(obj.Object)
	kind := strings.ToLower(gvk.Kind)
	switch kind {
	case "deployment", "replicaset", "statefulset", "daemonset":
		if version := obj.GetAPIVersion(); version != "apps/v1" {
			return Status{}, pipeline.Errorf(pipeline.CodeInvalid,
				"No %s is supported at api version %q. Use apps/v1.", strings.ToLower(gvk.Kind[:1])+gvk.Kind[1:], version)
		}
	}
	switch kind {
	case "deployment":
		return deployment(o), nil
	case "replicaset":
		return replicaSet(o), nil
	case "statefulset":
		return statefulSet(o), nil
	case "daemonset":
		return daemonSet(o), nil
	case "job":
		return job(o), nil
	case "cronjob":
		return cronJob(o), nil
	case "pod":
		return pod(o), nil
	case "horizontalpodautoscaler":
		return horizontalPodAutoscaler(o), nil
	}
	return settled(), nil
}

// settled is the start of every rule: stable and available.
func settled() Status {
	return Status{Stable: State{State: true}, Available: State{State: true}}
}

// noneReported is the answer for an object that has no status yet.
func noneReported() Status {
	return settled().unstable("No status reported yet").unavailable("No availability reported")
}

func (s Status) unstable(message string) Status {
	s.Stable = State{Message: message}
	return s
}

func (s Status) unavailable(message string) Status {
	s.Available = State{Message: message}
	return s
}

func (s Status) unstableAndUnavailable(message string) Status {
	return s.unstable(message).unavailable(message)
}

func (s Status) failed(message string) Status {
	s.Failed = State{State: true, Message: message}
	return s
}
