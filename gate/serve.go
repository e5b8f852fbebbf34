package gate

import (
	"context"
	"crypto/tls"
	"errors"
	"log/slog"
	"net"
	"net/http"
	"time"
)

// Serve answers requests on l, over TLS where it is configured, until ctx ends.
// Then it drains: for the configured time /health is OUT_OF_SERVICE and everything
// else works, so that balancers look elsewhere; after it nothing new is taken,
// event streams end with a word on when to come back, and requests under way
// finish. It returns nil once all of that is done.
//
// h is [Server.Handler], or a handler around it such as [WithDeck]'s.
func (s *Server) Serve(ctx context.Context, l net.Listener, h http.Handler) error {
	return s.serveWith(ctx, l, h, s.certificates)
}

// ServeClients is [Server.Serve] for clients that show a certificate, and refuses
// all others.
func (s *Server) ServeClients(ctx context.Context, l net.Listener, h http.Handler) error {
	return s.serveWith(ctx, l, h, s.clientCertificates)
}

func (s *Server) serveWith(ctx context.Context, l net.Listener, h http.Handler, certificates *certificates) error {
	server := &http.Server{
		Handler:           h,
		ReadHeaderTimeout: min(s.config.ReadTimeout, 10*time.Second),
		ReadTimeout:       s.config.ReadTimeout,
		WriteTimeout:      s.config.ReadTimeout + s.config.RequestTimeout, // streams set their own
		IdleTimeout:       s.config.IdleTimeout,
		MaxHeaderBytes:    s.config.MaxHeader,
		ErrorLog:          slog.NewLogLogger(s.log.Handler(), slog.LevelDebug),
	}
	// The listeners are closed by then, so that no client comes back to this process.
	server.RegisterOnShutdown(s.streams.close)
	stopped := make(chan error, 1)
	stop := context.AfterFunc(ctx, func() {
		after := context.WithoutCancel(ctx)
		s.drain(after)
		stopped <- s.shutdown(after, server)
	})
	err := serveOn(server, l, certificates)
	if !stop() && errors.Is(err, http.ErrServerClosed) {
		return <-stopped
	}
	return err
}

func serveOn(server *http.Server, l net.Listener, certificates *certificates) error {
	if certificates == nil {
		return server.Serve(l)
	}
	server.TLSConfig = certificates.server()
	return server.ServeTLS(l, "", "")
}

// drain tells whoever asks /health to look elsewhere, and gives them time.
func (s *Server) drain(ctx context.Context) {
	first := s.draining.CompareAndSwap(false, true)
	if s.config.DrainTime <= 0 {
		return
	}
	if first {
		s.log.Info("draining: /health is OUT_OF_SERVICE", "for", s.config.DrainTime)
	}
	timer := time.NewTimer(s.config.DrainTime)
	defer timer.Stop()
	select {
	case <-ctx.Done():
	case <-timer.C:
	}
}

// shutdown lets requests under way finish, and cuts what takes longer than the
// longest that a request may.
func (s *Server) shutdown(ctx context.Context, server *http.Server) error {
	grace, cancel := context.WithTimeout(ctx, s.config.ShutdownTimeout)
	defer cancel()
	err := server.Shutdown(grace)
	if errors.Is(err, context.DeadlineExceeded) {
		s.log.Warn("requests were cut that did not finish in time", "after", s.config.ShutdownTimeout)
		return server.Close()
	}
	return err
}

// clientAuth is what the listeners for everybody ask of clients: a certificate
// that is checked if it is shown, unless clients with certificates have a
// listener of their own, since browsers bother people for one.
func (c Config) clientAuth() tls.ClientAuthType {
	if c.APIAddress != "" {
		return tls.NoClientCert
	}
	return tls.VerifyClientCertIfGiven
}
