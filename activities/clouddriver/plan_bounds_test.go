package clouddriver

import (
	"fmt"
	"net/http"
	"net/http/httptest"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/require"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/apis/meta/v1/unstructured"

	"github.com/gennaker/gennaker/activities"
	"github.com/gennaker/gennaker/pipeline"
)

// TestPlanAsksForTheDeploymentsAccess: whoever may not deploy may not plan, and the
// account's own permissions in the cluster hold object by object.
func TestPlanAsksForTheDeploymentsAccess(t *testing.T) {
	t.Parallel()
	r := newRig(t)
	in := r.input(t, "apiVersion: v1\nkind: ConfigMap\nmetadata: {name: a, namespace: NS}")
	closed := clouddriverFor(t, Account{Name: testAccount, KubeconfigFile: r.kubernetes.Kubeconfig, Permissions: map[string][]string{"READ": {"dev"}, "WRITE": {"ops"}}})
	_, err := closed.PlanManifests(t.Context(), activities.PlanManifestsInput{Scope: scope(), Account: testAccount, Deploy: &in})
	require.Equal(t, pipeline.CodeForbidden, pipeline.CodeOf(err))
	// The operation cannot name another account than the one that was checked.
	in.Account = "another"
	require.Equal(t, []string{"created configMap a-v000"}, told(r.plan(t, in)))

	r.deploy(t, "apiVersion: v1\nkind: ServiceAccount\nmetadata: {name: reader, namespace: NS}\n---\napiVersion: rbac.authorization.k8s.io/v1\nkind: Role\nmetadata: {name: reader, namespace: NS}\nrules: [{apiGroups: [''], resources: [configmaps], verbs: [get, list]}]\n---\napiVersion: rbac.authorization.k8s.io/v1\nkind: RoleBinding\nmetadata: {name: reader, namespace: NS}\nroleRef: {apiGroup: rbac.authorization.k8s.io, kind: Role, name: reader}\nsubjects: [{kind: ServiceAccount, name: reader, namespace: NS}]")
	weak := clouddriverFor(t, Account{Name: testAccount, KubeconfigContents: r.kubeconfigAs(t, "reader")})
	in.Account = testAccount
	plan := planOf(t, weak, activities.PlanManifestsInput{Scope: scope(), Account: testAccount, Deploy: &in})
	require.Equal(t, []string{"refused configMap a-v000"}, told(plan))
	require.Contains(t, plan.Objects[0].Message, "lacks the permission to create configmaps")
}

// TestPlanOfAClusterThatIsAway: it is told within seconds.
func TestPlanOfAClusterThatIsAway(t *testing.T) {
	t.Parallel()
	hang := make(chan struct{})
	silent := httptest.NewServer(http.HandlerFunc(func(_ http.ResponseWriter, q *http.Request) {
		select {
		case <-hang:
		case <-q.Context().Done():
		}
	}))
	t.Cleanup(func() { close(hang); silent.Close() })
	for _, address := range []string{silent.URL, "http://127.0.0.1:1"} {
		c := clouddriverFor(t, Account{Name: testAccount, KubeconfigContents: "apiVersion: v1\nkind: Config\nclusters: [{name: a, cluster: {server: '" + address + "'}}]\ncontexts: [{name: a, context: {cluster: a}}]\ncurrent-context: a"})
		began := time.Now()
		_, err := c.PlanManifests(t.Context(), activities.PlanManifestsInput{Scope: scope(), Account: testAccount, Deploy: &activities.DeployManifestInput{}})
		require.Equal(t, pipeline.CodeUnavailable, pipeline.CodeOf(err), "%v", err)
		require.Contains(t, err.Error(), "API server does not answer")
		require.Less(t, time.Since(began), 10*time.Second)
	}
}

// TestAPlanCannotWrite: a write that forgets to be a dry run is held back.
func TestAPlanCannotWrite(t *testing.T) {
	t.Parallel()
	r := newRig(t)
	r.deploy(t, "apiVersion: v1\nkind: ConfigMap\nmetadata: {name: a, namespace: NS, annotations: {strategy.spinnaker.io/versioned: 'false'}}")
	cl, o := r.object(t, "configMap a")
	live := r.live(t, "configMap a")
	ctx := dry(t.Context())
	_, created := cl.client(o.resource, o.namespace).Create(ctx, &unstructured.Unstructured{Object: map[string]any{"apiVersion": "v1", "kind": "ConfigMap", "metadata": map[string]any{"name": "b"}}}, metav1.CreateOptions{})
	_, updated := cl.client(o.resource, o.namespace).Update(ctx, live, metav1.UpdateOptions{})
	_, patched := cl.client(o.resource, o.namespace).Patch(ctx, "a", "application/merge-patch+json", []byte(`{}`), metav1.PatchOptions{})
	deleted := cl.client(o.resource, o.namespace).Delete(ctx, "a", metav1.DeleteOptions{})
	for _, err := range []error{created, updated, patched, deleted} {
		require.ErrorContains(t, err, "was held back")
	}
	require.Nil(t, r.live(t, "configMap b"))
	require.Equal(t, live.GetResourceVersion(), r.live(t, "configMap a").GetResourceVersion())
}

// TestPlansAreBounded: a plan of a thousand objects fits into one message and counts
// what it does not list.
func TestPlansAreBounded(t *testing.T) {
	t.Parallel()
	plan := activities.ManifestPlan{Counts: map[activities.PlanAction]int{activities.PlanChanged: 999, activities.PlanRefused: 1}}
	for i := range 1000 {
		o := activities.PlannedObject{Kind: "configMap", Name: fmt.Sprintf("object-%x", i*7919*7919), Action: activities.PlanChanged}
		if i == 500 {
			o.Action, o.Message = activities.PlanRefused, "Refused."
		}
		for j := range 20 {
			v := fmt.Sprintf("%x", i*j*104729*104729)
			v = strings.Repeat(v, 30)
			o.Changes = append(o.Changes, activities.FieldChange{Path: "data." + v[:5], Before: &v, After: &v})
		}
		plan.Objects = append(plan.Objects, o)
	}
	document, err := pack(plan)
	require.NoError(t, err)
	small := unpacked(t, activities.PlanManifestsOutput{Packed: document})
	require.NotEmpty(t, small.Objects)
	require.Equal(t, 1000, len(small.Objects)+small.Cut)
	require.Equal(t, plan.Counts, small.Counts)
	require.True(t, slices.ContainsFunc(small.Objects, func(o activities.PlannedObject) bool { return o.Action == activities.PlanRefused }))
	require.Len(t, plan.Objects, 1000, "the plan itself stays")
}

// TestPlanOfWhatHoldsForAll: what is wrong with a deployment as a whole is told beside
// its objects.
func TestPlanOfWhatHoldsForAll(t *testing.T) {
	t.Parallel()
	r := newRig(t)
	one := "apiVersion: v1\nkind: ConfigMap\nmetadata: {name: one, namespace: NS, labels: {tier: front}}"
	two := "apiVersion: v1\nkind: ConfigMap\nmetadata: {name: two, namespace: NS, labels: {tier: back}}"
	in := r.input(t, one+"\n---\n"+two)
	in.LabelSelectors = activities.LabelSelectors{Selectors: []activities.LabelSelector{{Kind: "EQUALS", Key: "tier", Values: []string{"back"}}}}
	plan := r.plan(t, in)
	require.Equal(t, []string{"left configMap one-v000", "created configMap two-v000"}, told(plan))
	require.Contains(t, plan.Objects[0].Message, "do not select it")
	require.Empty(t, plan.Problems)

	in.LabelSelectors.Selectors[0].Values = []string{"none"}
	in.RequiredArtifacts = []pipeline.Artifact{{Type: "docker/image", Name: "web", Reference: "web:2"}}
	plan = r.plan(t, in)
	require.Len(t, plan.Problems, 2)
	require.Contains(t, plan.Problems[0].Message, "web")
	require.Contains(t, plan.Problems[1].Message, "Nothing was deployed")
	in.LabelSelectors.Selectors[0].Kind = "LIKE"
	_, err := r.PlanManifests(t.Context(), activities.PlanManifestsInput{Scope: scope(), Account: testAccount, Deploy: &in})
	require.ErrorContains(t, err, "LIKE")
	_, err = r.PlanManifests(t.Context(), activities.PlanManifestsInput{Scope: scope(), Account: testAccount})
	require.ErrorContains(t, err, "names no operation")

	// What stages before this one would create is there by then.
	pod := r.input(t, "apiVersion: v1\nkind: Pod\nmetadata: {name: bare, namespace: NS}\nspec: {serviceAccountName: sailor, containers: [{name: a, image: a}]}\n---\napiVersion: v1\nkind: ConfigMap\nmetadata: {name: there, namespace: later}\n---\napiVersion: later.example.com/v1\nkind: Jib\nmetadata: {name: jib, namespace: NS}")
	plan = planOf(t, r.Clouddriver, activities.PlanManifestsInput{Scope: scope(), Account: testAccount, Deploy: &pod, Earlier: []activities.PlannedRef{
		{Kind: "serviceAccount", Namespace: r.namespace, Name: "sailor"}, {Kind: "namespace", Name: "later"}, {Kind: "customResourceDefinition", Name: "jibs.later.example.com"},
	}})
	require.ElementsMatch(t, []string{"untried configMap there-v000", "untried pod bare-v000", "untried Jib.later.example.com jib"}, told(plan), "%+v", plan)
}
