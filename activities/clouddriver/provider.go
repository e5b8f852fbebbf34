package clouddriver

import (
	"fmt"
	"maps"
	"slices"
	"strings"

	"github.com/gennaker/gennaker/pipeline"
)

// ProviderSettings is the section "kubernetes" of a Clouddriver's configuration:
// the accounts, and what holds for all of them (reference: clouddriver section
// 1). Keys that name what only Spinnaker has are taken and have no effect; see
// [NoProviderEffect].
type ProviderSettings struct {
	// Enabled false leaves out all accounts. True when nil.
	Enabled  *bool     `json:"enabled,omitempty"`
	Accounts []Account `json:"accounts,omitempty"`
	// LoadNamespacesInAccount false does not list the namespaces of clusters.
	LoadNamespacesInAccount *bool `json:"loadNamespacesInAccount,omitempty"`
	// VerifyAccountHealthKey false does not look at clusters before they are used.
	VerifyAccountHealthKey *bool `json:"verifyAccountHealth,omitempty"`
	ArtifactBinding        struct {
		// DockerImage is match-name-and-tag or match-name-only.
		DockerImage string `json:"dockerImage,omitempty"`
	} `json:"artifactBinding,omitzero"`
	V2 struct {
		ApplyAppLabels  *bool  `json:"applyAppLabels,omitempty"`
		ManagedBySuffix string `json:"managedBySuffix,omitempty"`
	} `json:"v2,omitzero"`
	// Cache chooses what lists show.
	Cache struct {
		Enabled                   *bool    `json:"enabled,omitempty"`
		CacheAll                  bool     `json:"cacheAll,omitempty"`
		CacheKinds                []string `json:"cacheKinds,omitempty"`
		CacheOmitKinds            []string `json:"cacheOmitKinds,omitempty"`
		CheckApplicationInFront50 bool     `json:"checkApplicationInFront50,omitempty"`
	} `json:"cache,omitzero"`

	// What follows is taken and has no effect.
	PrimaryAccount string         `json:"primaryAccount,omitempty"`
	JobExecutor    map[string]any `json:"jobExecutor,omitempty"`
	Jobs           map[string]any `json:"jobs,omitempty"`
	Search         map[string]any `json:"search,omitempty"`
	Kubectl        map[string]any `json:"kubectl,omitempty"`
	OAuth          map[string]any `json:"oAuth,omitempty"`
	ServerGroup    map[string]any `json:"serverGroup,omitempty"`
}

// NoProviderEffect is [NoEffect] for the keys that hold for all accounts.
var NoProviderEffect = map[string]string{
	"primaryAccount": "no account is shown before others",
	"jobExecutor":    "there are no child processes; calls are tried again until their stage's timeout",
	"jobs":           "a Job's pods are always told",
	"search":         "search shows what Gate's search knows",
	"kubectl":        "there is no kubectl process",
	"oAuth":          "use exec plugins in kubeconfigs",
	"serverGroup":    "nothing reads it here",
}

func orTrue(b *bool) bool { return b == nil || *b }

// LoadNamespaces reports whether the namespaces of clusters are listed.
func (p ProviderSettings) LoadNamespaces() bool { return orTrue(p.LoadNamespacesInAccount) }

// VerifyAccountHealth reports whether clusters are looked at unasked.
func (p ProviderSettings) VerifyAccountHealth() bool { return orTrue(p.VerifyAccountHealthKey) }

// ForDeployments returns what deployments go by.
func (p ProviderSettings) ForDeployments() Settings {
	return Settings{
		MatchImageNameOnly: strings.EqualFold(p.ArtifactBinding.DockerImage, matchNameOnly),
		SkipAppLabels:      !orTrue(p.V2.ApplyAppLabels),
		ManagedBySuffix:    p.V2.ManagedBySuffix,
	}
}

const (
	matchNameOnly   = "match-name-only"
	matchNameAndTag = "match-name-and-tag"
)

// ParseProvider reads the section "kubernetes" of a configuration, as Spring
// would: keys without regard to case and dashes, text for numbers, commas for
// lists. Notes say in words what was passed over: keys that have no effect here
// and keys that nobody knows. A key that is all but one that is known is an
// error, since what it was to restrict would be open. Errors: invalid, naming
// the key.
func ParseProvider(section map[string]any) (p ProviderSettings, notes []string, err error) {
	notes, err = decode("kubernetes", nested(section), &p)
	if err != nil {
		return p, nil, err
	}
	if m := p.ArtifactBinding.DockerImage; m != "" && !strings.EqualFold(m, matchNameOnly) && !strings.EqualFold(m, matchNameAndTag) {
		return p, nil, pipeline.Errorf(pipeline.CodeInvalid, "kubernetes.artifact-binding.docker-image is %q: use %s or %s.", m, matchNameAndTag, matchNameOnly)
	}
	if p.Enabled != nil && !*p.Enabled && len(p.Accounts) > 0 {
		notes = append(notes, fmt.Sprintf("kubernetes.enabled is false: its %d accounts are left out", len(p.Accounts)))
		p.Accounts = nil
	}
	if _, err := NewAccounts(p.Accounts); err != nil {
		return p, nil, err
	}
	set := map[string]bool{
		"primaryAccount": p.PrimaryAccount != "", "jobExecutor": len(p.JobExecutor) > 0, "jobs": len(p.Jobs) > 0,
		"search": len(p.Search) > 0, "kubectl": len(p.Kubectl) > 0, "oAuth": len(p.OAuth) > 0, "serverGroup": len(p.ServerGroup) > 0,
	}
	for _, key := range slices.Sorted(maps.Keys(set)) {
		if set[key] {
			notes = append(notes, fmt.Sprintf("kubernetes.%s has no effect: %s", key, NoProviderEffect[key]))
		}
	}
	without := map[string][]string{}
	for _, a := range p.Accounts {
		for _, key := range a.without() {
			without[key] = append(without[key], a.Name)
		}
	}
	for _, key := range slices.Sorted(maps.Keys(without)) {
		notes = append(notes, fmt.Sprintf("%s of %s has no effect: %s", key, known(without[key]), NoEffect[key]))
	}
	return p, notes, nil
}

// ParseAccount reads one account, as it is stored through Gate. There a key that
// is not known is an error. Errors: invalid, naming the key.
func ParseAccount(document map[string]any) (Account, error) {
	var a Account
	notes, err := decode("The account", document, &a)
	if err != nil {
		return a, err
	}
	if len(notes) > 0 {
		return a, pipeline.Errorf(pipeline.CodeInvalid, "%s.", strings.Join(notes, "; "))
	}
	_, err = newAccount(0, a)
	return a, err
}

// SetProvider sets what holds for all accounts.
func (a *Accounts) SetProvider(p ProviderSettings) {
	a.shared.mu.Lock()
	defer a.shared.mu.Unlock()
	p.Accounts = nil
	a.shared.provider = p
}

// Settings returns what holds for all accounts.
func (a *Accounts) Settings() ProviderSettings { return a.shared.settings() }

func (s *shared) settings() ProviderSettings {
	s.mu.RLock()
	defer s.mu.RUnlock()
	return s.provider
}
