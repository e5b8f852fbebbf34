package gate_test

import (
	"context"
	"net/http"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/gennaker/gennaker/fiat"
	"github.com/gennaker/gennaker/front50"
	"github.com/gennaker/gennaker/gate"
	"github.com/gennaker/gennaker/pipeline"
)

// TestManagedServiceAccounts: a pipeline that names roles gets a service account with
// them, which goes with it (reference: front50 section 6).
func TestManagedServiceAccounts(t *testing.T) {
	t.Parallel()
	w := newWorld(t, func(d *gate.Dependencies, c *gate.Config) {
		c.TrustUserHeader = true
		d.Permissions = permissionsOver(t, fiat.DefaultConfig(), d.Front50, func(ctx context.Context, name string) (pipeline.Map, error) {
			return d.Front50.Document(ctx, front50.KindServiceAccount, name)
		})
	})
	w.application(pipeline.Application{"name": "shop", "email": "a@b.c"})
	send := func(method, path, body string) int {
		out := w.do(method, path, body, "X-SPINNAKER-USER", "dev")
		t.Log(out.Body.String())
		return out.Code
	}
	account := func(name string) any {
		doc, err := w.store.Document(t.Context(), front50.KindServiceAccount, name)
		if pipeline.CodeOf(err) == pipeline.CodeNotFound {
			return nil
		}
		require.NoError(t, err)
		return doc["memberOf"]
	}
	runAs := func(name string) any {
		p, err := w.store.FindPipeline(t.Context(), "shop", name)
		require.NoError(t, err)
		return pipeline.AsMap(pipeline.Map(p).List("triggers")[0])["runAsUser"]
	}
	const rest = `"application":"shop","stages":[],"triggers":[{"type":"cron","cronExpression":"0 0 10 ? * *","id":"c"}]`

	require.Equal(t, http.StatusForbidden, send("POST", "/pipelines", `{"name":"Ship","roles":["sre"],`+rest+`}`), "the saver has other roles")
	require.Equal(t, http.StatusBadRequest, send("POST", "/pipelines", `{"name":"Ship","roles":"dev",`+rest+`}`))
	require.Equal(t, http.StatusOK, send("POST", "/pipelines", `{"name":"Ship","roles":["dev"],`+rest+`}`))
	saved, err := w.store.FindPipeline(t.Context(), "shop", "Ship")
	require.NoError(t, err)
	name := saved.ManagedAccount()
	require.Equal(t, name, runAs("Ship"))
	require.Equal(t, []any{"dev"}, account(name))

	// A pipeline that is refused leaves no account, and no other roles.
	require.Equal(t, http.StatusBadRequest, send("POST", "/pipelines", `{"id":"twin","name":"Ship","roles":["dev"],`+rest+`}`))
	require.Nil(t, account("twin@managed-service-account"))

	require.Equal(t, http.StatusOK, send("POST", "/pipelines/bulksave", `[{"id":"B1","name":"B1","roles":["dev"],`+rest+`},{"id":"B2","name":"B2",`+rest+`}]`))
	require.Equal(t, "b1@managed-service-account", runAs("B1"))
	require.Equal(t, []any{"dev"}, account("b1@managed-service-account"))
	require.Nil(t, runAs("B2"))

	require.Equal(t, http.StatusOK, send("POST", "/pipelines", `{"id":"B1","name":"B1","roles":[],"application":"shop","stages":[],"triggers":[{"type":"cron","cronExpression":"0 0 10 ? * *","id":"c","runAsUser":"b1@managed-service-account"}]}`))
	require.Nil(t, runAs("B1"))

	// Where nobody signs in the roles are only kept, and lend nothing.
	out := w.do("POST", "/pipelines", `{"id":"open","name":"Open","roles":["dev"],`+rest+`}`)
	require.Equal(t, http.StatusOK, out.Code, out.Body.String())
	require.Nil(t, runAs("Open"))
	require.Nil(t, account("open@managed-service-account"))
	require.Equal(t, http.StatusForbidden, w.do("POST", "/pipelines", `{"id":"`+saved.ID()+`","name":"Ship","roles":["dev"],"application":"shop","stages":[],"triggers":[{"type":"git","runAsUser":"`+name+`"}]}`).Code)

	require.Equal(t, http.StatusOK, send("DELETE", "/pipelines/shop/Ship", ""))
	require.Nil(t, account(name))
}
