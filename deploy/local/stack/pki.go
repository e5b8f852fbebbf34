package stack

import (
	"crypto"
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/tls"
	"crypto/x509"
	"crypto/x509/pkix"
	"encoding/pem"
	"errors"
	"fmt"
	"math/big"
	"net"
	"os"
	"path/filepath"
	"time"
)

// pki is the local cluster's certificates, kept in one folder: an authority that signs one certificate for all servers
// and one for the administrator, and the key that signs service account tokens.
type pki struct{ dir string }

// validity outlives any use of a local cluster; "make reset" makes new certificates.
const validity = 10 * 365 * 24 * time.Hour

func (e *Env) pki() pki { return pki{dir: filepath.Join(e.Dir, "kubernetes", "pki")} }

func (p pki) path(name string) string { return filepath.Join(p.dir, name) }

// ensure makes what is missing. The last file written tells that all are there.
func (p pki) ensure() error {
	_, err := os.Stat(p.path("complete"))
	if err == nil {
		return nil
	}
	if !errors.Is(err, os.ErrNotExist) {
		return err
	}
	ca, caKey, err := p.issue("ca", nil, nil, &x509.Certificate{
		Subject: pkix.Name{CommonName: "gennaker-local"}, IsCA: true, BasicConstraintsValid: true,
		KeyUsage: x509.KeyUsageCertSign | x509.KeyUsageDigitalSignature,
	})
	if err != nil {
		return err
	}
	both := []x509.ExtKeyUsage{x509.ExtKeyUsageServerAuth, x509.ExtKeyUsageClientAuth}
	if _, _, err = p.issue("server", ca, caKey, &x509.Certificate{
		Subject:     pkix.Name{CommonName: "gennaker-local-server"},
		IPAddresses: []net.IP{net.IPv4(127, 0, 0, 1), net.IPv4(10, 96, 0, 1)},
		DNSNames:    []string{"localhost", "kubernetes", "kubernetes.default", "kubernetes.default.svc"},
		ExtKeyUsage: both, KeyUsage: x509.KeyUsageDigitalSignature,
	}); err != nil {
		return err
	}
	if _, _, err = p.issue("admin", ca, caKey, &x509.Certificate{
		Subject:     pkix.Name{CommonName: "gennaker-local-admin", Organization: []string{"system:masters"}},
		ExtKeyUsage: []x509.ExtKeyUsage{x509.ExtKeyUsageClientAuth}, KeyUsage: x509.KeyUsageDigitalSignature,
	}); err != nil {
		return err
	}
	key, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	if err != nil {
		return err
	}
	if err := p.writeKey("service-accounts", key); err != nil {
		return err
	}
	return writeFile(p.path("complete"), nil)
}

// issue makes a key and a certificate signed by the issuer, or by itself when there is none, and writes both.
func (p pki) issue(name string, issuer *x509.Certificate, issuerKey crypto.Signer, template *x509.Certificate) (*x509.Certificate, crypto.Signer, error) {
	key, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	if err != nil {
		return nil, nil, err
	}
	template.SerialNumber, err = rand.Int(rand.Reader, new(big.Int).Lsh(big.NewInt(1), 120))
	if err != nil {
		return nil, nil, err
	}
	template.NotBefore = time.Now().Add(-time.Hour)
	template.NotAfter = time.Now().Add(validity)
	if issuer == nil {
		issuer, issuerKey = template, key
	}
	raw, err := x509.CreateCertificate(rand.Reader, template, issuer, key.Public(), issuerKey)
	if err != nil {
		return nil, nil, fmt.Errorf("sign certificate %s: %w", name, err)
	}
	certificate, err := x509.ParseCertificate(raw)
	if err != nil {
		return nil, nil, err
	}
	if err := writeFile(p.path(name+".crt"), pem.EncodeToMemory(&pem.Block{Type: "CERTIFICATE", Bytes: raw})); err != nil {
		return nil, nil, err
	}
	return certificate, key, p.writeKey(name, key)
}

func (p pki) writeKey(name string, key *ecdsa.PrivateKey) error {
	// The API server reads service account keys in this form only, not in PKCS 8.
	raw, err := x509.MarshalECPrivateKey(key)
	if err != nil {
		return err
	}
	return writeFile(p.path(name+".key"), pem.EncodeToMemory(&pem.Block{Type: "EC PRIVATE KEY", Bytes: raw}))
}

// client returns the TLS configuration of the administrator.
func (p pki) client() (*tls.Config, error) {
	pair, err := tls.LoadX509KeyPair(p.path("admin.crt"), p.path("admin.key"))
	if err != nil {
		return nil, err
	}
	authority, err := os.ReadFile(p.path("ca.crt"))
	if err != nil {
		return nil, err
	}
	pool := x509.NewCertPool()
	if !pool.AppendCertsFromPEM(authority) {
		return nil, fmt.Errorf("%s holds no certificate", p.path("ca.crt"))
	}
	return &tls.Config{Certificates: []tls.Certificate{pair}, RootCAs: pool, MinVersion: tls.VersionTLS12}, nil
}
