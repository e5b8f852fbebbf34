// Package temporal opens the connection to the Temporal service.
package temporal

import (
	"context"
	"crypto/rand"
	"crypto/tls"
	"crypto/x509"
	"errors"
	"fmt"
	"log/slog"
	"os"
	"strconv"
	"strings"
	"sync"

	"go.temporal.io/sdk/client"
	"go.temporal.io/sdk/log"

	"github.com/gennaker/gennaker/internal/secret"
)

// Config says where Temporal is. The tags make it a group of command line
// flags and environment variables.
type Config struct {
	Address   string `help:"Address of the Temporal frontend, host:port." default:"127.0.0.1:7233" placeholder:"HOST:PORT"`
	Namespace string `help:"Temporal namespace." default:"default"`
	// TLS files; with CertFile the connection is authenticated by certificate.
	TLS        bool   `help:"Use TLS." name:"tls"`
	CAFile     string `help:"File of the certificate authority; empty is the system's." type:"path" name:"ca-file"`
	CertFile   string `help:"File of the client certificate." type:"path" name:"cert-file"`
	KeyFile    string `help:"File of the client certificate's key." type:"path" name:"key-file"`
	ServerName string `help:"Name that the server's certificate must carry; empty is the address's host." name:"server-name"`
	// APIKey is a reference to a secret, see [secret.Resolve].
	APIKey string `help:"Reference to the API key (file:/path or env:NAME)." placeholder:"REF" name:"api-key"`
}

// Identity is this process's name in Temporal: its number and machine, and
// letters that tell it from others of the same number, such as those of
// containers.
var Identity = sync.OnceValue(func() string {
	host, err := os.Hostname()
	if err != nil {
		host = "unknown"
	}
	return strconv.Itoa(os.Getpid()) + "@" + host + "/" + strings.ToLower(rand.Text()[:6])
})

// Open returns a client that connects on first use, so that a Temporal that is
// down when a process starts is waited for, not fatal. It fails when a secret or
// certificate cannot be read.
//
// Each of apply may add to the client's options; every client of the program
// takes those of its payloads, see the package payload.
func Open(ctx context.Context, c Config, logger *slog.Logger, apply ...func(*client.Options)) (client.Client, error) {
	options := client.Options{
		HostPort:  c.Address,
		Namespace: c.Namespace,
		Identity:  Identity(),
		Logger:    log.NewStructuredLogger(logger),
	}
	if c.APIKey != "" {
		key, err := secret.Resolve(ctx, c.APIKey)
		if err != nil {
			return nil, fmt.Errorf("temporal api key: %w", err)
		}
		options.Credentials = client.NewAPIKeyStaticCredentials(key)
	}
	if c.TLS || c.CAFile != "" || c.CertFile != "" {
		t, err := c.tls()
		if err != nil {
			return nil, fmt.Errorf("temporal tls: %w", err)
		}
		options.ConnectionOptions.TLS = t
	}
	for _, add := range apply {
		add(&options)
	}
	cl, err := client.NewLazyClient(options)
	if err != nil {
		return nil, fmt.Errorf("temporal at %s: %w", c.Address, err)
	}
	return cl, nil
}

func (c Config) tls() (*tls.Config, error) {
	t := &tls.Config{MinVersion: tls.VersionTLS12, ServerName: c.ServerName}
	if c.CAFile != "" {
		pem, err := os.ReadFile(c.CAFile)
		if err != nil {
			return nil, err
		}
		t.RootCAs = x509.NewCertPool()
		if !t.RootCAs.AppendCertsFromPEM(pem) {
			return nil, fmt.Errorf("%s holds no certificate in PEM form", c.CAFile)
		}
	}
	switch {
	case c.CertFile != "" && c.KeyFile != "":
		pair, err := tls.LoadX509KeyPair(c.CertFile, c.KeyFile)
		if err != nil {
			return nil, err
		}
		t.Certificates = []tls.Certificate{pair}
	case c.CertFile != "" || c.KeyFile != "":
		return nil, errors.New("set cert-file and key-file together")
	}
	return t, nil
}
