package reads

import (
	"testing"

	"github.com/stretchr/testify/require"
	corev1 "k8s.io/api/core/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/types"

	"github.com/gennaker/gennaker/activities"
	"github.com/gennaker/gennaker/pipeline"
)

var indexQuestion = activities.ReadClustersInput{Account: testAccount, Ask: activities.AskIndex}

// TestManifests reads objects as they are in the cluster now.
func TestManifests(t *testing.T) {
	t.Parallel()
	r, shop := newRig(t), app()
	room, _ := r.worker(Config{Watch: WatchAsked}, gone{})
	r.deploy(shop, "web", 1)
	read := func(name string, events bool) (pipeline.Map, error) {
		out, err := room.ShowManifest(t.Context(), activities.ShowManifestInput{Account: testAccount, Location: r.namespace, Name: name, IncludeEvents: events})
		return out.Manifest, err
	}
	eventually(t, "a stable Deployment with events", func() (bool, any) {
		m, err := read("deploy web", true)
		if err != nil {
			return false, err
		}
		return pipeline.AsMap(m.Map("status")["stable"]).Bool("state") && len(m["events"].([]any)) > 0, m
	})
	m, err := read("deployment web", true)
	require.NoError(t, err)
	require.Equal(t, "deployment web", m.String("name"))
	require.Equal(t, testAccount, m.String("account"))
	require.Equal(t, r.namespace, m.String("location"))
	require.Equal(t, pipeline.Map{"app": shop, "cluster": "deployment web"}, m.Map("moniker"))
	require.Equal(t, []any{map[string]any{"type": "docker/image", "name": "example.com/main", "reference": "example.com/main:1"}}, m["artifacts"])
	require.Equal(t, []any{}, m["warnings"])
	require.Equal(t, []any{}, m["metrics"])
	require.NotContains(t, m.Map("manifest").Map("metadata"), "managedFields")
	last := ""
	for _, e := range m["events"].([]any) {
		at := pipeline.AsMap(e).String("lastTimestamp")
		require.LessOrEqual(t, last, at)
		last = at
		require.Equal(t, "web", pipeline.AsMap(e).Map("involvedObject").String("name"))
	}
	m, err = read("deployment web", false)
	require.NoError(t, err)
	require.Empty(t, m["events"])

	_, err = r.client.CoreV1().Secrets(r.namespace).Create(t.Context(), &corev1.Secret{
		ObjectMeta: metav1.ObjectMeta{Name: "key"}, StringData: map[string]string{"password": "hunter2"},
	}, metav1.CreateOptions{})
	require.NoError(t, err)
	m, err = read("secret key", false)
	require.NoError(t, err)
	require.NotContains(t, m.Map("manifest"), "data")

	for name, code := range map[string]pipeline.Code{"deployment nope": pipeline.CodeNotFound, "nonsense web": pipeline.CodeInvalid, "web": pipeline.CodeInvalid} {
		_, err = read(name, false)
		require.Equal(t, code, pipeline.CodeOf(err), name)
	}
	out, err := room.ShowManifest(t.Context(), activities.ShowManifestInput{Account: testAccount, Name: "namespace " + r.namespace})
	require.NoError(t, err, "what has no namespace has no location")
	require.Empty(t, out.Manifest.String("location"))
}

// TestManifestsOfACluster picks objects by Spinnaker's criteria.
func TestManifestsOfACluster(t *testing.T) {
	t.Parallel()
	r, shop := newRig(t), app()
	room, _ := r.worker(Config{Watch: WatchAsked}, gone{})
	for i, name := range []string{"a", "b", "c"} {
		r.deploy(shop, name, int32(3-i)) //nolint:gosec // it is 1 to 3
		patch := []byte(`{"metadata":{"annotations":{"moniker.spinnaker.io/cluster":"deployment all"}}}`)
		_, err := r.client.AppsV1().Deployments(r.namespace).Patch(t.Context(), name, types.MergePatchType, patch, metav1.PatchOptions{})
		require.NoError(t, err)
	}
	list := func(cluster, criteria string) ([]string, error) {
		out, err := room.ListManifests(t.Context(), activities.ListManifestsInput{
			Account: testAccount, Location: r.namespace, Kind: "deployment", Application: shop, Cluster: cluster, Criteria: criteria,
		})
		var names []string
		for _, m := range out.Manifests {
			require.Equal(t, "deployment", m.Kind)
			require.Equal(t, r.namespace, m.Namespace)
			names = append(names, m.Name)
		}
		return names, err
	}
	names, err := list("deployment all", "")
	require.NoError(t, err)
	require.ElementsMatch(t, []string{"a", "b", "c"}, names)
	for criteria, want := range map[string]string{"largest": "a", "smallest": "c"} {
		names, err = list("deployment all", criteria)
		require.NoError(t, err)
		require.Equal(t, []string{want}, names, criteria)
	}
	for _, criteria := range []string{"oldest", "newest", "second_newest"} { // made within one second, perhaps
		names, err = list("deployment all", criteria)
		require.NoError(t, err)
		require.Len(t, names, 1)
	}
	names, err = list("deployment none", "")
	require.NoError(t, err)
	require.Empty(t, names)
	_, err = list("deployment none", "newest")
	require.Equal(t, pipeline.CodeNotFound, pipeline.CodeOf(err))
	_, err = list("deployment all", "tallest")
	require.Equal(t, pipeline.CodeInvalid, pipeline.CodeOf(err))
}

// TestLogs reads and follows the log of a simulated container.
func TestLogs(t *testing.T) {
	t.Parallel()
	r, shop := newRig(t), app()
	room, _ := r.worker(Config{Watch: WatchAsked}, gone{})
	r.deploy(shop, "web", 1)
	var pod string
	eventually(t, "a running pod", func() (bool, any) {
		pods, err := r.client.CoreV1().Pods(r.namespace).List(t.Context(), metav1.ListOptions{})
		if err != nil || len(pods.Items) != 1 || pods.Items[0].Status.Phase != corev1.PodRunning {
			return false, err
		}
		pod = pods.Items[0].Name
		return true, nil
	})
	in := activities.ReadConsoleInput{Account: testAccount, Namespace: r.namespace, Name: "pod " + pod}
	out, err := room.ReadConsole(t.Context(), in)
	require.NoError(t, err)
	require.Len(t, out.Output, 1)
	require.Equal(t, "main", out.Output[0].Name)
	require.Contains(t, out.Output[0].Output, "simulated container started\n")

	first, err := room.FollowLogs(t.Context(), activities.FollowLogsInput{ReadConsoleInput: in})
	require.NoError(t, err)
	require.Equal(t, "main", first.Container)
	require.NotEmpty(t, first.Lines)
	require.Equal(t, "simulated container started", first.Lines[0].Text)
	require.NotEmpty(t, first.After)
	again, err := room.FollowLogs(t.Context(), activities.FollowLogsInput{ReadConsoleInput: in, Container: "main", After: first.Lines[0].Time, Seen: 1})
	require.NoError(t, err)
	require.Equal(t, first.Lines[1:], again.Lines, "it goes on after the line that the caller has")

	_, err = room.FollowLogs(t.Context(), activities.FollowLogsInput{ReadConsoleInput: in, Container: "other"})
	require.Equal(t, pipeline.CodeNotFound, pipeline.CodeOf(err))
	in.Name = "pod nope"
	out, err = room.ReadConsole(t.Context(), in)
	require.NoError(t, err)
	require.Equal(t, []activities.ContainerLog{{Name: "Error", Output: "Failed to retrieve pod data; pod may have been deleted."}}, out.Output)
	_, err = room.FollowLogs(t.Context(), activities.FollowLogsInput{ReadConsoleInput: in})
	require.Equal(t, pipeline.CodeNotFound, pipeline.CodeOf(err))
	in.Name = "deployment web"
	_, err = room.ReadConsole(t.Context(), in)
	require.Equal(t, pipeline.CodeInvalid, pipeline.CodeOf(err))
}
