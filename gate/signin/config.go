package signin

import (
	"errors"
	"fmt"
	"net/netip"
	"net/url"
	"regexp"
	"slices"
	"strings"
	"time"
)

// Modes of signing in. They are the values of [fiat.Principal]'s Mode too.
const (
	ModeNone   = "none"
	ModeBasic  = "basic"
	ModeOIDC   = "oidc"
	ModeLDAP   = "ldap"
	ModeX509   = "x509"
	ModeHeader = "header"
	ModeIAP    = "iap"
	// modeToken is how callers with an API token are known, beside any mode.
	modeToken = "token"
)

// Config says how people and clients sign in (reference: front50 section 7). The
// tags make it a group of command line flags and environment variables.
type Config struct {
	// Mode is one of the modes above.
	Mode string `default:"none" help:"How people sign in: none (everybody is anonymous), basic (a file of users), oidc (OpenID Connect or OAuth 2), ldap, x509 (client certificates alone), header (a proxy names the caller) or iap (Google's Identity-Aware Proxy). See docs/sign-in.md."`
	// PublicURL is Gate's own address as browsers see it.
	PublicURL string `name:"public-url" help:"Address of Gate as browsers see it, for example https://spinnaker.example.com/gate; providers send people back to it." placeholder:"URL"`
	// SecureCookies marks cookies for TLS alone where a proxy ends it.
	SecureCookies bool `name:"secure-cookies" help:"Mark cookies as for TLS alone. They are anyway when Gate itself speaks TLS or the public URL is https."`
	// Session bounds sessions.
	Session SessionConfig `embed:"" prefix:"session-"`
	// Proxies are the networks that may name the caller or a client's address.
	Proxies []string `help:"Addresses and networks of proxies that may name the caller (mode header) and the client's address (X-Forwarded-For)." placeholder:"NETWORK"`

	Basic  BasicConfig  `embed:"" prefix:"basic-"`
	OIDC   OIDCConfig   `embed:"" prefix:"oidc-"`
	X509   X509Config   `embed:"" prefix:"x509-"`
	IAP    IAPConfig    `embed:"" prefix:"iap-"`
	Tokens TokensConfig `embed:"" prefix:"tokens-"`
}

// SessionConfig bounds sessions.
type SessionConfig struct {
	// Idle ends a session that is not used, Lifetime every one.
	Idle     time.Duration `default:"1h" help:"Time after which a session ends that nobody uses."`
	Lifetime time.Duration `default:"12h" help:"Time after the sign-in at which a session ends, used or not."`
}

// BasicConfig is about the file of users.
type BasicConfig struct {
	// UsersFile holds users: [{username, password, roles, email, firstName, lastName}].
	UsersFile string `type:"path" help:"File with the users of mode basic: users: [{username: …, password: a bcrypt hash, roles: […]}]. Read anew when it changes." placeholder:"FILE"`
}

// OIDCConfig is about the provider of mode oidc.
type OIDCConfig struct {
	// ID is the registration's, part of the addresses of the sign-in.
	ID string `name:"id" default:"oidc" help:"Name of the registration in addresses: /oauth2/authorization/ID and /login/oauth2/code/ID, the latter being what to register at the provider."`
	// Issuer is where the provider describes itself.
	Issuer string `help:"Issuer of the provider; what else there is to know it tells itself." placeholder:"URL"`
	// ClientID and ClientSecret are the registration's; the secret is a reference.
	ClientID     string `name:"client-id" help:"Client ID of the registration."`
	ClientSecret string `name:"client-secret" help:"Reference to the client's secret (file:/path or env:NAME); none for a public client." placeholder:"REF"`
	// Scopes are asked for.
	Scopes []string `default:"openid,profile,email" help:"Scopes to ask for."`
	// AuthURL, TokenURL and UserInfoURL are for a provider that does not describe
	// itself, or describes itself wrongly.
	AuthURL     string `name:"auth-url" help:"Authorization address of a provider without discovery." placeholder:"URL"`
	TokenURL    string `name:"token-url" help:"Token address of a provider without discovery." placeholder:"URL"`
	UserInfoURL string `name:"user-info-url" help:"User info address of a provider without discovery." placeholder:"URL"`
	// Audiences are those of bearer tokens; empty is the client's ID.
	Audiences []string `help:"Audiences that bearer tokens may be for, besides the client ID."`
	// OpaqueBearer takes bearer tokens that are no JWT by asking the provider.
	OpaqueBearer bool `name:"opaque-bearer" default:"true" negatable:"" help:"Take bearer tokens that are no JWT by asking the provider's user info. Such a token names no audience: one that was made for another client of the provider is taken too."`
	// Claims say which claim holds what; a dot leads into an object.
	EmailClaim               string `name:"email-claim" default:"email" help:"Claim with the e-mail address; a dot leads into an object."`
	FirstNameClaim           string `name:"first-name-claim" default:"given_name" help:"Claim with the first name."`
	LastNameClaim            string `name:"last-name-claim" default:"family_name" help:"Claim with the last name."`
	UsernameClaim            string `name:"username-claim" default:"email" help:"Claim with the user's name."`
	ServiceAccountEmailClaim string `name:"service-account-email-claim" default:"client_email" help:"Claim with the name of a service account, where there is no user's."`
	RolesClaim               string `name:"roles-claim" default:"roles" help:"Claim with the roles: a list, or text with commas. For Keycloak for example realm_access.roles."`
	// Requirements are what a caller's claims must match.
	Requirements []string `name:"user-info-requirements" help:"What claims must be to be let in: claim=text, or claim=/regular expression/ for the whole of it." placeholder:"CLAIM=VALUE"`
	// VerifiedEmail refuses a name that is an address which the provider did not
	// verify.
	VerifiedEmail bool `name:"verified-email" default:"true" negatable:"" help:"Refuse a user whose name is an e-mail address that the provider says it did not verify."`
	// GitHubOrganization is one that a user must be a member of.
	GitHubOrganization string `name:"github-organization" help:"GitHub organization that a user must be a member of; asked at the user info address."`
	// Logout ends the provider's session too.
	Logout bool `help:"End the session at the provider too when somebody signs out."`
}

// X509Config is about client certificates, which work beside any mode.
type X509Config struct {
	Enabled bool `help:"Take callers from verified client certificates, beside the mode."`
	// SubjectRegex finds the user in the subject; without it the e-mail address is the
	// user.
	SubjectRegex string `name:"subject-principal-regex" help:"Regular expression whose first group is the user in the certificate's subject, for example CN=(.*?)(?:,|$). Without it the user is the e-mail address among the alternative names." placeholder:"REGEX"`
	// RoleOID names the extension with the roles.
	RoleOID string `name:"role-oid" help:"OID of the extension that holds the roles, a line each." placeholder:"OID"`
	// RequiredRoles are those of which a certificate must have one.
	RequiredRoles []string `name:"required-roles" help:"Roles of which a certificate must have one."`
}

// IAPConfig is about Google's Identity-Aware Proxy.
type IAPConfig struct {
	Audience  string        `help:"Audience of the proxy's assertions, /projects/…; required in mode iap."`
	JWTHeader string        `name:"jwt-header" default:"X-Goog-IAP-JWT-Assertion" help:"Header with the assertion."`
	Issuer    string        `name:"issuer-id" default:"https://cloud.google.com/iap" help:"Issuer of the assertions."`
	KeysURL   string        `name:"keys-url" default:"https://www.gstatic.com/iap/verify/public_key-jwk" help:"Address of the proxy's keys, a JSON web key set." placeholder:"URL"`
	Skew      time.Duration `default:"30s" help:"How far clocks may be apart."`
}

// TokensConfig is about API tokens (reference: gate section 5).
type TokensConfig struct {
	Enabled bool `help:"Offer API tokens, beside the mode."`
	// MintingRoles may make tokens for themselves; administrators always may.
	MintingRoles []string `name:"allowed-minting-roles" help:"Roles whose members may make API tokens for themselves; empty lets administrators alone."`
	// Limits of a token's life.
	MaxUserDays           int `name:"max-user-days" default:"90" help:"Longest life of a person's token, in days."`
	MaxServiceAccountDays int `name:"max-service-account-days" default:"365" help:"Longest life of a service account's token, in days."`
}

// DefaultConfig returns the configuration that the tags describe.
func DefaultConfig() Config {
	return Config{
		Mode:    ModeNone,
		Session: SessionConfig{Idle: time.Hour, Lifetime: 12 * time.Hour},
		OIDC: OIDCConfig{
			ID: "oidc", Scopes: []string{"openid", "profile", "email"}, OpaqueBearer: true, VerifiedEmail: true,
			EmailClaim: "email", FirstNameClaim: "given_name", LastNameClaim: "family_name", UsernameClaim: "email", RolesClaim: "roles", ServiceAccountEmailClaim: "client_email",
		},
		IAP: IAPConfig{
			JWTHeader: "X-Goog-IAP-JWT-Assertion", Issuer: "https://cloud.google.com/iap",
			KeysURL: "https://www.gstatic.com/iap/verify/public_key-jwk", Skew: 30 * time.Second,
		},
		Tokens: TokensConfig{MaxUserDays: 90, MaxServiceAccountDays: 365},
	}
}

// Validate reports every setting that cannot be used.
func (c Config) Validate() error {
	var faults []error
	fault := func(format string, args ...any) { faults = append(faults, fmt.Errorf(format, args...)) }
	switch c.Mode {
	case ModeNone, ModeLDAP:
	case ModeBasic:
		if c.Basic.UsersFile == "" {
			fault("auth-basic-users-file is not set: mode basic needs a file of users")
		}
	case ModeOIDC:
		faults = append(faults, c.OIDC.validate(c.PublicURL)...)
	case ModeX509:
		if !c.X509.Enabled {
			fault("auth-x509-enabled is not set: mode x509 knows callers by certificates alone")
		}
	case ModeHeader:
		if len(c.Proxies) == 0 {
			fault("auth-proxies is empty: mode header takes the caller's name from the proxies listed there, and from nobody else")
		}
	case ModeIAP:
		if c.IAP.Audience == "" {
			fault("auth-iap-audience is not set: without it an assertion for any other application would be taken")
		}
		if !absolute(c.IAP.KeysURL) {
			fault("auth-iap-keys-url is %q: use an absolute address", c.IAP.KeysURL)
		}
	case "saml":
		fault("auth-mode is saml, which Gennaker does not speak: use oidc, which every provider of SAML (Keycloak, Okta, Entra ID, Google Workspace) speaks too, or put a proxy that speaks SAML in front and use header. See docs/sign-in.md#saml")
	default:
		fault("auth-mode is %q: use none, basic, oidc, ldap, x509, header or iap", c.Mode)
	}
	if c.PublicURL != "" && !absolute(c.PublicURL) {
		fault("auth-public-url is %q: use an absolute address such as https://spinnaker.example.com/gate", c.PublicURL)
	}
	if c.Session.Idle <= 0 || c.Session.Lifetime <= 0 {
		fault("auth-session-idle is %s and auth-session-lifetime %s: set both above zero", c.Session.Idle, c.Session.Lifetime)
	}
	if _, err := networks(c.Proxies); err != nil {
		fault("auth-proxies: %w", err)
	}
	faults = append(faults, c.X509.validate()...)
	if c.Tokens.MaxUserDays <= 0 || c.Tokens.MaxServiceAccountDays <= 0 {
		fault("auth-tokens-max-user-days is %d and auth-tokens-max-service-account-days %d: set both above zero", c.Tokens.MaxUserDays, c.Tokens.MaxServiceAccountDays)
	}
	return errors.Join(faults...)
}

func (c OIDCConfig) validate(public string) (faults []error) {
	fault := func(format string, args ...any) { faults = append(faults, fmt.Errorf(format, args...)) }
	if public == "" {
		fault("auth-public-url is not set: the provider sends people back to it")
	}
	if c.ClientID == "" {
		fault("auth-oidc-client-id is not set")
	}
	if !idPattern.MatchString(c.ID) {
		fault("auth-oidc-id is %q: use letters, digits, - and _", c.ID)
	}
	urls := []string{c.AuthURL, c.TokenURL, c.UserInfoURL}
	switch {
	case c.Issuer == "" && slices.Contains(urls, ""):
		fault("auth-oidc-issuer is not set: set it, or all of auth-oidc-auth-url, auth-oidc-token-url and auth-oidc-user-info-url for a provider that does not describe itself")
	case c.Issuer != "" && !absolute(c.Issuer):
		fault("auth-oidc-issuer is %q: use an absolute address", c.Issuer)
	}
	for _, u := range urls {
		if u != "" && !absolute(u) {
			fault("%q among the provider's addresses is none: use an absolute address", u)
		}
	}
	if c.Issuer != "" && !slices.Contains(c.Scopes, "openid") {
		fault("auth-oidc-scopes lacks openid, without which the provider says nothing of who signed in")
	}
	if c.UsernameClaim == "" {
		fault("auth-oidc-username-claim is empty")
	}
	if _, err := requirements(c.Requirements); err != nil {
		faults = append(faults, err)
	}
	if c.GitHubOrganization != "" && !idPattern.MatchString(c.GitHubOrganization) {
		fault("auth-oidc-github-organization is %q: use the organization's login", c.GitHubOrganization)
	}
	return faults
}

func (c X509Config) validate() (faults []error) {
	if c.SubjectRegex != "" {
		re, err := regexp.Compile(c.SubjectRegex)
		if err != nil || re.NumSubexp() != 1 {
			faults = append(faults, fmt.Errorf("auth-x509-subject-principal-regex is %q: use a regular expression with one group, such as CN=(.*?)(?:,|$)", c.SubjectRegex))
		}
	}
	if c.RoleOID != "" {
		if _, err := parseOID(c.RoleOID); err != nil {
			faults = append(faults, fmt.Errorf("auth-x509-role-oid is %q: use numbers with dots, such as 1.2.840.10070.8.1", c.RoleOID))
		}
	}
	if len(c.RequiredRoles) > 0 && c.RoleOID == "" {
		faults = append(faults, errors.New("auth-x509-required-roles is set without auth-x509-role-oid: no certificate would have one"))
	}
	return faults
}

var idPattern = regexp.MustCompile(`^[A-Za-z0-9_-]{1,64}$`)

func absolute(address string) bool {
	u, err := url.Parse(address)
	return err == nil && (u.Scheme == "http" || u.Scheme == "https") && u.Host != "" && u.User == nil
}

// networks reads addresses and networks.
func networks(list []string) ([]netip.Prefix, error) {
	var out []netip.Prefix
	for _, text := range list {
		text = strings.TrimSpace(text)
		if a, err := netip.ParseAddr(text); err == nil {
			out = append(out, netip.PrefixFrom(a.Unmap(), a.Unmap().BitLen()))
			continue
		}
		p, err := netip.ParsePrefix(text)
		if err != nil {
			return nil, fmt.Errorf("%q is no address or network: write them such as 10.0.0.7 or 10.0.0.0/8", text)
		}
		out = append(out, p.Masked())
	}
	return out, nil
}

// requirement is what a claim must match.
type requirement struct {
	claim string
	match *regexp.Regexp
}

// requirements reads claim=text and claim=/regex/; both are for the whole of a
// claim, as in Spinnaker.
func requirements(list []string) ([]requirement, error) {
	var out []requirement
	for _, text := range list {
		claim, value, found := strings.Cut(text, "=")
		if !found || claim == "" || value == "" {
			return nil, fmt.Errorf("auth-oidc-user-info-requirements holds %q: write claim=text or claim=/regular expression/", text)
		}
		pattern := regexp.QuoteMeta(value)
		if len(value) > 2 && strings.HasPrefix(value, "/") && strings.HasSuffix(value, "/") {
			pattern = value[1 : len(value)-1]
		}
		re, err := regexp.Compile(`^(?:` + pattern + `)$`)
		if err != nil {
			return nil, fmt.Errorf("auth-oidc-user-info-requirements holds %q: %w", text, err)
		}
		out = append(out, requirement{claim: claim, match: re})
	}
	return out, nil
}
