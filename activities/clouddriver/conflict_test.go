package clouddriver

import (
	"context"
	"crypto/tls"
	"encoding/json"
	"encoding/pem"
	"net/http"
	"net/http/httptest"
	"strconv"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/require"
	admissionv1 "k8s.io/api/admission/v1"
	admissionregistrationv1 "k8s.io/api/admissionregistration/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"

	"github.com/gennaker/gennaker/internal/testkit/testcluster"
	"github.com/gennaker/gennaker/pipeline"
)

// Another writer is faster, three times in a row: each operation is computed anew
// from the object as it is, happens once, and takes nothing of the other's away.
func TestFaultConflicts(t *testing.T) {
	t.Parallel()
	r, p := faulty(t)
	look := r.straight(t)
	for _, a := range r.acts(t, look) {
		kind, name, found := strings.Cut(strings.TrimPrefix(a.path, "/"), "/")
		if !found || a.verb == http.MethodDelete {
			continue // it writes an object that is not there yet
		}
		fullName := strings.TrimSuffix(kind, "s") + " " + name
		n := 0
		rule := p.Break(3, testcluster.Requests(a.verb, a.path), testcluster.After(func() {
			n++
			look.patchAs(t, "another", fullName, `{"metadata":{"finalizers":["example.com/`+strconv.Itoa(n)+`"]}}`)
		}))
		require.NoError(t, a.call(t.Context()), a.name)
		a.once(t)
		require.NotEmpty(t, rule.Met(), a.name)
		if a.name != "apply" && a.name != "replace" { // an apply needs no version; a replace takes away what it does not name
			require.Len(t, rule.Met(), 3, a.name)
			require.Equal(t, []string{"example.com/3"}, look.live(t, fullName).GetFinalizers(), a.name)
		}
		look.patchAs(t, "another", fullName, `{"metadata":{"finalizers":null}}`)
	}
}

func TestFaultConflictsWithoutEnd(t *testing.T) {
	t.Parallel()
	r, p := faulty(t)
	ended := map[string]chan error{}
	rules := map[string]*testcluster.Rule{}
	started := time.Now()
	for _, a := range r.acts(t, r.straight(t)) {
		if a.verb != http.MethodPatch && a.verb != http.MethodPut {
			continue
		}
		rules[a.name] = p.Break(-1, testcluster.Requests(a.verb, a.path), testcluster.Answer(409, "Conflict", "the object has been modified", 0))
		end := make(chan error, 1)
		ended[a.name] = end
		go func() { end <- a.call(t.Context()) }()
	}
	require.Len(t, ended, 6)
	for name, end := range ended {
		err := <-end
		requireCode(t, err, pipeline.CodeConflict)
		require.ErrorContains(t, err, "times before the change reached it", name)
		require.ErrorContains(t, err, "managedFields", name)
		require.Greater(t, len(rules[name].Met()), 30, name)
		require.Less(t, time.Since(started), 2*changePatience, name)
	}
	// A version that the request itself names stays the wrong one.
	pinned := r.patchOf("deployment patched", "merge", patchFields(t, `{"metadata":{"resourceVersion":"1","labels":{"a":"b"}}}`))
	p.Mend()
	counted := p.Break(-1, testcluster.Requests("PATCH", "/deployments/patched"), testcluster.After(func() {}))
	_, err := r.PatchManifest(t.Context(), pinned)
	requireCode(t, err, pipeline.CodeConflict)
	require.ErrorContains(t, err, "object has been modified")
	require.Len(t, counted.Met(), 1)
}

// An admission webhook of the cluster, called by the API server, refuses.
func TestFaultAdmissionWebhook(t *testing.T) {
	t.Parallel()
	r := newRig(t)
	webhook := httptest.NewUnstartedServer(http.HandlerFunc(func(w http.ResponseWriter, q *http.Request) {
		var review admissionv1.AdmissionReview
		_ = json.NewDecoder(q.Body).Decode(&review)
		var object metav1.PartialObjectMetadata
		_ = json.Unmarshal(review.Request.Object.Raw, &object)
		code, err := strconv.Atoi(object.Labels["refuse"])
		review.Response = &admissionv1.AdmissionResponse{UID: review.Request.UID, Allowed: err != nil}
		if err == nil {
			review.Response.Result = &metav1.Status{Code: int32(code), Message: "images come from registry.example only"}
		}
		review.Request = nil
		w.Header().Set("Content-Type", "application/json")
		_ = json.NewEncoder(w).Encode(review)
	}))
	webhook.TLS = &tls.Config{MinVersion: tls.VersionTLS12}
	webhook.StartTLS()
	defer webhook.Close()
	client := r.client(t).AdmissionregistrationV1().ValidatingWebhookConfigurations()
	effects, fail := admissionregistrationv1.SideEffectClassNone, admissionregistrationv1.Fail
	_, err := client.Create(t.Context(), &admissionregistrationv1.ValidatingWebhookConfiguration{
		ObjectMeta: metav1.ObjectMeta{Name: r.namespace},
		Webhooks: []admissionregistrationv1.ValidatingWebhook{{
			Name: "images.policy.example", SideEffects: &effects, FailurePolicy: &fail, AdmissionReviewVersions: []string{"v1"},
			NamespaceSelector: &metav1.LabelSelector{MatchLabels: map[string]string{"kubernetes.io/metadata.name": r.namespace}},
			ClientConfig: admissionregistrationv1.WebhookClientConfig{
				URL:      &webhook.URL,
				CABundle: pem.EncodeToMemory(&pem.Block{Type: "CERTIFICATE", Bytes: webhook.Certificate().Raw}),
			},
			Rules: []admissionregistrationv1.RuleWithOperations{{
				Operations: []admissionregistrationv1.OperationType{"CREATE", "UPDATE"},
				Rule:       admissionregistrationv1.Rule{APIGroups: []string{""}, APIVersions: []string{"v1"}, Resources: []string{"serviceaccounts"}},
			}},
		}},
	}, metav1.CreateOptions{})
	require.NoError(t, err)
	t.Cleanup(func() { _ = client.Delete(context.WithoutCancel(t.Context()), r.namespace, metav1.DeleteOptions{}) })
	account := func(name, code string) error {
		_, err := r.DeployManifest(t.Context(), r.input(t, "apiVersion: v1\nkind: ServiceAccount\nmetadata: {name: "+name+", namespace: NS, labels: {refuse: '"+code+"'}}\n"))
		return err
	}
	// The API server takes a moment to know of the webhook.
	require.Eventually(t, func() bool { return account("known-"+strconv.FormatInt(time.Now().UnixNano(), 36), "403") != nil }, 30*time.Second, 100*time.Millisecond)

	for code, want := range map[string]pipeline.Code{
		"400": pipeline.CodeInvalid, "401": pipeline.CodeForbidden, "403": pipeline.CodeForbidden, "409": pipeline.CodeConflict,
		"422": pipeline.CodeUnprocessable, "429": pipeline.CodeThrottled, "500": pipeline.CodeUnavailable,
	} {
		started := time.Now()
		err := account("refused", code)
		requireCode(t, err, want)
		require.ErrorContains(t, err, "Manifest 1 (serviceAccount refused)")
		require.ErrorContains(t, err, `admission webhook "images.policy.example" denied the request: images come from registry.example only`)
		if want.Retryable() {
			require.ErrorContains(t, err, "tried again", code)
		} else {
			require.ErrorContains(t, err, "Change the manifest", code)
		}
		require.Less(t, time.Since(started), changePatience/2, code)
	}
	require.NoError(t, account("allowed", "no"))

	webhook.Close()
	err = account("refused", "no")
	requireCode(t, err, pipeline.CodeUnavailable)
	require.ErrorContains(t, err, "failed calling webhook")
	require.ErrorContains(t, err, "images.policy.example")
}
