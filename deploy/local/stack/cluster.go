package stack

import (
	"bytes"
	"context"
	"encoding/base64"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net/http"
	"os"
	"path/filepath"
	"time"
)

// nodes are the simulated machines of the local cluster.
var nodes = []string{"node-1", "node-2", "node-3"}

// LocalKubeconfig is where the kubeconfig of the stack's own cluster is, whether or not that cluster is in use.
func (e *Env) LocalKubeconfig() string { return filepath.Join(e.Dir, "kubeconfig") }

// writeKubeconfig writes the administrator's kubeconfig with the certificates inside, so that the file can be copied.
func (e *Env) writeKubeconfig() error {
	p := e.pki()
	encoded := map[string]string{}
	for _, name := range []string{"ca.crt", "admin.crt", "admin.key"} {
		raw, err := os.ReadFile(p.path(name))
		if err != nil {
			return err
		}
		encoded[name] = base64.StdEncoding.EncodeToString(raw)
	}
	return writeFile(e.LocalKubeconfig(), fmt.Appendf(nil, `apiVersion: v1
kind: Config
current-context: local
contexts:
- name: local
  context: {cluster: local, user: admin, namespace: default}
clusters:
- name: local
  cluster:
    server: https://%s
    certificate-authority-data: %s
users:
- name: admin
  user:
    client-certificate-data: %s
    client-key-data: %s
`, e.Address(PortKubernetes), encoded["ca.crt"], encoded["admin.crt"], encoded["admin.key"]))
}

// makeNodes registers the simulated nodes; kwok then keeps them Ready.
func (e *Env) makeNodes(ctx context.Context) error {
	for _, name := range nodes {
		node := map[string]any{
			"apiVersion": "v1", "kind": "Node",
			"metadata": map[string]any{
				"name":        name,
				"annotations": map[string]string{"kwok.x-k8s.io/node": "fake"},
				"labels": map[string]string{
					"kubernetes.io/hostname": name, "kubernetes.io/os": "linux", "kubernetes.io/arch": "amd64", "type": "kwok",
				},
			},
		}
		if err := e.kubernetesCreate(ctx, "/api/v1/nodes", node); err != nil {
			return fmt.Errorf("make node %s: %w", name, err)
		}
	}
	return nil
}

// freeNodes ends the hold that an earlier kwok has on the simulated nodes: kwok lets a node be while there is a lease that
// it did not make itself, for as long as the lease lasts.
func (e *Env) freeNodes() error {
	const longest = 10 * time.Second
	ctx, cancel := context.WithTimeout(context.Background(), longest)
	defer cancel()
	for _, name := range nodes {
		err := e.kubernetesCall(ctx, http.MethodDelete, "/apis/coordination.k8s.io/v1/namespaces/kube-node-lease/leases/"+name, nil)
		var status statusError
		missing := errors.As(err, &status) && status.code == http.StatusNotFound
		if err != nil && !missing {
			return fmt.Errorf("free node %s: %w", name, err)
		}
	}
	return nil
}

// kubernetesCreate posts an object to the stack's own cluster; an object that exists is left as it is.
func (e *Env) kubernetesCreate(ctx context.Context, path string, object any) error {
	body, err := json.Marshal(object)
	if err != nil {
		return err
	}
	err = e.kubernetesCall(ctx, http.MethodPost, path, bytes.NewReader(body))
	var status statusError
	if errors.As(err, &status) && status.code == http.StatusConflict {
		return nil
	}
	return err
}

func (e *Env) kubernetesGet(ctx context.Context, path string) error {
	return e.kubernetesCall(ctx, http.MethodGet, path, nil)
}

func (e *Env) kubernetesCall(ctx context.Context, method, path string, body io.Reader) error {
	config, err := e.pki().client()
	if err != nil {
		return err
	}
	request, err := http.NewRequestWithContext(ctx, method, "https://"+e.Address(PortKubernetes)+path, body)
	if err != nil {
		return err
	}
	request.Header.Set("Content-Type", "application/json")
	client := &http.Client{Transport: &http.Transport{TLSClientConfig: config, DisableKeepAlives: true}}
	response, err := client.Do(request)
	if err != nil {
		return err
	}
	defer func() { _ = response.Body.Close() }()
	if response.StatusCode/100 != 2 {
		const longest = 4 << 10
		text, _ := io.ReadAll(io.LimitReader(response.Body, longest))
		return statusError{code: response.StatusCode, text: fmt.Sprintf("%s %s answered %s: %s", method, path, response.Status, text)}
	}
	return nil
}

// statusError is an answer of the API server that is not a success.
type statusError struct {
	code int
	text string
}

func (e statusError) Error() string { return e.text }
