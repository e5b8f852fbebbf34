package clouddriver

import (
	"reflect"
	"strings"
)

// Key is a key of the section "kubernetes" for the reference.
type Key struct {
	Name string
	Text string
	// Effect is false for a key that is taken and does nothing here.
	Effect bool
}

// AccountKeys returns the keys of an account, in the order of [Account].
func AccountKeys() []Key { return keysOf(Account{}, accountEffect, NoEffect) }

// ProviderKeys returns the keys that hold for all accounts.
func ProviderKeys() []Key { return keysOf(ProviderSettings{}, providerEffect, NoProviderEffect) }

func keysOf(of any, effect, none map[string]string) []Key {
	t := reflect.TypeOf(of)
	var out []Key
	for i := range t.NumField() {
		name, _, _ := strings.Cut(t.Field(i).Tag.Get("json"), ",")
		k := Key{Name: name, Text: none[name]}
		if text, ok := effect[name]; ok {
			k.Text, k.Effect = text, true
		}
		out = append(out, k)
	}
	return out
}

// accountEffect says what each key of an account does.
var accountEffect = map[string]string{
	"name":                             "What pipelines call the account. Required; letters, digits and `- _ . @`.",
	"environment":                      "Free text; the name when empty.",
	"accountType":                      "Free text; the name when empty.",
	"cloudProvider":                    "`kubernetes`; empty means the same.",
	"type":                             "The same, as stored accounts call it.",
	"kubeconfigFile":                   "Path of a kubeconfig on the worker; read again when it changes. Exec plugins work.",
	"kubeconfigContents":               "The kubeconfig itself, or a reference to it: `file:/path`, `env:NAME`. The file wins.",
	"context":                          "Context of the kubeconfig; empty is its current one.",
	"serviceAccount":                   "Use the identity of the pod that the worker runs in.",
	"kubectlRequestTimeoutSeconds":     "Longest time of one request that is not a watch; 30 when 0, and at most 30.",
	"namespaces":                       "The only namespaces that may be used; all when empty.",
	"omitNamespaces":                   "Namespaces that may not be used; not together with `namespaces`.",
	"kinds":                            "The only kinds that lists show and permissions are checked for. As in Spinnaker others can be deployed all the same.",
	"omitKinds":                        "Kinds that are left out of both; not together with `kinds`.",
	"customResources":                  "Kinds that Spinnaker does not know: `kubernetesKind`, `spinnakerKind`, `deployPriority`, `versioned`, `namespaced`.",
	"onlySpinnakerManaged":             "Lists leave out what has no application annotation.",
	"cachingPolicies":                  "Most objects of a kind in lists: `kubernetesKind`, `maxEntriesPerAgent`.",
	"cacheAllApplicationRelationships": "Raw resources of an application hold every kind.",
	"rawResourcesEndpointConfig":       "Kinds among raw resources: `kindExpressions` or `omitKindExpressions`, regular expressions of Go for whole kinds.",
	"checkPermissionsOnStartup":        "`false` does not ask the API server what the account may do.",
	"permissions":                      "Roles under `READ`, `WRITE` and `EXECUTE`. Looking needs READ, changing WRITE; without any the account is open.",
	"requiredGroupMembership":          "Deprecated: the roles for all three, where `permissions` are not set.",
	"namingStrategy":                   "`kubernetesAnnotations`; there is no other.",
	"qps":                              "Requests per second to the API server; 100 when 0. Gennaker's own.",
	"burst":                            "Requests at once; 200 when 0. Gennaker's own.",
}

// providerEffect says what each key that holds for all accounts does.
var providerEffect = map[string]string{
	"enabled":                 "`false` leaves out all accounts.",
	"accounts":                "The accounts.",
	"loadNamespacesInAccount": "`false` does not list the namespaces of clusters: those of an account without `namespaces` are not shown.",
	"verifyAccountHealth":     "`false` does not look at clusters before they are used: their health is UNKNOWN.",
	"artifactBinding":         "`artifact-binding.docker-image`: `match-name-and-tag`, or `match-name-only` to bind only images without tag.",
	"v2":                      "`v2.apply-app-labels: false` writes no labels; `v2.managed-by-suffix` is added to the managed-by label.",
	"cache":                   "`cacheAll`, `cacheKinds`, `cacheOmitKinds`: what lists show. `enabled` and `checkApplicationInFront50` have no effect.",
}
