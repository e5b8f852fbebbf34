package clouddriver

import (
	"context"
	"errors"
	"net/http"
	"net/http/httptest"
	"testing"
	"time"

	"github.com/stretchr/testify/require"
	apierrors "k8s.io/apimachinery/pkg/api/errors"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"

	"github.com/gennaker/gennaker/pipeline"
)

func requireCode(t *testing.T, err error, code pipeline.Code) {
	t.Helper()
	require.Error(t, err)
	require.Equal(t, code, pipeline.CodeOf(err), err.Error())
}

func detailsOf(err error) []string { return pipeline.DetailsOf(err) }

func TestErrorsOfTheCluster(t *testing.T) {
	t.Parallel()
	r := newRig(t)
	for _, c := range []struct {
		name, manifest string
		code           pipeline.Code
		says           []string
	}{
		{"no namespace", "apiVersion: v1\nkind: ServiceAccount\nmetadata: {name: a, namespace: nowhere}", pipeline.CodeNotFound,
			[]string{"Manifest 1 (serviceAccount a)", `namespaces "nowhere" not found`}},
		{"no such kind", "apiVersion: example.com/v1\nkind: Gadget\nmetadata: {name: a, namespace: NS}", pipeline.CodeInvalid,
			[]string{"Manifest 1 (Gadget.example.com a)", testAccount, "no kind Gadget in example.com/v1", "CustomResourceDefinition"}},
		{"old version of a kind", "apiVersion: extensions/v1beta1\nkind: Deployment\nmetadata: {name: a, namespace: NS}", pipeline.CodeInvalid,
			[]string{"no kind Deployment in extensions/v1beta1", "it serves Deployment in apps/v1"}},
		{"field of the wrong type", "apiVersion: apps/v1\nkind: Deployment\nmetadata: {name: a, namespace: NS}\nspec: {replicas: many}", pipeline.CodeInvalid,
			[]string{"Manifest 1 (deployment a)", "replicas"}},
		{"unknown field", "apiVersion: v1\nkind: Service\nmetadata: {name: a, namespace: NS}\nspec: {prots: []}", pipeline.CodeInvalid,
			[]string{`unknown field "spec.prots"`}},
		{"refused by validation", "apiVersion: v1\nkind: Service\nmetadata: {name: a, namespace: NS}\nspec: {ports: [{port: 99999}]}", pipeline.CodeUnprocessable,
			[]string{"99999"}},
		{"no kind", "apiVersion: v1\nmetadata: {name: a}", pipeline.CodeInvalid, []string{"Manifest 1 has no kind"}},
		{"no apiVersion", "kind: Service\nmetadata: {name: a}", pipeline.CodeInvalid, []string{"Manifest 1 (Service) has no apiVersion"}},
		{"no name", "apiVersion: v1\nkind: Service\nmetadata: {}", pipeline.CodeInvalid, []string{"Manifest 1 (service) has no metadata.name"}},
		{"a number for a name", "apiVersion: v1\nkind: Service\nmetadata: {name: 5}", pipeline.CodeInvalid, []string{"metadata.name 5, which is not text"}},
		{"an event", "apiVersion: v1\nkind: Event\nmetadata: {name: a}", pipeline.CodeInvalid, []string{"cannot be deployed"}},
		{"bad annotation value", "apiVersion: v1\nkind: ServiceAccount\nmetadata: {name: a, namespace: NS, annotations: {x: 1}}", pipeline.CodeInvalid, []string{"annotations"}},
	} {
		t.Run(c.name, func(t *testing.T) {
			t.Parallel()
			_, err := r.DeployManifest(t.Context(), r.input(t, c.manifest))
			requireCode(t, err, c.code)
			for _, text := range c.says {
				require.ErrorContains(t, err, text)
			}
		})
	}
	t.Run("the second manifest is named and nothing is sent", func(t *testing.T) {
		t.Parallel()
		_, err := r.DeployManifest(t.Context(), r.input(t, "apiVersion: v1\nkind: ServiceAccount\nmetadata: {name: early, namespace: NS}\n---\nkind: Service\n"))
		requireCode(t, err, pipeline.CodeInvalid)
		require.ErrorContains(t, err, "Manifest 2")
		require.Nil(t, r.live(t, "serviceAccount early"))
	})
	t.Run("validation details", func(t *testing.T) {
		t.Parallel()
		_, err := r.DeployManifest(t.Context(), r.input(t, "apiVersion: v1\nkind: Service\nmetadata: {name: a, namespace: NS}\nspec: {ports: [{port: 99999}]}"))
		require.Contains(t, detailsOf(err)[0], "spec.ports[0].port: ")
	})
	t.Run("traffic management", func(t *testing.T) {
		t.Parallel()
		in := r.input(t, webDeployment)
		in.Strategy = "RED_BLACK"
		_, err := r.DeployManifest(t.Context(), in)
		requireCode(t, err, pipeline.CodeInvalid)
		require.ErrorContains(t, err, "RED_BLACK")
	})
	t.Run("immutable field", func(t *testing.T) {
		t.Parallel()
		const job = "apiVersion: batch/v1\nkind: Job\nmetadata: {name: fixed, namespace: NS}\nspec: {template: {spec: {restartPolicy: Never, containers: [{name: a, image: IMG}]}}}\n"
		r.deploy(t, job)
		_, err := r.DeployManifest(t.Context(), r.input(t, job+"---\napiVersion: v1\nkind: ServiceAccount\nmetadata: {name: x, namespace: NS}\n"))
		require.NoError(t, err)
		changed := r.input(t, job)
		changed.Manifests[0]["spec"].(map[string]any)["template"].(map[string]any)["spec"].(map[string]any)["restartPolicy"] = "OnFailure"
		_, err = r.DeployManifest(t.Context(), changed)
		requireCode(t, err, pipeline.CodeUnprocessable)
		require.ErrorContains(t, err, "field is immutable")
	})
}

func TestForbiddenCarriesTheServersWords(t *testing.T) {
	t.Parallel()
	r := newRig(t)
	limited := clouddriverFor(t, Account{Name: testAccount, KubeconfigContents: r.kubeconfigAs(t, "default")})
	_, err := limited.DeployManifest(t.Context(), r.input(t, "apiVersion: v1\nkind: ServiceAccount\nmetadata: {name: a, namespace: NS}"))
	requireCode(t, err, pipeline.CodeForbidden)
	require.ErrorContains(t, err, "cannot get resource")
}

func TestReferenceNamespaceValidation(t *testing.T) {
	t.Parallel()
	r := newRig(t)
	for _, account := range []Account{
		{Name: testAccount, KubeconfigFile: r.kubernetes.Kubeconfig, Namespaces: []string{"elsewhere"}},
		{Name: testAccount, KubeconfigFile: r.kubernetes.Kubeconfig, OmitNamespaces: []string{r.namespace}},
	} {
		c := clouddriverFor(t, account)
		_, err := c.DeployManifest(t.Context(), r.input(t, "apiVersion: v1\nkind: ServiceAccount\nmetadata: {name: a, namespace: NS}"))
		requireCode(t, err, pipeline.CodeInvalid)
		require.ErrorContains(t, err, r.namespace)
	}
}

// TestErrorsOfTheWorld uses servers that answer as broken API servers and
// proxies do, which a real one cannot be made to on demand.
func TestErrorsOfTheWorld(t *testing.T) {
	t.Parallel()
	answer := func(code int, body string) http.HandlerFunc {
		return func(w http.ResponseWriter, _ *http.Request) {
			w.Header().Set("Content-Type", "application/json")
			w.WriteHeader(code)
			_, _ = w.Write([]byte(body))
		}
	}
	for _, c := range []struct {
		name    string
		handler http.HandlerFunc
		code    pipeline.Code
		says    string
	}{
		{"expired credentials", answer(401, `{"kind":"Status","apiVersion":"v1","status":"Failure","message":"Unauthorized","reason":"Unauthorized","code":401}`), pipeline.CodeUnavailable, "refuses the worker's credentials"},
		{"a proxy's 502", answer(502, `<html>bad gateway</html>`), pipeline.CodeUnavailable, testAccount},
		{"500", answer(500, `{"kind":"Status","apiVersion":"v1","status":"Failure","message":"etcd is down","reason":"InternalError","code":500}`), pipeline.CodeUnavailable, "an error on the server"},
		{"503", answer(503, `{"kind":"Status","apiVersion":"v1","status":"Failure","message":"shutting down","reason":"ServiceUnavailable","code":503}`), pipeline.CodeUnavailable, "unable to handle the request"},
		{"429", answer(429, `{"kind":"Status","apiVersion":"v1","status":"Failure","message":"too many","reason":"TooManyRequests","code":429}`), pipeline.CodeThrottled, "too many"},
		{"no JSON", answer(200, `hello`), pipeline.CodeUnavailable, testAccount},
	} {
		t.Run(c.name, func(t *testing.T) {
			t.Parallel()
			server := httptest.NewServer(c.handler)
			defer server.Close()
			cd := clouddriverFor(t, Account{Name: testAccount, KubeconfigContents: kubeconfigOf(server.URL)})
			_, err := cd.DeployManifest(t.Context(), (&rig{namespace: "x"}).input(t, webDeployment))
			requireCode(t, err, c.code)
			require.ErrorContains(t, err, c.says)
		})
	}
	t.Run("connection refused", func(t *testing.T) {
		t.Parallel()
		server := httptest.NewServer(nil)
		server.Close()
		cd := clouddriverFor(t, Account{Name: testAccount, KubeconfigContents: kubeconfigOf(server.URL)})
		_, err := cd.DeployManifest(t.Context(), (&rig{namespace: "x"}).input(t, webDeployment))
		requireCode(t, err, pipeline.CodeUnavailable)
		require.ErrorContains(t, err, "refused")
	})
	t.Run("no kubeconfig", func(t *testing.T) {
		t.Parallel()
		cd := clouddriverFor(t, Account{Name: testAccount, KubeconfigFile: "/nowhere/kubeconfig"})
		_, err := cd.DeployManifest(t.Context(), (&rig{namespace: "x"}).input(t, webDeployment))
		requireCode(t, err, pipeline.CodeUnavailable)
		require.ErrorContains(t, err, "/nowhere/kubeconfig")
	})
	t.Run("a silent server ends with the context", func(t *testing.T) {
		t.Parallel()
		hang := make(chan struct{})
		server := httptest.NewServer(http.HandlerFunc(func(http.ResponseWriter, *http.Request) { <-hang }))
		defer server.Close()
		defer close(hang)
		cd := clouddriverFor(t, Account{Name: testAccount, KubeconfigContents: kubeconfigOf(server.URL)})
		ctx, cancel := context.WithCancel(t.Context())
		time.AfterFunc(50*time.Millisecond, cancel)
		started := time.Now()
		_, err := cd.DeployManifest(ctx, (&rig{namespace: "x"}).input(t, webDeployment))
		require.ErrorIs(t, err, context.Canceled)
		require.Less(t, time.Since(started), 2*time.Second)
	})
}

func TestCodes(t *testing.T) {
	t.Parallel()
	for status, code := range map[int32]pipeline.Code{
		400: pipeline.CodeInvalid, 401: pipeline.CodeUnavailable, 403: pipeline.CodeForbidden, 404: pipeline.CodeNotFound,
		405: pipeline.CodeNotAllowed, 406: pipeline.CodeInvalid, 409: pipeline.CodeConflict, 413: pipeline.CodeTooLarge,
		415: pipeline.CodeInvalid, 422: pipeline.CodeUnprocessable, 429: pipeline.CodeThrottled, 500: pipeline.CodeUnavailable,
		503: pipeline.CodeUnavailable, 504: pipeline.CodeUnavailable,
	} {
		err := fromAPI(t.Context(), &apierrors.StatusError{ErrStatus: metav1.Status{Code: status, Message: "words"}}, "acc", "do it")
		requireCode(t, err, code)
		require.ErrorContains(t, err, "words")
	}
	requireCode(t, fromAPI(t.Context(), errors.New("dial tcp: refused"), "acc", "do it"), pipeline.CodeUnavailable)
	require.NoError(t, fromAPI(t.Context(), nil, "acc", "do it"))
	own := pipeline.Errorf(pipeline.CodeInvalid, "mine")
	require.Same(t, own, fromAPI(t.Context(), own, "acc", "do it"))
}

func kubeconfigOf(url string) string {
	return `{"apiVersion":"v1","kind":"Config","current-context":"c","clusters":[{"name":"c","cluster":{"server":"` + url + `"}}],` +
		`"users":[{"name":"u","user":{"token":"t"}}],"contexts":[{"name":"c","context":{"cluster":"c","user":"u"}}]}`
}
