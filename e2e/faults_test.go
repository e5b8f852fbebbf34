package e2e

import (
	"net/http"
	"os"
	"path/filepath"
	"testing"
	"time"

	"github.com/stretchr/testify/require"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"

	"github.com/gennaker/gennaker/e2e/harness"
	"github.com/gennaker/gennaker/internal/testkit/testcluster"
	"github.com/gennaker/gennaker/pipeline"
)

// TestClusterWithFaults deploys through an API server that asks to be left alone,
// refuses the credentials, loses an answer after it did what was asked, and breaks
// watches: every fault is an attempt that the stage shows, and what is deployed is
// deployed once.
func TestClusterWithFaults(t *testing.T) {
	t.Parallel()
	ctx := within(t, 3*time.Minute)
	f := newFleet(t, ctx)
	p := testcluster.Get(t).Proxy(t)
	config := filepath.Join(t.TempDir(), "kubeconfig")
	require.NoError(t, os.WriteFile(config, []byte(p.Kubeconfig("")), 0o600))
	f.agent(ctx, "faulty-"+f.westAccount, f.westAccount, config)
	f.untilHealth(ctx, f.westAccount, "up", up)

	const asked = 8 * time.Second
	creates := testcluster.Requests(http.MethodPost, "/configmaps")
	throttled := p.Break(1, creates, testcluster.Overloaded(int(asked.Seconds())))
	p.Break(1, creates, testcluster.Answer(http.StatusUnauthorized, "Unauthorized", "Unauthorized", 0))
	lost := p.Break(1, creates, testcluster.Lost)
	watches := p.Break(3, testcluster.Requests("WATCH", "/deployments"), testcluster.Expired)
	id := f.start(ctx, "Faults", stage("1", "", f.westAccount, f.westNS, "conf", map[string]any{"k": "v"}), stage("2", "1", f.westAccount, f.westNS, "web", nil))
	e, err := f.Gate.AwaitEnd(ctx, id)
	require.NoError(t, err)
	require.Equal(t, pipeline.Succeeded, e.Status, harness.Describe(e))

	attempts := harness.StageNamed(e, "conf").Context.List("attempts")
	require.Len(t, attempts, 3, harness.Describe(e))
	for i, says := range []string{"come again in 8s", "refuses the worker's credentials", "does not answer"} {
		require.Contains(t, pipeline.AsMap(attempts[i])["error"], says)
	}
	require.GreaterOrEqual(t, lost.Met()[0].Sub(throttled.Met()[0]), asked)
	require.NotEmpty(t, watches.Met())
	made, err := f.west.CoreV1().ConfigMaps(f.westNS).List(ctx, metav1.ListOptions{LabelSelector: "app.kubernetes.io/managed-by=spinnaker"})
	require.NoError(t, err)
	require.Len(t, made.Items, 1)
	require.Equal(t, "conf-v000", made.Items[0].Name)
}
