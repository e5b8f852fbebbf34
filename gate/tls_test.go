package gate_test

import (
	"context"
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/tls"
	"crypto/x509"
	"crypto/x509/pkix"
	"encoding/pem"
	"math/big"
	"net"
	"net/http"
	"os"
	"path/filepath"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/gennaker/gennaker/gate"
)

// authority signs certificates for tests.
type authority struct {
	t    *testing.T
	cert *x509.Certificate
	key  *ecdsa.PrivateKey
}

func newAuthority(t *testing.T) *authority {
	t.Helper()
	key, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	require.NoError(t, err)
	template := &x509.Certificate{
		SerialNumber: big.NewInt(1), Subject: pkix.Name{CommonName: "test authority"}, NotAfter: time.Now().Add(time.Hour),
		IsCA: true, BasicConstraintsValid: true, KeyUsage: x509.KeyUsageCertSign,
	}
	der, err := x509.CreateCertificate(rand.Reader, template, template, &key.PublicKey, key)
	require.NoError(t, err)
	cert, err := x509.ParseCertificate(der)
	require.NoError(t, err)
	return &authority{t, cert, key}
}

// issue writes a certificate and its key to files.
func (a *authority) issue(name, certFile, keyFile string) {
	a.t.Helper()
	key, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	require.NoError(a.t, err)
	der, err := x509.CreateCertificate(rand.Reader, &x509.Certificate{
		SerialNumber: big.NewInt(time.Now().UnixNano()), Subject: pkix.Name{CommonName: name}, NotAfter: time.Now().Add(time.Hour),
		IPAddresses: []net.IP{net.IPv4(127, 0, 0, 1)}, ExtKeyUsage: []x509.ExtKeyUsage{x509.ExtKeyUsageServerAuth, x509.ExtKeyUsageClientAuth},
	}, a.cert, &key.PublicKey, a.key)
	require.NoError(a.t, err)
	private, err := x509.MarshalPKCS8PrivateKey(key)
	require.NoError(a.t, err)
	writePEM(a.t, certFile, "CERTIFICATE", der)
	writePEM(a.t, keyFile, "PRIVATE KEY", private)
}

func writePEM(t *testing.T, file, kind string, der []byte) {
	t.Helper()
	require.NoError(t, os.WriteFile(file, pem.EncodeToMemory(&pem.Block{Type: kind, Bytes: der}), 0o600))
}

// client makes an HTTP client that trusts the authority and shows a certificate, if
// one is given.
func (a *authority) client(certificates ...tls.Certificate) *http.Client {
	pool := x509.NewCertPool()
	pool.AddCert(a.cert)
	transport := &http.Transport{TLSClientConfig: &tls.Config{RootCAs: pool, Certificates: certificates}, ForceAttemptHTTP2: true}
	a.t.Cleanup(transport.CloseIdleConnections)
	return &http.Client{Transport: transport}
}

// serving runs a server on a port of its own until the test ends.
func (w *world) serving(serve func(context.Context, net.Listener, http.Handler) error) string {
	w.t.Helper()
	l, err := net.Listen("tcp", "127.0.0.1:0")
	require.NoError(w.t, err)
	ctx, stop := context.WithCancel(w.t.Context())
	ended := make(chan error, 1)
	go func() { ended <- serve(ctx, l, w.server.Handler()) }()
	w.t.Cleanup(func() {
		stop()
		require.NoError(w.t, <-ended)
	})
	return l.Addr().String()
}

func TestTLS(t *testing.T) {
	t.Parallel()
	a, dir := newAuthority(t), t.TempDir()
	cert, key, ca := filepath.Join(dir, "cert.pem"), filepath.Join(dir, "key.pem"), filepath.Join(dir, "ca.pem")
	a.issue("first", cert, key)
	writePEM(t, ca, "CERTIFICATE", a.cert.Raw)
	w := newWorld(t, func(_ *gate.Dependencies, c *gate.Config) {
		c.TLSCertFile, c.TLSKeyFile, c.TLSClientCAFile = cert, key, ca
	})
	address := w.serving(w.server.Serve)
	get := func(client *http.Client) *http.Response {
		r, err := client.Get("https://" + address + "/version")
		require.NoError(t, err)
		require.NoError(t, r.Body.Close())
		return r
	}
	r := get(a.client())
	require.Equal(t, http.StatusOK, r.StatusCode)
	require.Equal(t, "HTTP/2.0", r.Proto)
	require.Equal(t, "max-age=31536000", r.Header.Get("Strict-Transport-Security"))
	require.Equal(t, "first", r.TLS.PeerCertificates[0].Subject.CommonName)

	clientCert, clientKey := filepath.Join(dir, "client.pem"), filepath.Join(dir, "client-key.pem")
	a.issue("ines", clientCert, clientKey)
	shown, err := tls.LoadX509KeyPair(clientCert, clientKey)
	require.NoError(t, err)
	require.Equal(t, http.StatusOK, get(a.client(shown)).StatusCode, "a certificate of the authority is taken")
	stranger := newAuthority(t)
	stranger.issue("mallory", clientCert, clientKey)
	foreign, err := tls.LoadX509KeyPair(clientCert, clientKey)
	require.NoError(t, err)
	client := a.client()
	client.Transport.(*http.Transport).TLSClientConfig.GetClientCertificate = func(*tls.CertificateRequestInfo) (*tls.Certificate, error) { return &foreign, nil }
	_, err = client.Get("https://" + address + "/version") //nolint:bodyclose // there is no answer
	require.Error(t, err, "a certificate of anybody else is refused")

	old := a.client()
	old.Transport.(*http.Transport).TLSClientConfig.MaxVersion = tls.VersionTLS11
	old.Transport.(*http.Transport).TLSClientConfig.MinVersion = tls.VersionTLS10
	_, err = old.Get("https://" + address + "/version") //nolint:bodyclose // there is no answer
	require.ErrorContains(t, err, "version")

	// A renewal is taken without a restart; a broken one is not.
	require.NoError(t, os.WriteFile(cert, []byte("half a file"), 0o600))
	require.Equal(t, "first", get(a.client()).TLS.PeerCertificates[0].Subject.CommonName)
	a.issue("second", cert, key)
	require.Eventually(t, func() bool {
		return get(a.client()).TLS.PeerCertificates[0].Subject.CommonName == "second"
	}, time.Minute, 50*time.Millisecond)
}

func TestListenerForClientsWithCertificates(t *testing.T) {
	t.Parallel()
	a, dir := newAuthority(t), t.TempDir()
	cert, key, ca := filepath.Join(dir, "cert.pem"), filepath.Join(dir, "key.pem"), filepath.Join(dir, "ca.pem")
	a.issue("gate", cert, key)
	writePEM(t, ca, "CERTIFICATE", a.cert.Raw)
	w := newWorld(t, func(_ *gate.Dependencies, c *gate.Config) {
		c.TLSCertFile, c.TLSKeyFile, c.TLSClientCAFile, c.APIAddress = cert, key, ca, "127.0.0.1:0"
	})
	address := w.serving(w.server.ServeClients)
	_, err := a.client().Get("https://" + address + "/version") //nolint:bodyclose // there is no answer
	require.Error(t, err, "who shows nothing stays outside")
	shown, err := tls.LoadX509KeyPair(cert, key)
	require.NoError(t, err)
	r, err := a.client(shown).Get("https://" + address + "/version")
	require.NoError(t, err)
	require.NoError(t, r.Body.Close())
	require.Equal(t, http.StatusOK, r.StatusCode)

	asked := false
	browser := a.client()
	browser.Transport.(*http.Transport).TLSClientConfig.GetClientCertificate = func(*tls.CertificateRequestInfo) (*tls.Certificate, error) {
		asked = true
		return &tls.Certificate{}, nil
	}
	r, err = browser.Get("https://" + w.serving(w.server.Serve) + "/version")
	require.NoError(t, err)
	require.NoError(t, r.Body.Close())
	require.False(t, asked, "browsers are not bothered on the other listener")
}

func TestTLSSettingsAreChecked(t *testing.T) {
	t.Parallel()
	for want, change := range map[string]func(*gate.Config){
		"set both or none":         func(c *gate.Config) { c.TLSCertFile = "a" },
		"needs tls-cert-file":      func(c *gate.Config) { c.TLSClientCAFile = "a" },
		"needs tls-client-ca-file": func(c *gate.Config) { c.APIAddress = ":1" },
		`rate-limit is "maybe"`:    func(c *gate.Config) { c.RateLimit = "maybe" },
		"rate-limit-per-second":    func(c *gate.Config) { c.RateLimitPerSecond = 0 },
		`trusted-proxies holds "x`: func(c *gate.Config) { c.TrustedProxies = []string{"x"} },
		"drain-time is -1s":        func(c *gate.Config) { c.DrainTime = -time.Second },
	} {
		c := gate.DefaultConfig()
		change(&c)
		require.ErrorContains(t, c.Validate(), want)
	}
}
