package testkit_test

import (
	"bytes"
	"context"
	"io"
	"net/http"
	"testing"
	"time"

	"github.com/minio/minio-go/v7"
	"github.com/minio/minio-go/v7/pkg/credentials"
	"github.com/redis/go-redis/v9"
	"github.com/stretchr/testify/require"
	"go.temporal.io/api/operatorservice/v1"
	"go.temporal.io/sdk/client"
	temporallog "go.temporal.io/sdk/log"

	"github.com/gennaker/gennaker/internal/testkit"
)

// silent discards the client's log.
type silent struct{}

func (silent) Debug(string, ...any) {}
func (silent) Info(string, ...any)  {}
func (silent) Warn(string, ...any)  {}
func (silent) Error(string, ...any) {}

var _ temporallog.Logger = silent{}

func TestTemporalKeepsWorkflowsOverAKill(t *testing.T) {
	t.Parallel()
	server := testkit.Temporal(t)
	c, err := client.Dial(client.Options{HostPort: server.Address, Namespace: server.Namespace, Logger: silent{}})
	require.NoError(t, err)
	t.Cleanup(c.Close)
	run, err := c.ExecuteWorkflow(t.Context(), client.StartWorkflowOptions{ID: "kept", TaskQueue: "nobody"}, "anything")
	require.NoError(t, err)

	server.Kill()
	server.Restart(t)

	require.Eventually(t, func() bool {
		description, err := c.DescribeWorkflowExecution(t.Context(), "kept", run.GetRunID())
		return err == nil && description.GetWorkflowExecutionInfo().GetStatus().String() == "Running"
	}, 10*time.Second, 50*time.Millisecond)
	attributes, err := c.OperatorService().ListSearchAttributes(t.Context(),
		&operatorservice.ListSearchAttributesRequest{Namespace: server.Namespace})
	require.NoError(t, err)
	for _, name := range []string{"Application", "PipelineConfigId", "PipelineName", "PipelineStatus", "TriggerType", "CorrelationId"} {
		require.Contains(t, attributes.GetCustomAttributes(), name)
	}

	response, err := get(t.Context(), server.UI+"/namespaces/default/workflows/kept")
	require.NoError(t, err)
	require.Equal(t, http.StatusOK, response)
}

func get(ctx context.Context, url string) (int, error) {
	request, err := http.NewRequestWithContext(ctx, http.MethodGet, url, nil)
	if err != nil {
		return 0, err
	}
	response, err := http.DefaultClient.Do(request)
	if err != nil {
		return 0, err
	}
	return response.StatusCode, response.Body.Close()
}

func TestMinIOKeepsObjectsOverAKill(t *testing.T) {
	t.Parallel()
	server := testkit.MinIO(t)
	c, err := minio.New(server.Endpoint, &minio.Options{Creds: credentials.NewStaticV4(server.AccessKey, server.SecretKey, "")})
	require.NoError(t, err)
	_, err = c.PutObject(t.Context(), server.Bucket, "kept", bytes.NewReader([]byte("value")), 5, minio.PutObjectOptions{})
	require.NoError(t, err)

	server.Kill()
	server.Restart(t)

	object, err := c.GetObject(t.Context(), server.Bucket, "kept", minio.GetObjectOptions{})
	require.NoError(t, err)
	content, err := io.ReadAll(object)
	require.NoError(t, err)
	require.Equal(t, "value", string(content))
	versioning, err := c.GetBucketVersioning(t.Context(), server.Bucket)
	require.NoError(t, err)
	require.True(t, versioning.Enabled())
}

func TestSharedMinIOGivesEachTestItsBucket(t *testing.T) {
	t.Parallel()
	first, second := testkit.SharedMinIO(t), testkit.SharedMinIO(t)
	require.Equal(t, first.Endpoint, second.Endpoint)
	require.NotEqual(t, first.Bucket, second.Bucket)
}

func TestRedisForgetsOverAKill(t *testing.T) {
	t.Parallel()
	server := testkit.Redis(t)
	c := redis.NewClient(&redis.Options{Addr: server.Address})
	t.Cleanup(func() { _ = c.Close() })
	require.NoError(t, c.Set(t.Context(), "key", "value", 0).Err())

	server.Stop()
	require.Zero(t, server.Pid())
	server.Restart(t)

	require.ErrorIs(t, c.Get(t.Context(), "key").Err(), redis.Nil)
}
