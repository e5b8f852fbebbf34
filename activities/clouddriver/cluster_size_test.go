package clouddriver

import (
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/gennaker/gennaker/activities"
	"github.com/gennaker/gennaker/pipeline"
)

func (r *rig) size(t *testing.T, cluster string, enabledOnly bool) []string {
	t.Helper()
	out, err := r.ClusterSize(t.Context(), activities.ClusterSizeInput{
		Scope: scope(), Account: testAccount, Application: "shop", Cluster: cluster,
		Namespaces: []string{r.namespace}, EnabledOnly: enabledOnly,
	})
	require.NoError(t, err)
	return out.ServerGroups[r.namespace]
}

const oneVersion = `
apiVersion: apps/v1
kind: ReplicaSet
metadata: {name: web, namespace: NS, annotations: {traffic.spinnaker.io/load-balancers: '["service web"]'}}
spec:
  replicas: 0
  selector: {matchLabels: {app: web}}
  template:
    metadata: {labels: {app: web}}
    spec: {containers: [{name: c, image: 'nginx:VERSION'}]}
`

func TestClusterSize(t *testing.T) {
	t.Parallel()
	r := newRig(t)
	require.Equal(t, []string{}, r.size(t, "replicaSet web", false))

	r.deploy(t, `
apiVersion: v1
kind: Service
metadata: {name: web, namespace: NS}
spec: {selector: {lb: web}, ports: [{port: 80}]}
`)
	off := r.input(t, strings.ReplaceAll(oneVersion, "VERSION", "1"))
	off.EnableTraffic = false
	_, err := r.DeployManifest(t.Context(), off)
	require.NoError(t, err)
	r.deploy(t, strings.ReplaceAll(oneVersion, "VERSION", "2"))
	r.deploy(t, `
apiVersion: v1
kind: ConfigMap
metadata: {name: web, namespace: NS, annotations: {moniker.spinnaker.io/cluster: replicaSet web}}
`)
	require.Equal(t, []string{"replicaSet web-v000", "replicaSet web-v001"}, r.size(t, "replicaSet web", false))
	require.Equal(t, []string{"replicaSet web-v001"}, r.size(t, "replicaSet web", true), "what no service selects takes no traffic")
	require.Empty(t, r.size(t, "replicaSet other", false))

	_, err = r.ClusterSize(t.Context(), activities.ClusterSizeInput{Account: testAccount, Cluster: "c", Namespaces: make([]string, maxSizeNamespaces+1)})
	require.Equal(t, pipeline.CodeTooLarge, pipeline.CodeOf(err))
	_, err = r.ClusterSize(t.Context(), activities.ClusterSizeInput{Account: "nobody", Cluster: "c", Namespaces: []string{"n"}})
	require.Equal(t, pipeline.CodeNotFound, pipeline.CodeOf(err))
}

// A ReplicaSet belongs to the cluster of the Deployment that made it.
func TestClusterSizeOfDeployment(t *testing.T) {
	t.Parallel()
	r := newRig(t)
	r.deploy(t, `
apiVersion: apps/v1
kind: Deployment
metadata: {name: web, namespace: NS}
spec:
  replicas: 1
  selector: {matchLabels: {app: web}}
  template:
    metadata: {labels: {app: web}}
    spec: {containers: [{name: c, image: nginx}]}
`)
	require.Eventually(t, func() bool { return len(r.size(t, "deployment web", false)) == 1 }, 20*time.Second, 50*time.Millisecond)
}
