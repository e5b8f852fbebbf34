package reads

import (
	"context"
	"crypto/rand"
	"crypto/tls"
	"crypto/x509"
	"encoding/json"
	"fmt"
	"io"
	"log/slog"
	"net/http"
	"net/http/httptest"
	"net/http/httputil"
	"net/url"
	"strings"
	"sync/atomic"
	"testing"
	"time"

	"github.com/stretchr/testify/require"
	appsv1 "k8s.io/api/apps/v1"
	corev1 "k8s.io/api/core/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/types"
	"k8s.io/client-go/kubernetes"
	"k8s.io/client-go/rest"

	"github.com/gennaker/gennaker/activities"
	"github.com/gennaker/gennaker/activities/clouddriver"
	"github.com/gennaker/gennaker/clusters"
	"github.com/gennaker/gennaker/clusters/redismirror"
	"github.com/gennaker/gennaker/executions/redismodel"
	"github.com/gennaker/gennaker/internal/packed"
	"github.com/gennaker/gennaker/internal/testkit"
	"github.com/gennaker/gennaker/internal/testkit/testcluster"
	"github.com/gennaker/gennaker/pipeline"
)

const (
	testAccount = "main"
	// patience is how long a test waits for what is sure to come.
	patience = 60 * time.Second
)

// rig is a namespace of a real cluster, a real Redis and the account that
// workers of the test serve.
type rig struct {
	t         *testing.T
	client    kubernetes.Interface
	namespace string
	account   clouddriver.Account
	redis     *testkit.RedisServer
	mirror    *redismirror.Mirror
	reader    *clusters.Reader
}

func newRig(t *testing.T) *rig { return rigOn(t, testcluster.Get(t)) }

func rigOn(t *testing.T, c *testcluster.Cluster) *rig {
	t.Helper()
	client, err := kubernetes.NewForConfig(c.Config(t))
	require.NoError(t, err)
	r := &rig{t: t, client: client, namespace: c.Namespace(t), redis: testkit.Redis(t)}
	r.account = clouddriver.Account{Name: testAccount, KubeconfigFile: c.Kubeconfig, Namespaces: []string{r.namespace}}
	r.mirror = r.openMirror()
	r.reader = clusters.NewReader(r.mirror, nobody{}, quiet(), nil)
	return r
}

func quiet() *slog.Logger { return slog.New(slog.NewTextHandler(io.Discard, nil)) }

func (r *rig) openMirror() *redismirror.Mirror {
	r.t.Helper()
	model, err := redismodel.Open(r.t.Context(), redismodel.Config{Address: r.redis.Address, Timeout: 5 * time.Second}, quiet())
	require.NoError(r.t, err)
	r.t.Cleanup(func() { _ = model.Close() })
	return redismirror.New(model)
}

// nobody is the owner where only the mirror is looked at.
type nobody struct{}

var errNobody = pipeline.Errorf(pipeline.CodeUnavailable, "nobody is asked in this test")

func (nobody) Slice(context.Context, string, string) (clusters.Slice, clusters.Status, error) {
	return clusters.Slice{}, clusters.Status{}, errNobody
}

func (nobody) Index(context.Context, string) (clusters.Index, clusters.Status, error) {
	return clusters.Index{}, clusters.Status{}, errNobody
}

func (nobody) Object(context.Context, string, string, string) (clusters.Slice, clusters.Status, error) {
	return clusters.Slice{}, clusters.Status{}, errNobody
}

func (nobody) Search(context.Context, string, string, int) ([]clusters.Entry, clusters.Status, error) {
	return nil, clusters.Status{}, errNobody
}

// worker starts a worker that serves the account, and ends it with the test.
func (r *rig) worker(c Config, mirror clusters.MirrorWriter) (*Reads, context.CancelFunc) {
	r.t.Helper()
	accounts, err := clouddriver.NewAccounts([]clouddriver.Account{r.account})
	require.NoError(r.t, err)
	room := New(accounts, mirror, accounts.Names, c, quiet())
	ctx, stop := context.WithCancel(r.t.Context())
	done := make(chan struct{})
	go func() {
		defer close(done)
		room.Run(ctx)
	}()
	ended := func() { stop(); <-done }
	r.t.Cleanup(ended)
	return room, ended
}

// app is an application of the test's own.
func app() string { return "app" + strings.ToLower(rand.Text()[:8]) }

// deploy makes a Deployment of an application with a service in front.
func (r *rig) deploy(app, name string, replicas int32) {
	r.t.Helper()
	labels := map[string]string{"app": name}
	annotations := map[string]string{"moniker.spinnaker.io/application": app, "moniker.spinnaker.io/cluster": "deployment " + name}
	_, err := r.client.AppsV1().Deployments(r.namespace).Create(r.t.Context(), &appsv1.Deployment{
		ObjectMeta: metav1.ObjectMeta{Name: name, Labels: labels, Annotations: annotations},
		Spec: appsv1.DeploymentSpec{
			Replicas: &replicas, Selector: &metav1.LabelSelector{MatchLabels: labels},
			Template: corev1.PodTemplateSpec{
				ObjectMeta: metav1.ObjectMeta{Labels: labels, Annotations: annotations},
				Spec:       corev1.PodSpec{Containers: []corev1.Container{{Name: "main", Image: "example.com/main:1"}}},
			},
		},
	}, metav1.CreateOptions{})
	require.NoError(r.t, err)
	_, err = r.client.CoreV1().Services(r.namespace).Create(r.t.Context(), &corev1.Service{
		ObjectMeta: metav1.ObjectMeta{Name: name, Annotations: annotations},
		Spec:       corev1.ServiceSpec{Selector: labels, Ports: []corev1.ServicePort{{Port: 80}}},
	}, metav1.CreateOptions{})
	require.NoError(r.t, err)
}

func (r *rig) scale(name string, replicas int32) {
	r.t.Helper()
	patch := fmt.Appendf(nil, `{"spec":{"replicas":%d}}`, replicas)
	_, err := r.client.AppsV1().Deployments(r.namespace).Patch(r.t.Context(), name, types.MergePatchType, patch, metav1.PatchOptions{})
	require.NoError(r.t, err)
}

// eventually waits for a condition and tells what was there at the end.
func eventually(t *testing.T, what string, ok func() (bool, any)) {
	t.Helper()
	var last any
	deadline := time.Now().Add(patience)
	for time.Now().Before(deadline) {
		var met bool
		if met, last = ok(); met {
			return
		}
		time.Sleep(50 * time.Millisecond) //nolint:forbidigo // the pause between two looks
	}
	t.Fatalf("%s did not come: %v", what, last)
}

// groups reads an application's server groups from the mirror.
func (r *rig) groups(app string) ([]clusters.ServerGroupSummary, []clusters.Gap, error) {
	view, gaps, err := r.reader.Application(r.t.Context(), app, []string{testAccount})
	if err != nil {
		return nil, gaps, err
	}
	return view.ServerGroups(nil), gaps, nil
}

// awaitUp waits until the mirror shows one server group with so many healthy
// instances and nothing that it lacks.
func (r *rig) awaitUp(app string, up int) clusters.ServerGroupSummary {
	r.t.Helper()
	var found clusters.ServerGroupSummary
	eventually(r.t, fmt.Sprintf("%d instances of %s", up, app), func() (bool, any) {
		groups, gaps, err := r.groups(app)
		if err != nil || len(groups) != 1 || len(gaps) > 0 {
			return false, []any{groups, gaps, err}
		}
		found = groups[0]
		return found.InstanceCounts.Up == up && found.InstanceCounts.Total == up, groups
	})
	return found
}

func (r *rig) status() clusters.Status {
	s, _, err := r.reader.Report(r.t.Context(), testAccount)
	require.NoError(r.t, err)
	return s
}

func (r *rig) kind(name string) clusters.Watched {
	for _, k := range r.status().Kinds {
		if k.Kind == name {
			return k
		}
	}
	return clusters.Watched{}
}

// ask asks a worker as Gate does.
func ask(t *testing.T, room *Reads, in activities.ReadClustersInput) (clusters.Answer, error) {
	t.Helper()
	in.Account = testAccount
	out, err := room.ReadClusters(t.Context(), in)
	if err != nil {
		return clusters.Answer{}, err
	}
	document, err := packed.Unpack(string(out.Packed), 1<<30)
	require.NoError(t, err)
	var answer clusters.Answer
	require.NoError(t, json.Unmarshal(document, &answer))
	return answer, nil
}

// gone is a Redis that is away.
type gone struct{ clusters.MirrorWriter }

var errGone = pipeline.Errorf(pipeline.CodeUnavailable, "Redis is away.")

func (gone) Turn(context.Context, string, []string, bool) (map[string]bool, error) {
	return nil, errGone
}
func (gone) Release(context.Context, string, []string) error               { return errGone }
func (gone) Write(context.Context, string, clusters.Writing) (bool, error) { return false, errGone }

// proxy stands between a worker and the API server and does what tests tell it.
type proxy struct {
	server *httptest.Server
	// down answers everything with 503; expired answers watches that go on from a
	// version with 410.
	down, expired atomic.Bool
	watches       atomic.Int64
	requests      atomic.Int64
	expirations   atomic.Int64
}

func (r *rig) proxy() *proxy {
	r.t.Helper()
	config := testcluster.Get(r.t).Config(r.t)
	target, err := url.Parse(config.Host)
	require.NoError(r.t, err)
	p := &proxy{}
	forward := httputil.NewSingleHostReverseProxy(target)
	forward.Transport = transportTo(r.t, config)
	forward.FlushInterval = -1
	forward.ErrorLog = slog.NewLogLogger(slog.DiscardHandler, slog.LevelDebug)
	p.server = httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, q *http.Request) {
		p.requests.Add(1)
		watching := q.URL.Query().Get("watch") != ""
		switch {
		case p.down.Load():
			w.WriteHeader(http.StatusServiceUnavailable)
			return
		case watching && p.expired.Load() && q.URL.Query().Get("resourceVersion") != "" && q.URL.Query().Get("sendInitialEvents") == "":
			p.expirations.Add(1)
			w.Header().Set("Content-Type", "application/json")
			w.WriteHeader(http.StatusGone)
			_, _ = io.WriteString(w, `{"kind":"Status","apiVersion":"v1","metadata":{},"status":"Failure","message":"too old resource version","reason":"Expired","code":410}`)
			return
		}
		if watching {
			p.watches.Add(1)
		}
		forward.ServeHTTP(w, q)
	}))
	r.t.Cleanup(p.server.Close)
	r.account.KubeconfigFile = ""
	r.account.KubeconfigContents = fmt.Sprintf(`{apiVersion: v1, kind: Config, current-context: p, contexts: [{name: p, context: {cluster: p, user: p}}],
  clusters: [{name: p, cluster: {server: %q}}], users: [{name: p, user: {}}]}`, p.server.URL)
	return p
}

func transportTo(t *testing.T, config *rest.Config) http.RoundTripper {
	t.Helper()
	pool := x509.NewCertPool()
	require.True(t, pool.AppendCertsFromPEM(config.CAData))
	pair, err := tls.X509KeyPair(config.CertData, config.KeyData)
	require.NoError(t, err)
	return &http.Transport{TLSClientConfig: &tls.Config{RootCAs: pool, Certificates: []tls.Certificate{pair}, MinVersion: tls.VersionTLS12}}
}
