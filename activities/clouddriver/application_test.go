package clouddriver

import (
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/gennaker/gennaker/activities"
	"github.com/gennaker/gennaker/pipeline"
)

// What an application has is found in every namespace of the account, and what
// others have is not.
func TestApplicationResources(t *testing.T) {
	t.Parallel()
	r := newRig(t)
	app := "app" + r.namespace // the cluster is shared with other tests
	of := func(c *Clouddriver, application string) activities.ApplicationResourcesOutput {
		t.Helper()
		out, err := c.ApplicationResources(t.Context(), activities.ApplicationResourcesInput{Scope: scope(), Account: testAccount, Application: application})
		require.NoError(t, err)
		return out
	}
	require.Equal(t, activities.ApplicationResourcesOutput{Clusters: []string{}, SecurityGroups: []string{}}, of(r.Clouddriver, app))
	in := r.input(t, `
apiVersion: apps/v1
kind: Deployment
metadata: {name: web, namespace: NS}
spec:
  replicas: 1
  selector: {matchLabels: {app: web}}
  template:
    metadata: {labels: {app: web}}
    spec: {containers: [{name: c, image: nginx}]}
---
apiVersion: networking.k8s.io/v1
kind: NetworkPolicy
metadata: {name: closed, namespace: NS}
spec: {podSelector: {}}
---
apiVersion: v1
kind: ConfigMap
metadata: {name: settings, namespace: NS}
`)
	in.Moniker.App = app
	_, err := r.DeployManifest(t.Context(), in)
	require.NoError(t, err)
	want := activities.ApplicationResourcesOutput{Clusters: []string{"deployment web"}, SecurityGroups: []string{"networkPolicy closed"}}
	// The Deployment and the ReplicaSet that it makes are one cluster.
	require.Eventually(t, func() bool {
		out, err := r.ClusterSize(t.Context(), activities.ClusterSizeInput{
			Scope: scope(), Account: testAccount, Application: app, Cluster: "deployment web", Namespaces: []string{r.namespace},
		})
		require.NoError(t, err)
		return len(out.ServerGroups[r.namespace]) == 1
	}, 20*time.Second, 50*time.Millisecond)
	require.Equal(t, want, of(r.Clouddriver, app))
	require.Empty(t, of(r.Clouddriver, app+"x").Clusters)

	narrow := clouddriverFor(t, Account{Name: testAccount, KubeconfigFile: r.kubernetes.Kubeconfig, Namespaces: []string{r.namespace}})
	require.Equal(t, want, of(narrow, app))
	without := clouddriverFor(t, Account{Name: testAccount, KubeconfigFile: r.kubernetes.Kubeconfig, OmitNamespaces: []string{r.namespace}})
	require.Empty(t, of(without, app).Clusters)

	_, err = r.ApplicationResources(t.Context(), activities.ApplicationResourcesInput{Account: testAccount})
	require.Equal(t, pipeline.CodeInvalid, pipeline.CodeOf(err))
	_, err = r.ApplicationResources(t.Context(), activities.ApplicationResourcesInput{Account: "nobody", Application: "shop"})
	require.Equal(t, pipeline.CodeNotFound, pipeline.CodeOf(err))
}
