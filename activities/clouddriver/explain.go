package clouddriver

import (
	"cmp"
	"context"
	"fmt"
	"regexp"
	"slices"
	"strings"
	"time"

	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/apis/meta/v1/unstructured"
	"k8s.io/apimachinery/pkg/types"

	"github.com/gennaker/gennaker/activities"
	"github.com/gennaker/gennaker/activities/clouddriver/status"
	"github.com/gennaker/gennaker/pipeline"
)

const (
	// explainAfter is how long an object must have been unstable before the cluster
	// is asked why, so that a fast rollout lists no pods. With each explanation the
	// time to the next one doubles, up to explainEvery.
	explainAfter = 5 * time.Second
	explainEvery = time.Minute
	// explainTimeout bounds the asking; what does not answer by then is named.
	explainTimeout = 10 * time.Second

	// What is looked at: objects at once, pages of an object's pods and of a
	// namespace's warnings, and what is told of them.
	explainedObjects = 10
	podPages         = 1
	warningPages     = 4
	shownTroubles    = 5
	shownWarnings    = 5
	// warningAge is how old a warning may be: older ones are of earlier rollouts.
	warningAge = 10 * time.Minute
)

// pace is the time from one explanation of a wait to the next.
func pace(edition int) time.Duration {
	if edition > 10 {
		return explainEvery
	}
	return min(explainAfter<<edition, explainEvery)
}

// explain asks the cluster why objects are not stable, each in its place of the
// answer. It never fails: what may not be read, and what does not answer, stands
// in Missing.
func (cl *cluster) explain(ctx context.Context, objects []*unstructured.Unstructured) []*activities.Explanation {
	ctx, cancel := context.WithTimeout(ctx, explainTimeout)
	defer cancel()
	out := make([]*activities.Explanation, len(objects))
	families := make([]family, len(objects))
	for i, obj := range objects {
		e := &activities.Explanation{At: pipeline.ToMillis(time.Now())}
		out[i] = e
		if i >= explainedObjects {
			e.Missing = []string{fmt.Sprintf("More than %d objects are not stable: only the first are looked into.", explainedObjects)}
			continue
		}
		e.Counts, e.Conditions = status.Explain(obj)
		families[i] = cl.lookInto(ctx, obj, e)
	}
	warnings := map[string]*warnings{} // by namespace
	for i, f := range families {
		if f == nil {
			continue
		}
		namespace := objects[i].GetNamespace()
		if warnings[namespace] == nil {
			warnings[namespace] = cl.warningsIn(ctx, namespace)
		}
		out[i].Events = warnings[namespace].about(f)
		out[i].Missing = append(out[i].Missing, warnings[namespace].missing...)
	}
	return out
}

// family are an object, its ReplicaSets and its pods, by UID.
type family map[types.UID]bool

// lookInto reads the ReplicaSets and the pods that belong to an object. It returns
// nil for an object whose warnings cannot be told.
func (cl *cluster) lookInto(ctx context.Context, obj *unstructured.Unstructured, e *activities.Explanation) family {
	if obj.GetNamespace() == "" {
		return nil
	}
	f := family{obj.GetUID(): true}
	kind := KindOf(obj.GroupVersionKind())
	var troubles status.Troubles
	switch {
	case kind.is("pod"):
		troubles.Add(obj)
	case kind.is("deployment"), kind.is("replicaset"), kind.is("statefulset"), kind.is("daemonset"), kind.is("job"):
		if kind.is("deployment") {
			cl.selected(ctx, obj, "replicaSet", e, func(set *unstructured.Unstructured) {
				if metav1.IsControlledBy(set, obj) {
					f[set.GetUID()] = true
				}
			})
		}
		cl.selected(ctx, obj, "pod", e, func(pod *unstructured.Unstructured) {
			if owns(obj, kind, pod) {
				f[pod.GetUID()] = true
				troubles.Add(pod)
			}
		})
	}
	var more int
	if e.Pods, more = troubles.List(shownTroubles); more > 0 {
		e.Missing = append(e.Missing, fmt.Sprintf("Pods have %d further reasons.", more))
	}
	return f
}

// owns reports whether a pod is a workload's own. A Deployment's ReplicaSets have
// its name and the hash of their template.
func owns(obj *unstructured.Unstructured, kind Kind, pod *unstructured.Unstructured) bool {
	if !kind.is("deployment") {
		return metav1.IsControlledBy(pod, obj)
	}
	owner := metav1.GetControllerOf(pod)
	return owner != nil && owner.Kind == "ReplicaSet" && owner.Name == obj.GetName()+"-"+pod.GetLabels()[templateHashLabel]
}

// selected lists objects of a kind that the selector of obj selects.
func (cl *cluster) selected(ctx context.Context, obj *unstructured.Unstructured, kind string, e *activities.Explanation, see func(*unstructured.Unstructured)) {
	r, err := cl.catalog.resolve(ctx, kind)
	var options metav1.ListOptions
	if err == nil {
		options, err = selectedBy(obj)
	}
	if err == nil {
		var more bool
		if more, err = cl.some(ctx, r, obj.GetNamespace(), options, podPages, see); more {
			e.Missing = append(e.Missing, fmt.Sprintf("Only the first %d of the %s were looked at.", podPages*listPage, r.gvr.Resource))
		}
	}
	if err != nil {
		e.Missing = append(e.Missing, status.Shorten(pipeline.MessageOf(err)))
	}
}

// some is [cluster.each] for a number of pages. It reports whether there are more.
func (cl *cluster) some(ctx context.Context, r resource, namespace string, options metav1.ListOptions, pages int, see func(*unstructured.Unstructured)) (bool, error) {
	options.Limit = listPage
	for range pages {
		page, err := cl.list(ctx, r, namespace, options)
		if err != nil {
			return false, fromAPI(ctx, err, cl.account.Name, "list "+r.gvr.Resource+" in namespace "+cl.orDefault(namespace))
		}
		for i := range page.Items {
			see(&page.Items[i])
		}
		if options.Continue = page.GetContinue(); options.Continue == "" {
			return false, nil
		}
	}
	return true, nil
}

// warnings are the young ones of a namespace.
type warnings struct {
	all     []warning
	missing []string
}

type warning struct {
	activities.WarningEvent
	uid types.UID
	// like is equal for the same warning about several objects of a kind.
	like string
}

// warningsIn reads a namespace's warnings once for all objects in it.
func (cl *cluster) warningsIn(ctx context.Context, namespace string) *warnings {
	w := &warnings{}
	r, err := cl.catalog.resolve(ctx, "event")
	if err == nil {
		oldest := pipeline.ToMillis(time.Now().Add(-warningAge))
		var more bool
		more, err = cl.some(ctx, r, namespace, metav1.ListOptions{FieldSelector: "type=Warning"}, warningPages, func(event *unstructured.Unstructured) {
			if one := warningOf(event); one.LastSeen == 0 || one.LastSeen >= oldest {
				w.all = append(w.all, one)
			}
		})
		if more {
			w.missing = append(w.missing, fmt.Sprintf("Only the first %d warnings of the namespace %s were looked at.", warningPages*listPage, namespace))
		}
	}
	if err != nil {
		w.missing = append(w.missing, status.Shorten(pipeline.MessageOf(err)))
	}
	return w
}

// uids are written into messages about pods, and differ for each.
var uids = regexp.MustCompile(`[0-9a-f]{8}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{12}`)

func warningOf(event *unstructured.Unstructured) warning {
	text := func(path ...string) string {
		v, _, _ := unstructured.NestedString(event.Object, path...)
		return v
	}
	subject, _ := dig(event.Object, "involvedObject")
	if subject == nil {
		subject, _ = dig(event.Object, "regarding") // as events.k8s.io writes it
	}
	about := pipeline.Map(subject)
	message := text("message")
	if message == "" {
		message = text("note")
	}
	kind, name := about.String("kind"), about.String("name")
	w := warning{
		WarningEvent: activities.WarningEvent{Reason: text("reason"), Message: status.Shorten(message), Object: kind + " " + name, Count: 1},
		uid:          types.UID(about.String("uid")),
	}
	w.like = kind + "\x00" + w.Reason + "\x00" + uids.ReplaceAllString(strings.ReplaceAll(w.Message, name, ""), "")
	if n, ok := pipeline.Map(event.Object).Int("count"); ok {
		w.Count = n
	}
	if series, ok := dig(event.Object, "series"); ok {
		if n, ok := pipeline.Map(series).Int("count"); ok {
			w.Count = max(w.Count, n)
		}
	}
	for _, path := range [][]string{{"series", "lastObservedTime"}, {"lastTimestamp"}, {"eventTime"}, {"firstTimestamp"}, {"metadata", "creationTimestamp"}} {
		if at, err := time.Parse(time.RFC3339, text(path...)); err == nil {
			w.LastSeen = max(w.LastSeen, pipeline.ToMillis(at))
		}
	}
	return w
}

// about are the last warnings of a family, each once, newest first.
func (w *warnings) about(f family) []activities.WarningEvent {
	merged := map[string]*activities.WarningEvent{}
	for _, one := range w.all {
		if !f[one.uid] {
			continue
		}
		known := merged[one.like]
		if known == nil {
			event := one.WarningEvent
			merged[one.like] = &event
			continue
		}
		count := known.Count + one.Count
		if one.LastSeen > known.LastSeen || one.LastSeen == known.LastSeen && one.Object < known.Object {
			*known = one.WarningEvent
		}
		known.Count = count
	}
	out := make([]activities.WarningEvent, 0, len(merged))
	for _, e := range merged {
		out = append(out, *e)
	}
	slices.SortFunc(out, func(a, b activities.WarningEvent) int {
		return cmp.Or(cmp.Compare(b.LastSeen, a.LastSeen), strings.Compare(a.Object, b.Object), strings.Compare(a.Reason, b.Reason), strings.Compare(a.Message, b.Message))
	})
	if len(out) == 0 {
		return nil
	}
	return out[:min(len(out), shownWarnings)]
}
