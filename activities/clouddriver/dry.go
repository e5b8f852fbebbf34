package clouddriver

import (
	"bytes"
	"context"
	"io"
	"net/http"

	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"

	"github.com/gennaker/gennaker/pipeline"
)

// dryKey marks a context under which nothing may be changed.
type dryKey struct{}

// dry returns a context under which every write is sent as a dry run: the API
// server runs defaulting, validation and admission and stores nothing.
func dry(ctx context.Context) context.Context { return context.WithValue(ctx, dryKey{}, true) }

func isDry(ctx context.Context) bool { return ctx.Value(dryKey{}) != nil }

// dryRun is the option of every write.
func dryRun(ctx context.Context) []string {
	if isDry(ctx) {
		return []string{metav1.DryRunAll}
	}
	return nil
}

// onlyDry refuses requests of a dry context that would change something: a write
// that forgets the option must not get as far as the API server.
func onlyDry(next http.RoundTripper) http.RoundTripper {
	return roundTrip(func(r *http.Request) (*http.Response, error) {
		if isDry(r.Context()) && !harmless(r) {
			if r.Body != nil {
				_ = r.Body.Close()
			}
			return nil, pipeline.Errorf(pipeline.CodeInternal, "A plan was about to change the cluster (%s %s) and was held back.", r.Method, r.URL.Path)
		}
		return next.RoundTrip(r)
	})
}

type roundTrip func(*http.Request) (*http.Response, error)

func (f roundTrip) RoundTrip(r *http.Request) (*http.Response, error) { return f(r) }

// harmless reports whether a request changes nothing. The options of a deletion
// stand in its body.
func harmless(r *http.Request) bool {
	switch r.Method {
	case http.MethodGet, http.MethodHead, http.MethodOptions:
		return true
	case http.MethodDelete:
		if r.GetBody == nil {
			return false
		}
		body, err := r.GetBody()
		if err != nil {
			return false
		}
		defer func() { _ = body.Close() }()
		const longest = 64 << 10
		text, err := io.ReadAll(io.LimitReader(body, longest))
		return err == nil && bytes.Contains(text, []byte(`"dryRun":["All"]`))
	}
	options := r.URL.Query()["dryRun"]
	return len(options) == 1 && options[0] == metav1.DryRunAll
}
