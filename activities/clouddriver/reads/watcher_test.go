package reads

import (
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/gennaker/gennaker/activities/clouddriver"
)

// TestWatchedKinds: what is watched goes by Clouddriver's section kubernetes.cache
// and by the account (reference: clouddriver sections 1 and 13).
func TestWatchedKinds(t *testing.T) {
	t.Parallel()
	shown := []string{"deployment", "pod", "service", "networkPolicy", "replicaSet"}
	for _, c := range []struct {
		name     string
		account  clouddriver.Account
		settings func(*clouddriver.ProviderSettings)
		has, not []string
	}{
		{name: "by default what screens show", has: shown, not: []string{"configMap", "secret", "role"}},
		{name: "cacheAll", settings: func(s *clouddriver.ProviderSettings) { s.Cache.CacheAll = true }, has: append([]string{"configMap", "role"}, shown...)},
		{name: "cacheAll passes cacheKinds over", settings: func(s *clouddriver.ProviderSettings) {
			s.Cache.CacheAll, s.Cache.CacheKinds = true, []string{"pod"}
		}, has: shown},
		{name: "cacheKinds, also by alias", settings: func(s *clouddriver.ProviderSettings) { s.Cache.CacheKinds = []string{"po", "configMap"} },
			has: []string{"pod", "configMap"}, not: []string{"deployment", "service"}},
		{name: "cacheOmitKinds", settings: func(s *clouddriver.ProviderSettings) { s.Cache.CacheOmitKinds = []string{"po"} },
			has: []string{"deployment"}, not: []string{"pod"}},
		{name: "the account's kinds", account: clouddriver.Account{Kinds: []string{"pod"}}, has: []string{"pod"}, not: []string{"deployment"}},
		{name: "the account's omitKinds", account: clouddriver.Account{OmitKinds: []string{"pod"}}, has: []string{"deployment"}, not: []string{"pod"}},
	} {
		t.Run(c.name, func(t *testing.T) {
			t.Parallel()
			var settings clouddriver.ProviderSettings
			if c.settings != nil {
				c.settings(&settings)
			}
			got := watchedKinds(&clouddriver.Reading{Account: c.account}, settings)
			require.Subset(t, got, c.has)
			for _, kind := range c.not {
				require.NotContains(t, got, kind)
			}
		})
	}
}
