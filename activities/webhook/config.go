package webhook

import (
	"errors"
	"fmt"
	"regexp"
	"slices"
	"strings"

	"github.com/gennaker/gennaker/pipeline"
)

// Config is what an operator sets about webhooks. The lists stand in the
// configuration file under "webhook":
//
//	webhook:
//	  accounts:
//	    - name: ci
//	      hosts: [ci.corp.example, "*.build.corp.example"]
//	      header: {name: Authorization, prefix: "Bearer ", value: "file:/etc/gennaker/ci-token"}
//	    - name: deployer
//	      hosts: [deploy.corp.example]
//	      basic: {username: gennaker, password: "env:DEPLOYER_PASSWORD"}
//	    - name: chat
//	      hosts: [chat.corp.example]
//	      hmac: {secret: "file:/etc/gennaker/chat-secret", header: X-Hub-Signature-256}
//	  allowedRequestsEnabled: true
//	  allowedRequests:
//	    - {httpMethods: [GET, POST], urlPrefix: "https://ci.corp.example/", safeToRetry: true}
//	  preconfigured:
//	    - type: notifyChat
//	      label: Notify chat
//	      url: https://chat.corp.example/hooks/deploys
//	      method: POST
//	      sensitiveHeaders: {X-Token: "file:/etc/gennaker/chat-token"}
//	      payload: '{"text": "${parameterValues[''text'']}"}'
//	      parameters: [{name: text, label: Text, defaultValue: "A deployment began."}]
//
// Every secret is a reference, file:/path or env:NAME, and goes only to the
// hosts named beside it.
type Config struct {
	// MaxResponse bounds an answer in bytes, since it becomes part of the
	// execution.
	MaxResponse int64 `name:"max-response" json:"-" help:"Largest answer to a webhook, in bytes; it becomes part of the execution." default:"1048576"`

	// Accounts are credentials that stages name.
	Accounts []Account `kong:"-" json:"accounts"`
	// AllowedRequestsEnabled restricts webhooks to AllowedRequests.
	AllowedRequestsEnabled bool             `kong:"-" json:"allowedRequestsEnabled"`
	AllowedRequests        []AllowedRequest `kong:"-" json:"allowedRequests"`
	// Preconfigured are stage types of the installation's own.
	Preconfigured []pipeline.PreconfiguredWebhook `kong:"-" json:"preconfigured"`
}

// Account is one set of credentials, with the hosts that may get them.
type Account struct {
	Name string `json:"name"`
	// Hosts are names, or patterns such as *.corp.example; at least one.
	Hosts []string `json:"hosts"`
	// Header, Basic and HMAC are ways to show them; at least one.
	Header *HeaderCredentials `json:"header"`
	Basic  *BasicCredentials  `json:"basic"`
	HMAC   *HMACCredentials   `json:"hmac"`
}

// HeaderCredentials are sent as a header: Prefix and then the secret.
type HeaderCredentials struct {
	Name   string `json:"name"`
	Prefix string `json:"prefix"`
	// Value is a reference.
	Value string `json:"value"`
}

// BasicCredentials are sent as HTTP basic authentication.
type BasicCredentials struct {
	Username string `json:"username"`
	// Password is a reference.
	Password string `json:"password"`
}

// HMACCredentials sign the body as GitHub signs its webhooks: the header holds
// "sha256=" and the signature in hexadecimal digits.
type HMACCredentials struct {
	// Secret is a reference.
	Secret string `json:"secret"`
	// Header is X-Hub-Signature-256 when empty.
	Header string `json:"header"`
}

// AllowedRequest is a kind of request that webhooks may make, when they are
// restricted.
type AllowedRequest struct {
	HTTPMethods []string `json:"httpMethods"`
	// URLPrefix is what the URL begins with, or URLPattern a regular expression
	// for the whole of it.
	URLPrefix  string `json:"urlPrefix"`
	URLPattern string `json:"urlPattern"`
	// SafeToRetry says that such a request may be made twice, as it is after an
	// answer that did not come in time.
	SafeToRetry bool `json:"safeToRetry"`

	pattern *regexp.Regexp
}

// allows reports whether a request is of this kind.
func (a AllowedRequest) allows(method, url string) bool {
	if !slices.Contains(a.HTTPMethods, method) {
		return false
	}
	if a.pattern != nil {
		return a.pattern.MatchString(url)
	}
	return strings.HasPrefix(url, a.URLPrefix)
}

// Validate reports every setting that cannot be used.
func (c Config) Validate() error {
	var errs []error
	fault := func(format string, args ...any) {
		errs = append(errs, fmt.Errorf("webhook configuration: "+format, args...))
	}
	if c.MaxResponse < 1 {
		fault("webhook-max-response is %d: use at least 1", c.MaxResponse)
	}
	names := map[string]bool{}
	for i, a := range c.Accounts {
		if a.Name == "" || names[a.Name] {
			fault("accounts[%d] needs a name of its own", i)
		}
		names[a.Name] = true
		if why := a.fault(); why != "" {
			fault("the account %q %s", a.Name, why)
		}
	}
	for i, r := range c.AllowedRequests {
		if len(r.HTTPMethods) == 0 || (r.URLPrefix == "") == (r.URLPattern == "") {
			fault("allowedRequests[%d] needs httpMethods and one of urlPrefix and urlPattern", i)
		}
		if _, err := regexp.Compile(r.URLPattern); err != nil {
			fault("the urlPattern of allowedRequests[%d] is not valid: %s", i, err)
		}
	}
	types := map[string]bool{}
	for _, w := range c.Preconfigured {
		if err := w.Validate(); err != nil {
			errs = append(errs, err)
		}
		if types[w.Type()] {
			fault("two preconfigured webhooks have the type %q", w.Type())
		}
		types[w.Type()] = true
	}
	return errors.Join(errs...)
}

// fault says what is wrong with an account, empty for nothing.
func (a Account) fault() string {
	switch {
	case len(a.Hosts) == 0 || slices.Contains(a.Hosts, ""):
		return "needs hosts: its credentials go to no other"
	case a.Header == nil && a.Basic == nil && a.HMAC == nil:
		return "needs header, basic or hmac"
	case a.Header != nil && (a.Header.Name == "" || a.Header.Value == ""):
		return "needs a name and a value for its header"
	case a.Basic != nil && (a.Basic.Username == "" || a.Basic.Password == ""):
		return "needs a username and a password"
	case a.HMAC != nil && a.HMAC.Secret == "":
		return "needs a secret to sign with"
	}
	return ""
}
