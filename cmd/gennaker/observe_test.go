package main

import (
	"bytes"
	"context"
	"encoding/hex"
	"encoding/json"
	"io"
	"net"
	"net/http"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/prometheus/client_golang/prometheus/testutil/promlint"
	"github.com/stretchr/testify/require"
	collector "go.opentelemetry.io/proto/otlp/collector/trace/v1"
	trace "go.opentelemetry.io/proto/otlp/trace/v1"
	"google.golang.org/grpc"

	"github.com/gennaker/gennaker/internal/testkit"
)

// spans is an OpenTelemetry collector that keeps what it gets.
type spans struct {
	collector.UnimplementedTraceServiceServer

	mu  sync.Mutex
	all []*trace.Span
}

// Export implements the collector's service.
func (s *spans) Export(_ context.Context, r *collector.ExportTraceServiceRequest) (*collector.ExportTraceServiceResponse, error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	for _, resource := range r.GetResourceSpans() {
		for _, scope := range resource.GetScopeSpans() {
			s.all = append(s.all, scope.GetSpans()...)
		}
	}
	return &collector.ExportTraceServiceResponse{}, nil
}

// of returns the spans of a trace by name.
func (s *spans) of(id string) map[string]*trace.Span {
	s.mu.Lock()
	defer s.mu.Unlock()
	out := map[string]*trace.Span{}
	for _, span := range s.all {
		if hex.EncodeToString(span.GetTraceId()) == id {
			out[span.GetName()] = span
		}
	}
	return out
}

func listenHere(t *testing.T) net.Listener {
	t.Helper()
	l, err := new(net.ListenConfig).Listen(t.Context(), "tcp", "127.0.0.1:0")
	require.NoError(t, err)
	return l
}

func newCollector(t *testing.T) (*spans, string) {
	t.Helper()
	l, out, server := listenHere(t), &spans{}, grpc.NewServer()
	collector.RegisterTraceServiceServer(server, out)
	go func() { _ = server.Serve(l) }() // it ends with Stop
	t.Cleanup(server.Stop)
	return out, "http://" + l.Addr().String()
}

// freeAddress returns an address that nobody listens on.
func freeAddress(t *testing.T) string {
	t.Helper()
	l := listenHere(t)
	defer func() { _ = l.Close() }()
	return l.Addr().String()
}

// installation is `gennaker server` with everything behind it.
type installation struct {
	t             *testing.T
	gate, metrics string
}

func newInstallation(t *testing.T) *installation {
	t.Helper()
	temporal, minio := testkit.Temporal(t), testkit.SharedMinIO(t)
	dir := t.TempDir()
	secret := func(name, value string) string {
		path := filepath.Join(dir, name)
		require.NoError(t, os.WriteFile(path, []byte(value), 0o600))
		return "file:" + path
	}
	i := &installation{t: t, gate: freeAddress(t), metrics: freeAddress(t)}
	ctx, stop := context.WithCancel(context.WithoutCancel(t.Context()))
	ended := make(chan int, 1)
	var log lockedBuffer
	args := []string{
		"server", "--temporal-address", temporal.Address, "--temporal-namespace", temporal.Namespace,
		"--object-store-endpoint", minio.Endpoint, "--object-store-bucket", minio.Bucket,
		"--object-store-access-key", secret("user", minio.AccessKey), "--object-store-secret-key", secret("password", minio.SecretKey),
		"--gate-address", i.gate, "--deck-address", "", "--front50-address", freeAddress(t), "--metrics-address", i.metrics,
		"--gate-rate-limit", "learning", "--worker-roles", "orca",
	}
	go func() { ended <- run(ctx, args, io.Discard, &log) }()
	t.Cleanup(func() {
		stop()
		select {
		case code := <-ended:
			require.Equal(t, exitOK, code, log.String())
		case <-time.After(time.Minute):
			require.FailNow(t, "the server does not end", log.String())
		}
	})
	require.Eventually(t, func() bool {
		status, _, err := i.get("http://" + i.gate + "/health")
		return err == nil && status == http.StatusOK
	}, 2*time.Minute, 50*time.Millisecond, "Gate does not answer")
	return i
}

// lockedBuffer takes a log.
type lockedBuffer struct {
	mu sync.Mutex
	b  bytes.Buffer
}

// Write implements io.Writer.
func (b *lockedBuffer) Write(p []byte) (int, error) {
	b.mu.Lock()
	defer b.mu.Unlock()
	return b.b.Write(p)
}

func (b *lockedBuffer) String() string {
	b.mu.Lock()
	defer b.mu.Unlock()
	return b.b.String()
}

func (i *installation) get(url string) (int, []byte, error) {
	r, err := http.NewRequestWithContext(i.t.Context(), http.MethodGet, url, nil)
	require.NoError(i.t, err)
	answer, err := http.DefaultClient.Do(r)
	if err != nil {
		return 0, nil, err
	}
	defer func() { _ = answer.Body.Close() }()
	body, err := io.ReadAll(answer.Body)
	return answer.StatusCode, body, err
}

// run runs a pipeline to its end as part of a client's trace and returns its
// execution.
func (i *installation) run(body, traceparent string) map[string]any {
	i.t.Helper()
	r, err := http.NewRequestWithContext(i.t.Context(), http.MethodPost, "http://"+i.gate+"/pipelines/start", strings.NewReader(body))
	require.NoError(i.t, err)
	r.Header.Set("Content-Type", "application/json")
	r.Header.Set("Traceparent", traceparent)
	answer, err := http.DefaultClient.Do(r)
	require.NoError(i.t, err)
	defer func() { _ = answer.Body.Close() }()
	raw, err := io.ReadAll(answer.Body)
	require.NoError(i.t, err)
	require.Equal(i.t, http.StatusOK, answer.StatusCode, string(raw))
	var started struct{ Ref string }
	require.NoError(i.t, json.Unmarshal(raw, &started))
	var out map[string]any
	require.Eventually(i.t, func() bool {
		status, body, err := i.get("http://" + i.gate + started.Ref)
		return err == nil && status == http.StatusOK && json.Unmarshal(body, &out) == nil && out["status"] == "SUCCEEDED"
	}, 2*time.Minute, 50*time.Millisecond, "the pipeline does not succeed")
	return out
}

// TestWhatHappensIsTracedAndCounted runs the product on real servers with a
// collector of traces beside it.
func TestWhatHappensIsTracedAndCounted(t *testing.T) {
	const (
		client = "4bf92f3577b34da6a3ce929d0e0e4736"
		parent = "00f067aa0ba902b7"
	)
	received, endpoint := newCollector(t)
	t.Setenv("OTEL_EXPORTER_OTLP_ENDPOINT", endpoint)
	t.Setenv("OTEL_BSP_SCHEDULE_DELAY", "100")
	i := newInstallation(t)
	i.run(`{"application":"shop","name":"traced","stages":[{"refId":"1","type":"wait","waitTime":1,"name":"Wait"}]}`,
		"00-"+client+"-"+parent+"-01")

	const (
		gateSpan     = "POST /pipelines/start"
		startSpan    = "StartWorkflow:Pipeline"
		workflowSpan = "RunWorkflow:Pipeline"
		activitySpan = "RunActivity:"
	)
	var activity *trace.Span
	var found map[string]*trace.Span
	require.Eventually(t, func() bool {
		found = received.of(client)
		for name, span := range found {
			if strings.HasPrefix(name, activitySpan) {
				activity = span
			}
		}
		return activity != nil && found[gateSpan] != nil && found[startSpan] != nil && found[workflowSpan] != nil
	}, time.Minute, 50*time.Millisecond, "one trace goes from the client to an activity")
	require.Equal(t, parent, hex.EncodeToString(found[gateSpan].GetParentSpanId()))
	require.Equal(t, found[gateSpan].GetSpanId(), found[startSpan].GetParentSpanId())
	require.Equal(t, found[startSpan].GetSpanId(), found[workflowSpan].GetParentSpanId())
	var above []string
	for span := activity; span != nil; {
		id := span.GetParentSpanId()
		span = nil
		for name, other := range found {
			if bytes.Equal(other.GetSpanId(), id) {
				above, span = append(above, name), other
			}
		}
	}
	require.Equal(t, gateSpan, above[len(above)-1], "the activity hangs below Gate's span: %v", above)
	require.Contains(t, above, workflowSpan)

	i.requireMetrics()
}

// requireMetrics holds a scrape against Prometheus's own rules, and looks for what
// operators are told to watch.
func (i *installation) requireMetrics() {
	t := i.t
	t.Helper()
	status, body, err := i.get("http://" + i.metrics + "/metrics")
	require.NoError(t, err)
	require.Equal(t, http.StatusOK, status)
	problems, err := promlint.New(bytes.NewReader(body)).Lint()
	require.NoError(t, err)
	// Temporal's names are its own.
	problems = slices.DeleteFunc(problems, func(p promlint.Problem) bool { return strings.HasPrefix(p.Metric, "temporal_") })
	require.Empty(t, problems)
	page, err := os.ReadFile("../../docs/operations.md")
	require.NoError(t, err)
	text := string(body)
	for _, want := range []string{
		`gennaker_build_info{version="`,
		`gennaker_http_requests_total{method="POST",route="/pipelines/start",status="200"} 1`,
		`gennaker_http_request_duration_seconds_bucket{method="POST",route="/pipelines/start"`,
		`gennaker_http_streams 0`,
		`gennaker_rate_limit_decisions_total{decision="allowed"}`,
		`gennaker_rate_limit_failures_total`,
		`gennaker_redis_command_duration_seconds_count{command="evalsha"}`,
		`gennaker_object_store_requests_total{method="GET",status="200"}`,
		`gennaker_object_store_request_duration_seconds_count{method="PUT"}`,
		`gennaker_executions_started_total{`,
		`gennaker_executions_ended_total{`,
		`gennaker_execution_duration_seconds_count{`,
		`stage_type="wait"`,
		`gennaker_read_model_lag_seconds_count`,
		`gennaker_read_model_waiting_executions`,
		`temporal_local_activity_execution_latency_seconds_count{`,
		`go_goroutines`, `process_resident_memory_bytes`,
	} {
		require.Contains(t, text, want)
	}
	for line := range strings.Lines(text) {
		name, found := strings.CutPrefix(line, "# TYPE ")
		if name, _, _ = strings.Cut(name, " "); !found || !strings.HasPrefix(name, "gennaker_") {
			continue
		}
		require.Contains(t, string(page), "`"+name+"`", "docs/operations.md tells of every metric")
	}
	status, _, err = i.get("http://" + i.gate + "/metrics")
	require.NoError(t, err)
	require.Equal(t, http.StatusNotFound, status, "the API does not offer metrics")
}
