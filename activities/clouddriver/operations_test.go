package clouddriver

import (
	"context"
	"encoding/json"
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

func TestScaleManifestRow(t *testing.T) {
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

func TestResizeServerGroupRow(t *testing.T) {
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

func (r *rig) patchOf(name, strategy string, body ...pipeline.Map) activities.PatchManifestInput {
	return activities.PatchManifestInput{ManifestInput: r.target(name), Strategy: strategy, Body: body}
}

func patchFields(t *testing.T, text string) pipeline.Map {
	t.Helper()
	var m pipeline.Map
	require.NoError(t, json.Unmarshal([]byte(text), &m))
	return m
}

func TestPatchManifestRowStrategic(t *testing.T) {
	t.Parallel()
	r := newRig(t)
	r.deploy(t, webDeployment)
	in := r.patchOf("deployment web", "strategic", patchFields(t, `{"spec":{"template":{"spec":{"containers":[{"name":"web","image":"nginx"}]}}}}`))
	in.AllArtifacts = []pipeline.Artifact{image("nginx", "nginx:7")}
	in.RequiredArtifacts = in.AllArtifacts
	in.Record = true
	out, err := r.PatchManifest(t.Context(), in)
	require.NoError(t, err)
	require.Equal(t, "nginx:7", r.image(t, "deployment web"))
	require.Len(t, containers(t, r.live(t, "deployment web")), 2, "the other container stays")
	require.Equal(t, in.RequiredArtifacts, out.BoundArtifacts)
	require.Equal(t, []pipeline.Map{{"kind": "deployment", "metadata": map[string]any{"namespace": r.namespace, "name": "web"}}}, out.Manifests)
	require.Equal(t, map[string][]string{r.namespace: {"deployment web"}}, out.ManifestNamesByNamespace)
	require.Equal(t, "kubectl patch deployment web --namespace="+r.namespace+` --record=true --type=strategic --patch={"spec":{"template":{"spec":{"containers":[{"image":"nginx:7","name":"web"}]}}}}`,
		r.live(t, "deployment web").GetAnnotations()[changeCauseAnnotation])

	in = r.patchOf("deployment web", "strategic", in.Body...)
	in.RequiredArtifacts = []pipeline.Artifact{image("redis", "redis:7")}
	_, err = r.PatchManifest(t.Context(), in)
	requireCode(t, err, pipeline.CodeInvalid)
	require.ErrorContains(t, err, "could not be bound")
}

func TestPatchManifestRowMerge(t *testing.T) {
	t.Parallel()
	r := newRig(t)
	r.deploy(t, webDeployment+"---\n"+pinkService)
	in := r.patchOf("deployment web", "merge", patchFields(t, `{"metadata":{"labels":{"x":"y"}},"spec":{"template":{"spec":{"containers":[{"name":"web","image":"nginx:9"}]}}}}`))
	_, err := r.PatchManifest(t.Context(), in)
	require.NoError(t, err)
	require.Len(t, containers(t, r.live(t, "deployment web")), 1, "a merge replaces lists")
	require.Equal(t, "y", r.live(t, "deployment web").GetLabels()["x"])
	require.NotContains(t, r.live(t, "deployment web").GetAnnotations(), changeCauseAnnotation)

	_, err = r.PatchManifest(t.Context(), r.patchOf("service front", "merge", patchFields(t, `{"metadata":{"annotations":null}}`)))
	require.NoError(t, err)
	require.Empty(t, r.live(t, "service front").GetAnnotations())
}

func TestPatchManifestRowJSON(t *testing.T) {
	t.Parallel()
	r := newRig(t)
	r.deploy(t, webDeployment)
	add := patchFields(t, `{"op":"add","path":"/spec/template/spec/containers/0/env/-","value":{"name":"C","value":"3"}}`)
	in := r.patchOf("deployment web", "json", add, patchFields(t, `{"op":"remove","path":"/spec/template/spec/containers/0/env/0"}`))
	in.Record = true
	in.AllArtifacts = []pipeline.Artifact{image("nginx", "nginx:7")}
	_, err := r.PatchManifest(t.Context(), in)
	require.NoError(t, err)
	env := func() any { return containers(t, r.live(t, "deployment web"))[0].(map[string]any)["env"] }
	want := []any{map[string]any{"name": "B", "value": "2"}, map[string]any{"name": "C", "value": "3"}}
	require.Equal(t, want, env())
	require.Equal(t, "nginx:1", r.image(t, "deployment web"), "nothing is bound")
	_, err = r.PatchManifest(t.Context(), in)
	require.NoError(t, err)
	require.Equal(t, want, env(), "the same operation again appends nothing")
	require.Contains(t, r.live(t, "deployment web").GetAnnotations()[changeCauseAnnotation], "--type=json --patch=[")

	for _, op := range []string{
		`{"op":"remove","path":"/metadata/annotations"}`,
		`{"op":"test","path":"/spec/replicas","value":2}`,
	} {
		_, err = r.PatchManifest(t.Context(), r.patchOf("deployment web", "json", patchFields(t, op)))
		require.NoError(t, err, op)
	}
	_, err = r.PatchManifest(t.Context(), r.patchOf("deployment web", "json", patchFields(t, `{"op":"remove","path":"/spec/nothing"}`)))
	requireCode(t, err, pipeline.CodeUnprocessable)
	_, err = r.PatchManifest(t.Context(), r.patchOf("deployment web", "json", patchFields(t, `{"op":"delete","path":"/spec/paused"}`)))
	requireCode(t, err, pipeline.CodeInvalid)
}

func TestPatchManifestRowRefusals(t *testing.T) {
	t.Parallel()
	r := newRig(t)
	r.deploy(t, webDeployment)
	object := patchFields(t, `{"spec":{"replicas":1}}`)
	for want, in := range map[string]activities.PatchManifestInput{
		`strategy ""`:                    r.patchOf("deployment web", "", object),
		"requires a valid patch body":    r.patchOf("deployment web", "merge"),
		"Only one patch object is valid": r.patchOf("deployment web", "strategic", object, object),
	} {
		_, err := r.PatchManifest(t.Context(), in)
		requireCode(t, err, pipeline.CodeInvalid)
		require.ErrorContains(t, err, want)
	}
	_, err := r.PatchManifest(t.Context(), r.patchOf("deployment gone", "merge", object))
	requireCode(t, err, pipeline.CodeNotFound)
	_, err = r.PatchManifest(t.Context(), r.patchOf("deployment web", "merge", patchFields(t, `{"spec":{"replicas":"many"}}`)))
	require.Error(t, err)
	require.Contains(t, []pipeline.Code{pipeline.CodeInvalid, pipeline.CodeUnprocessable}, pipeline.CodeOf(err))
	same := r.patchOf("deployment web", "merge", patchFields(t, `{"spec":{"replicas":2}}`))
	_, err = r.PatchManifest(t.Context(), same)
	require.NoError(t, err, "not patched is a success")
	pinned := r.patchOf("deployment web", "merge", patchFields(t, `{"metadata":{"resourceVersion":"1"},"spec":{"replicas":9}}`))
	_, err = r.PatchManifest(t.Context(), pinned)
	requireCode(t, err, pipeline.CodeConflict)
}

func TestChangeCauseIsBoundedAndHidesSecrets(t *testing.T) {
	t.Parallel()
	secret := object{resource: resource{gvk: secretKind}, name: "s", namespace: "n"}
	require.Equal(t, "kubectl patch secret s --namespace=n --record=true --type=merge --patch=CLASSIFIED",
		changeCause(secret, "merge", &change{fields: map[string]any{"stringData": map[string]any{"password": "hunter2"}}}))
	long := changeCause(object{resource: resource{gvk: deploymentKind}, name: "d"}, "merge", &change{fields: map[string]any{"a": strings.Repeat("ä", maxChangeCause)}})
	require.LessOrEqual(t, len(long), maxChangeCause+len("…"))
	require.True(t, strings.HasSuffix(long, "ä…"), "cut between characters")
	require.NotContains(t, long, "namespace")
}

// revise gives the deployment or set another image, waits for its revision and
// returns that.
func (r *rig) revise(t *testing.T, text, from, to, name string) {
	t.Helper()
	r.deploy(t, strings.Replace(text, from, to, 1))
	_, err := r.await(t, name)
	require.NoError(t, err)
}

func (r *rig) undo(t *testing.T, name string, change func(*activities.UndoRolloutInput)) (activities.UndoRolloutOutput, error) {
	t.Helper()
	in := activities.UndoRolloutInput{ManifestInput: r.target(name)}
	change(&in)
	return r.UndoRollout(t.Context(), in)
}

func back(n int64) func(*activities.UndoRolloutInput) {
	return func(in *activities.UndoRolloutInput) { in.NumRevisionsBack = &n }
}

func toRevision(n int64) func(*activities.UndoRolloutInput) {
	return func(in *activities.UndoRolloutInput) { in.Revision = &n }
}

func TestUndoRolloutRowDeployment(t *testing.T) {
	t.Parallel()
	r := newRig(t)
	for _, v := range []string{"nginx:1", "nginx:2", "nginx:3"} {
		r.revise(t, webDeployment, "nginx:1", v, "deployment web")
	}
	r.patchAs(t, "someone", "deployment web", `{"metadata":{"annotations":{"only":"here"}}}`)
	out, err := r.undo(t, "deployment web", back(1))
	require.NoError(t, err)
	require.Equal(t, activities.UndoRolloutOutput{Revision: 2}, out)
	require.Equal(t, "nginx:2", r.image(t, "deployment web"))
	require.NotContains(t, at(r.live(t, "deployment web").Object, "spec", "template", "metadata", "labels"), templateHashLabel)
	require.NotEmpty(t, r.live(t, "deployment web").GetAnnotations()[lastAppliedAnnotation])
	_, err = r.await(t, "deployment web")
	require.NoError(t, err)

	// The history is now 1, 3, 4.
	out, err = r.undo(t, "deployment web", back(0))
	require.NoError(t, err)
	require.Equal(t, activities.UndoRolloutOutput{Revision: 4, Skipped: true}, out)
	out, err = r.undo(t, "deployment web", toRevision(1))
	require.NoError(t, err)
	require.Equal(t, int64(1), out.Revision)
	require.Equal(t, "nginx:1", r.image(t, "deployment web"))
	_, err = r.await(t, "deployment web")
	require.NoError(t, err)
	out, err = r.undo(t, "deployment web", toRevision(0)) // the last one: 4
	require.NoError(t, err)
	require.Equal(t, int64(4), out.Revision)
	require.Equal(t, "nginx:2", r.image(t, "deployment web"))

	_, err = r.undo(t, "deployment web", toRevision(77))
	requireCode(t, err, pipeline.CodeInvalid)
	require.ErrorContains(t, err, "Unable to find specified revision 77")
	_, err = r.undo(t, "deployment web", back(9))
	requireCode(t, err, pipeline.CodeInvalid)
	require.ErrorContains(t, err, "revision(s) in total, cannot rollback 9")
	_, err = r.undo(t, "deployment web", func(*activities.UndoRolloutInput) {})
	requireCode(t, err, pipeline.CodeInvalid)
	require.ErrorContains(t, err, "set numRevisionsBack or revision")
	_, err = r.undo(t, "deployment web", back(-1))
	requireCode(t, err, pipeline.CodeInvalid)
	_, err = r.undo(t, "deployment gone", back(1))
	requireCode(t, err, pipeline.CodeNotFound)
	_, err = r.undo(t, "service web", back(1))
	requireCode(t, err, pipeline.CodeInvalid)
	require.ErrorContains(t, err, "does not support undo rollout")

	_, err = r.PauseRollout(t.Context(), r.target("deployment web"))
	require.NoError(t, err)
	_, err = r.undo(t, "deployment web", back(1))
	requireCode(t, err, pipeline.CodeInvalid)
	require.ErrorContains(t, err, "resume its rollout first")
}

func TestUndoRolloutRowStatefulSet(t *testing.T) {
	t.Parallel()
	r := newRig(t)
	for _, v := range []string{"postgres:1", "postgres:2", "postgres:3"} {
		r.revise(t, statefulDB, "postgres:1", v, "statefulSet db")
	}
	out, err := r.undo(t, "statefulSet db", back(2))
	require.NoError(t, err)
	require.Equal(t, int64(1), out.Revision)
	require.Equal(t, "postgres:1", r.image(t, "statefulSet db"))
	_, err = r.await(t, "statefulSet db")
	require.NoError(t, err)
	out, err = r.undo(t, "statefulSet db", back(0))
	require.NoError(t, err)
	require.True(t, out.Skipped)
}

func TestUndoRolloutRowDaemonSet(t *testing.T) {
	t.Parallel()
	r := newRig(t)
	for _, v := range []string{"agent:1", "agent:2"} {
		r.revise(t, daemonAgent, "agent:1", v, "daemonSet agent")
	}
	out, err := r.undo(t, "daemonSet agent", toRevision(1))
	require.NoError(t, err)
	require.Equal(t, int64(1), out.Revision)
	require.Equal(t, "agent:1", r.image(t, "daemonSet agent"))
	_, err = r.undo(t, "daemonSet agent", toRevision(9))
	requireCode(t, err, pipeline.CodeInvalid)
}

func TestPauseResumeAndRestartRows(t *testing.T) {
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

func TestResolveTargetRow(t *testing.T) {
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

func TestFindArtifactsFromResourceRow(t *testing.T) {
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
