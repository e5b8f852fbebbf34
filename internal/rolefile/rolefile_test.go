package rolefile

import (
	"os"
	"path/filepath"
	"testing"
	"time"

	"github.com/stretchr/testify/require"
)

func TestRoles(t *testing.T) {
	t.Parallel()
	path := filepath.Join(t.TempDir(), "roles.yml")
	write := func(text string) { require.NoError(t, os.WriteFile(path, []byte(text), 0o600)) }
	_, err := Open(path)
	require.ErrorContains(t, err, path)
	for _, bad := range []string{"users: [{roles: [a]}]", "users: 3", "user: []", ": :"} {
		write(bad)
		_, err := Open(path)
		require.Error(t, err, bad)
	}

	write("users:\n- username: Ines@example.com\n  roles: [sre, shop]\n- {username: omar}\n")
	f, err := Open(path)
	require.NoError(t, err)
	now := time.Now()
	f.now = func() time.Time { return now }
	roles := func(user string) []string {
		out, err := f.Roles(t.Context(), user)
		require.NoError(t, err)
		return out
	}
	require.Equal(t, []string{"sre", "shop"}, roles("ines@EXAMPLE.com"))
	require.Empty(t, roles("omar"))
	require.Empty(t, roles("nobody"))

	write("users: [{username: omar, roles: [sre]}]")
	now = now.Add(3 * time.Second)
	require.Equal(t, []string{"sre"}, roles("omar"))
	require.Empty(t, roles("ines@example.com"))

	write("users: [")
	now = now.Add(3 * time.Second)
	require.Equal(t, []string{"sre"}, roles("omar"), "a broken file leaves the roles of before")
	require.ErrorContains(t, f.Err(), path)
	write("users: [{username: omar, roles: [sre]}]")
	now = now.Add(3 * time.Second)
	require.Equal(t, []string{"sre"}, roles("omar"))
	require.NoError(t, f.Err())
}
