package activities

import (
	"reflect"

	"github.com/gennaker/gennaker/pipeline"
)

// Explanation says why an object is not stable, in the cluster's own words. Lists
// and texts are bounded: what was left out is told in Missing.
type Explanation struct {
	// At is when the cluster was asked.
	At pipeline.Millis `json:"at"`
	// Edition counts the explanations of one wait from 1. The pace at which the
	// cluster is asked slows down with it.
	Edition int `json:"edition,omitempty"`
	// Counts are the replicas as the object itself counts them, in the order in
	// which they are told: desired, updated, ready, available.
	Counts []Count `json:"counts,omitempty"`
	// Conditions are those of the object that tell of trouble or of progress.
	Conditions []StatusCondition `json:"conditions,omitempty"`
	// Pods are the object's pods in trouble by their reasons, the gravest first.
	Pods []PodTrouble `json:"pods,omitempty"`
	// Events are the last warnings about the object, its ReplicaSets and its pods,
	// newest first.
	Events []WarningEvent `json:"events,omitempty"`
	// Missing says what could not be read, and what was left out.
	Missing []string `json:"missing,omitempty"`
}

// Count is a number with its name.
type Count struct {
	Name  string `json:"name"`
	Value int64  `json:"value"`
}

// StatusCondition is a condition of an object's status.
type StatusCondition struct {
	Type string `json:"type"`
	// Status is True, False or Unknown.
	Status  string `json:"status"`
	Reason  string `json:"reason,omitempty"`
	Message string `json:"message,omitempty"`
}

// PodTrouble is what Count pods have in common: Kubernetes' word for why they are
// not ready, like ImagePullBackOff or Unschedulable. What follows the count is of
// one of them.
type PodTrouble struct {
	Reason string `json:"reason"`
	Count  int64  `json:"count"`
	// Pod names one, Container its container in trouble where it is one.
	Pod       string `json:"pod"`
	Container string `json:"container,omitempty"`
	// Restarts is how often that container was started again.
	Restarts int64 `json:"restarts,omitempty"`
	// ExitCode and ExitReason tell how it ended the last time; nil before.
	ExitCode   *int64 `json:"exitCode,omitempty"`
	ExitReason string `json:"exitReason,omitempty"`
	Message    string `json:"message,omitempty"`
}

// WarningEvent is a warning that came Count times about one object or about
// several of a kind.
type WarningEvent struct {
	Reason  string `json:"reason"`
	Message string `json:"message"`
	// Object is "Kind name" of the one that it came about last.
	Object   string          `json:"object"`
	Count    int64           `json:"count"`
	LastSeen pipeline.Millis `json:"lastSeen,omitempty"`
}

// Tells reports whether it says more than counts.
func (e *Explanation) Tells() bool {
	return e != nil && len(e.Conditions)+len(e.Pods)+len(e.Events) > 0
}

// Same reports whether two explanations say the same, whenever they were made.
func (e *Explanation) Same(other *Explanation) bool {
	if e == nil || other == nil {
		return e == other
	}
	a, b := *e, *other
	a.At, a.Edition, b.At, b.Edition = 0, 0, 0, 0
	return reflect.DeepEqual(a, b)
}
