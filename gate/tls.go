package gate

import (
	"crypto/tls"
	"crypto/x509"
	"errors"
	"fmt"
	"log/slog"
	"os"
	"sync"
	"time"
)

// lookAgain is how often files of certificates are looked at for changes, at most.
const lookAgain = time.Second

// certificates are those of the listeners, read anew when their files change: who
// renews them needs no restart. Files that cannot be used leave the last good ones
// in place.
type certificates struct {
	certFile, keyFile, caFile string
	// client is what is asked of clients.
	client tls.ClientAuthType
	log    *slog.Logger

	mu      sync.Mutex
	current *tls.Config
	state   string
	looked  time.Time
}

// newCertificates reads the files once; nil without files. It fails when they
// cannot be used.
func newCertificates(c Config, client tls.ClientAuthType, log *slog.Logger) (*certificates, error) {
	if c.TLSCertFile == "" {
		return nil, nil
	}
	out := &certificates{certFile: c.TLSCertFile, keyFile: c.TLSKeyFile, caFile: c.TLSClientCAFile, client: client, log: log}
	var err error
	if out.state, err = out.fingerprint(); err != nil {
		return nil, err
	}
	if out.current, err = out.load(); err != nil {
		return nil, err
	}
	return out, nil
}

// server is the configuration of a listener.
func (c *certificates) server() *tls.Config {
	out := c.now().Clone()
	out.GetConfigForClient = func(*tls.ClientHelloInfo) (*tls.Config, error) { return c.now(), nil }
	return out
}

// now returns the configuration for the files as they are.
func (c *certificates) now() *tls.Config {
	c.mu.Lock()
	defer c.mu.Unlock()
	if time.Since(c.looked) < lookAgain {
		return c.current
	}
	c.looked = time.Now()
	state, err := c.fingerprint()
	if err == nil && state == c.state {
		return c.current
	}
	var fresh *tls.Config
	if err == nil {
		fresh, err = c.load()
	}
	if err != nil {
		// A renewal writes one file after the other.
		c.log.Warn("the certificate was not read anew, the last one serves", "error", err)
		return c.current
	}
	c.current, c.state = fresh, state
	c.log.Info("the certificate was read anew", "file", c.certFile)
	return fresh
}

// fingerprint changes with the files.
func (c *certificates) fingerprint() (string, error) {
	state := ""
	for _, file := range []string{c.certFile, c.keyFile, c.caFile} {
		if file == "" {
			continue
		}
		info, err := os.Stat(file)
		if err != nil {
			return "", fmt.Errorf("the file of a certificate: %w", err)
		}
		state += fmt.Sprintf("%d %d\n", info.ModTime().UnixNano(), info.Size())
	}
	return state, nil
}

func (c *certificates) load() (*tls.Config, error) {
	pair, err := tls.LoadX509KeyPair(c.certFile, c.keyFile)
	if err != nil {
		return nil, fmt.Errorf("the certificate %s with the key %s: %w", c.certFile, c.keyFile, err)
	}
	out := &tls.Config{MinVersion: tls.VersionTLS12, Certificates: []tls.Certificate{pair}, NextProtos: []string{"h2", "http/1.1"}}
	if c.caFile == "" {
		return out, nil
	}
	pem, err := os.ReadFile(c.caFile)
	if err != nil {
		return nil, fmt.Errorf("the certificate authority of clients: %w", err)
	}
	out.ClientCAs = x509.NewCertPool()
	if !out.ClientCAs.AppendCertsFromPEM(pem) {
		return nil, fmt.Errorf("%s holds no certificate in PEM form", c.caFile)
	}
	out.ClientAuth = c.client
	return out, nil
}

// validateTLS reports settings of TLS that cannot be used together.
func (c Config) validateTLS() []error {
	var faults []error
	if (c.TLSCertFile == "") != (c.TLSKeyFile == "") {
		faults = append(faults, errors.New("tls-cert-file and tls-key-file: set both or none"))
	}
	if c.TLSClientCAFile != "" && c.TLSCertFile == "" {
		faults = append(faults, errors.New("tls-client-ca-file needs tls-cert-file: clients show certificates over TLS only"))
	}
	if c.APIAddress != "" && c.TLSClientCAFile == "" {
		faults = append(faults, errors.New("api-address needs tls-client-ca-file: it is for clients with certificates"))
	}
	return faults
}
