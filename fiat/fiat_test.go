package fiat_test

import (
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/gennaker/gennaker/fiat"
)

func TestPermissions(t *testing.T) {
	t.Parallel()
	some := fiat.Permissions{fiat.Read: {"Dev ", "ops"}, fiat.Write: {"ops"}, fiat.Execute: {}}
	for name, tt := range map[string]struct {
		permissions fiat.Permissions
		wanted      fiat.Authorization
		roles       []string
		want        bool
	}{
		"open to everybody":                    {nil, fiat.Write, nil, true},
		"empty lists are open":                 {fiat.Permissions{fiat.Read: {}}, fiat.Write, nil, true},
		"a role, whatever its case":            {some, fiat.Read, fiat.RolesOf(" DEV"), true},
		"another authorization":                {some, fiat.Write, fiat.RolesOf("dev"), false},
		"nobody has what no role is named for": {some, fiat.Execute, fiat.RolesOf("dev", "ops"), false},
		"no roles":                             {some, fiat.Read, nil, false},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			require.Equal(t, tt.want, tt.permissions.Allow(tt.wanted, tt.roles))
		})
	}
	require.Equal(t, []string{"a", "b"}, fiat.RolesOf("B", " a", "b ", ""))
}
