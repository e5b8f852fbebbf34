package clouddriver

import (
	"context"
	"fmt"
	"slices"
	"strings"
	"time"

	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/apis/meta/v1/unstructured"
	"k8s.io/apimachinery/pkg/labels"
	"k8s.io/apimachinery/pkg/types"

	"github.com/gennaker/gennaker/activities"
	"github.com/gennaker/gennaker/activities/clouddriver/status"
	"github.com/gennaker/gennaker/pipeline"
)

// maxShownPods is how many of a Job's pods, the newest, an answer describes.
const maxShownPods = 20

// runJobGrace is how long the creation of a Job may go on once its stage was
// cancelled.
const runJobGrace = 4 * time.Second

// RunJob implements [activities.Clouddriver] (reference: clouddriver section
// 4): a deployment of one Job that is always made anew, once per operation.
//
// A cancellation does not cut the creation off at once: its answer is how the
// stage knows which Job to delete.
func (c *Clouddriver) RunJob(ctx context.Context, in activities.RunJobInput) (activities.RunJobOutput, error) {
	within, cancel := context.WithCancel(context.WithoutCancel(ctx))
	defer cancel()
	defer context.AfterFunc(ctx, func() { time.AfterFunc(runJobGrace, cancel) })()
	return c.runJob(within, in)
}

func (c *Clouddriver) runJob(ctx context.Context, in activities.RunJobInput) (activities.RunJobOutput, error) {
	var none activities.RunJobOutput
	raw, _ := plain(map[string]any(in.Manifest)).(map[string]any)
	obj := &unstructured.Unstructured{Object: raw}
	if !KindOf(obj.GroupVersionKind()).is("job") {
		return none, pipeline.Errorf(pipeline.CodeInvalid, "Only kind of Job is accepted for the Run Job operation; the manifest's kind is %q.", obj.GetKind())
	}
	if in.Namespace != "" {
		obj.SetNamespace(in.Namespace)
	}
	if annotations := ensure(raw, "metadata", "annotations"); annotations != nil {
		delete(annotations, strategyPrefix+"replace")
		delete(annotations, strategyPrefix+"server-side-apply")
		annotations[strategyPrefix+"recreate"] = "true"
	}
	out, err := c.DeployManifest(ctx, activities.DeployManifestInput{
		Scope: in.Scope, Account: in.Account, Manifests: []pipeline.Map{raw},
		Moniker:           activities.Moniker{App: in.Application},
		RequiredArtifacts: in.RequiredArtifacts, OptionalArtifacts: in.OptionalArtifacts,
		EnableTraffic: true,
	})
	if err != nil {
		return none, err
	}
	made := out.Manifests[0].Map("metadata")
	return activities.RunJobOutput{DeployManifestOutput: out, Namespace: made.String("namespace"), Name: made.String("name"), UID: made.String("uid")}, nil
}

// AwaitJob implements [activities.Clouddriver] (reference: clouddriver section
// 11). It watches the Job until it succeeded or failed, or until what troubles its
// pods has changed where the input asks for that. Errors are those of
// AwaitStable, and failed when the Job was replaced by another; a failed Job is
// no error but an answer.
func (c *Clouddriver) AwaitJob(ctx context.Context, in activities.AwaitJobInput) (activities.AwaitJobOutput, error) {
	var none activities.AwaitJobOutput
	cl, err := c.open(ctx, in.Scope, in.Account, Read)
	if err != nil {
		return none, err
	}
	heart := startHeart(ctx, nil)
	defer heart.rest()
	o, err := cl.locate(ctx, in.Namespace, "job "+strings.TrimPrefix(in.Name, "job "))
	if err != nil {
		return none, err
	}
	ended, news, err := cl.awaitRunOrTrouble(ctx, o, in)
	if err != nil {
		return none, err
	}
	if ended == nil {
		return activities.AwaitJobOutput{Running: true, Explanation: news, Status: pipeline.Map{}}, nil
	}
	pods, err := cl.podsOf(ctx, ended)
	if err != nil {
		return none, err
	}
	out := jobAnswer(in.Account, ended, pods)
	if !out.Succeeded && in.Explain {
		out.Explanation = cl.explain(ctx, []*unstructured.Unstructured{ended})[0]
	}
	if in.PropertyFile == "" {
		return out, nil
	}
	out.Properties, err = cl.jobProperties(ctx, pods, in.PropertyFile)
	switch {
	case err == nil:
	case out.Succeeded && (passing(err) || ctx.Err() != nil):
		return none, err // the properties are what the stage is for: asked again
	default:
		out.PropertiesFault = pipeline.MessageOf(err)
	}
	return out, nil
}

// awaitRun watches the Job with this UID, or whichever has the name when uid is
// empty, to its end. It tells each state of it to see.
func (cl *cluster) awaitRun(ctx context.Context, o object, uid types.UID, see func(*unstructured.Unstructured)) (*unstructured.Unstructured, error) {
	ctx, cancel := context.WithCancelCause(ctx)
	defer cancel(nil)
	absent := time.AfterFunc(missingPatience, func() {
		cancel(pipeline.Errorf(pipeline.CodeNotFound,
			"%s of account %q does not exist; it was deleted, or its ttlSecondsAfterFinished ran out, before its end was seen.", o, cl.account.Name))
	})
	absent.Stop()
	defer absent.Stop()
	there := true
	var ended *unstructured.Unstructured
	err := cl.follow(ctx, o, func(obj *unstructured.Unstructured) bool {
		switch {
		case obj == nil && there:
			absent.Reset(missingPatience)
		case obj != nil && !there:
			absent.Stop()
		}
		if there = obj != nil; !there {
			return false
		}
		ended = obj
		if uid != "" && obj.GetUID() != uid {
			return true
		}
		see(obj)
		state, _ := status.Job(obj)
		return state != status.JobRunning
	})
	if err == nil && uid != "" && ended.GetUID() != uid {
		return nil, pipeline.Errorf(pipeline.CodeFailed,
			"The Job '%s' of this stage was replaced by another execution's before its end was seen. Give Jobs that may run at once names of their own, with metadata.generateName.",
			o.name)
	}
	return ended, err
}

// podsOf lists the pods of a Job, oldest first.
func (cl *cluster) podsOf(ctx context.Context, job *unstructured.Unstructured) ([]*unstructured.Unstructured, error) {
	pods, err := cl.catalog.resolve(ctx, "pod")
	if err != nil {
		return nil, err
	}
	selector := labels.Set{"batch.kubernetes.io/controller-uid": string(job.GetUID())}
	if match, ok, _ := unstructured.NestedStringMap(job.Object, "spec", "selector", "matchLabels"); ok && len(match) > 0 {
		selector = match
	}
	var out []*unstructured.Unstructured
	err = cl.each(ctx, pods, job.GetNamespace(), metav1.ListOptions{LabelSelector: selector.String()}, func(pod *unstructured.Unstructured) {
		out = append(out, pod)
	})
	slices.SortStableFunc(out, func(a, b *unstructured.Unstructured) int { return strings.Compare(created(a), created(b)) })
	return out, err
}

// jobAnswer describes an ended Job as Spinnaker does.
func jobAnswer(account string, job *unstructured.Unstructured, pods []*unstructured.Unstructured) activities.AwaitJobOutput {
	state, message := status.Job(job)
	out := activities.AwaitJobOutput{Succeeded: state == status.JobSucceeded}
	completion := pipeline.Map{"exitCode": "", "signal": "", "message": "", "reason": ""}
	shownPods := []any{}
	var latest string
	for _, pod := range pods[max(0, len(pods)-maxShownPods):] {
		podStatus, _ := dig(pod.Object, "status")
		shownPods = append(shownPods, map[string]any{"name": pod.GetName(), "status": podStatus})
		latest = pod.GetName()
	}
	if !out.Succeeded {
		out.Message, out.Reason = message, failureReason(job)
		if t := findTrouble(pods); t != nil {
			out.FailureDetails = t.String()
			completion = pipeline.Map{"exitCode": t.exitCode, "signal": t.signal, "message": t.message, "reason": t.reason}
		}
	}
	out.Status = pipeline.Map{
		"name": job.GetName(), "account": account, "id": string(job.GetUID()), "location": job.GetNamespace(),
		"provider": Provider, "type": Provider, "createdTime": millis(job.Object, "metadata", "creationTimestamp"),
		"completedTime": completedTime(job), "jobState": string(state), "completionDetails": map[string]any(completion),
		"pods": shownPods, "mostRecentPodName": latest, "failureDetails": out.FailureDetails,
		"message": out.Message, "reason": out.Reason,
	}
	return out
}

func failureReason(job *unstructured.Unstructured) string {
	for _, c := range conditions(job) {
		if c.String("type") == "Failed" && c.String("status") == "True" {
			return c.String("reason")
		}
	}
	return ""
}

func conditions(obj *unstructured.Unstructured) []pipeline.Map {
	st, _ := dig(obj.Object, "status")
	var out []pipeline.Map
	for _, c := range items(st, "conditions") {
		out = append(out, c)
	}
	return out
}

// completedTime is status.completionTime, which failed Jobs lack, or else when
// the Job was found failed; nil while there is neither.
func completedTime(job *unstructured.Unstructured) any {
	if at := millis(job.Object, "status", "completionTime"); at != nil {
		return at
	}
	for _, c := range conditions(job) {
		if c.String("type") == "Failed" && c.String("status") == "True" {
			return millis(c, "lastTransitionTime")
		}
	}
	return nil
}

func millis(m map[string]any, path ...string) any {
	text, _, _ := unstructured.NestedString(m, path...)
	at, err := time.Parse(time.RFC3339, text)
	if err != nil {
		return nil
	}
	return at.UnixMilli()
}

// trouble is what went wrong in one container.
type trouble struct {
	pod, container   string
	exitCode, signal any
	reason, message  string
	waiting          bool
}

// findTrouble returns the first container that ended other than with 0, else
// the first that still waits, the newest pod first.
func findTrouble(pods []*unstructured.Unstructured) *trouble {
	for _, waiting := range []bool{false, true} {
		for _, pod := range slices.Backward(pods) {
			if t := troubleIn(pod, waiting); t != nil {
				return t
			}
		}
	}
	return nil
}

func troubleIn(pod *unstructured.Unstructured, waiting bool) *trouble {
	st, _ := dig(pod.Object, "status")
	for _, list := range []string{"initContainerStatuses", "containerStatuses"} {
		for _, container := range items(st, list) {
			c := pipeline.Map(container)
			t := &trouble{pod: pod.GetName(), container: c.String("name"), exitCode: "", signal: "", waiting: waiting}
			state := c.Map("state").Map("terminated")
			if state == nil && !waiting {
				state = c.Map("lastState").Map("terminated")
			}
			if waiting {
				state = c.Map("state").Map("waiting")
			}
			if state == nil {
				continue
			}
			code, known := state.Int("exitCode")
			if !waiting && (!known || code == 0) {
				continue
			}
			t.reason, t.message = state.String("reason"), state.String("message")
			if known {
				t.exitCode = code
			}
			if signal, ok := state.Int("signal"); ok {
				t.signal = signal
			}
			return t
		}
	}
	return nil
}

// String is the text that Spinnaker shows for a failed container.
func (t *trouble) String() string {
	if t.waiting {
		return fmt.Sprintf("Pod: '%s' had errors.\n Container: '%s' is waiting.\n Status: %s.\n Logs: %s", t.pod, t.container, t.reason, t.message)
	}
	return fmt.Sprintf("Pod: '%s' had errors.\n Container: '%s' exited with code: %v.\n Status: %s.\n Logs: %s",
		t.pod, t.container, t.exitCode, t.reason, t.message)
}
