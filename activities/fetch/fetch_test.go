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

func TestFetch(t *testing.T) {
	t.Parallel()
	at := serve(t)
	for name, tt := range map[string]struct {
		request expr.Request
		want    any
	}{
		"text":                     {expr.Request{Kind: expr.FetchURL, URL: at + "/version.txt"}, "1.4.2\n"},
		"moved":                    {expr.Request{Kind: expr.FetchURL, URL: at + "/moved"}, "1.4.2\n"},
		"empty":                    {expr.Request{Kind: expr.FetchURL, URL: at + "/204"}, ""},
		"pipeline":                 {expr.Request{Kind: expr.FetchPipeline, Application: "shop", Name: "Promote"}, "p2"},
		"pipeline in another case": {expr.Request{Kind: expr.FetchPipeline, Application: "shop", Name: "roll back"}, "p3"},
		"no such pipeline":         {expr.Request{Kind: expr.FetchPipeline, Application: "shop", Name: "nowhere"}, nil},
		"pipeline of no one":       {expr.Request{Kind: expr.FetchPipeline, Application: "bakery", Name: "Promote"}, nil},
		"application":              {expr.Request{Kind: expr.FetchApplication, Application: "shop"}, map[string]any{"name": "SHOP", "email": "shop@example.com", "port": int64(8080)}},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			a, err := one(t, tt.request)
			require.NoError(t, err)
			require.Equal(t, expr.Answer{Value: tt.want}, a)
		})
	}
	a, err := one(t, expr.Request{Kind: expr.FetchExecution, ID: "01PARENT"})
	require.NoError(t, err)
	execution := pipeline.AsMap(a.Value)
	require.Equal(t, "Parent", execution["name"])
	require.Equal(t, "RUNNING", execution["status"])
	require.Equal(t, int64(1700000000000), execution["buildTime"])
}

// What is definitely not to be had is an answer, so that only the expression
// fails.
func TestWhatIsNotToBeHad(t *testing.T) {
	t.Parallel()
	at := serve(t)
	for name, tt := range map[string]struct {
		request expr.Request
		want    string
	}{
		"404":               {expr.Request{Kind: expr.FetchURL, URL: at + "/404"}, "Not retrying: the URL answered 404 Not Found."},
		"403":               {expr.Request{Kind: expr.FetchURL, URL: at + "/403"}, "403 Forbidden"},
		"304":               {expr.Request{Kind: expr.FetchURL, URL: at + "/304"}, "304 Not Modified"},
		"private":           {expr.Request{Kind: expr.FetchURL, URL: "http://inside.example/"}, "Host not allowed"},
		"literal":           {expr.Request{Kind: expr.FetchURL, URL: "http://127.0.0.1/"}, "Host not allowed: the address 127.0.0.1 is private"},
		"file":              {expr.Request{Kind: expr.FetchURL, URL: "file:///etc/passwd"}, "neither http nor https"},
		"redirect inside":   {expr.Request{Kind: expr.FetchURL, URL: at + "/inside"}, "Host not allowed"},
		"redirect to cloud": {expr.Request{Kind: expr.FetchURL, URL: at + "/metadata"}, "169.254.169.254 is link-local"},
		"huge":              {expr.Request{Kind: expr.FetchURL, URL: at + "/huge"}, "over 1048576 bytes"},
		"application":       {expr.Request{Kind: expr.FetchApplication, Application: "nowhere"}, "Application not found"},
		"execution":         {expr.Request{Kind: expr.FetchExecution, ID: "01NOBODY"}, "01NOBODY does not exist"},
		"no application":    {expr.Request{Kind: expr.FetchPipeline, Name: "Promote"}, "the application is missing"},
		"canary":            {expr.Request{Kind: expr.FetchCanaryConfig, Application: "shop", Name: "latency"}, "no canary analysis"},
		"artifact":          {expr.Request{Kind: expr.FetchArtifact, Reference: "ref://shop/abc"}, "no artifact store"},
		"something else":    {expr.Request{Kind: "moon"}, `cannot fetch a "moon"`},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			a, err := one(t, tt.request)
			require.NoError(t, err)
			require.Nil(t, a.Value)
			require.Contains(t, a.Error, tt.want)
		})
	}
}

// A world that does not answer is an error that is worth another attempt.
func TestAWorldThatDoesNotAnswer(t *testing.T) {
	t.Parallel()
	at := serve(t)
	for name, tt := range map[string]struct {
		request expr.Request
		code    pipeline.Code
	}{
		"500":         {expr.Request{Kind: expr.FetchURL, URL: at + "/500"}, pipeline.CodeUnavailable},
		"503":         {expr.Request{Kind: expr.FetchURL, URL: at + "/503"}, pipeline.CodeUnavailable},
		"429":         {expr.Request{Kind: expr.FetchURL, URL: at + "/429"}, pipeline.CodeThrottled},
		"late":        {expr.Request{Kind: expr.FetchURL, URL: at + "/slow"}, pipeline.CodeUnavailable},
		"name":        {expr.Request{Kind: expr.FetchURL, URL: "http://nowhere.example/"}, pipeline.CodeUnavailable},
		"application": {expr.Request{Kind: expr.FetchApplication, Application: "away"}, pipeline.CodeUnavailable},
		"pipelines":   {expr.Request{Kind: expr.FetchPipeline, Application: "away", Name: "x"}, pipeline.CodeUnavailable},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			_, err := one(t, tt.request)
			require.Equal(t, tt.code, pipeline.CodeOf(err))
		})
	}
	ctx, cancel := context.WithCancel(t.Context())
	cancel()
	_, err := newRoom(t).FetchExpressions(ctx, activities.FetchExpressionsInput{Requests: []expr.Request{{Kind: expr.FetchURL, URL: at + "/slow"}}})
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
