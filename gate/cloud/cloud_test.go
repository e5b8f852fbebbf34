package cloud_test

import (
	"context"
	"crypto/rand"
	"io"
	"log/slog"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/require"
	"go.temporal.io/sdk/client"
	"go.temporal.io/sdk/log"
	"go.temporal.io/sdk/worker"

	"github.com/gennaker/gennaker/activities"
	"github.com/gennaker/gennaker/clusters"
	"github.com/gennaker/gennaker/gate/cloud"
	"github.com/gennaker/gennaker/internal/objectstore"
	"github.com/gennaker/gennaker/internal/packed"
	"github.com/gennaker/gennaker/internal/payload"
	"github.com/gennaker/gennaker/internal/testkit"
	"github.com/gennaker/gennaker/pipeline"
)

// room answers with what it was asked, and with a large answer.
type room struct{ activities.Reads }

// records is how many of them make an answer of several megabytes that does not
// compress.
const records = 20_000

func (room) ReadClusters(_ context.Context, in activities.ReadClustersInput) (activities.ReadClustersOutput, error) {
	answer := clusters.Answer{Status: clusters.Status{Leader: in.Ask}}
	switch in.Ask {
	case activities.AskSlice:
		slice := clusters.Slice{}
		for range records {
			slice.Records = append(slice.Records, &clusters.Record{Kind: "pod", Name: rand.Text(), UID: rand.Text() + rand.Text() + rand.Text(), Namespace: in.Application})
		}
		answer.Slice = &slice
	case activities.AskIndex:
		answer.Index = &clusters.Index{Applications: map[string]clusters.Clusters{"shop": {Application: "Shop"}}}
	case activities.AskSearch:
		answer.Entries = []clusters.Entry{{Name: in.Query}}
	case activities.AskObject:
		return activities.ReadClustersOutput{}, pipeline.Errorf(pipeline.CodeNotFound, "There is no %s in %s.", in.Name, in.Namespace)
	}
	document, err := packed.Pack(answer)
	return activities.ReadClustersOutput{Packed: document}, err
}

func (room) ShowManifest(_ context.Context, in activities.ShowManifestInput) (activities.ShowManifestOutput, error) {
	return activities.ShowManifestOutput{Manifest: pipeline.Map{"name": in.Name, "text": strings.Repeat("x", 3<<20), "number": int64(1) << 60}}, nil
}

func (room) ListManifests(context.Context, activities.ListManifestsInput) (activities.ListManifestsOutput, error) {
	panic("a fault") //nolint:forbidigo // what a room must not do
}

func (room) ReadConsole(context.Context, activities.ReadConsoleInput) (activities.ReadConsoleOutput, error) {
	return activities.ReadConsoleOutput{Output: []activities.ContainerLog{{Name: "a", Output: strings.Repeat("é\n", 1<<20)}}}, nil
}

func (room) PlanManifests(_ context.Context, in activities.PlanManifestsInput) (activities.PlanManifestsOutput, error) {
	if in.Deploy == nil {
		return activities.PlanManifestsOutput{}, pipeline.Errorf(pipeline.CodeForbidden, "You may not.")
	}
	document, err := packed.Pack(activities.ManifestPlan{Objects: []activities.PlannedObject{{Kind: in.Deploy.Manifests[0].String("kind"), Action: activities.PlanCreated}}})
	return activities.PlanManifestsOutput{Packed: document}, err
}

func (room) FollowLogs(ctx context.Context, in activities.FollowLogsInput) (activities.FollowLogsOutput, error) {
	return activities.FollowLogsOutput{Container: in.Container, After: in.After, Seen: in.Seen + 1}, ctx.Err()
}

// TestQuestions asks a real worker through a real Temporal, whose large answers
// go through a real bucket.
func TestQuestions(t *testing.T) {
	t.Parallel()
	temporal, store := testkit.SharedTemporal(t), testkit.SharedMinIO(t)
	quiet := slog.New(slog.NewTextHandler(io.Discard, nil))
	secret := func(name, value string) string {
		file := filepath.Join(t.TempDir(), name)
		require.NoError(t, os.WriteFile(file, []byte(value), 0o600))
		return "file:" + file
	}
	bucket, err := objectstore.Client(t.Context(), objectstore.Config{
		Endpoint: store.Endpoint, Bucket: store.Bucket, Region: "us-east-1",
		AccessKey: secret("access", store.AccessKey), SecretKey: secret("secret", store.SecretKey),
	})
	require.NoError(t, err)
	payloads, err := payload.Open(t.Context(), payload.DefaultConfig(), payload.Where{Bucket: bucket, Name: store.Bucket, Namespace: temporal.Namespace}, quiet)
	require.NoError(t, err)
	options := client.Options{HostPort: temporal.Address, Namespace: temporal.Namespace, Logger: log.NewStructuredLogger(quiet)}
	payloads.Apply(&options)
	c, err := client.Dial(options)
	require.NoError(t, err)
	t.Cleanup(c.Close)
	account := "reads-" + strings.ToLower(rand.Text()[:8])
	w := worker.New(c, activities.ReadsQueue(account), payload.Worker(worker.Options{DisableWorkflowWorker: true}))
	activities.RegisterReads(w, room{})
	require.NoError(t, w.Start())
	t.Cleanup(w.Stop)
	plans := worker.New(c, activities.PlansQueue(account), payload.Worker(worker.Options{DisableWorkflowWorker: true}))
	activities.RegisterPlans(plans, room{})
	require.NoError(t, plans.Start())
	t.Cleanup(plans.Stop)
	asked := cloud.New(c)

	slice, status, err := asked.Slice(t.Context(), account, "shop")
	require.NoError(t, err)
	require.Len(t, slice.Records, records)
	require.Equal(t, "shop", slice.Records[records-1].Namespace)
	require.Equal(t, activities.AskSlice, status.Leader)
	index, _, err := asked.Index(t.Context(), account)
	require.NoError(t, err)
	require.Equal(t, "Shop", index.Applications["shop"].Application)
	entries, _, err := asked.Search(t.Context(), account, "x", 5)
	require.NoError(t, err)
	require.Equal(t, []clusters.Entry{{Name: "x"}}, entries)
	_, _, err = asked.Object(t.Context(), account, "prod", "pod x")
	require.Equal(t, pipeline.CodeNotFound, pipeline.CodeOf(err))
	require.Equal(t, "There is no pod x in prod.", pipeline.MessageOf(err))

	manifest, err := asked.Manifest(t.Context(), activities.ShowManifestInput{Account: account, Name: "deployment web"})
	require.NoError(t, err)
	require.Len(t, manifest.String("text"), 3<<20)
	require.Equal(t, int64(1)<<60, manifest["number"])
	_, err = asked.Manifests(t.Context(), activities.ListManifestsInput{Account: account})
	require.Equal(t, pipeline.CodeInternal, pipeline.CodeOf(err))
	console, err := asked.Console(t.Context(), activities.ReadConsoleInput{Account: account})
	require.NoError(t, err)
	require.Len(t, console[0].Output, 3<<20)
	logs, err := asked.Logs(t.Context(), activities.FollowLogsInput{ReadConsoleInput: activities.ReadConsoleInput{Account: account}, Seen: 4})
	require.NoError(t, err)
	require.Equal(t, 5, logs.Seen)

	plan, err := asked.Plan(t.Context(), activities.PlanManifestsInput{Account: account, Deploy: &activities.DeployManifestInput{Manifests: []pipeline.Map{{"kind": "Pod"}}}})
	require.NoError(t, err)
	require.Equal(t, []activities.PlannedObject{{Kind: "Pod", Action: activities.PlanCreated}}, plan.Objects)
	_, err = asked.Plan(t.Context(), activities.PlanManifestsInput{Account: account})
	require.Equal(t, pipeline.CodeForbidden, pipeline.CodeOf(err))
	_, err = asked.Plan(t.Context(), activities.PlanManifestsInput{Account: "nobody-" + account})
	require.ErrorIs(t, err, activities.ErrNotTaken)
	require.ErrorContains(t, err, `No worker serves the account "nobody-`+account)

	began := time.Now()
	_, _, err = asked.Index(t.Context(), "nobody-"+account)
	require.Equal(t, pipeline.CodeUnavailable, pipeline.CodeOf(err))
	require.Contains(t, pipeline.MessageOf(err), "worker")
	require.Less(t, time.Since(began), 30*time.Second)
	cancelled, cancel := context.WithCancel(t.Context())
	cancel()
	_, _, err = asked.Index(cancelled, account)
	require.ErrorIs(t, err, context.Canceled)
}
