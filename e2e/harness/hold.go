package harness

import (
	"bytes"
	"context"
	"encoding/json"
	"encoding/pem"
	"errors"
	"io"
	"net/http"
	"net/http/httptest"
	"net/http/httputil"
	"net/url"
	"os"
	"path"
	"path/filepath"
	"sync"

	"k8s.io/client-go/rest"
	"k8s.io/client-go/tools/clientcmd"
	clientcmdapi "k8s.io/client-go/tools/clientcmd/api"

	"github.com/gennaker/gennaker/deploy/local/stack"
)

// HeldAccount is an account of the same cluster whose requests pass through the
// test, which can stop them on their way ([Cluster.HoldRequest]) or keep their
// answers back ([Cluster.HoldAnswer]).
const HeldAccount = "held"

// Hold stops the creation of one object, so that a test can act at a moment
// that otherwise lasts a millisecond.
type Hold struct {
	answer  bool
	reached chan struct{}
	release chan struct{}
	once    sync.Once
	let     sync.Once
}

// Reached is closed when the product has asked to create the object; for a held
// answer, when the API server has created it.
func (h *Hold) Reached() <-chan struct{} { return h.reached }

// Release lets the creation, and all later ones, pass.
func (h *Hold) Release() { h.let.Do(func() { close(h.release) }) }

// wait tells the test that the moment is there and returns when it goes on, or
// fails when the one who asked is gone.
func (h *Hold) wait(ctx context.Context) error {
	h.once.Do(func() { close(h.reached) })
	select {
	case <-h.release:
		return nil
	case <-ctx.Done():
		return context.Cause(ctx)
	}
}

// HoldRequest stops the request that creates the named object before it reaches
// the API server. The object must be deployed by [HeldAccount].
func (c *Cluster) HoldRequest(namespace, name string) *Hold {
	return c.keeper.hold(namespace, name, false)
}

// HoldAnswer lets the API server create the named object and keeps its answer
// back: the object is there and its creator does not know.
func (c *Cluster) HoldAnswer(namespace, name string) *Hold {
	return c.keeper.hold(namespace, name, true)
}

// keeper is the proxy between the product and the API server.
type keeper struct {
	server *httptest.Server
	proxy  *httputil.ReverseProxy
	mu     sync.Mutex
	holds  map[string]*Hold
}

// heldKubeconfig is where the kubeconfig of [HeldAccount] is.
func heldKubeconfig(env *stack.Env) string { return filepath.Join(env.Dir, "held-kubeconfig") }

func newKeeper(config *rest.Config, env *stack.Env) (*keeper, error) {
	target, err := url.Parse(config.Host)
	if err != nil {
		return nil, err
	}
	transport, err := rest.TransportFor(config)
	if err != nil {
		return nil, err
	}
	k := &keeper{holds: map[string]*Hold{}}
	k.proxy = &httputil.ReverseProxy{
		Rewrite:        func(r *httputil.ProxyRequest) { r.SetURL(target) },
		Transport:      transport,
		FlushInterval:  -1, // watches send little at a time
		ModifyResponse: answered,
		ErrorHandler:   hangUp,
	}
	k.server = httptest.NewTLSServer(k)
	err = clientcmd.WriteToFile(clientcmdapi.Config{
		CurrentContext: HeldAccount,
		Contexts:       map[string]*clientcmdapi.Context{HeldAccount: {Cluster: HeldAccount, AuthInfo: HeldAccount}},
		AuthInfos:      map[string]*clientcmdapi.AuthInfo{HeldAccount: {}},
		Clusters: map[string]*clientcmdapi.Cluster{HeldAccount: {
			Server:                   k.server.URL,
			CertificateAuthorityData: pem.EncodeToMemory(&pem.Block{Type: "CERTIFICATE", Bytes: k.server.Certificate().Raw}),
		}},
	}, heldKubeconfig(env))
	if err != nil {
		k.server.Close()
		return nil, err
	}
	return k, os.Chmod(heldKubeconfig(env), 0o600)
}

func (k *keeper) hold(namespace, name string, answer bool) *Hold {
	k.mu.Lock()
	defer k.mu.Unlock()
	h := &Hold{answer: answer, reached: make(chan struct{}), release: make(chan struct{})}
	k.holds[namespace+"/"+name] = h
	return h
}

// holdKey finds the [Hold] of a request on its way back.
type holdKey struct{}

// ServeHTTP implements http.Handler.
func (k *keeper) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	h, err := k.find(r)
	if err != nil {
		http.Error(w, err.Error(), http.StatusBadRequest)
		return
	}
	switch {
	case h == nil:
	case h.answer:
		r = r.WithContext(context.WithValue(r.Context(), holdKey{}, h))
	default:
		if err := h.wait(r.Context()); err != nil {
			hangUp(w, r, err)
			return
		}
	}
	k.proxy.ServeHTTP(w, r)
}

// find returns the hold for what a request creates, or nil.
func (k *keeper) find(r *http.Request) (*Hold, error) {
	if r.Method != http.MethodPost || r.URL.Query().Has("dryRun") {
		return nil, nil
	}
	const longest = 4 << 20
	body, err := io.ReadAll(io.LimitReader(r.Body, longest))
	if err != nil {
		return nil, err
	}
	r.Body = io.NopCloser(bytes.NewReader(body))
	var object struct {
		Metadata struct {
			Name string `json:"name"`
		} `json:"metadata"`
	}
	if err := json.Unmarshal(body, &object); err != nil {
		return nil, err
	}
	namespace := path.Base(path.Dir(r.URL.Path)) // …/namespaces/NAMESPACE/RESOURCE
	k.mu.Lock()
	defer k.mu.Unlock()
	return k.holds[namespace+"/"+object.Metadata.Name], nil
}

// answered keeps an answer back for which there is a hold.
func answered(resp *http.Response) error {
	h, ok := resp.Request.Context().Value(holdKey{}).(*Hold)
	if !ok || resp.StatusCode != http.StatusCreated {
		return nil
	}
	return h.wait(resp.Request.Context())
}

// hangUp ends the connection without an answer, as a server does that dies.
func hangUp(w http.ResponseWriter, _ *http.Request, _ error) {
	conn, _, err := http.NewResponseController(w).Hijack()
	if errors.Is(err, http.ErrNotSupported) {
		w.WriteHeader(http.StatusBadGateway)
		return
	}
	if err == nil {
		_ = conn.Close() // it is ended either way
	}
}
