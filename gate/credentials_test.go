package gate_test

import (
	"context"
	"net/http"
	"slices"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/gennaker/gennaker/gate"
	"github.com/gennaker/gennaker/pipeline"
)

// storedList is a store of account definitions in memory.
type storedList struct {
	list []pipeline.Map
	by   []string
}

func (s *storedList) at(name string) int {
	return slices.IndexFunc(s.list, func(d pipeline.Map) bool { return d.String("name") == name })
}

func (s *storedList) List(context.Context) ([]pipeline.Map, error) { return s.list, nil }

func (s *storedList) Create(ctx context.Context, d pipeline.Map, by string) error {
	if s.at(d.String("name")) >= 0 {
		return pipeline.Errorf(pipeline.CodeConflict, "There is one already.")
	}
	return s.Save(ctx, d, by)
}

func (s *storedList) Save(_ context.Context, d pipeline.Map, by string) error {
	s.by = append(s.by, by)
	if i := s.at(d.String("name")); i >= 0 {
		s.list[i] = d
		return nil
	}
	s.list = append(s.list, d)
	return nil
}

func (s *storedList) Update(ctx context.Context, d pipeline.Map, by string) error {
	if s.at(d.String("name")) < 0 {
		return pipeline.Errorf(pipeline.CodeNotFound, "There is none.")
	}
	return s.Save(ctx, d, by)
}

func (s *storedList) Delete(_ context.Context, name, _ string) error {
	i := s.at(name)
	if i < 0 {
		return pipeline.Errorf(pipeline.CodeNotFound, "There is none.")
	}
	s.list = slices.Delete(s.list, i, i+1)
	return nil
}

func TestStoredAccounts(t *testing.T) {
	t.Parallel()
	store := &storedList{}
	w := newWorld(t, func(d *gate.Dependencies, c *gate.Config) { d.StoredAccounts = store; c.TrustUserHeader = true })
	const a, b = `{"type":"kubernetes","name":"a","context":"x"}`, `{"type":"kubernetes","name":"b"}`
	ask := func(method, target, body string) (int, string) {
		r := w.do(method, target, body, "X-SPINNAKER-USER", "ines")
		return r.Code, strings.TrimSpace(r.Body.String())
	}
	for _, step := range []struct {
		method, target, body string
		status               int
		want                 string
	}{
		{"GET", "/credentials/type/kubernetes", "", 200, `[]`},
		{"POST", "/credentials", a, 200, `{"context":"x","name":"a","type":"kubernetes"}`},
		{"POST", "/credentials", a, 409, "There is one already."},
		{"PUT", "/credentials", b, 200, `{"name":"b","type":"kubernetes"}`},
		{"PUT", "/credentials/b", a, 400, `The path names the account`},
		{"PUT", "/credentials/c", `{"type":"kubernetes","name":"c"}`, 404, "There is none."},
		{"PUT", "/credentials/a", `{"type":"kubernetes","name":"a"}`, 200, `{"name":"a","type":"kubernetes"}`},
		{"GET", "/credentials/type/kubernetes", "", 200, `[{"name":"a","type":"kubernetes"},{"name":"b","type":"kubernetes"}]`},
		{"GET", "/credentials/type/kubernetes?limit=1", "", 200, `[{"name":"a","type":"kubernetes"}]`},
		{"GET", "/credentials/type/kubernetes?startingAccountName=b", "", 200, `[{"name":"b","type":"kubernetes"}]`},
		{"GET", "/credentials/type/aws", "", 200, `[]`},
		{"GET", "/credentials/type/aws?limit=x", "", 400, "limit"},
		{"DELETE", "/credentials/a", "", 200, ``},
		{"DELETE", "/credentials/a", "", 404, "There is none."},
		{"POST", "/credentials", `[]`, 400, "send a JSON object"},
	} {
		status, body := ask(step.method, step.target, step.body)
		require.Equal(t, step.status, status, "%s %s: %s", step.method, step.target, body)
		if step.status == http.StatusOK {
			require.Equal(t, step.want, body, "%s %s", step.method, step.target)
		} else {
			require.Contains(t, body, step.want, "%s %s", step.method, step.target)
		}
	}
	require.Equal(t, []string{"ines", "ines", "ines"}, store.by)
}

func TestAccountsCannotBeStoredUnlessAnOperatorSaysSo(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	for _, c := range [][2]string{{"GET", "/credentials/type/kubernetes"}, {"POST", "/credentials"}, {"PUT", "/credentials"}, {"PUT", "/credentials/a"}, {"DELETE", "/credentials/a"}} {
		r := w.do(c[0], c[1], `{"type":"kubernetes","name":"a"}`)
		require.Equal(t, http.StatusForbidden, r.Code, c)
		require.Contains(t, r.Body.String(), "account-storage-enabled", c)
	}
}

func TestRestrictedAccounts(t *testing.T) {
	t.Parallel()
	w := newWorld(t, func(d *gate.Dependencies, c *gate.Config) {
		c.TrustUserHeader = true
		d.Accounts = accountList{
			{Name: "open", Type: "kubernetes"},
			{Name: "prod", Type: "kubernetes", Permissions: map[string][]string{"READ": {"omar"}, "WRITE": {"ines"}}, RequiredGroupMembership: []string{"old"}},
		}
	})
	for user, authorized := range map[string]bool{"ines": true, "omar": false} {
		r := w.do("GET", "/credentials", "", "X-SPINNAKER-USER", user)
		list := w.json(r).([]any)
		open, prod := pipeline.AsMap(list[0]), pipeline.AsMap(list[1])
		require.Equal(t, []bool{true, authorized}, []bool{open.Bool("authorized"), prod.Bool("authorized")}, user)
		require.Equal(t, []string{"ines"}, prod.Map("permissions").Strings("WRITE"))
		require.Equal(t, []string{"old"}, prod.Strings("requiredGroupMembership"))
		who := w.object(w.do("GET", "/auth/user", "", "X-SPINNAKER-USER", user))
		want := []string{"open"}
		if authorized {
			want = append(want, "prod")
		}
		require.Equal(t, want, who.Strings("allowedAccounts"), user)
	}
	r := w.do("GET", "/credentials/prod/health", "")
	require.Equal(t, http.StatusOK, r.Code)
	require.JSONEq(t, `{"account":"prod","status":"UNSERVED","reachable":false,"missingPermissions":[],"queue":"clouddriver.prod","workers":[],"refused":[]}`, r.Body.String())
	require.Equal(t, http.StatusNotFound, w.do("GET", "/credentials/none/health", "").Code)
}
