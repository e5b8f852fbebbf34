package outbound

import (
	"context"
	"crypto/tls"
	"errors"
	"net"
	"net/url"
	"strings"
	"time"

	"github.com/gennaker/gennaker/pipeline"
)

// failure is an error that knows whether the request was sent.
type failure struct {
	err  *pipeline.Error
	sent bool
	// unknown is set when the host's name has no addresses.
	unknown bool
}

func (f *failure) Error() string { return f.err.Error() }
func (f *failure) Unwrap() error { return f.err }

// Sent reports whether the other side of a failed call may have got the
// request, and so may have acted on it.
func Sent(err error) bool {
	var f *failure
	return errors.As(err, &f) && f.sent
}

// UnknownHost reports whether a call failed because its host's name could not
// be resolved.
func UnknownHost(err error) bool {
	var f *failure
	return errors.As(err, &f) && f.unknown
}

func tooLarge(u *url.URL, limit int64) error {
	return pipeline.Errorf(pipeline.CodeTooLarge, "The answer of %s is over %d bytes, the most that is read.", shown(u), limit)
}

// explain turns what net/http says into what people can act on.
func (c *Client) explain(err error, u *url.URL, timeout time.Duration, sent bool) error {
	f := &failure{sent: sent}
	var refusal *pipeline.Error
	var name *net.DNSError
	var certificate *tls.CertificateVerificationError
	var network net.Error
	switch {
	case errors.As(err, &refusal):
		f.err = refusal
	case errors.As(err, &name):
		f.unknown = true
		f.err = pipeline.Wrap(pipeline.CodeUnavailable, err, "The host %s cannot be resolved: %s.", u.Hostname(), name.Err)
	case errors.As(err, &certificate):
		f.err = pipeline.Wrap(pipeline.CodeFailed, err,
			"The certificate of %s is not trusted: %s. If it is genuine, an operator can name its authority in outbound-ca-file.", u.Host, certificate.Err)
	case isHeaderTooLarge(err):
		f.err = pipeline.Wrap(pipeline.CodeTooLarge, err,
			"The header of the answer of %s is over %d bytes: an operator can raise outbound-max-header.", shown(u), c.config.MaxHeader)
	case errors.Is(err, context.DeadlineExceeded) || errors.As(err, &network) && network.Timeout():
		if sent {
			f.err = pipeline.Wrap(pipeline.CodeTimeout, err, "%s did not answer whole within %s.", shown(u), timeout)
		} else {
			f.err = pipeline.Wrap(pipeline.CodeUnavailable, err, "%s could not be reached within %s.", u.Host, min(timeout, c.config.ConnectTimeout))
		}
	case sent:
		f.err = pipeline.Wrap(pipeline.CodeUnavailable, err, "The connection to %s broke before its answer was whole: %s.", u.Host, cause(err))
	default:
		f.err = pipeline.Wrap(pipeline.CodeUnavailable, err, "%s cannot be reached: %s.", u.Host, cause(err))
	}
	return f
}

// isHeaderTooLarge recognises net/http's two errors for it, which have no type.
func isHeaderTooLarge(err error) bool {
	return strings.Contains(err.Error(), "response headers exceeded") || strings.Contains(err.Error(), "read limit of")
}

// cause is the innermost text of an error.
func cause(err error) string {
	for {
		next := errors.Unwrap(err)
		if next == nil {
			return strings.ReplaceAll(err.Error(), "\n", "; ")
		}
		err = next
	}
}
