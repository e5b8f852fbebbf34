package clouddriver

import (
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/require"
	"k8s.io/apimachinery/pkg/apis/meta/v1/unstructured"

	"github.com/gennaker/gennaker/activities"
	"github.com/gennaker/gennaker/pipeline"
)

const migrateJob = `
apiVersion: batch/v1
kind: Job
metadata: {name: migrate, annotations: {strategy.spinnaker.io/replace: "true"}}
spec:
  backoffLimit: 0
  template:
    metadata: {annotations: {local.gennaker.io/run-for: 200ms}}
    spec: {restartPolicy: Never, containers: [{name: main, image: "migrate:1"}]}
`

func (r *rig) job(t *testing.T, text string) activities.RunJobInput {
	t.Helper()
	return activities.RunJobInput{Scope: scope(), Account: testAccount, Application: "shop", Namespace: r.namespace, Manifest: r.docs(t, text)[0]}
}

func (r *rig) awaitJob(t *testing.T, out activities.RunJobOutput) activities.AwaitJobOutput {
	t.Helper()
	ended, err := r.AwaitJob(t.Context(), activities.AwaitJobInput{Scope: scope(), Account: testAccount, Namespace: out.Namespace, Name: out.Name, UID: out.UID})
	require.NoError(t, err)
	return ended
}

func TestReferenceRunJob(t *testing.T) {
	t.Parallel()
	r := newRig(t)
	in := r.job(t, migrateJob)
	in.RequiredArtifacts = []pipeline.Artifact{{Type: "docker/image", Name: "migrate", Reference: "migrate:2"}}
	out, err := r.RunJob(t.Context(), in)
	require.NoError(t, err)
	require.Equal(t, r.namespace, out.Namespace)
	require.Equal(t, "migrate", out.Name)
	require.Len(t, out.BoundArtifacts, 1)
	ended := r.awaitJob(t, out)
	require.True(t, ended.Succeeded)
	require.Equal(t, "Succeeded", ended.Status["jobState"])
	require.Equal(t, "migrate", ended.Status["name"])
	require.Equal(t, testAccount, ended.Status["account"])
	require.IsType(t, int64(0), ended.Status["completedTime"])
	require.Len(t, ended.Status["pods"], 1)
	uid := r.live(t, "job migrate").GetUID()

	_, err = r.RunJob(t.Context(), in)
	require.NoError(t, err)
	require.Equal(t, uid, r.live(t, "job migrate").GetUID(), "a retry runs nothing again, even after the end")

	in.Scope.Attempt++
	_, err = r.RunJob(t.Context(), in)
	require.NoError(t, err)
	require.NotEqual(t, uid, r.live(t, "job migrate").GetUID(), "a new call runs the job anew")
}

func TestJobThatFailsTellsWhy(t *testing.T) {
	t.Parallel()
	r := newRig(t)
	out, err := r.RunJob(t.Context(), r.job(t, strings.Replace(migrateJob, "local.gennaker.io/run-for: 200ms", "local.gennaker.io/fails: exit", 1)))
	require.NoError(t, err)
	ended := r.awaitJob(t, out)
	require.False(t, ended.Succeeded)
	require.Equal(t, "BackoffLimitExceeded", ended.Reason)
	require.Contains(t, ended.Message, "backoff limit")
	require.Contains(t, ended.FailureDetails, "Container: 'main' exited with code: 1.")
	require.Equal(t, "Failed", ended.Status["jobState"])
	require.IsType(t, int64(0), ended.Status["completedTime"])
	require.Equal(t, int64(1), ended.Status.Map("completionDetails")["exitCode"])
}

func TestJobThatNeverStartsTellsWhatItWaitsFor(t *testing.T) {
	t.Parallel()
	r := newRig(t)
	text := strings.Replace(migrateJob, "local.gennaker.io/run-for: 200ms", "local.gennaker.io/fails: image", 1)
	out, err := r.RunJob(t.Context(), r.job(t, strings.Replace(text, "backoffLimit: 0", "backoffLimit: 0\n  activeDeadlineSeconds: 2\n  podReplacementPolicy: Failed", 1)))
	require.NoError(t, err)
	ended := r.awaitJob(t, out)
	require.False(t, ended.Succeeded)
	require.Equal(t, "DeadlineExceeded", ended.Reason)
}

func TestGeneratedJobRunsOnce(t *testing.T) {
	t.Parallel()
	r := newRig(t)
	in := r.job(t, strings.Replace(migrateJob, "name: migrate,", "generateName: migrate-,", 1))
	first, err := r.RunJob(t.Context(), in)
	require.NoError(t, err)
	second, err := r.RunJob(t.Context(), in)
	require.NoError(t, err)
	require.Equal(t, first.Name, second.Name)
	require.True(t, r.awaitJob(t, first).Succeeded)
}

// Two executions that run Jobs of one name: the older one's stage neither judges
// nor deletes the Job that took its place.
func TestReplacedJobIsLeftAlone(t *testing.T) {
	t.Parallel()
	r := newRig(t)
	long := strings.Replace(migrateJob, "200ms", "30m", 1)
	first, err := r.RunJob(t.Context(), r.job(t, long))
	require.NoError(t, err)
	require.Equal(t, string(r.live(t, "job migrate").GetUID()), first.UID)
	wait := func(uid string) error {
		_, err := r.AwaitJob(t.Context(), activities.AwaitJobInput{
			Scope: scope(), Account: testAccount, Namespace: r.namespace, Name: "migrate", UID: uid,
		})
		return err
	}
	waited := make(chan error, 1)
	go func() { waited <- wait(first.UID) }()

	second, err := r.RunJob(t.Context(), r.job(t, long))
	require.NoError(t, err)
	require.NotEqual(t, first.UID, second.UID)
	for _, err := range []error{<-waited, wait(first.UID)} {
		requireCode(t, err, pipeline.CodeFailed)
		require.ErrorContains(t, err, "The Job 'migrate' of this stage was replaced by another execution's")
	}

	in := r.deletion("job migrate")
	in.UID = first.UID
	out, err := r.DeleteManifest(t.Context(), in)
	require.NoError(t, err)
	require.Empty(t, out.ManifestNamesByNamespace)
	require.Equal(t, second.UID, string(r.live(t, "job migrate").GetUID()))

	in.UID = second.UID
	out, err = r.DeleteManifest(t.Context(), in)
	require.NoError(t, err)
	require.Equal(t, map[string][]string{r.namespace: {"job migrate"}}, out.ManifestNamesByNamespace)
	require.Nil(t, r.live(t, "job migrate"))
}

func TestReferenceRunJobRefusesOtherKinds(t *testing.T) {
	t.Parallel()
	r := newRig(t)
	for _, text := range []string{webDeployment, "{}", "apiVersion: example.com/v1\nkind: Job\nmetadata: {name: a}"} {
		_, err := r.RunJob(t.Context(), r.job(t, text))
		requireCode(t, err, pipeline.CodeInvalid)
		require.ErrorContains(t, err, "Only kind of Job")
	}
}

func TestMissingJobIsNotFound(t *testing.T) {
	t.Parallel()
	r := newRig(t)
	started := time.Now()
	_, err := r.AwaitJob(t.Context(), activities.AwaitJobInput{Scope: scope(), Account: testAccount, Namespace: r.namespace, Name: "none"})
	requireCode(t, err, pipeline.CodeNotFound)
	require.ErrorContains(t, err, "ttlSecondsAfterFinished")
	require.InDelta(t, missingPatience.Seconds(), time.Since(started).Seconds(), 3)
}

func pod(t *testing.T, name, statuses string) *unstructured.Unstructured {
	t.Helper()
	return parsed(t, "apiVersion: v1\nkind: Pod\nmetadata: {name: "+name+"}\nstatus: "+statuses+"\n").obj
}

func TestFindTrouble(t *testing.T) {
	t.Parallel()
	ended := `{containerStatuses: [{name: ok, state: {terminated: {exitCode: 0}}}, {name: bad, state: {terminated: {exitCode: 3, reason: Error, message: boom}}}]}`
	initial := `{initContainerStatuses: [{name: init, state: {terminated: {exitCode: 2, reason: Error}}}], containerStatuses: [{name: main, state: {waiting: {reason: PodInitializing}}}]}`
	waits := `{containerStatuses: [{name: main, state: {waiting: {reason: ImagePullBackOff, message: no such image}}}]}`
	crashes := `{containerStatuses: [{name: main, state: {waiting: {reason: CrashLoopBackOff}}, lastState: {terminated: {exitCode: 137, signal: 9, reason: OOMKilled}}}]}`
	fine := `{containerStatuses: [{name: main, state: {running: {}}}]}`
	for _, c := range []struct {
		name string
		pods []*unstructured.Unstructured
		want string
	}{
		{"none", nil, ""},
		{"running", []*unstructured.Unstructured{pod(t, "a", fine)}, ""},
		{"without status", []*unstructured.Unstructured{pod(t, "a", "null")}, ""},
		{"the first that ended badly", []*unstructured.Unstructured{pod(t, "a", ended)}, "Pod: 'a' had errors.\n Container: 'bad' exited with code: 3.\n Status: Error.\n Logs: boom"},
		{"init containers count", []*unstructured.Unstructured{pod(t, "a", initial)}, "Pod: 'a' had errors.\n Container: 'init' exited with code: 2.\n Status: Error.\n Logs: "},
		{"one that waits", []*unstructured.Unstructured{pod(t, "a", waits)}, "Pod: 'a' had errors.\n Container: 'main' is waiting.\n Status: ImagePullBackOff.\n Logs: no such image"},
		{"the last end of one that crashes", []*unstructured.Unstructured{pod(t, "a", crashes)}, "Pod: 'a' had errors.\n Container: 'main' exited with code: 137.\n Status: OOMKilled.\n Logs: "},
		{"an end says more than a wait", []*unstructured.Unstructured{pod(t, "a", ended), pod(t, "b", waits)}, "Pod: 'a' had errors.\n Container: 'bad' exited with code: 3.\n Status: Error.\n Logs: boom"},
		{"the newest pod speaks", []*unstructured.Unstructured{pod(t, "a", ended), pod(t, "b", ended)}, "Pod: 'b' had errors.\n Container: 'bad' exited with code: 3.\n Status: Error.\n Logs: boom"},
	} {
		trouble := findTrouble(c.pods)
		if c.want == "" {
			require.Nil(t, trouble, c.name)
			continue
		}
		require.Equal(t, c.want, trouble.String(), c.name)
	}
}

func TestJobAnswerIsBounded(t *testing.T) {
	t.Parallel()
	var pods []*unstructured.Unstructured
	for range 3 * maxShownPods {
		pods = append(pods, pod(t, "p", "{}"))
	}
	pods = append(pods, pod(t, "last", "{}"))
	answer := jobAnswer(testAccount, parsed(t, "apiVersion: batch/v1\nkind: Job\nmetadata: {name: j, namespace: ns, creationTimestamp: '2026-01-02T03:04:05Z'}\nstatus: {succeeded: 1}\n").obj, pods)
	require.Len(t, answer.Status["pods"], maxShownPods)
	require.Equal(t, "last", answer.Status["mostRecentPodName"])
	require.Equal(t, int64(1767323045000), answer.Status["createdTime"])
	require.Nil(t, answer.Status["completedTime"])
}
