package artifacts_test

import (
	"testing"

	"github.com/stretchr/testify/require"
	"sigs.k8s.io/yaml"

	"github.com/gennaker/gennaker/activities"
	"github.com/gennaker/gennaker/activities/artifacts"
)

func accounts(t *testing.T, text string) (map[string][]artifacts.Account, error) {
	t.Helper()
	var doc map[string]any
	require.NoError(t, yaml.Unmarshal([]byte(text), &doc))
	return artifacts.ReadAccounts(doc)
}

// A section of Clouddriver's own file is read as it is, but for the secrets in it.
func TestReadAccounts(t *testing.T) {
	t.Parallel()
	read, err := accounts(t, `
bitbucket: {enabled: false, accounts: [{name: off}]}
gcs: {enabled: true, accounts: [{name: gcs-account, jsonPath: /home/spinnaker/key.json}]}
github: {enabled: true, accounts: [{name: gh, tokenFile: /etc/token, useContentAPI: true, githubAPIVersion: v3}]}
gitrepo:
  enabled: true
  cloneRetentionMinutes: 60
  accounts:
    - {name: repo, username: u, password: 'file:/etc/password', sshPrivateKeyFilePath: /k, sshKnownHostsFilePath: /h, sshTrustUnknownHosts: false}
helm-image: {accounts: [{name: oci, address: 'https://registry.example', helmOciRepositories: [charts/a], insecureRegistry: true}]}
helm: {accounts: [{name: stable, repository: 'https://charts.example', usernamePasswordFile: /etc/up}]}
http: {accounts: [{name: web, urlRestrictions: {allowedHostnamesRegex: '.*example\.com', rejectLocalhost: false, excludedDomains: [x]}}]}
s3: {enabled: true, accounts: [{name: s3, apiEndpoint: 'http://minio:9000', apiRegion: us-east-1, region: us-east-1, awsAccessKeyId: id, awsSecretAccessKey: 'env:KEY'}]}
maven: {enabled: false}
embedded: {enabled: true}
templates: {}
`)
	require.NoError(t, err)
	require.NotContains(t, read, "bitbucket")
	require.Equal(t, "repo", read["gitrepo"][0].Name)
	require.Equal(t, []string{"charts/a"}, read["helmimage"][0].HelmOCIRepositories)
	require.Equal(t, "id", read["s3"][0].AWSAccessKeyID)
	c := config()
	c.Accounts = read
	require.NoError(t, c.Validate())
	var names []string
	for _, a := range roomOf(t, c).Accounts() {
		names = append(names, a.Name)
		if a.Name == "stable" {
			require.Equal(t, activities.ArtifactAccount{Name: "stable", Types: []string{"helm/chart", "helm/index"}}, a)
		}
	}
	require.Equal(t, []string{"custom-artifact", "docker-artifact", "embedded-artifact", "front50ArtifactCredentials", "gcs-account", "gh", "kubernetes",
		"no-auth-http-account", "oci", "repo", "s3", "stable", "web"}, names)
}

func TestReadAccountsRefuses(t *testing.T) {
	t.Parallel()
	for text, words := range map[string]string{
		"github: [a]": "artifacts.github is no map",
		"github: {accounts: [{name: a, tokn: x}]}":       `unknown field "tokn"`,
		"maven: {accounts: [{name: a}]}":                 "artifacts.maven: artifacts of this kind cannot be fetched",
		"oracle: {enabled: true, accounts: [{name: a}]}": "artifacts.oracle: artifacts of this kind cannot be fetched",
		"gitub: {accounts: [{name: a}]}":                 "artifacts.gitub is not known: use one of",
	} {
		_, err := accounts(t, text)
		require.ErrorContains(t, err, words, text)
	}
}

func TestConfigValidate(t *testing.T) {
	t.Parallel()
	bad := "("
	c := artifacts.Config{Accounts: map[string][]artifacts.Account{
		"github": {{Name: "a", Token: "s3cret"}, {Name: "a", GithubApp: map[string]any{"appId": 1}}},
		"helm":   {{Name: "h"}}, "helmimage": {{Name: "i"}}, "jenkins": {{Name: "j"}},
		"gitrepo": {{Name: "g", SSHPrivateKeyPassphraseCmd: "cat /x"}},
		"s3":      {{Name: "s", SignerOverride: "X"}},
		"http":    {{Name: "w", URLRestrictions: &artifacts.Restrictions{AllowedHostnamesRegex: &bad}}, {}},
	}}
	err := c.Validate()
	for _, words := range []string{
		"artifacts-max-bytes", "artifacts-max-unpacked", "artifacts-max-files", "artifacts-timeout", "artifacts-at-once",
		`the account "a" holds its token itself: write file:/path/to/it`, "artifacts.github.accounts[1] needs a name of its own", "a GitHub app",
		`the account "h" needs repository`, `the account "i" needs address`, `the account "j" needs address`, "sshPrivateKeyPassphraseCmd, which is not supported",
		"signerOverride X", "allowedHostnamesRegex that is not valid", "artifacts.http.accounts[1] needs a name",
	} {
		require.ErrorContains(t, err, words)
	}
	require.NotContains(t, err.Error(), "s3cret")
}
