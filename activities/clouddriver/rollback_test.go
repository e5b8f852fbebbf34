package clouddriver

import (
	"context"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/require"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"

	"github.com/gennaker/gennaker/activities"
)

// rollout deploys as a stage that rolls back does, and returns what RollBack then
// gets.
func (r *rig) rollout(t *testing.T, text string) activities.RollBackInput {
	t.Helper()
	in := r.input(t, text)
	found, err := r.FindRollback(t.Context(), in)
	require.NoError(t, err)
	require.Len(t, found.Targets, 1)
	out, err := r.DeployManifest(t.Context(), in)
	require.NoError(t, err)
	target := found.Targets[0]
	require.Equal(t, []string{target.Name}, out.ManifestNamesByNamespace[r.namespace])
	back := activities.RollBackInput{Target: target, Deployed: out.Manifests[0]}
	back.ManifestInput = activities.ManifestInput{Scope: scope(), Account: testAccount, Location: target.Namespace, ManifestName: target.Name}
	back.Scope.Task = "rollBackManifests"
	return back
}

func breaks(text, labels, image, to string) string {
	text = strings.Replace(text, "metadata: {labels: {app: "+labels+"}}", "metadata: {labels: {app: "+labels+"}, annotations: {local.gennaker.io/fails: image}}", 1)
	return strings.Replace(text, image, to, 1)
}

func TestRollBack(t *testing.T) {
	t.Parallel()
	for name, tt := range map[string]struct{ text, labels, image string }{
		"deployment web":  {webDeployment, "web", "nginx:1"},
		"statefulSet db":  {statefulDB, "db", "postgres:1"},
		"daemonSet agent": {daemonAgent, "agent", "agent:1"},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			r := newRig(t)
			r.deploy(t, tt.text)
			_, err := r.await(t, name)
			require.NoError(t, err)
			broken := strings.Split(tt.image, ":")[0] + ":2"
			in := r.rollout(t, breaks(tt.text, tt.labels, tt.image, broken))
			require.Equal(t, int64(1), in.Target.Revision)
			r.told(t, name, hasPods(1)) // the new pods are there, and are stuck

			out, err := r.RollBack(t.Context(), in)
			require.NoError(t, err)
			require.Equal(t, activities.RollBackOutput{Revision: 1}, out)
			require.Equal(t, tt.image, r.image(t, name))
			stable, err := r.await(t, name)
			require.NoError(t, err)
			require.True(t, stable.Statuses[0].Stable)

			again, err := r.RollBack(t.Context(), in) // the same operation: nothing more
			require.NoError(t, err)
			require.Equal(t, out, again)
			require.Equal(t, tt.image, r.image(t, name))
		})
	}
}

// The old failure of a Deployment that was rolled back after its deadline does not
// count.
func TestRollBackAfterTheDeadline(t *testing.T) {
	t.Parallel()
	r := newRig(t)
	hasty := strings.Replace(webDeployment, "  replicas: 2\n", "  replicas: 1\n  progressDeadlineSeconds: 2\n", 1)
	r.deploy(t, hasty)
	_, err := r.await(t, "deployment web")
	require.NoError(t, err)
	in := r.rollout(t, breaks(hasty, "web", "nginx:1", "nginx:2"))
	out, err := r.await(t, "deployment web")
	require.NoError(t, err)
	require.True(t, out.Statuses[0].Failed)
	_, err = r.RollBack(t.Context(), in)
	require.NoError(t, err)
	out, err = r.await(t, "deployment web")
	require.NoError(t, err)
	require.True(t, out.Statuses[0].Stable, "%+v %+v", out.Statuses[0].Message, r.live(t, "deployment web").Object["status"])
}

// A revision that never got anywhere is not gone back to.
func TestRollBackPassesOverWhatNeverWorked(t *testing.T) {
	t.Parallel()
	r := newRig(t)
	r.deploy(t, webDeployment)
	_, err := r.await(t, "deployment web")
	require.NoError(t, err)
	r.deploy(t, breaks(webDeployment, "web", "nginx:1", "nginx:2"))
	r.told(t, "deployment web", hasPods(1))
	in := r.rollout(t, breaks(webDeployment, "web", "nginx:1", "nginx:3"))
	require.Equal(t, activities.RollbackTarget{Namespace: r.namespace, Name: "deployment web", UID: in.Target.UID, Present: 2, Revision: 1}, in.Target)
	r.told(t, "deployment web", hasPods(1))
	out, err := r.RollBack(t.Context(), in)
	require.NoError(t, err)
	require.Equal(t, int64(1), out.Revision)
	require.Equal(t, "nginx:1", r.image(t, "deployment web"))
}

func TestRollBackLeaves(t *testing.T) {
	t.Parallel()
	const name = "deployment web"
	for what, tt := range map[string]struct {
		first     bool // there was nothing before
		deploy    string
		meanwhile func(t *testing.T, r *rig)
		want      string
	}{
		"a first revision": {first: true, deploy: breaks(webDeployment, "web", "nginx:1", "nginx:2"), want: "it is new with this deployment and has no earlier revision"},
		"what somebody else deployed": {deploy: breaks(webDeployment, "web", "nginx:1", "nginx:2"), want: "it was changed by somebody else since this stage deployed it",
			meanwhile: func(t *testing.T, r *rig) { r.deploy(t, breaks(webDeployment, "web", "nginx:1", "nginx:9")) }},
		"what was made anew": {deploy: breaks(webDeployment, "web", "nginx:1", "nginx:2"), want: "another object has its name by now",
			meanwhile: func(t *testing.T, r *rig) {
				r.clear(t, "deployment")
				r.deploy(t, webDeployment)
			}},
		"what is gone":           {deploy: breaks(webDeployment, "web", "nginx:1", "nginx:2"), want: "it is gone", meanwhile: func(t *testing.T, r *rig) { r.clear(t, "deployment") }},
		"what has become stable": {deploy: strings.Replace(webDeployment, "nginx:1", "nginx:2", 1), want: "it is stable by now", meanwhile: func(t *testing.T, r *rig) { _, err := r.await(t, name); require.NoError(t, err) }},
		"what its deployment did not change": {deploy: strings.Replace(webDeployment, "replicas: 2", "replicas: 3", 1), want: "the deployment changed nothing in its pods: revision 1 was there before",
			meanwhile: func(t *testing.T, r *rig) {
				_, err := r.await(t, name)
				require.NoError(t, err)
				// One of its pods goes, and no other may come.
				r.deploy(t, noQuota)
				require.NoError(t, r.client(t).CoreV1().Pods(r.namespace).DeleteCollection(t.Context(), metav1.DeleteOptions{}, metav1.ListOptions{}))
				require.Eventually(t, func() bool { return at(r.live(t, name).Object, "status", "readyReplicas") == nil }, time.Minute, 50*time.Millisecond)
			}},
		"a scaled one is rolled back": {deploy: breaks(webDeployment, "web", "nginx:1", "nginx:2"),
			meanwhile: func(t *testing.T, r *rig) { r.patchAs(t, "autoscaler", name, `{"spec":{"replicas":4}}`) }},
	} {
		t.Run(what, func(t *testing.T) {
			t.Parallel()
			r := newRig(t)
			if !tt.first {
				r.deploy(t, webDeployment)
				_, err := r.await(t, name)
				require.NoError(t, err)
			}
			in := r.rollout(t, tt.deploy)
			if what != "what has become stable" && what != "what its deployment did not change" {
				r.told(t, name, hasPods(1))
			}
			if tt.meanwhile != nil {
				tt.meanwhile(t, r)
			}
			var before string
			if live := r.live(t, name); live != nil {
				before = live.GetResourceVersion()
			}
			out, err := r.RollBack(t.Context(), in)
			require.NoError(t, err)
			require.Equal(t, tt.want, out.Left)
			if tt.want == "" {
				require.Equal(t, int64(1), out.Revision)
				require.Equal(t, "nginx:1", r.image(t, name))
				require.Equal(t, int64(4), r.replicas(t, name))
				return
			}
			if live := r.live(t, name); live != nil && strings.Contains(tt.want, "somebody else") {
				require.Equal(t, "nginx:9", r.image(t, name), before)
			}
		})
	}
}

func TestRollBackAfterACrashAnywhere(t *testing.T) {
	t.Parallel()
	r := newRig(t)
	var in activities.RollBackInput
	r.crashEverywhere(t,
		func() {
			r.clear(t, "statefulset")
			require.Eventually(t, func() bool { return len(r.names(t, "pod")) == 0 }, time.Minute, 50*time.Millisecond)
			r.deploy(t, statefulDB)
			_, err := r.await(t, "statefulSet db")
			require.NoError(t, err)
			in = r.rollout(t, breaks(statefulDB, "db", "postgres:1", "postgres:2"))
		},
		func(ctx context.Context, c *Clouddriver) error {
			_, err := c.RollBack(ctx, in)
			return err
		},
		func(point string) {
			require.Equal(t, "postgres:1", r.image(t, "statefulSet db"), point)
		})
}
