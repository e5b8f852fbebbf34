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

// Rows of reference: clouddriver section 9, against a real control plane.

const (
	frontService = `
apiVersion: v1
kind: Service
metadata: {name: front, namespace: NS}
spec: {selector: {lb: front, tier/name: web}, ports: [{port: 80}]}
`
	balancedSet = `
apiVersion: apps/v1
kind: ReplicaSet
metadata: {name: web, namespace: NS, annotations: {traffic.spinnaker.io/load-balancers: '["service front"]'}}
spec:
  replicas: 2
  selector: {matchLabels: {app: web}}
  template: {metadata: {labels: {app: web}}, spec: {containers: [{name: web, image: "nginx:1"}]}}
`
)

// podsOfSet are the labels of a ReplicaSet's pods, once there are so many.
func (r *rig) podLabels(t *testing.T, set string, want int) []map[string]string {
	t.Helper()
	cl, o := r.object(t, "pod x")
	owner := r.live(t, "replicaSet "+set)
	var out []map[string]string
	require.Eventually(t, func() bool {
		out = nil
		list, err := cl.list(t.Context(), o.resource, r.namespace, metav1.ListOptions{})
		require.NoError(t, err)
		for _, pod := range list.Items {
			if ref := metav1.GetControllerOf(&pod); ref != nil && ref.UID == owner.GetUID() {
				out = append(out, pod.GetLabels())
			}
		}
		return len(out) == want
	}, 20*time.Second, 20*time.Millisecond)
	return out
}

func (r *rig) traffic(name string, balancers ...string) activities.TrafficInput {
	return activities.TrafficInput{ManifestInput: r.target(name), LoadBalancers: balancers}
}

func templateLabels(obj *unstructured.Unstructured) map[string]any {
	labels, _ := dig(obj.Object, "spec", "template", "metadata", "labels")
	return labels
}

func TestReferenceEnableAndDisableReplicaSet(t *testing.T) {
	t.Parallel()
	r := newRig(t)
	r.deploy(t, frontService+"---"+balancedSet)
	for _, labels := range r.podLabels(t, "web-v000", 2) {
		require.Equal(t, "front", labels["lb"])
	}
	for range 2 { // the second finds nothing to do
		_, err := r.DisableManifest(t.Context(), r.traffic("replicaSet web-v000"))
		require.NoError(t, err)
		require.NotContains(t, templateLabels(r.live(t, "replicaSet web-v000")), "lb")
		require.NotContains(t, templateLabels(r.live(t, "replicaSet web-v000")), "tier/name")
		for _, labels := range r.podLabels(t, "web-v000", 2) {
			require.NotContains(t, labels, "lb")
			require.NotContains(t, labels, "tier/name")
			require.Equal(t, "web", labels["app"], "the set keeps its pods")
		}
	}
	r.patchAs(t, "someone", "replicaSet web-v000", `{"spec":{"template":{"metadata":{"labels":{"lb":"another"}}}}}`)
	for range 2 {
		_, err := r.EnableManifest(t.Context(), r.traffic("replicaSet web-v000"))
		require.NoError(t, err)
		require.Equal(t, "front", templateLabels(r.live(t, "replicaSet web-v000"))["lb"], "what is there is replaced")
		for _, labels := range r.podLabels(t, "web-v000", 2) {
			require.Equal(t, "front", labels["lb"])
			require.Equal(t, "web", labels["tier/name"])
		}
	}
}

func TestReferenceEnableAndDisableOtherKinds(t *testing.T) {
	t.Parallel()
	r := newRig(t)
	r.deploy(t, frontService+"---"+webDeployment+"---\napiVersion: v1\nkind: Pod\nmetadata: {name: bare, namespace: NS, annotations: {strategy.spinnaker.io/versioned: 'false'}}\nspec: {containers: [{name: a, image: i}]}\n")
	_, err := r.EnableManifest(t.Context(), r.traffic("deployment web"))
	require.NoError(t, err)
	require.NotContains(t, templateLabels(r.live(t, "deployment web")), "lb", "no load balancers, nothing to do")
	_, err = r.EnableManifest(t.Context(), r.traffic("deployment web", "service front"))
	require.NoError(t, err)
	require.Equal(t, "front", templateLabels(r.live(t, "deployment web"))["lb"], "a given list goes before the annotation")
	_, err = r.EnableManifest(t.Context(), r.traffic("pod bare", "service front"))
	require.NoError(t, err)
	require.Equal(t, "front", r.live(t, "pod bare").GetLabels()["lb"])
	_, err = r.DisableManifest(t.Context(), r.traffic("pod bare", "service front"))
	require.NoError(t, err)
	require.NotContains(t, r.live(t, "pod bare").GetLabels(), "lb")
}

func TestReferenceEnableAndDisableRefuse(t *testing.T) {
	t.Parallel()
	r := newRig(t)
	r.deploy(t, frontService+"---"+strings.Replace(balancedSet, "replicas: 2", "replicas: 0", 1))
	for want, c := range map[string]struct {
		in   activities.TrafficInput
		code pipeline.Code
	}{
		"Could not find kubernetes manifest":                     {r.traffic("replicaSet gone"), pipeline.CodeNotFound},
		"Could not find load balancer: service gone":             {r.traffic("replicaSet web-v000", "service gone"), pipeline.CodeNotFound},
		"No support for load balancing via ingress":              {r.traffic("replicaSet web-v000", "ingress front"), pipeline.CodeInvalid},
		"Failed to perform operation with load balancer 'front'": {r.traffic("replicaSet web-v000", "front"), pipeline.CodeInvalid},
	} {
		_, err := r.DisableManifest(t.Context(), c.in)
		requireCode(t, err, c.code)
		require.ErrorContains(t, err, want)
	}
	gone := r.traffic("replicaSet gone")
	gone.UID = "u"
	out, err := r.DisableManifest(t.Context(), gone)
	require.NoError(t, err)
	require.True(t, out.Gone)
	another := r.traffic("replicaSet web-v000")
	another.UID = "u"
	out, err = r.DisableManifest(t.Context(), another)
	require.NoError(t, err)
	require.True(t, out.Gone, "another object has the name by now")
	require.Contains(t, templateLabels(r.live(t, "replicaSet web-v000")), "lb")
}

func TestDisableAfterACrashAnywhere(t *testing.T) {
	t.Parallel()
	r := newRig(t)
	r.deploy(t, frontService+"---"+balancedSet)
	r.podLabels(t, "web-v000", 2)
	in := r.traffic("replicaSet web-v000")
	r.crashEverywhere(t,
		func() {
			_, err := r.EnableManifest(t.Context(), r.traffic("replicaSet web-v000"))
			require.NoError(t, err)
		},
		func(ctx context.Context, c *Clouddriver) error {
			_, err := c.DisableManifest(ctx, in)
			return err
		},
		func(point string) {
			require.NotContains(t, templateLabels(r.live(t, "replicaSet web-v000")), "lb", point)
			for _, labels := range r.podLabels(t, "web-v000", 2) {
				require.NotContains(t, labels, "lb", point)
			}
		})
}

func (r *rig) deployWith(t *testing.T, strategy, text string) (activities.DeployManifestInput, activities.DeployManifestOutput, error) {
	t.Helper()
	in := r.input(t, text)
	in.Strategy = strategy
	out, err := r.DeployManifest(t.Context(), in)
	return in, out, err
}

func TestReferenceBlueGreenNeedsHistory(t *testing.T) {
	t.Parallel()
	r := newRig(t)
	with := func(history string) string {
		return strings.Replace(plainReplicaSet, "metadata: {name: web,", "metadata: {name: web, annotations: {strategy.spinnaker.io/max-version-history: '"+history+"'},", 1)
	}
	for strategy, refused := range map[string]bool{"redblack": true, "bluegreen": true, "highlander": false, "": false} {
		_, _, err := r.deployWith(t, strategy, with("1"))
		if !refused {
			require.NoError(t, err, strategy)
			r.clear(t, "replicaSet")
			continue
		}
		requireCode(t, err, pipeline.CodeInvalid)
		require.ErrorContains(t, err, "conflicts with the behavior of the Red/Black rollout strategy")
		require.Empty(t, r.names(t, "replicaSet"), "nothing is sent")
	}
	for _, history := range []string{"2", "many"} {
		_, _, err := r.deployWith(t, "redblack", with(history))
		require.NoError(t, err)
	}
	_, _, err := r.deployWith(t, "slow", plainReplicaSet)
	requireCode(t, err, pipeline.CodeInvalid)
}

func (r *rig) replaced(t *testing.T, operation, name string) []string {
	t.Helper()
	out, err := r.FindReplaced(t.Context(), activities.FindReplacedInput{
		Scope: scope(), Account: testAccount, Application: "shop", Operation: operation, Made: []activities.ServerGroup{{Namespace: r.namespace, Name: name}},
	})
	require.NoError(t, err)
	var names []string
	for _, g := range out.Replaced {
		require.Equal(t, string(r.live(t, g.ManifestName).GetUID()), g.UID)
		require.Equal(t, r.namespace, g.Namespace)
		verb := "disable "
		if g.Unstable {
			verb = "delete "
		}
		names = append(names, verb+strings.TrimPrefix(g.ManifestName, "replicaSet "))
	}
	return names
}

func TestReferenceReplacedServerGroups(t *testing.T) {
	t.Parallel()
	r := newRig(t)
	r.deploy(t, strings.ReplaceAll(plainReplicaSet, "name: web", "name: other"))
	// v000 runs, v001 never will: no node takes its pods.
	r.deploy(t, plainReplicaSet)
	_, err := r.await(t, "replicaSet web-v000")
	require.NoError(t, err)
	r.deploy(t, strings.Replace(plainReplicaSet, "spec: {containers", "spec: {nodeSelector: {no: such}, containers", 1))
	in, _, err := r.deployWith(t, "redblack", strings.Replace(plainReplicaSet, "nginx:1", "nginx:2", 1))
	require.NoError(t, err)
	r.podLabels(t, "web-v001", 1)
	require.Eventually(t, func() bool { return observed(r.live(t, "replicaSet web-v001"), 1) }, 20*time.Second, 20*time.Millisecond)
	require.Equal(t, []string{"disable web-v000", "delete web-v001"}, r.replaced(t, in.Scope.Key(), "web-v002"))

	// A later deployment is not replaced by an earlier one that is still at it.
	later, _, err := r.deployWith(t, "redblack", strings.Replace(plainReplicaSet, "nginx:1", "nginx:3", 1))
	require.NoError(t, err)
	require.Equal(t, []string{"disable web-v000", "delete web-v001"}, r.replaced(t, in.Scope.Key(), "web-v002"))
	require.Len(t, r.replaced(t, later.Scope.Key(), "web-v003"), 3)
	// A version that was there before and is used again replaces newer ones too.
	require.Len(t, r.replaced(t, "another", "web-v000"), 3)

	_, err = r.FindReplaced(t.Context(), activities.FindReplacedInput{
		Scope: scope(), Account: testAccount, Application: "shop", Made: []activities.ServerGroup{{Namespace: r.namespace, Name: "web-v009"}},
	})
	requireCode(t, err, pipeline.CodeNotFound)
	require.ErrorContains(t, err, "keep their traffic")
}

func TestDeletionTakesNoTrafficWithIt(t *testing.T) {
	t.Parallel()
	r := newRig(t)
	r.deploy(t, frontService+"---"+balancedSet)
	// Load balancers that have gone since, and text that is none, hold nothing up.
	r.patchAs(t, "someone", "replicaSet web-v000", `{"metadata":{"annotations":{"`+loadBalancersAnnotation+`":"[\"nonsense\",\"service gone\",\"service front\"]"}}}`)
	set := r.live(t, "replicaSet web-v000")
	r.podLabels(t, "web-v000", 2)
	cl, _ := r.object(t, "pod x")
	options, err := selectedBy(set)
	require.NoError(t, err)
	pods, err := cl.catalog.resolve(t.Context(), "pod")
	require.NoError(t, err)
	watched, err := cl.client(pods, r.namespace).Watch(t.Context(), options)
	require.NoError(t, err)
	defer watched.Stop()
	in := r.deletion("replicaSet web-v000")
	in.Detach, in.UID = true, string(set.GetUID())
	_, err = r.DeleteManifest(t.Context(), in)
	require.NoError(t, err)
	deadline := time.After(20 * time.Second)
	for deleted := 0; deleted < 2; {
		select {
		case event := <-watched.ResultChan():
			pod, ok := event.Object.(*unstructured.Unstructured)
			if !ok || pod.GetDeletionTimestamp() == nil {
				continue
			}
			require.NotContains(t, pod.GetLabels(), "lb", "no pod that is being deleted is selected")
			if event.Type == "DELETED" {
				deleted++
			}
		case <-deadline:
			t.Fatal("the pods were not deleted")
		}
	}
}
