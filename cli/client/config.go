package client

import (
	"bytes"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"strings"

	yamlnodes "go.yaml.in/yaml/v3"
	"golang.org/x/oauth2"
	"sigs.k8s.io/yaml"

	"github.com/gennaker/gennaker/pipeline"
)

// Config is the configuration file of Spinnaker's CLI, ~/.spin/config: YAML in
// which $VARIABLES of the environment are expanded and unknown keys are refused
// (reference: gate section 6).
type Config struct {
	Gate struct {
		// Endpoint is Gate's address.
		Endpoint string `json:"endpoint"`
		// RetryTimeout is how long tasks are waited for, in seconds; 0 is 60.
		RetryTimeout int `json:"retryTimeout"`
	} `json:"gate"`
	Auth *Auth `json:"auth"`

	// path is the file; empty is none.
	path string
}

// Auth says how to sign in. Nothing of it holds unless Enabled is set; then one
// mode may be given.
type Auth struct {
	Enabled              bool        `json:"enabled"`
	IgnoreRedirects      bool        `json:"ignoreRedirects"`
	IgnoreCertErrors     bool        `json:"ignoreCertErrors"`
	X509                 *X509       `json:"x509"`
	OAuth2               *OAuth2     `json:"oauth2"`
	Basic                *Login      `json:"basic"`
	IAP                  *IAP        `json:"iap"`
	LDAP                 *Login      `json:"ldap"`
	GoogleServiceAccount *GoogleFile `json:"google_service_account"`
	APIToken             *APIToken   `json:"apiToken"`
}

// Login is a name with its password.
type Login struct {
	Username string `json:"username"`
	Password string `json:"password"`
}

// X509 is a client certificate: two files, or PEM blocks that may be in base64.
type X509 struct {
	CertPath string `json:"certPath"`
	KeyPath  string `json:"keyPath"`
	Cert     string `json:"cert"`
	Key      string `json:"key"`
}

// OAuth2 is the code flow with PKCE. The token is written back to the file.
type OAuth2 struct {
	TokenURL     string        `json:"tokenUrl"`
	AuthURL      string        `json:"authUrl"`
	ClientID     string        `json:"clientId"`
	ClientSecret string        `json:"clientSecret"`
	Scopes       []string      `json:"scopes"`
	Provider     string        `json:"provider"`
	CachedToken  *oauth2.Token `json:"cachedToken"`
}

// IAP is Google's Identity-Aware Proxy in front of Gate.
type IAP struct {
	OAuthClientID         string        `json:"oauthClientId"`
	OAuthClientSecret     string        `json:"oauthClientSecret"`
	ClientID              string        `json:"iapClientId"`
	ClientRefresh         string        `json:"iapClientRefresh"`
	IDToken               string        `json:"iapIdToken"`
	ServiceAccountKeyPath string        `json:"serviceAccountKeyPath"`
	CachedToken           *oauth2.Token `json:"cachedToken"`
}

// GoogleFile is a service account of Google's; without a file the machine's own.
type GoogleFile struct {
	File        string        `json:"file"`
	CachedToken *oauth2.Token `json:"cachedToken"`
}

// APIToken is a token that Gate gave out.
type APIToken struct {
	Token string `json:"token"`
}

// DefaultConfigPath returns where spin keeps its file; empty when the person has
// no home.
func DefaultConfigPath() string {
	home, err := os.UserHomeDir()
	if err != nil {
		return ""
	}
	return filepath.Join(home, ".spin", "config")
}

// ReadConfig reads a configuration file. An empty path reads [DefaultConfigPath],
// where there may be no file.
//
// Errors: invalid for what is not as described; those of the file system. No
// error holds a value of the file, which has passwords.
func ReadConfig(path string) (Config, error) {
	optional := path == ""
	if optional {
		if path = DefaultConfigPath(); path == "" {
			return Config{}, nil
		}
	}
	raw, err := os.ReadFile(expandHome(path))
	switch {
	case err != nil && optional && errors.Is(err, os.ErrNotExist):
		return Config{}, nil
	case err != nil:
		return Config{}, fmt.Errorf("configuration file of the CLI: %w", err)
	}
	c := Config{path: expandHome(path)}
	if err := yaml.UnmarshalStrict([]byte(os.ExpandEnv(string(raw))), &c); err != nil {
		return Config{}, pipeline.Errorf(pipeline.CodeInvalid, "The configuration file %s cannot be read: %s.", path, withoutValues(err))
	}
	if c.Gate.RetryTimeout < 0 {
		return Config{}, pipeline.Errorf(pipeline.CodeInvalid, "The configuration file %s says gate.retryTimeout: %d: write seconds, 0 for the default.", path, c.Gate.RetryTimeout)
	}
	return c, c.checkAuth()
}

// withoutValues keeps of a parser's error what names a key or a line.
func withoutValues(err error) string {
	text := err.Error()
	if _, field, found := strings.Cut(text, "unknown field "); found {
		return "the key " + field + " is not known"
	}
	if strings.Contains(text, "already set in map") {
		return "a key stands there twice"
	}
	if i := strings.Index(text, "Go struct field "); i >= 0 {
		return text[i+len("Go struct field "):]
	}
	if i := strings.Index(text, "line "); i >= 0 {
		line, _, _ := strings.Cut(text[i:], ":")
		return "it is not YAML at " + line
	}
	return "it is not YAML"
}

// checkAuth refuses several modes at once, of which only one could count.
func (c Config) checkAuth() error {
	a := c.Auth
	if a == nil || !a.Enabled {
		return nil
	}
	var modes []string
	for _, m := range []struct {
		name string
		set  bool
	}{
		{"oauth2", a.OAuth2 != nil}, {"basic", a.Basic != nil}, {"iap", a.IAP != nil},
		{"ldap", a.LDAP != nil}, {"google_service_account", a.GoogleServiceAccount != nil}, {"apiToken", a.APIToken != nil},
	} {
		if m.set {
			modes = append(modes, m.name)
		}
	}
	if len(modes) > 1 {
		return pipeline.Errorf(pipeline.CodeInvalid, "The configuration file %s signs in by %s: leave one of them under auth.", c.path, strings.Join(modes, " and "))
	}
	return nil
}

// keepToken writes a token to the file, below auth and the mode's key. The rest
// stays as it was written, with its comments and its $VARIABLES.
func (c Config) keepToken(mode string, token *oauth2.Token) error {
	if c.path == "" {
		return nil
	}
	raw, err := os.ReadFile(c.path)
	if err != nil {
		return err
	}
	var doc yamlnodes.Node
	if err := yamlnodes.Unmarshal(raw, &doc); err != nil {
		return err
	}
	if len(doc.Content) == 0 {
		return fmt.Errorf("the configuration file %s is empty", c.path)
	}
	at := doc.Content[0]
	for _, key := range []string{"auth", mode} {
		if at = child(at, key); at == nil {
			return fmt.Errorf("the configuration file %s has no auth.%s", c.path, mode)
		}
	}
	text, err := yaml.Marshal(token)
	if err != nil {
		return err
	}
	var value yamlnodes.Node
	if err := yamlnodes.Unmarshal(text, &value); err != nil {
		return err
	}
	if old := child(at, "cachedToken"); old != nil {
		*old = *value.Content[0]
	} else {
		at.Content = append(at.Content, &yamlnodes.Node{Kind: yamlnodes.ScalarNode, Value: "cachedToken"}, value.Content[0])
	}
	var out bytes.Buffer
	encoder := yamlnodes.NewEncoder(&out)
	encoder.SetIndent(2)
	if err := encoder.Encode(&doc); err != nil {
		return err
	}
	return replaceFile(c.path, out.Bytes())
}

// child returns the value under a key of a YAML object, or nil.
func child(n *yamlnodes.Node, key string) *yamlnodes.Node {
	if n.Kind != yamlnodes.MappingNode {
		return nil
	}
	for i := 0; i+1 < len(n.Content); i += 2 {
		if n.Content[i].Value == key {
			return n.Content[i+1]
		}
	}
	return nil
}

// replaceFile writes a file whole, readable by its owner only.
func replaceFile(path string, content []byte) (err error) {
	f, err := os.CreateTemp(filepath.Dir(path), ".config-*") // mode 0600
	if err != nil {
		return err
	}
	defer func() {
		if err != nil {
			_ = os.Remove(f.Name()) // the first error is the one to tell
		}
	}()
	if _, err = f.Write(content); err == nil {
		err = f.Sync()
	}
	if err = errors.Join(err, f.Close()); err != nil {
		return err
	}
	return os.Rename(f.Name(), path)
}

func expandHome(path string) string {
	if rest, found := strings.CutPrefix(path, "~/"); found {
		if home, err := os.UserHomeDir(); err == nil {
			return filepath.Join(home, rest)
		}
	}
	return path
}
