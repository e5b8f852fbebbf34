package signin_test

import (
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/tls"
	"crypto/x509"
	"crypto/x509/pkix"
	"encoding/asn1"
	"encoding/json"
	"math/big"
	"net/http"
	"net/http/httptest"
	"net/url"
	"testing"
	"time"

	"github.com/go-jose/go-jose/v4"
	"github.com/go-jose/go-jose/v4/jwt"
	"github.com/go-ldap/ldap/v3"
	"github.com/stretchr/testify/require"

	"github.com/gennaker/gennaker/gate/signin"
	"github.com/gennaker/gennaker/internal/ldapdir"
	"github.com/gennaker/gennaker/internal/testkit"
)

func TestLDAP(t *testing.T) {
	t.Parallel()
	s := testkit.LDAP(t)
	c, err := ldap.DialURL("ldap://" + s.Address)
	require.NoError(t, err)
	t.Cleanup(func() { _ = c.Close() })
	require.NoError(t, c.Bind(s.Manager, s.Password))
	add := func(dn string, attributes map[string][]string) {
		r := ldap.NewAddRequest(dn, nil)
		for name, values := range attributes {
			r.Attribute(name, values)
		}
		require.NoError(t, c.Add(r))
	}
	add(s.Base, map[string][]string{"objectClass": {"dcObject", "organization"}, "dc": {"example"}, "o": {"Example"}})
	add("uid=ines,"+s.Base, map[string][]string{"objectClass": {"inetOrgPerson"}, "uid": {"ines"}, "cn": {"Inès"}, "sn": {"Ö"}, "mail": {"ines@example.com"}, "userPassword": {"ines!"}})
	add("cn=ROLE_SRE,"+s.Base, map[string][]string{"objectClass": {"groupOfUniqueNames"}, "cn": {"ROLE_SRE"}, "uniqueMember": {"uid=ines," + s.Base}})
	withGroups, err := ldapdir.Open(t.Context(), ldapdir.Config{
		URL: "ldap://" + s.Address, UserDNPattern: "uid={0}," + s.Base, ManagerDN: s.Manager, ManagerPassword: "file:" + s.PasswordFile,
		GroupSearchBase: s.Base, Timeout: time.Minute,
	})
	require.NoError(t, err)
	w := newWorld(t, func(c *signin.Config, d *signin.Dependencies) {
		c.Mode, d.Directory = signin.ModeLDAP, signin.FromDirectory(withGroups, false)
	})
	b := newBrowser(t, "Accept", "*/*")
	require.Equal(t, 401, b.form(w.url+"/login", url.Values{"username": {"ines"}, "password": {""}}).StatusCode)
	require.Equal(t, 200, b.form(w.url+"/login", url.Values{"username": {"ines"}, "password": {"ines!"}}).StatusCode, "as spin does in mode ldap")
	me := b.whoami(w)
	require.Equal(t, "ines", me.Username)
	require.Equal(t, "ines@example.com", me.Email)
	require.Equal(t, []string{"sre"}, me.Roles)
	kept, err := w.users.User(t.Context(), "ines")
	require.NoError(t, err)
	require.Equal(t, "LDAP", kept.Source)
	require.Equal(t, 200, newBrowser(t).get(w.url+"/version", "Authorization", basic("ines", "ines!")).StatusCode)

	s.Kill()
	require.Equal(t, 503, newBrowser(t).get(w.url+"/version", "Authorization", basic("ines", "ines!")).StatusCode, "a directory that is away is no wrong password")
	require.Equal(t, 200, b.get(w.url+"/version").StatusCode, "sessions live on")
	people := person(t).form(w.url+"/login", url.Values{"username": {"ines"}, "password": {"ines!"}})
	require.Equal(t, 503, people.StatusCode)
	require.Contains(t, people.body, "The directory that knows people does not answer")
}

// roleOID is the one that Spinnaker's documentation uses.
var roleOID = asn1.ObjectIdentifier{1, 2, 840, 10070, 8, 1}

// authority issues certificates.
type authority struct {
	t    *testing.T
	cert *x509.Certificate
	key  *ecdsa.PrivateKey
}

func newAuthority(t *testing.T) *authority {
	t.Helper()
	a := &authority{t: t}
	pair := a.issue(&x509.Certificate{Subject: pkix.Name{CommonName: "ca"}, IsCA: true, BasicConstraintsValid: true, KeyUsage: x509.KeyUsageCertSign})
	a.cert, a.key = pair.Leaf, pair.PrivateKey.(*ecdsa.PrivateKey)
	return a
}

func (a *authority) issue(template *x509.Certificate) tls.Certificate {
	a.t.Helper()
	key, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	require.NoError(a.t, err)
	template.SerialNumber = big.NewInt(time.Now().UnixNano())
	template.NotBefore, template.NotAfter = time.Now().Add(-time.Hour), time.Now().Add(time.Hour)
	if !template.IsCA {
		template.ExtKeyUsage = []x509.ExtKeyUsage{x509.ExtKeyUsageClientAuth}
	}
	issuer, signer := a.cert, a.key
	if issuer == nil {
		issuer, signer = template, key
	}
	raw, err := x509.CreateCertificate(rand.Reader, template, issuer, key.Public(), signer)
	require.NoError(a.t, err)
	leaf, err := x509.ParseCertificate(raw)
	require.NoError(a.t, err)
	return tls.Certificate{Certificate: [][]byte{raw}, PrivateKey: key, Leaf: leaf}
}

// overTLS serves a world's Gate over TLS and returns a client with a certificate.
func overTLS(t *testing.T, w *world, ca *authority) func(certificate *tls.Certificate) *browser {
	t.Helper()
	server := httptest.NewUnstartedServer(w.handler)
	pool := x509.NewCertPool()
	pool.AddCert(ca.cert)
	server.TLS = &tls.Config{ClientAuth: tls.RequestClientCert, ClientCAs: pool}
	if ca.t != nil {
		server.TLS.ClientAuth = tls.VerifyClientCertIfGiven
	}
	server.StartTLS()
	t.Cleanup(server.Close)
	w.url = server.URL + "/gate"
	return func(certificate *tls.Certificate) *browser {
		b := newBrowser(t)
		transport := server.Client().Transport.(*http.Transport).Clone()
		if certificate != nil {
			transport.TLSClientConfig.Certificates = []tls.Certificate{*certificate}
		}
		b.client.Transport = transport
		return b
	}
}

func roles(t *testing.T, text string) []pkix.Extension {
	t.Helper()
	value, err := asn1.MarshalWithParams(text, "utf8")
	require.NoError(t, err)
	return []pkix.Extension{{Id: roleOID, Value: value}}
}

func TestX509(t *testing.T) {
	t.Parallel()
	ca := newAuthority(t)
	w := newWorld(t, func(c *signin.Config, _ *signin.Dependencies) {
		c.Mode = signin.ModeX509
		c.X509.Enabled, c.X509.RoleOID, c.X509.RequiredRoles = true, roleOID.String(), []string{"Deploy"}
	})
	client := overTLS(t, w, ca)
	good := ca.issue(&x509.Certificate{EmailAddresses: []string{"bot@example.com"}, ExtraExtensions: roles(t, "SRE\ndeploy\r\n")})
	me := client(&good).whoami(w)
	require.Equal(t, "bot@example.com", me.Username)
	require.Equal(t, []string{"deploy", "sre"}, me.Roles)
	require.Equal(t, 403, client(&good).do("POST", w.url+"/auth/roles/sync", "", "Origin", "https://evil.example").StatusCode, "browsers send certificates by themselves")
	without := ca.issue(&x509.Certificate{EmailAddresses: []string{"bot@example.com"}, ExtraExtensions: roles(t, "sre")})
	require.Equal(t, 401, client(&without).get(w.url+"/version").StatusCode)
	nameless := ca.issue(&x509.Certificate{Subject: pkix.Name{CommonName: "x"}, ExtraExtensions: roles(t, "deploy")})
	require.Equal(t, 401, client(&nameless).get(w.url+"/version").StatusCode)
	require.Equal(t, 401, client(nil).get(w.url+"/version").StatusCode)

	// A certificate that nobody verified says nothing.
	stranger := newAuthority(t)
	forged := stranger.issue(&x509.Certificate{EmailAddresses: []string{"bot@example.com"}, ExtraExtensions: roles(t, "deploy")})
	unverified := overTLS(t, w, &authority{cert: ca.cert})
	require.Equal(t, 401, unverified(&forged).get(w.url+"/version").StatusCode)
}

func TestX509Subject(t *testing.T) {
	t.Parallel()
	ca := newAuthority(t)
	w := newWorld(t, func(c *signin.Config, _ *signin.Dependencies) {
		c.X509.Enabled, c.X509.SubjectRegex = true, "EMAILADDRESS=(.*?)(?:,|$)"
	})
	client := overTLS(t, w, ca)
	email := asn1.ObjectIdentifier{1, 2, 840, 113549, 1, 9, 1}
	subject := func(names ...pkix.AttributeTypeAndValue) tls.Certificate {
		return ca.issue(&x509.Certificate{Subject: pkix.Name{ExtraNames: names}})
	}
	cn := asn1.ObjectIdentifier{2, 5, 4, 3}
	good := subject(pkix.AttributeTypeAndValue{Type: cn, Value: "Bot, the"}, pkix.AttributeTypeAndValue{Type: email, Value: "bot@example.com"})
	require.Equal(t, "bot@example.com", client(&good).whoami(w).Username)
	for _, injected := range []string{"x, EMAILADDRESS=admin@example.com", "x,EMAILADDRESS=admin@example.com,", "x\", EMAILADDRESS=admin@example.com, \""} {
		bad := subject(pkix.AttributeTypeAndValue{Type: cn, Value: injected})
		require.Equal(t, "anonymous", client(&bad).whoami(w).Username, injected)
	}
	require.Equal(t, "anonymous", client(nil).whoami(w).Username, "beside mode none everybody else is anonymous")
}

func TestHeader(t *testing.T) {
	t.Parallel()
	for name, proxies := range map[string][]string{"from a proxy": {"127.0.0.0/8"}, "from elsewhere": {"10.0.0.1"}} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			w := newWorld(t, func(c *signin.Config, _ *signin.Dependencies) { c.Mode, c.Proxies = signin.ModeHeader, proxies })
			b := newBrowser(t)
			require.Equal(t, 401, b.get(w.url+"/version").StatusCode)
			got := b.get(w.url+"/version", "X-SPINNAKER-USER", "ines", "X-Forwarded-For", "127.0.0.1")
			if name == "from elsewhere" {
				require.Equal(t, 401, got.StatusCode)
				return
			}
			require.Equal(t, 200, got.StatusCode)
			require.Equal(t, "ines", b.whoami(w, "X-SPINNAKER-USER", "ines").Username)
			require.Equal(t, 401, b.get(w.url+"/version", "X-SPINNAKER-USER", "anonymous").StatusCode)
			require.Equal(t, 403, b.do("POST", w.url+"/auth/roles/sync", "", "X-SPINNAKER-USER", "ines", "Origin", "https://evil.example").StatusCode)
		})
	}
}

func TestIAP(t *testing.T) {
	t.Parallel()
	key, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	require.NoError(t, err)
	keys := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) {
		_ = json.NewEncoder(w).Encode(jose.JSONWebKeySet{Keys: []jose.JSONWebKey{{Key: key.Public(), KeyID: "k", Algorithm: "ES256", Use: "sig"}}})
	}))
	t.Cleanup(keys.Close)
	w := newWorld(t, func(c *signin.Config, _ *signin.Dependencies) {
		c.Mode, c.IAP.Audience, c.IAP.KeysURL = signin.ModeIAP, "/projects/1/apps/x", keys.URL
	})
	assertion := func(signer *ecdsa.PrivateKey, audience string, expiry time.Time) string {
		s, err := jose.NewSigner(jose.SigningKey{Algorithm: jose.ES256, Key: jose.JSONWebKey{Key: signer, KeyID: "k"}}, nil)
		require.NoError(t, err)
		text, err := jwt.Signed(s).Claims(map[string]any{
			"iss": "https://cloud.google.com/iap", "aud": audience, "sub": "1", "email": "ines@example.com", "iat": time.Now().Unix(), "exp": expiry.Unix(),
		}).Serialize()
		require.NoError(t, err)
		return text
	}
	other, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	require.NoError(t, err)
	soon := time.Now().Add(time.Hour)
	status := func(text string) int {
		return newBrowser(t).get(w.url+"/version", "X-Goog-IAP-JWT-Assertion", text).StatusCode
	}
	require.Equal(t, "ines@example.com", newBrowser(t).whoami(w, "X-Goog-IAP-JWT-Assertion", assertion(key, "/projects/1/apps/x", soon)).Username)
	require.Equal(t, 401, status(assertion(key, "/projects/2/apps/x", soon)), "for another application")
	require.Equal(t, 401, status(assertion(other, "/projects/1/apps/x", soon)), "by another key")
	require.Equal(t, 401, status(assertion(key, "/projects/1/apps/x", time.Now().Add(-time.Minute))), "over")
	require.Equal(t, 401, newBrowser(t).get(w.url+"/version").StatusCode)
}
