package workers_test

import (
	"crypto/tls"
	"encoding/json"
	"io"
	"net/http"
	"net/http/httptest"
	"net/http/httputil"
	"net/url"
	"strings"
	"sync"
	"sync/atomic"
	"testing"

	"github.com/stretchr/testify/require"
	"k8s.io/client-go/rest"
	"k8s.io/client-go/tools/clientcmd"
	clientcmdapi "k8s.io/client-go/tools/clientcmd/api"
)

// proxy is a way to a cluster that counts requests, may hold writes back, and may
// give the cluster another identity.
type proxy struct {
	*testing.T
	server   *httptest.Server
	requests atomic.Int64
	uid      atomic.Value

	mu      sync.Mutex
	holding chan struct{} // closed to let writes go on; nil when none is held
	reached chan struct{} // closed by the first write that is held
}

func newProxy(t *testing.T, config *rest.Config) *proxy {
	t.Helper()
	target, err := url.Parse(config.Host)
	require.NoError(t, err)
	transport, err := rest.TransportFor(config)
	require.NoError(t, err)
	p := &proxy{T: t}
	forward := &httputil.ReverseProxy{
		Transport: transport, FlushInterval: -1,
		Rewrite:        func(r *httputil.ProxyRequest) { r.SetURL(target) },
		ModifyResponse: p.rename,
	}
	p.server = httptest.NewUnstartedServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		p.requests.Add(1)
		if r.Method == http.MethodPost || r.Method == http.MethodPatch {
			p.wait(r)
		}
		forward.ServeHTTP(w, r)
	}))
	p.server.TLS = &tls.Config{MinVersion: tls.VersionTLS12}
	p.server.StartTLS()
	t.Cleanup(func() {
		p.release()
		p.server.CloseClientConnections()
		p.server.Close()
	})
	return p
}

// kubeconfig leads to the cluster through the proxy.
func (p *proxy) kubeconfig(namespace string) string {
	p.Helper()
	c := clientcmdapi.NewConfig()
	c.Clusters["c"] = &clientcmdapi.Cluster{Server: p.server.URL, InsecureSkipTLSVerify: true}
	c.AuthInfos["u"] = &clientcmdapi.AuthInfo{}
	c.Contexts["x"] = &clientcmdapi.Context{Cluster: "c", AuthInfo: "u", Namespace: namespace}
	c.CurrentContext = "x"
	text, err := clientcmd.Write(*c)
	require.NoError(p, err)
	return string(text)
}

// hold holds writes back; the channel is closed when the first arrives.
func (p *proxy) hold() <-chan struct{} {
	p.mu.Lock()
	defer p.mu.Unlock()
	p.holding, p.reached = make(chan struct{}), make(chan struct{})
	return p.reached
}

func (p *proxy) release() {
	p.mu.Lock()
	defer p.mu.Unlock()
	if p.holding != nil {
		close(p.holding)
		p.holding = nil
	}
}

func (p *proxy) wait(r *http.Request) {
	p.mu.Lock()
	holding, reached := p.holding, p.reached
	if holding != nil && reached != nil && !strings.Contains(r.URL.Path, "selfsubject") {
		close(reached)
		p.reached = nil
	}
	p.mu.Unlock()
	if holding == nil {
		return
	}
	select {
	case <-holding:
	case <-r.Context().Done():
	}
}

// rename gives the cluster another identity.
func (p *proxy) rename(answer *http.Response) error {
	uid, _ := p.uid.Load().(string)
	if uid == "" || answer.Request.URL.Path != "/api/v1/namespaces/kube-system" || answer.StatusCode != http.StatusOK {
		return nil
	}
	var ns map[string]any
	err := json.NewDecoder(answer.Body).Decode(&ns)
	if err != nil {
		return err
	}
	_ = answer.Body.Close()
	ns["metadata"].(map[string]any)["uid"] = uid
	text, err := json.Marshal(ns)
	answer.Body = io.NopCloser(strings.NewReader(string(text)))
	answer.ContentLength = int64(len(text))
	answer.Header.Del("Content-Length")
	return err
}
