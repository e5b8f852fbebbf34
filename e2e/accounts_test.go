package e2e

import (
	"context"
	"fmt"
	"net/http"
	"os"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/gennaker/gennaker/e2e/harness"
	"github.com/gennaker/gennaker/pipeline"
)

// TestStoredAccounts: an account that comes through Gate is served by the running
// workers, changed, and taken away again.
func TestStoredAccounts(t *testing.T) {
	ctx := within(t, 4*time.Minute)
	f := &fleet{world: newWorld(t, ctx), t: t}
	kubeconfig := f.copied(f.Cluster.Kubeconfig)
	name := "stored-" + f.Application
	definition := pipeline.Map{"type": "kubernetes", "name": name, "environment": "test", "kubeconfigContents": "file:" + kubeconfig, "namespaces": []any{f.Namespace}}

	text, err := os.ReadFile(kubeconfig)
	require.NoError(t, err)
	clear := definition.Clone()
	clear["kubeconfigContents"] = string(text)
	err = f.Gate.Call(ctx, http.MethodPost, "/credentials", clear, nil)
	var refusal *harness.Refusal
	require.ErrorAs(t, err, &refusal)
	require.Equal(t, http.StatusBadRequest, refusal.Answer.Status)
	require.Contains(t, refusal.Answer.Message(), "a kubeconfig in clear")

	require.NoError(t, f.Gate.Call(ctx, http.MethodPost, "/credentials", definition, nil))
	t.Cleanup(func() { _, _ = f.Gate.Do(context.Background(), http.MethodDelete, "/credentials/"+name, nil) })
	err = f.Gate.Call(ctx, http.MethodPost, "/credentials", definition, nil)
	require.ErrorAs(t, err, &refusal)
	require.Equal(t, http.StatusConflict, refusal.Answer.Status)
	var listed []pipeline.Map
	require.NoError(t, f.Gate.Call(ctx, http.MethodGet, "/credentials/type/kubernetes?startingAccountName="+name+"&limit=1", nil, &listed))
	require.Equal(t, "file:"+kubeconfig, listed[0].String("kubeconfigContents"))

	f.untilHealth(ctx, name, "up", up)
	e := f.run(ctx, "stored", stage("1", "", name, f.Namespace, "stored", nil))
	require.Equal(t, pipeline.Succeeded, e.Status, harness.Describe(e))

	definition["namespaces"] = []any{"elsewhere"}
	require.NoError(t, f.Gate.Call(ctx, http.MethodPut, "/credentials", definition, nil))
	require.NoError(t, harness.Until(ctx, "the change of the account", func(ctx context.Context) (bool, error) {
		var account pipeline.Map
		err := f.Gate.Call(ctx, http.MethodGet, "/credentials/"+name, nil, &account)
		return err == nil && len(account.Strings("namespaces")) == 1 && account.Strings("namespaces")[0] == "elsewhere", err
	}))
	// Each worker sees it within seconds, by itself.
	tries := 0
	require.NoError(t, harness.Until(ctx, "both workers going by the change", func(ctx context.Context) (bool, error) {
		for range 4 {
			tries++
			if e = f.run(ctx, fmt.Sprintf("elsewhere-%d", tries), stage("1", "", name, f.Namespace, "elsewhere", nil)); e.Status != pipeline.Terminal {
				return false, nil
			}
		}
		return true, nil
	}))
	require.Contains(t, harness.Errors(e.Stages[0]), "does not serve namespace")

	require.NoError(t, f.Gate.Call(ctx, http.MethodDelete, "/credentials/"+name, nil, nil))
	require.NoError(t, harness.Until(ctx, "the account being gone", func(ctx context.Context) (bool, error) {
		answer, err := f.Gate.Do(ctx, http.MethodGet, "/credentials/"+name, nil)
		return answer.Status == http.StatusNotFound, err
	}))
}
