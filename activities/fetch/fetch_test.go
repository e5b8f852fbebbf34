package fetch_test

import (
	"context"
	"io"
	"net"
	"net/http"
	"net/http/httptest"
	"net/netip"
	"strconv"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/gennaker/gennaker/activities"
	"github.com/gennaker/gennaker/activities/fetch"
	"github.com/gennaker/gennaker/executions"
	"github.com/gennaker/gennaker/internal/outbound"
	"github.com/gennaker/gennaker/pipeline"
	"github.com/gennaker/gennaker/pipeline/expr"
)

// known is a resolver for one name.
type known struct{}

func (known) LookupNetIP(_ context.Context, _, host string) ([]netip.Addr, error) {
	switch host {
	case "files.example":
		return []netip.Addr{netip.MustParseAddr("127.0.0.1")}, nil
	case "inside.example":
		return []netip.Addr{netip.MustParseAddr("10.0.0.1")}, nil
	}
	return nil, &net.DNSError{Err: "no such host", Name: host, IsNotFound: true}
}

// world is Front50 and the executions.
type world struct{}

var away = pipeline.Errorf(pipeline.CodeUnavailable, "The bucket does not answer.")

func (world) Application(_ context.Context, name string) (pipeline.Application, error) {
	switch name {
	case "shop":
		return pipeline.Application{"name": "SHOP", "email": "shop@example.com", "port": int64(8080)}, nil
	case "away":
		return nil, away
	}
	return nil, pipeline.Errorf(pipeline.CodeNotFound, "Application not found")
}

func (world) Pipelines(_ context.Context, application string) ([]pipeline.Pipeline, error) {
	switch application {
	case "shop":
		return []pipeline.Pipeline{{"id": "p1", "name": "promote"}, {"id": "p2", "name": "Promote"}, {"id": "p3", "name": "Roll Back"}}, nil
	case "away":
		return nil, away
	}
	return nil, pipeline.Errorf(pipeline.CodeNotFound, "Application not found")
}

func (world) Get(_ context.Context, id string) (executions.Record, error) {
	if id != "01PARENT" {
		return executions.Record{}, pipeline.Errorf(pipeline.CodeNotFound, "The execution %s does not exist.", id)
	}
	return executions.Record{Execution: &pipeline.Execution{ID: id, Application: "shop", Name: "Parent", Status: pipeline.Running, BuildTime: 1700000000000}}, nil
}

func newRoom(t *testing.T) *fetch.Fetch {
	t.Helper()
	client, err := outbound.New(outbound.Config{
		Allowed: []string{"files.example"}, ConnectTimeout: 5 * time.Second, Timeout: 500 * time.Millisecond,
		MaxRedirects: 5, MaxResponse: 8 << 20, MaxHeader: 64 << 10, UserAgent: "gennaker",
	}, known{})
	require.NoError(t, err)
	return fetch.New(client, world{}, world{})
}

// serve answers each path with the status that it names.
func serve(t *testing.T) string {
	t.Helper()
	s := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		switch r.URL.Path {
		case "/version.txt":
			_, _ = io.WriteString(w, "1.4.2\n")
		case "/big":
			_, _ = io.WriteString(w, strings.Repeat("x", 600<<10))
		case "/huge":
			_, _ = io.WriteString(w, strings.Repeat("x", activities.MaxFetched+1))
		case "/slow":
			<-r.Context().Done()
		case "/moved":
			http.Redirect(w, r, "/version.txt", http.StatusFound)
		case "/inside":
			http.Redirect(w, r, "http://inside.example/", http.StatusFound)
		case "/metadata":
			http.Redirect(w, r, "http://169.254.169.254/", http.StatusFound)
		default:
			status, err := strconv.Atoi(r.URL.Path[1:])
			if err != nil {
				status = http.StatusNotFound
			}
			w.WriteHeader(status)
		}
	}))
	t.Cleanup(s.Close)
	_, port, err := net.SplitHostPort(s.Listener.Addr().String())
	require.NoError(t, err)
	return "http://files.example:" + port
}

func one(t *testing.T, r expr.Request) (expr.Answer, error) {
	t.Helper()
	out, err := newRoom(t).FetchExpressions(t.Context(), activities.FetchExpressionsInput{Requests: []expr.Request{r}})
	if err != nil {
		return expr.Answer{}, err
	}
	require.Len(t, out.Answers, 1)
	a, ok := out.Answers[r.Key()]
	require.True(t, ok)
	return a, nil
}

// What is asked for comes as a value; what is definitely not to be had comes as
// an error of its own, so that only the expression fails; and a world that does
// not answer is an error that is worth another attempt.
func TestFetch(t *testing.T) {
	t.Parallel()
	at := serve(t)
	url := func(u string) expr.Request { return expr.Request{Kind: expr.FetchURL, URL: u} }
	promote := func(application, name string) expr.Request {
		return expr.Request{Kind: expr.FetchPipeline, Application: application, Name: name}
	}
	application := func(name string) expr.Request { return expr.Request{Kind: expr.FetchApplication, Application: name} }
	for name, tt := range map[string]struct {
		request expr.Request
		want    any           // the value
		refused string        // part of the answer's error
		code    pipeline.Code // of the error
	}{
		"text":                     {request: url(at + "/version.txt"), want: "1.4.2\n"},
		"moved":                    {request: url(at + "/moved"), want: "1.4.2\n"},
		"empty":                    {request: url(at + "/204"), want: ""},
		"pipeline":                 {request: promote("shop", "Promote"), want: "p2"},
		"pipeline in another case": {request: promote("shop", "roll back"), want: "p3"},
		"no such pipeline":         {request: promote("shop", "nowhere")},
		"pipeline of no one":       {request: promote("bakery", "Promote")},
		"application":              {request: application("shop"), want: map[string]any{"name": "SHOP", "email": "shop@example.com", "port": int64(8080)}},

		"404":                 {request: url(at + "/404"), refused: "Not retrying: the URL answered 404 Not Found."},
		"403":                 {request: url(at + "/403"), refused: "403 Forbidden"},
		"304":                 {request: url(at + "/304"), refused: "304 Not Modified"},
		"private":             {request: url("http://inside.example/"), refused: "Host not allowed"},
		"literal":             {request: url("http://127.0.0.1/"), refused: "Host not allowed: the address 127.0.0.1 is private"},
		"file":                {request: url("file:///etc/passwd"), refused: "neither http nor https"},
		"redirect inside":     {request: url(at + "/inside"), refused: "Host not allowed"},
		"redirect to cloud":   {request: url(at + "/metadata"), refused: "169.254.169.254 is link-local"},
		"huge":                {request: url(at + "/huge"), refused: "over 1048576 bytes"},
		"unknown application": {request: application("nowhere"), refused: "Application not found"},
		"unknown execution":   {request: expr.Request{Kind: expr.FetchExecution, ID: "01NOBODY"}, refused: "01NOBODY does not exist"},
		"pipeline of nothing": {request: promote("", "Promote"), refused: "the application is missing"},
		"canary":              {request: expr.Request{Kind: expr.FetchCanaryConfig, Application: "shop", Name: "latency"}, refused: "no canary analysis"},
		"artifact":            {request: expr.Request{Kind: expr.FetchArtifact, Reference: "ref://shop/abc"}, refused: "no artifact store"},
		"something else":      {request: expr.Request{Kind: "moon"}, refused: `cannot fetch a "moon"`},

		"500":                     {request: url(at + "/500"), code: pipeline.CodeUnavailable},
		"503":                     {request: url(at + "/503"), code: pipeline.CodeUnavailable},
		"429":                     {request: url(at + "/429"), code: pipeline.CodeThrottled},
		"late":                    {request: url(at + "/slow"), code: pipeline.CodeUnavailable},
		"name":                    {request: url("http://nowhere.example/"), code: pipeline.CodeUnavailable},
		"application, store away": {request: application("away"), code: pipeline.CodeUnavailable},
		"pipeline, store away":    {request: promote("away", "x"), code: pipeline.CodeUnavailable},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			a, err := one(t, tt.request)
			if tt.code != "" {
				require.Equal(t, tt.code, pipeline.CodeOf(err))
				return
			}
			require.NoError(t, err)
			require.Equal(t, tt.want, a.Value)
			require.Contains(t, a.Error, tt.refused)
			require.Equal(t, tt.refused == "", a.Error == "", a.Error)
		})
	}
}

func TestFetchAnExecution(t *testing.T) {
	t.Parallel()
	a, err := one(t, expr.Request{Kind: expr.FetchExecution, ID: "01PARENT"})
	require.NoError(t, err)
	execution := pipeline.AsMap(a.Value)
	require.Equal(t, "Parent", execution["name"])
	require.Equal(t, "RUNNING", execution["status"])
	require.Equal(t, int64(1700000000000), execution["buildTime"])
}

func TestFetchIsCancelled(t *testing.T) {
	t.Parallel()
	ctx, cancel := context.WithCancel(t.Context())
	cancel()
	_, err := newRoom(t).FetchExpressions(ctx, activities.FetchExpressionsInput{Requests: []expr.Request{{Kind: expr.FetchURL, URL: serve(t) + "/slow"}}})
	require.ErrorIs(t, err, context.Canceled)
}

// All answers together fit into one result.
func TestAnswersAreBounded(t *testing.T) {
	t.Parallel()
	at := serve(t)
	var requests []expr.Request
	for _, path := range []string{"/big", "/big?2", "/version.txt", "/big"} {
		requests = append(requests, expr.Request{Kind: expr.FetchURL, URL: at + path})
	}
	out, err := newRoom(t).FetchExpressions(t.Context(), activities.FetchExpressionsInput{Requests: requests})
	require.NoError(t, err)
	require.Len(t, out.Answers, 3)
	require.Empty(t, out.Answers[requests[0].Key()].Error)
	require.Contains(t, out.Answers[requests[1].Key()].Error, "too large")
	require.Equal(t, "1.4.2\n", out.Answers[requests[2].Key()].Value)

	_, err = newRoom(t).FetchExpressions(t.Context(), activities.FetchExpressionsInput{Requests: make([]expr.Request, activities.MaxFetches+1)})
	require.Equal(t, pipeline.CodeInvalid, pipeline.CodeOf(err))
}
