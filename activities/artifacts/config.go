// Package artifacts is the room behind activities.Artifacts: accounts of places
// that artifacts come from, and a fetcher for each kind of place (reference:
// clouddriver section 14).
package artifacts

import (
	"errors"
	"fmt"
	"maps"
	"slices"
	"strings"
	"time"

	"sigs.k8s.io/yaml"
)

// Config is what an operator sets about artifacts. The accounts stand in the
// configuration file under "artifacts", in the shape of Clouddriver's own file:
//
//	artifacts:
//	  github:
//	    accounts:
//	      - name: github
//	        token: file:/etc/gennaker/github-token
//	  gitrepo:
//	    accounts:
//	      - name: repos
//	        tokenFile: /etc/gennaker/git-token
//	        allowedHosts: [git.corp.example]
//	  helm:
//	    accounts:
//	      - name: charts
//	        repository: https://charts.corp.example
//
// The sections are bitbucket, gcs, git-repo, github, gitlab, helm, helm-image,
// http, jenkins and s3. One with enabled: false is passed over. Every secret is a
// reference, file:/path or env:NAME; Clouddriver's keys that end in File hold
// paths.
type Config struct {
	MaxBytes    int64         `name:"max-bytes" json:"-" help:"Largest artifact that is fetched, in bytes." default:"67108864"`
	MaxUnpacked int64         `name:"max-unpacked" json:"-" help:"Largest git repository or archive, unpacked, in bytes." default:"268435456"`
	MaxFiles    int           `name:"max-files" json:"-" help:"Files that a git repository or archive may hold." default:"20000"`
	Timeout     time.Duration `json:"-" help:"Time that fetching an artifact may take." default:"5m"`
	AtOnce      int           `name:"at-once" json:"-" help:"Artifacts that one process fetches at once." default:"8"`

	// Accounts are those of each section, by its name in lower case without
	// hyphens.
	Accounts map[string][]Account `kong:"-" json:"-"`
}

// Account is one account of any section; each section uses some of the keys.
type Account struct {
	Name string `json:"name"`

	// Username and the secrets: Password and Token are references,
	// UsernamePasswordFile holds "username:password".
	Username             string `json:"username,omitempty"`
	Password             string `json:"password,omitempty"`
	UsernamePasswordFile string `json:"usernamePasswordFile,omitempty"`
	Token                string `json:"token,omitempty"`
	TokenFile            string `json:"tokenFile,omitempty"`

	// AllowedHosts are the only hosts that the account is used for, names or
	// patterns such as *.corp.example; empty is any. They may be private.
	AllowedHosts []string `json:"allowedHosts,omitempty"`
	// URLRestrictions are Clouddriver's own.
	URLRestrictions *Restrictions `json:"urlRestrictions,omitempty"`

	// UseContentAPI reads a file of GitHub in one request, GithubAPIVersion is v3
	// when empty. GithubApp is not supported and refused.
	UseContentAPI    bool           `json:"useContentAPI,omitempty"`
	GithubAPIVersion string         `json:"githubAPIVersion,omitempty"`
	GithubApp        map[string]any `json:"githubApp,omitempty"`

	// The keys of git over SSH. The passphrase is a reference; a command that
	// prints it is not supported and refused.
	SSHPrivateKeyFilePath      string `json:"sshPrivateKeyFilePath,omitempty"`
	SSHPrivateKeyPassphrase    string `json:"sshPrivateKeyPassphrase,omitempty"`
	SSHPrivateKeyPassphraseCmd string `json:"sshPrivateKeyPassphraseCmd,omitempty"`
	SSHKnownHostsFilePath      string `json:"sshKnownHostsFilePath,omitempty"`
	SSHTrustUnknownHosts       bool   `json:"sshTrustUnknownHosts,omitempty"`

	// The keys of S3; the secret key is a reference, and so may the key ID be.
	APIEndpoint        string `json:"apiEndpoint,omitempty"`
	APIRegion          string `json:"apiRegion,omitempty"`
	Region             string `json:"region,omitempty"`
	AWSAccessKeyID     string `json:"awsAccessKeyId,omitempty"`
	AWSSecretAccessKey string `json:"awsSecretAccessKey,omitempty"`
	SignerOverride     string `json:"signerOverride,omitempty"`

	// JSONPath is the path of a Google service account's key.
	JSONPath string `json:"jsonPath,omitempty"`

	// Repository is a chart repository's URL, Address a registry's or Jenkins's.
	Repository          string   `json:"repository,omitempty"`
	Address             string   `json:"address,omitempty"`
	HelmOCIRepositories []string `json:"helmOciRepositories,omitempty"`
	InsecureRegistry    bool     `json:"insecureRegistry,omitempty"`
}

// sections are those that can be fetched from; refused ones are Clouddriver's
// too.
var (
	sections = []string{"bitbucket", "gcs", "gitrepo", "github", "gitlab", "helm", "helmimage", "http", "jenkins", "s3"}
	refused  = []string{"ivy", "jar", "maven", "oracle"}
	// builtIn need no accounts.
	builtIn = []string{"custom", "docker", "embedded", "front50", "kubernetes"}
)

// section returns the name of a section without regard to how it is written:
// git-repo, gitRepo and gitrepo are one.
func section(key string) string {
	return strings.ToLower(strings.NewReplacer("-", "", "_", "").Replace(key))
}

// ReadAccounts reads the configuration file's section "artifacts".
func ReadAccounts(doc map[string]any) (map[string][]Account, error) {
	out := map[string][]Account{}
	var errs []error
	for _, key := range slices.Sorted(maps.Keys(doc)) {
		name := section(key)
		part, isMap := doc[key].(map[string]any)
		switch {
		case key == "enabled":
			continue
		case !isMap && doc[key] != nil:
			errs = append(errs, fmt.Errorf("artifacts.%s is no map: write accounts below it", key))
			continue
		case slices.Contains(builtIn, name):
			continue
		}
		enabled, said := part["enabled"].(bool)
		if said && !enabled || part["accounts"] == nil {
			continue
		}
		if slices.Contains(refused, name) {
			errs = append(errs, fmt.Errorf("artifacts.%s: artifacts of this kind cannot be fetched by this version: remove its accounts, or set enabled: false", key))
			continue
		}
		if !slices.Contains(sections, name) {
			errs = append(errs, fmt.Errorf("artifacts.%s is not known: use one of %s", key, strings.Join(sections, ", ")))
			continue
		}
		raw, err := yaml.Marshal(part["accounts"])
		if err != nil {
			return nil, err
		}
		var accounts []Account
		if err := yaml.UnmarshalStrict(raw, &accounts); err != nil {
			errs = append(errs, fmt.Errorf("artifacts.%s.accounts: %w", key, err))
			continue
		}
		out[name] = append(out[name], accounts...)
	}
	return out, errors.Join(errs...)
}

// Validate reports every setting that cannot be used. Secrets are not opened.
func (c Config) Validate() error {
	var errs []error
	for _, b := range []struct {
		name  string
		value int64
	}{
		{"max-bytes", c.MaxBytes}, {"max-unpacked", c.MaxUnpacked}, {"max-files", int64(c.MaxFiles)}, {"timeout", int64(c.Timeout)}, {"at-once", int64(c.AtOnce)},
	} {
		if b.value < 1 {
			errs = append(errs, fmt.Errorf("artifacts-%s must be more than 0", b.name))
		}
	}
	for _, kind := range slices.Sorted(maps.Keys(c.Accounts)) {
		names := map[string]bool{}
		for i, a := range c.Accounts[kind] {
			where := fmt.Sprintf("artifacts.%s: the account %q", kind, a.Name)
			if a.Name == "" || names[a.Name] {
				errs = append(errs, fmt.Errorf("artifacts.%s.accounts[%d] needs a name of its own", kind, i))
			}
			names[a.Name] = true
			for _, why := range a.faults(kind) {
				errs = append(errs, fmt.Errorf("%s %s", where, why))
			}
		}
	}
	return errors.Join(errs...)
}

// faults says what is wrong with an account.
func (a Account) faults(kind string) []string {
	var out []string
	for _, s := range []struct{ key, value string }{
		{"password", a.Password}, {"token", a.Token}, {"sshPrivateKeyPassphrase", a.SSHPrivateKeyPassphrase}, {"awsSecretAccessKey", a.AWSSecretAccessKey},
	} {
		if s.value != "" && !strings.HasPrefix(s.value, "file:") && !strings.HasPrefix(s.value, "env:") {
			out = append(out, "holds its "+s.key+" itself: write file:/path/to/it or env:NAME in its place")
		}
	}
	if len(a.GithubApp) > 0 {
		out = append(out, "uses a GitHub app, which is not supported: give it a token")
	}
	if a.SSHPrivateKeyPassphraseCmd != "" {
		out = append(out, "uses sshPrivateKeyPassphraseCmd, which is not supported: set sshPrivateKeyPassphrase to file:/path or env:NAME")
	}
	for _, need := range []struct {
		kind, key, value string
	}{{"helm", "repository", a.Repository}, {"helmimage", "address", a.Address}, {"jenkins", "address", a.Address}} {
		if kind == need.kind && need.value == "" {
			out = append(out, "needs "+need.key)
		}
	}
	if kind == "s3" && a.SignerOverride != "" && a.SignerOverride != "S3SignerType" && a.SignerOverride != "AWSS3V4SignerType" {
		out = append(out, "has the signerOverride "+a.SignerOverride+", which is not known: use S3SignerType or AWSS3V4SignerType")
	}
	if _, err := newRestrictions(a.URLRestrictions, a.AllowedHosts); err != nil {
		out = append(out, err.Error())
	}
	return out
}
