package client_test

import (
	"context"
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/sha256"
	"crypto/tls"
	"crypto/x509"
	"crypto/x509/pkix"
	"encoding/base64"
	"encoding/pem"
	"fmt"
	"io"
	"log"
	"math/big"
	"net/http"
	"net/http/httptest"
	"net/url"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/gennaker/gennaker/cli/client"
)

// The code flow is done with PKCE, its token is kept in the file, which stays as
// it was otherwise, and is renewed when it is old.
func TestOAuth2(t *testing.T) {
	t.Setenv("CLIENT_SECRET", "cs")
	var challenge string
	var grants []string
	provider := gate(t, func(w http.ResponseWriter, r *http.Request) {
		w.Header().Set("Content-Type", "application/json")
		grants = append(grants, r.FormValue("grant_type"))
		user, secret, ok := r.BasicAuth()
		if !ok {
			user, secret = r.FormValue("client_id"), r.FormValue("client_secret")
		}
		if user != "gennaker" || secret != "cs" {
			w.WriteHeader(http.StatusUnauthorized)
			_, _ = io.WriteString(w, `{"error":"invalid_client"}`)
			return
		}
		switch r.FormValue("grant_type") {
		case "authorization_code":
			sum := sha256.Sum256([]byte(r.FormValue("code_verifier")))
			if r.FormValue("code") != "c0de" || base64.RawURLEncoding.EncodeToString(sum[:]) != challenge {
				w.WriteHeader(http.StatusBadRequest)
				_, _ = io.WriteString(w, `{"error":"invalid_grant"}`)
				return
			}
			_, _ = io.WriteString(w, `{"access_token":"at1","token_type":"Bearer","refresh_token":"rt1","expires_in":3600}`)
		case "refresh_token":
			_, _ = io.WriteString(w, `{"access_token":"at2","token_type":"Bearer","refresh_token":"rt2","expires_in":3600}`)
		}
	})
	var logins []string
	s := gate(t, func(w http.ResponseWriter, r *http.Request) {
		if r.URL.Path != "/version" {
			logins = append(logins, r.URL.Path+" "+r.Header.Get("Authorization"))
		}
		_, _ = io.WriteString(w, `{"authorization":"`+r.Header.Get("Authorization")+`"}`)
	})
	path := configFile(t, provider.URL, `# ours
auth:
  enabled: true
  oauth2:
    tokenUrl: ENDPOINT/token
    authUrl: ENDPOINT/auth
    clientId: gennaker
    clientSecret: ${CLIENT_SECRET} # from the vault
    scopes: [openid]
`)
	options := client.Options{Endpoint: s.URL, ConfigFile: path}
	_, err := client.Open(t.Context(), options)
	require.ErrorContains(t, err, "needs a person")

	pasted := "c0de"
	options.Ask = func(_ context.Context, address string) (string, error) {
		u, err := url.Parse(address)
		if err != nil {
			return "", err
		}
		q := u.Query()
		require.Equal(t, "S256", q.Get("code_challenge_method"))
		require.Equal(t, "http://localhost:8085", q.Get("redirect_uri"))
		challenge = q.Get("code_challenge")
		if pasted == "" {
			return "", errNone
		}
		if pasted == "address" {
			return "http://localhost:8085/?code=c0de&state=" + q.Get("state") + "\n", nil
		}
		return pasted, nil
	}
	for wrong, want := range map[string]string{
		"nope": "invalid_grant", "http://localhost:8085/?code=c0de&state=other": "another sign-in",
		"http://localhost:8085/?error=access_denied": "access_denied", " ": "no code", "": "nobody is here",
	} {
		pasted = wrong
		_, err = client.Open(t.Context(), options)
		require.ErrorContains(t, err, want)
	}
	pasted = "address"
	c, err := client.Open(t.Context(), options)
	require.NoError(t, err)
	m, err := c.Get(t.Context(), "/version", nil)
	require.NoError(t, err)
	require.Equal(t, "Bearer at1", m.String("authorization"))
	require.Equal(t, []string{"/login Bearer at1"}, logins)
	text, err := os.ReadFile(path)
	require.NoError(t, err)
	require.Contains(t, string(text), "# ours")
	require.Contains(t, string(text), "${CLIENT_SECRET} # from the vault", "what the environment says is not written down")
	require.Contains(t, string(text), "access_token: at1")
	info, err := os.Stat(path)
	require.NoError(t, err)
	require.Equal(t, os.FileMode(0o600), info.Mode().Perm())

	// The next time nobody is asked; an old token is renewed.
	options.Ask, grants = nil, nil
	_, err = client.Open(t.Context(), options)
	require.NoError(t, err)
	require.Empty(t, grants)
	config, err := client.ReadConfig(path)
	require.NoError(t, err)
	old := config.Auth.OAuth2.CachedToken.Expiry.Format(time.RFC3339Nano)
	require.Contains(t, string(text), old)
	require.NoError(t, os.WriteFile(path, []byte(strings.Replace(string(text), old, "2020-01-01T00:00:00Z", 1)), 0o600))
	c, err = client.Open(t.Context(), options)
	require.NoError(t, err)
	require.Equal(t, []string{"refresh_token"}, grants)
	m, err = c.Get(t.Context(), "/version", nil)
	require.NoError(t, err)
	require.Equal(t, "Bearer at2", m.String("authorization"))
}

// A client certificate is presented, from files or from the file itself, and Gate's
// own is checked unless that is switched off.
func TestClientCertificate(t *testing.T) {
	t.Parallel()
	key, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	require.NoError(t, err)
	about := x509.Certificate{SerialNumber: big.NewInt(1), Subject: pkix.Name{CommonName: "me"}, NotAfter: time.Now().Add(time.Hour)}
	der, err := x509.CreateCertificate(rand.Reader, &about, &about, &key.PublicKey, key)
	require.NoError(t, err)
	keyDER, err := x509.MarshalPKCS8PrivateKey(key)
	require.NoError(t, err)
	certPEM, keyPEM := pem.EncodeToMemory(&pem.Block{Type: "CERTIFICATE", Bytes: der}), pem.EncodeToMemory(&pem.Block{Type: "PRIVATE KEY", Bytes: keyDER})
	dir := t.TempDir()
	certPath, keyPath := filepath.Join(dir, "cert.pem"), filepath.Join(dir, "key.pem")
	require.NoError(t, os.WriteFile(certPath, certPEM, 0o600))
	require.NoError(t, os.WriteFile(keyPath, keyPEM, 0o600))

	s := httptest.NewUnstartedServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		_, _ = fmt.Fprintf(w, `{"name":%q}`, r.TLS.PeerCertificates[0].Subject.CommonName)
	}))
	s.TLS = &tls.Config{ClientAuth: tls.RequireAnyClientCert}
	s.Config.ErrorLog = log.New(io.Discard, "", 0)
	s.StartTLS()
	t.Cleanup(s.Close)
	inline := base64.StdEncoding.EncodeToString
	for name, config := range map[string]string{
		"files":  "auth: {enabled: true, ignoreCertErrors: true, x509: {certPath: " + certPath + ", keyPath: " + keyPath + "}}",
		"inline": "auth: {enabled: true, ignoreCertErrors: true, x509: {cert: " + inline(certPEM) + ", key: " + inline(keyPEM) + "}}",
	} {
		c, err := client.Open(t.Context(), client.Options{Endpoint: s.URL, ConfigFile: configFile(t, "", config)})
		require.NoError(t, err, name)
		m, err := c.Get(t.Context(), "/version", nil)
		require.NoError(t, err, name)
		require.Equal(t, "me", m.String("name"), name)
	}
	c, err := client.Open(t.Context(), client.Options{Endpoint: s.URL, ConfigFile: configFile(t, "", "{}")})
	require.NoError(t, err)
	_, err = c.Get(t.Context(), "/version", nil)
	require.ErrorContains(t, err, "certificate")
}
