package clouddriver

import (
	"os"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"
	"sigs.k8s.io/yaml"

	"github.com/gennaker/gennaker/pipeline"
)

func section(t *testing.T, text string) map[string]any {
	t.Helper()
	var doc map[string]any
	require.NoError(t, yaml.Unmarshal([]byte(text), &doc))
	return doc
}

func TestSpinnakersOwnSectionLoadsAsItStands(t *testing.T) {
	t.Parallel()
	text, err := os.ReadFile("testdata/clouddriver-local.yml")
	require.NoError(t, err)
	p, notes, err := ParseProvider(section(t, string(text))["kubernetes"].(map[string]any))
	require.NoError(t, err)
	require.Len(t, p.Accounts, 2)
	prod, here := p.Accounts[0], p.Accounts[1]
	require.Equal(t, map[string][]string{"READ": {"shop", "sre"}, "WRITE": {"sre"}}, prod.Permissions)
	require.Equal(t, []string{"kube-system", "kube-public"}, prod.OmitNamespaces)
	require.Equal(t, []string{"podPreset", "podSecurityPolicy"}, prod.OmitKinds)
	require.Equal(t, CachingPolicy{KubernetesKind: "event", MaxEntriesPerAgent: 500}, prod.CachingPolicies[0])
	require.Equal(t, []string{"^secret$"}, prod.RawResourcesEndpointConfig.OmitKindExpressions)
	require.Equal(t, 20, prod.KubectlRequestTimeoutSeconds)
	require.Equal(t, 60, *prod.CacheIntervalSeconds)
	require.False(t, *prod.CheckPermissionsOnStartup)
	require.True(t, prod.OnlySpinnakerManaged && prod.CacheAllApplicationRelationships && prod.Debug)
	require.True(t, here.ServiceAccount, "text counts as true, and dashes do not")
	require.Equal(t, []string{"shop", "shop-test"}, here.Namespaces, "commas make a list")
	require.Equal(t, Settings{MatchImageNameOnly: true, SkipAppLabels: true, ManagedBySuffix: "east"}, p.ForDeployments())
	require.True(t, p.Cache.CheckApplicationInFront50)
	require.True(t, p.LoadNamespaces() && p.VerifyAccountHealth())

	all := strings.Join(notes, "\n")
	for _, want := range []string{
		`kubernetes.accounts[1] (here) has the key "isSomethingOfAPlugin", which is not known`,
		"kubectlExecutable of prod-eu has no effect", "dockerRegistries of prod-eu has no effect", "skin of here has no effect",
		"kubernetes.jobExecutor has no effect", "kubernetes.primaryAccount has no effect", "kubernetes.jobs has no effect",
	} {
		require.Contains(t, all, want)
	}
	for _, one := range []string{"namespaces of", "permissions of", "context of", "kinds of", "customResources of"} {
		require.NotContains(t, all, one, "a key that has an effect")
	}
}

func TestSectionsThatCannotBeUsed(t *testing.T) {
	t.Parallel()
	for want, text := range map[string]string{
		`has the key "permision", which is not known; the nearest is "permissions"`: "accounts: [{name: a, permision: {READ: [x]}}]",
		`the nearest is "omitNamespaces"`:                                           "accounts: [{name: a, omitNamespace: [x]}]",
		`the nearest is "accounts"`:                                                 "account: []",
		`(a).cacheThreads is "many": write a whole number`:                          "accounts: [{name: a, cacheThreads: many}]",
		`(a).serviceAccount is "perhaps": write true or false`:                      "accounts: [{name: a, serviceAccount: perhaps}]",
		`(a).permissions is a list: write an object`:                                "accounts: [{name: a, permissions: [READ]}]",
		`permissions for "ADMIN"; use READ, WRITE, EXECUTE`:                         "accounts: [{name: a, permissions: {admin: [x]}}]",
		`namingStrategy "mine"`:                                                     "accounts: [{name: a, namingStrategy: mine}]",
		`sets both kinds and omitKinds`:                                             "accounts: [{name: a, kinds: [x], omitKinds: [y]}]",
		`sets both rawResourcesEndpointConfig`:                                      "accounts: [{name: a, rawResourcesEndpointConfig: {kindExpressions: [x], omitKindExpressions: [y]}}]",
		`a regular expression "("`:                                                  "accounts: [{name: a, rawResourcesEndpointConfig: {kindExpressions: ['(']}}]",
		`maxEntriesPerAgent below 1`:                                                "accounts: [{name: a, cachingPolicies: [{kubernetesKind: pod}]}]",
		`docker-image is "exact"`:                                                   "artifact-binding: {docker-image: exact}",
		`cannot be called so`:                                                       "accounts: [{name: 'a b'}]",
		`kubectlRequestTimeoutSeconds -1`:                                           "accounts: [{name: a, kubectlRequestTimeoutSeconds: -1}]",
	} {
		_, _, err := ParseProvider(section(t, text))
		requireCode(t, err, pipeline.CodeInvalid)
		require.ErrorContains(t, err, want)
	}
}

func TestProviderThatIsNotEnabled(t *testing.T) {
	t.Parallel()
	p, notes, err := ParseProvider(section(t, "{enabled: false, accounts: [{name: a}]}"))
	require.NoError(t, err)
	require.Empty(t, p.Accounts)
	require.Equal(t, []string{"kubernetes.enabled is false: its 1 accounts are left out"}, notes)
	p, notes, err = ParseProvider(nil)
	require.NoError(t, err)
	require.Empty(t, notes)
	require.Equal(t, Settings{}, p.ForDeployments())
}

func TestParseAccountRefusesWhatItDoesNotKnow(t *testing.T) {
	t.Parallel()
	a, err := ParseAccount(map[string]any{"type": "kubernetes", "name": "a", "namespaces": []any{"x"}, "cacheThreads": int64(4)})
	require.NoError(t, err)
	require.Equal(t, []string{"x"}, a.Namespaces)
	require.Equal(t, 4, a.CacheThreads)
	for want, doc := range map[string]map[string]any{
		`"zone", which is not known`: {"name": "a", "zone": "eu"},
		"has no name":                {"type": "kubernetes"},
		`cloudProvider "aws"`:        {"name": "a", "type": "aws"},
	} {
		_, err := ParseAccount(doc)
		requireCode(t, err, pipeline.CodeInvalid)
		require.ErrorContains(t, err, want)
	}
}

// Every key of an account either does something, or stands in the list of those
// that do not; so does every key of the provider.
func TestKeysWithoutEffectAreListed(t *testing.T) {
	t.Parallel()
	yes, n := true, 1
	set := Account{
		CacheThreads: 1, CacheIntervalSeconds: &n, KubectlExecutable: "k", OAuthServiceAccount: "o", OAuthScopes: []string{"s"}, Metrics: &yes,
		Debug: true, LiveManifestCalls: &yes, ProviderVersion: "V2", Skin: "v2", Version: "1", ConfigureImagePullSecret: &yes, DockerRegistries: []any{1},
	}
	require.Len(t, set.without(), len(NoEffect))
	for _, key := range set.without() {
		require.NotEmpty(t, NoEffect[key], key)
	}
}

func TestEveryKeyIsInTheReference(t *testing.T) {
	t.Parallel()
	for _, all := range [][]Key{AccountKeys(), ProviderKeys()} {
		for _, k := range all {
			require.NotEmpty(t, k.Text, "%s: say what the key does, or that it does nothing", k.Name)
		}
	}
	require.Len(t, AccountKeys(), len(accountEffect)+len(NoEffect), "a key has an effect or none")
	require.Len(t, ProviderKeys(), len(providerEffect)+len(NoProviderEffect))
}

func FuzzParseProvider(f *testing.F) {
	text, err := os.ReadFile("testdata/clouddriver-local.yml")
	if err != nil {
		f.Fatal(err)
	}
	f.Add(string(text))
	f.Add("kubernetes: {accounts: [{name: a, permissions: {read: x}}], v2.a.b: {c: 1}, cache: 3}")
	f.Fuzz(func(t *testing.T, text string) {
		var doc map[string]any
		if yaml.Unmarshal([]byte(text), &doc) != nil {
			return
		}
		_, _, err := ParseProvider(doc)
		if err != nil && pipeline.CodeOf(err) != pipeline.CodeInvalid {
			t.Fatal(err)
		}
		_, _ = ParseAccount(doc)
	})
}
