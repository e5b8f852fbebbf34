package clouddriver

import (
	"context"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/require"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/apis/meta/v1/unstructured"

	"github.com/gennaker/gennaker/activities"
	"github.com/gennaker/gennaker/pipeline"
)

// Rows of reference: clouddriver section 4, against a real control plane.

func (r *rig) target(name string) activities.ManifestInput {
	return activities.ManifestInput{Scope: scope(), Account: testAccount, Location: r.namespace, ManifestName: name}
}

const (
	statefulDB = `
apiVersion: apps/v1
kind: StatefulSet
metadata: {name: db, namespace: NS}
spec:
  replicas: 1
  serviceName: db
  selector: {matchLabels: {app: db}}
  template:
    metadata: {labels: {app: db}}
    spec: {containers: [{name: db, image: "postgres:1"}]}
`
	daemonAgent = `
apiVersion: apps/v1
kind: DaemonSet
metadata: {name: agent, namespace: NS}
spec:
  selector: {matchLabels: {app: agent}}
  template:
    metadata: {labels: {app: agent}}
    spec: {containers: [{name: agent, image: "agent:1"}]}
`
	plainAccount = "apiVersion: v1\nkind: ServiceAccount\nmetadata: {name: robot, namespace: NS}\n"
)

func (r *rig) replicas(t *testing.T, name string) int64 {
	t.Helper()
	n, _ := sourceReplicas(r.live(t, name))
	return n
}

func (r *rig) image(t *testing.T, name string) any {
	t.Helper()
	return containers(t, r.live(t, name))[0].(map[string]any)["image"]
}

func TestReferenceScaleManifest(t *testing.T) {
	t.Parallel()
	r := newRig(t)
	r.deploy(t, webDeployment+"---"+statefulDB+"---\n"+plainAccount)
	scale := func(name string, n int64) error {
		_, err := r.ScaleManifest(t.Context(), activities.ScaleManifestInput{ManifestInput: r.target(name), Replicas: n})
		return err
	}
	require.NoError(t, scale("deployment web", 3))
	require.Equal(t, int64(3), r.replicas(t, "deployment web"))
	require.NoError(t, scale("deploy web", 0))
	require.Zero(t, r.replicas(t, "deployment web"))
	require.NoError(t, scale("statefulSet db", 2))
	require.Equal(t, int64(2), r.replicas(t, "statefulSet db"))

	requireCode(t, scale("serviceAccount robot", 1), pipeline.CodeInvalid)
	require.ErrorContains(t, scale("serviceAccount robot", 1), "does not support scale")
	require.ErrorContains(t, scale("daemonSet agent", 1), "does not support scale", "the kind is checked first")
	requireCode(t, scale("deployment gone", 1), pipeline.CodeNotFound)
	requireCode(t, scale("deployment web", -1), pipeline.CodeInvalid)
	requireCode(t, scale("web", 1), pipeline.CodeInvalid)
}

func TestReferenceResizeServerGroup(t *testing.T) {
	t.Parallel()
	r := newRig(t)
	r.deploy(t, strings.Replace(plainReplicaSet, "replicas: 1", "replicas: 0", 1)+"---"+daemonAgent)
	in := activities.ScaleManifestInput{ManifestInput: r.target("replicaSet web-v000"), Replicas: 2, Resize: true}
	_, err := r.ScaleManifest(t.Context(), in)
	require.NoError(t, err)
	require.Equal(t, int64(2), r.replicas(t, "replicaSet web-v000"))
	in.ManifestInput = r.target("daemonSet agent")
	_, err = r.ScaleManifest(t.Context(), in)
	requireCode(t, err, pipeline.CodeInvalid)
	require.ErrorContains(t, err, "does not support resize")
}

const plainReplicaSet = `
apiVersion: apps/v1
kind: ReplicaSet
metadata: {name: web, namespace: NS}
spec:
  replicas: 1
  selector: {matchLabels: {app: web}}
  template: {metadata: {labels: {app: web}}, spec: {containers: [{name: web, image: "nginx:1"}]}}
`

func TestReferencePauseResumeAndRestart(t *testing.T) {
	t.Parallel()
	r := newRig(t)
	r.deploy(t, webDeployment+"---"+statefulDB+"---"+daemonAgent+"---\n"+plainAccount)
	restartedAt := func(name string) any {
		return at(r.live(t, name).Object, "spec", "template", "metadata", "annotations", restartedAtAnnotation)
	}
	for range 2 { // what is paused stays paused, what runs goes on
		_, err := r.PauseRollout(t.Context(), r.target("deployment web"))
		require.NoError(t, err)
		require.Equal(t, true, at(r.live(t, "deployment web").Object, "spec", "paused"))
	}
	_, err := r.RollingRestart(t.Context(), r.target("deployment web"))
	requireCode(t, err, pipeline.CodeInvalid)
	require.ErrorContains(t, err, "Can't restart the paused deployment")
	for range 2 {
		_, err = r.ResumeRollout(t.Context(), r.target("deployment web"))
		require.NoError(t, err)
		require.False(t, isPaused(r.live(t, "deployment web")))
	}
	for _, name := range []string{"deployment web", "statefulSet db", "daemonSet agent"} {
		in := r.target(name)
		_, err := r.RollingRestart(t.Context(), in)
		require.NoError(t, err)
		first, err := time.Parse(time.RFC3339, restartedAt(name).(string))
		require.NoError(t, err)
		require.WithinDuration(t, time.Now(), first, time.Minute)
		generation := r.live(t, name).GetGeneration()
		_, err = r.RollingRestart(t.Context(), in)
		require.NoError(t, err)
		require.Equal(t, generation, r.live(t, name).GetGeneration(), "the same operation restarts nothing again")
	}
	for _, name := range []string{"statefulSet db", "daemonSet agent"} {
		_, err := r.PauseRollout(t.Context(), r.target(name))
		requireCode(t, err, pipeline.CodeInvalid)
		require.ErrorContains(t, err, "pausing is not supported")
		_, err = r.ResumeRollout(t.Context(), r.target(name))
		require.ErrorContains(t, err, "resuming is not supported")
	}
	for what, call := range map[string]func(context.Context, activities.ManifestInput) (activities.Done, error){
		"pause rollout": r.PauseRollout, "resume rollout": r.ResumeRollout, "rolling restart": r.RollingRestart,
	} {
		_, err := call(t.Context(), r.target("serviceAccount robot"))
		requireCode(t, err, pipeline.CodeInvalid)
		require.ErrorContains(t, err, "does not support "+what)
	}
}

func TestOperationIsForbidden(t *testing.T) {
	t.Parallel()
	r := newRig(t)
	r.deploy(t, webDeployment)
	r.Clouddriver = clouddriverFor(t, Account{Name: testAccount, KubeconfigContents: r.kubeconfigAs(t, "default")})
	_, err := r.ScaleManifest(t.Context(), activities.ScaleManifestInput{ManifestInput: r.target("deployment web"), Replicas: 1})
	requireCode(t, err, pipeline.CodeForbidden)
	_, err = r.DisableManifest(t.Context(), activities.TrafficInput{ManifestInput: r.target("deployment web")})
	requireCode(t, err, pipeline.CodeForbidden)
}

// What others write meanwhile does not stop an operation, and is not lost.
func TestOperationGoesOnAfterConflicts(t *testing.T) {
	t.Parallel()
	r := newRig(t)
	r.deploy(t, webDeployment)
	stop := make(chan struct{})
	done := make(chan struct{})
	cl, o := r.object(t, "deployment web")
	go func() {
		defer close(done)
		for i := 0; ; i++ {
			select {
			case <-stop:
				return
			default:
				_, _ = cl.patch(context.Background(), target{object: o}, "application/merge-patch+json",
					[]byte(`{"metadata":{"labels":{"busy":"`+versionText(i)+`"}}}`), metav1.PatchOptions{})
			}
		}
	}()
	for i := range int64(5) {
		_, err := r.ScaleManifest(t.Context(), activities.ScaleManifestInput{ManifestInput: r.target("deployment web"), Replicas: i})
		require.NoError(t, err)
	}
	close(stop)
	<-done
	live := r.live(t, "deployment web")
	require.Equal(t, int64(4), r.replicas(t, "deployment web"))
	require.NotEmpty(t, live.GetLabels()["busy"])
	require.Len(t, doneOperations(live), doneKept, "no more than the last few operations are kept")
}

func TestReferenceResolveTargetManifest(t *testing.T) {
	t.Parallel()
	r := newRig(t)
	for i, replicas := range []string{"2", "3", "1"} {
		r.deploy(t, strings.NewReplacer("replicas: 1", "replicas: "+replicas, "nginx:1", "nginx:"+versionText(i)).Replace(plainReplicaSet))
	}
	r.deploy(t, strings.ReplaceAll(plainReplicaSet, "name: web", "name: other"))
	find := func(criteria, cluster string) (string, error) {
		out, err := r.ResolveTarget(t.Context(), activities.ResolveTargetInput{
			Scope: scope(), Account: testAccount, Location: r.namespace, Kind: "replicaSet", Application: "shop", Cluster: cluster, Criteria: criteria,
		})
		return out.ManifestName, err
	}
	for criteria, want := range map[string]string{
		"oldest": "web-v000", "newest": "web-v002", "second_newest": "web-v001", "largest": "web-v001", "smallest": "web-v002",
	} {
		got, err := find(criteria, "replicaSet web")
		require.NoError(t, err)
		require.Equal(t, "replicaSet "+want, got, criteria)
	}
	_, err := find("second_newest", "replicaSet other")
	requireCode(t, err, pipeline.CodeNotFound)
	_, err = find("newest", "web")
	requireCode(t, err, pipeline.CodeNotFound)
	require.ErrorContains(t, err, "No manifest could be found matching")
	_, err = find("static", "replicaSet web")
	requireCode(t, err, pipeline.CodeInvalid)
}

func TestResolveTargetWaitsForIt(t *testing.T) {
	t.Parallel()
	r := newRig(t)
	time.AfterFunc(300*time.Millisecond, func() {
		in := r.input(t, plainReplicaSet)
		_, _ = r.DeployManifest(context.Background(), in)
	})
	out, err := r.ResolveTarget(t.Context(), activities.ResolveTargetInput{
		Scope: scope(), Account: testAccount, Location: r.namespace, Kind: "rs", Application: "shop", Cluster: "replicaSet web", Criteria: "newest",
	})
	require.NoError(t, err)
	require.Equal(t, "replicaSet web-v000", out.ManifestName)
}

func TestReferenceFindArtifactsFromResource(t *testing.T) {
	t.Parallel()
	r := newRig(t)
	r.deploy(t, confAndWeb+"---\napiVersion: v1\nkind: Secret\nmetadata: {name: sec, namespace: NS}\nstringData: {password: hunter2}\n")
	out, err := r.ReadManifest(t.Context(), r.target("deployment web"))
	require.NoError(t, err)
	require.Equal(t, "Deployment", out.Manifest["kind"])
	require.NotContains(t, out.Manifest.Map("metadata"), "managedFields")
	require.Contains(t, out.Artifacts, pipeline.Artifact{Type: "kubernetes/configMap", Name: "conf-v000", Reference: "conf-v000"})
	var kinds []string
	for _, a := range out.Artifacts {
		kinds = append(kinds, a.Type)
	}
	require.Contains(t, kinds, "docker/image")

	out, err = r.ReadManifest(t.Context(), r.target("secret sec-v000"))
	require.NoError(t, err)
	require.NotContains(t, out.Manifest, "data")
	require.Empty(t, out.Artifacts)
	_, err = r.ReadManifest(t.Context(), r.target("deployment gone"))
	requireCode(t, err, pipeline.CodeNotFound)
	require.ErrorContains(t, err, "not found in "+r.namespace)
}

var (
	secretKind     = (&unstructured.Unstructured{Object: map[string]any{"apiVersion": "v1", "kind": "Secret"}}).GroupVersionKind()
	deploymentKind = (&unstructured.Unstructured{Object: map[string]any{"apiVersion": "apps/v1", "kind": "Deployment"}}).GroupVersionKind()
)
