package status

import (
	"slices"
	"strings"

	"k8s.io/apimachinery/pkg/apis/meta/v1/unstructured"

	"github.com/gennaker/gennaker/activities"
)

const (
	// shownConditions and shownText bound what is told of an object; a text counts
	// in bytes.
	shownConditions = 4
	shownText       = 400
)

// troubling are the conditions that are bad when they are True; of all others
// False is bad.
var troubling = map[string]bool{
	"ReplicaFailure": true, "Failed": true, "FailureTarget": true, "Suspended": true, "ScalingLimited": true, "DisruptionTarget": true,
}

// Explain tells what an object itself says of why it is not stable: its counts of
// replicas, and the conditions that are bad or tell of progress. Both are empty
// for kinds without.
func Explain(obj *unstructured.Unstructured) ([]activities.Count, []activities.StatusCondition) {
	o := fields(obj.Object)
	var conditions []activities.StatusCondition
	for _, c := range o.conditions() {
		bad := c.status == "Unknown" || (c.status == "True") == troubling[c.kind]
		// A rollout that goes on says there what it waits for, and since which pods.
		progress := c.kind == "Progressing" && c.reason != "NewReplicaSetAvailable"
		if (bad || progress) && len(conditions) < shownConditions {
			conditions = append(conditions, activities.StatusCondition{Type: c.kind, Status: c.status, Reason: c.reason, Message: Shorten(c.message)})
		}
	}
	return counts(strings.ToLower(obj.GetKind()), o), conditions
}

func counts(kind string, o fields) []activities.Count {
	var out []activities.Count
	tell := func(name string, path ...string) {
		out = append(out, activities.Count{Name: name, Value: o.count(path...)})
	}
	switch kind {
	case "deployment", "statefulset":
		tell("desired", "spec", "replicas")
		tell("updated", "status", "updatedReplicas")
		tell("ready", "status", "readyReplicas")
		tell("available", "status", "availableReplicas")
		tell("in all", "status", "replicas")
	case "replicaset":
		tell("desired", "spec", "replicas")
		tell("ready", "status", "readyReplicas")
		tell("available", "status", "availableReplicas")
		tell("in all", "status", "replicas")
	case "daemonset":
		tell("desired", "status", "desiredNumberScheduled")
		tell("updated", "status", "updatedNumberScheduled")
		tell("ready", "status", "numberReady")
		tell("available", "status", "numberAvailable")
		tell("in all", "status", "currentNumberScheduled")
	case "job":
		tell("active", "status", "active")
		tell("ready", "status", "ready")
		tell("succeeded", "status", "succeeded")
		tell("failed", "status", "failed")
	case "horizontalpodautoscaler":
		tell("desired", "status", "desiredReplicas")
		tell("current", "status", "currentReplicas")
	}
	return out
}

// Shorten cuts a text that others wrote to what is shown of it.
func Shorten(text string) string {
	text = strings.TrimSpace(text)
	if len(text) <= shownText {
		return text
	}
	return strings.ToValidUTF8(text[:shownText], "") + "…"
}

// gravity orders the reasons of pods.
type gravity int

const (
	broken gravity = iota
	notReady
	starting
	ending
)

// Troubles gathers the reasons why pods are not ready. The zero value is ready for
// use.
type Troubles struct {
	groups map[string]*group
}

type group struct {
	gravity gravity
	told    activities.PodTrouble
}

// Add takes one pod in; a pod that is ready, or has done its work, says nothing.
func (t *Troubles) Add(pod *unstructured.Unstructured) {
	weight, told, ok := troubleOf(pod)
	if !ok {
		return
	}
	if t.groups == nil {
		t.groups = map[string]*group{}
	}
	told.Pod, told.Count = pod.GetName(), 1
	known := t.groups[told.Reason]
	if known == nil {
		t.groups[told.Reason] = &group{weight, told}
		return
	}
	known.gravity = min(known.gravity, weight)
	count := known.told.Count + 1
	// The one that is told of is the same each time that the cluster is asked.
	if told.Restarts > known.told.Restarts || told.Restarts == known.told.Restarts && told.Pod < known.told.Pod {
		known.told = told
	}
	known.told.Count = count
}

// List returns at most limit of the reasons, the gravest first and of those the
// most frequent, and how many there are beyond.
func (t *Troubles) List(limit int) (out []activities.PodTrouble, more int) {
	groups := make([]*group, 0, len(t.groups))
	for _, g := range t.groups {
		groups = append(groups, g)
	}
	slices.SortFunc(groups, func(a, b *group) int {
		switch {
		case a.gravity != b.gravity:
			return int(a.gravity - b.gravity)
		case a.told.Count != b.told.Count:
			return int(b.told.Count - a.told.Count)
		}
		return strings.Compare(a.told.Reason, b.told.Reason)
	})
	for _, g := range groups[:min(limit, len(groups))] {
		out = append(out, g.told)
	}
	return out, len(groups) - len(out)
}

// troubleOf is the gravest reason why a pod is not ready, in Kubernetes' words.
func troubleOf(pod *unstructured.Unstructured) (gravity, activities.PodTrouble, bool) {
	o := fields(pod.Object)
	phase := o.text("status", "phase")
	tell := func(reason, message string) activities.PodTrouble {
		return activities.PodTrouble{Reason: reason, Message: Shorten(message)}
	}
	if o.has("metadata", "deletionTimestamp") {
		return ending, tell("Terminating", ""), true
	}
	if phase == "Succeeded" {
		return 0, activities.PodTrouble{}, false
	}
	containers := containersOf(o)
	for _, c := range containers {
		if told, ok := c.broken(); ok {
			if reason := o.text("status", "reason"); phase == "Failed" && reason != "" {
				told.Reason, told.Message = reason, Shorten(o.text("status", "message"))
			}
			return broken, told, true
		}
	}
	if phase == "Failed" {
		reason := o.text("status", "reason")
		if reason == "" {
			reason = "Failed"
		}
		return broken, tell(reason, o.text("status", "message")), true
	}
	if c, waits := o.find("PodScheduled", "False"); waits {
		return broken, tell(or(c.reason, "Unschedulable"), c.message), true
	}
	for _, c := range containers {
		if reason := c.text("state", "waiting", "reason"); reason != "" {
			told := tell(reason, c.text("state", "waiting", "message"))
			told.Container = c.text("name")
			return starting, told, true
		}
	}
	if c, unready := o.find("Ready", "False"); unready {
		told := tell(or(c.reason, "NotReady"), c.message)
		for _, container := range containers {
			if ready, _ := container.at("ready"); ready == false {
				container.describe(&told)
				break
			}
		}
		return notReady, told, true
	}
	if phase == "Pending" || phase == "" {
		return starting, tell("Pending", o.text("status", "message")), true
	}
	return 0, activities.PodTrouble{}, false
}

func or(text, otherwise string) string {
	if text == "" {
		return otherwise
	}
	return text
}

// container is the status of one.
type container struct{ fields }

func containersOf(pod fields) []container {
	var out []container
	for _, list := range []string{"initContainerStatuses", "containerStatuses"} {
		v, _ := pod.at("status", list)
		entries, _ := v.([]any)
		for _, e := range entries {
			if m, ok := e.(map[string]any); ok {
				out = append(out, container{fields(m)})
			}
		}
	}
	return out
}

// broken tells of a container that does not run because something is wrong with
// it.
func (c container) broken() (activities.PodTrouble, bool) {
	var told activities.PodTrouble
	switch reason := c.text("state", "waiting", "reason"); {
	case reason == "ContainerCreating" || reason == "PodInitializing":
		return told, false
	case reason != "":
		told.Reason, told.Message = reason, Shorten(c.text("state", "waiting", "message"))
	case c.has("state", "terminated") && c.count("state", "terminated", "exitCode") != 0:
		told.Reason = or(c.text("state", "terminated", "reason"), "Error")
		told.Message = Shorten(c.text("state", "terminated", "message"))
	default:
		return told, false
	}
	c.describe(&told)
	return told, true
}

// describe adds which container it is, and how it ended the last time.
func (c container) describe(told *activities.PodTrouble) {
	told.Container, told.Restarts = c.text("name"), c.count("restartCount")
	for _, state := range []string{"state", "lastState"} {
		if c.has(state, "terminated") {
			code := c.count(state, "terminated", "exitCode")
			told.ExitCode, told.ExitReason = &code, c.text(state, "terminated", "reason")
			return
		}
	}
}
