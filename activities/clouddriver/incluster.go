package clouddriver

import (
	"context"
	"fmt"
	"io"
	"net"
	"net/http"
	"os"
	"path/filepath"
	"strings"
	"time"

	"k8s.io/client-go/rest"
	"k8s.io/client-go/transport"
)

// serviceAccountDir is where Kubernetes puts a pod's identity.
const serviceAccountDir = "/var/run/secrets/kubernetes.io/serviceaccount"

// inCluster is the access of the pod that this process runs in, and the pod's
// namespace. client-go reads the token again as Kubernetes renews it.
func inCluster(dir string, env func(string) string) (*rest.Config, string, error) {
	host, port := env("KUBERNETES_SERVICE_HOST"), env("KUBERNETES_SERVICE_PORT")
	if host == "" || port == "" {
		return nil, "", fmt.Errorf("serviceAccount is set and this process does not run in a pod: KUBERNETES_SERVICE_HOST and KUBERNETES_SERVICE_PORT are not set")
	}
	token, ca := filepath.Join(dir, "token"), filepath.Join(dir, "ca.crt")
	for _, file := range []string{token, ca} {
		if _, err := os.Stat(file); err != nil {
			return nil, "", fmt.Errorf("the pod has no service account token (automountServiceAccountToken): %w", err)
		}
	}
	namespace := "default"
	if text, err := os.ReadFile(filepath.Join(dir, "namespace")); err == nil && strings.TrimSpace(string(text)) != "" {
		namespace = strings.TrimSpace(string(text))
	}
	return &rest.Config{
		Host:            "https://" + net.JoinHostPort(host, port),
		BearerTokenFile: token,
		TLSClientConfig: rest.TLSClientConfig{CAFile: ca},
	}, namespace, nil
}

// bounded gives every request that is not a watch a time limit, until its answer
// is read.
func bounded(limit time.Duration) transport.WrapperFunc {
	return func(next http.RoundTripper) http.RoundTripper { return &boundedTransport{next: next, limit: limit} }
}

type boundedTransport struct {
	next  http.RoundTripper
	limit time.Duration
}

// RoundTrip implements http.RoundTripper.
func (b *boundedTransport) RoundTrip(r *http.Request) (*http.Response, error) {
	if query := r.URL.Query(); query.Get("watch") == "true" || query.Get("follow") == "true" {
		return b.next.RoundTrip(r)
	}
	ctx, cancel := context.WithTimeoutCause(r.Context(), b.limit, &silentServer{b.limit})
	answer, err := b.next.RoundTrip(r.WithContext(ctx))
	if err != nil {
		if ctx.Err() != nil && r.Context().Err() == nil {
			err = context.Cause(ctx)
		}
		cancel()
		return nil, err
	}
	answer.Body = &boundedBody{ReadCloser: answer.Body, done: cancel}
	return answer, nil
}

// WrappedRoundTripper lets client-go look through.
func (b *boundedTransport) WrappedRoundTripper() http.RoundTripper { return b.next }

type boundedBody struct {
	io.ReadCloser
	done context.CancelFunc
}

// Close implements io.Closer.
func (b *boundedBody) Close() error {
	defer b.done()
	return b.ReadCloser.Close()
}
