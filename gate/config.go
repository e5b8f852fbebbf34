package gate

import (
	"errors"
	"fmt"
	"net/url"
	"regexp"
	"time"
)

// Config is the gateway's configuration. [Config.Validate] is called by [New].
type Config struct {
	// Address is where the API listens.
	Address string `name:"address" default:":8084" help:"Address that the API listens on."`
	// MaxBody bounds a request's body, in bytes.
	MaxBody int64 `name:"max-body" default:"10485760" help:"Largest request body, in bytes; a larger one is answered with 413."`
	// MaxHeader bounds the request line and headers, in bytes.
	MaxHeader int `name:"max-header" default:"65536" help:"Largest request line with headers, in bytes."`
	// ReadTimeout bounds the time in which a request has to arrive.
	ReadTimeout time.Duration `name:"read-timeout" default:"60s" help:"Time in which a whole request has to arrive."`
	// RequestTimeout bounds the work on a request that is not a stream.
	RequestTimeout time.Duration `name:"request-timeout" default:"60s" help:"Longest time spent on one request; event streams are exempt."`
	// IdleTimeout closes kept-alive connections.
	IdleTimeout time.Duration `name:"idle-timeout" default:"120s" help:"Time after which an idle connection is closed."`
	// TrustUserHeader takes the caller's name from X-SPINNAKER-USER. Set it only
	// behind a proxy that sets the header itself.
	TrustUserHeader bool `name:"trust-user-header" help:"Take the caller from the header X-SPINNAKER-USER. Only behind a proxy that sets it."`
	// DeckURL is the address of the web UI as browsers see it; its origin may
	// call the API.
	DeckURL string `name:"deck-url" default:"http://localhost:9000" help:"Address of Deck as browsers see it; its origin may call the API."`
	// AllowedOriginsPattern is a regular expression that the whole Origin has to
	// match to be allowed, "" for none.
	AllowedOriginsPattern string `name:"allowed-origins-pattern" help:"Regular expression for whole origins that may call the API from a browser."`
	// RedirectHostPattern is a regular expression for the host of an allowed
	// Origin, "" for none.
	RedirectHostPattern string `name:"redirect-host-pattern" help:"Regular expression for hosts whose origins may call the API from a browser."`
	// AllowedOrigins lists further allowed origins.
	AllowedOrigins []string `name:"allowed-origins" help:"Origins that may call the API from a browser."`
	// CodecEndpoint offers the payload codec under [CodecPath]. Whoever may call it
	// can read what Temporal's histories hold.
	CodecEndpoint bool `name:"codec-endpoint" help:"Offer the payload codec under /codec, for the Temporal UI and command line to show payloads. Whoever may call it can read every payload."`
	// CodecOrigins are the origins of Temporal UIs that may call the codec.
	CodecOrigins []string `name:"codec-origins" help:"Origins of Temporal UIs that may call the codec endpoint from a browser; that of deck-temporal-ui-url always may."`
	// ExecutionFetchLimit is the number of executions of each pipeline that
	// lists hold when the caller names no limit.
	ExecutionFetchLimit int `name:"execution-fetch-limit" default:"10" help:"Executions of each pipeline in a list when the caller names no limit."`
	// MaxStreams bounds the open event streams.
	MaxStreams int `name:"max-streams" default:"2000" help:"Most event streams open at once, of which one user who is known may have a quarter; a further one is answered with 429."`
	// PingInterval is the time between pings on an event stream.
	PingInterval time.Duration `name:"ping-interval" default:"15s" help:"Time between pings on an event stream."`
	// TLSCertFile and TLSKeyFile turn TLS on, for Deck's listener too.
	TLSCertFile string `name:"tls-cert-file" type:"path" help:"File of the certificate, with its chain; with the key it turns TLS on, for Deck too. Read anew when it changes."`
	TLSKeyFile  string `name:"tls-key-file" type:"path" help:"File of the certificate's key."`
	// TLSClientCAFile lets clients show certificates.
	TLSClientCAFile string `name:"tls-client-ca-file" type:"path" help:"File of the authorities whose certificates clients may show; one that is shown is checked."`
	// APIAddress is a second listener of the API, for clients with certificates.
	APIAddress string `name:"api-address" help:"Second address of the API, for clients that must show a certificate; the first then asks for none. Needs tls-client-ca-file." placeholder:"HOST:PORT"`
	// TrustedProxies are those whose X-Forwarded-For is taken.
	TrustedProxies []string `name:"trusted-proxies" help:"Addresses and networks of proxies whose X-Forwarded-For is believed." placeholder:"NETWORK"`
	// RateLimit is off, learning or on.
	RateLimit string `name:"rate-limit" default:"off" enum:"off,learning,on" help:"Rate limits: off, learning (count and tell in headers, refuse nobody) or on. They are kept in Redis; without it nobody is refused."`
	// RateLimitPerSecond and RateLimitBurst are those of a user,
	// RateLimitAnonymousPerSecond and RateLimitAnonymousBurst those of an address
	// that is not signed in.
	RateLimitPerSecond          float64 `name:"rate-limit-per-second" default:"50" help:"Requests a second of one user."`
	RateLimitBurst              int     `name:"rate-limit-burst" default:"500" help:"Requests of one user at once, after a pause."`
	RateLimitAnonymousPerSecond float64 `name:"rate-limit-anonymous-per-second" default:"20" help:"Requests a second of one address whose caller is not known."`
	RateLimitAnonymousBurst     int     `name:"rate-limit-anonymous-burst" default:"200" help:"Requests of such an address at once, after a pause."`
	// RateLimitTimeout is how long Redis may take to count a request.
	RateLimitTimeout time.Duration `name:"rate-limit-timeout" default:"25ms" help:"Longest wait for Redis to count a request; it then passes uncounted."`
	// DrainTime is how long Gate works on after it was told to stop.
	DrainTime time.Duration `name:"drain-time" default:"0s" help:"Time between the signal to stop and the closing of the listeners, in which /health is 503 OUT_OF_SERVICE and all else works; set it above the interval of your balancer's probes."`
	// ShutdownTimeout is how long requests under way may take after that.
	ShutdownTimeout time.Duration `name:"shutdown-timeout" default:"10s" help:"Longest time in which requests under way may finish once the listeners are closed."`
}

// DefaultConfig returns the configuration that the tags describe.
func DefaultConfig() Config {
	return Config{
		Address:             ":8084",
		MaxBody:             10 << 20,
		MaxHeader:           64 << 10,
		ReadTimeout:         time.Minute,
		RequestTimeout:      time.Minute,
		IdleTimeout:         2 * time.Minute,
		DeckURL:             "http://localhost:9000",
		ExecutionFetchLimit: 10,
		MaxStreams:          2000,
		PingInterval:        15 * time.Second,

		RateLimit:                   rateLimitOff,
		RateLimitPerSecond:          50,
		RateLimitBurst:              500,
		RateLimitAnonymousPerSecond: 20,
		RateLimitAnonymousBurst:     200,
		RateLimitTimeout:            25 * time.Millisecond,
		ShutdownTimeout:             10 * time.Second,
	}
}

// Validate reports every setting that cannot be used.
func (c Config) Validate() error {
	var faults []error
	for _, n := range []struct {
		name  string
		value int64
	}{
		{"max-body", c.MaxBody}, {"max-header", int64(c.MaxHeader)}, {"read-timeout", int64(c.ReadTimeout)},
		{"request-timeout", int64(c.RequestTimeout)}, {"idle-timeout", int64(c.IdleTimeout)},
		{"execution-fetch-limit", int64(c.ExecutionFetchLimit)}, {"max-streams", int64(c.MaxStreams)},
		{"ping-interval", int64(c.PingInterval)}, {"rate-limit-burst", int64(c.RateLimitBurst)},
		{"rate-limit-anonymous-burst", int64(c.RateLimitAnonymousBurst)}, {"rate-limit-timeout", int64(c.RateLimitTimeout)},
		{"shutdown-timeout", int64(c.ShutdownTimeout)},
	} {
		if n.value <= 0 {
			faults = append(faults, fmt.Errorf("%s is %d: set it above zero", n.name, n.value))
		}
	}
	if c.DrainTime < 0 {
		faults = append(faults, fmt.Errorf("drain-time is %s: set it to 0 or above", c.DrainTime))
	}
	faults = append(faults, c.validateTLS()...)
	faults = append(faults, c.validateLimits()...)
	if _, err := newProxies(c.TrustedProxies); err != nil {
		faults = append(faults, err)
	}
	if u, err := url.Parse(c.DeckURL); err != nil || u.Scheme == "" || u.Host == "" {
		faults = append(faults, fmt.Errorf("deck-url is %q: use an absolute address such as http://localhost:9000", c.DeckURL))
	}
	for name, pattern := range map[string]string{
		"allowed-origins-pattern": c.AllowedOriginsPattern, "redirect-host-pattern": c.RedirectHostPattern,
	} {
		if _, err := regexp.Compile(pattern); err != nil {
			faults = append(faults, fmt.Errorf("%s: %w", name, err))
		}
	}
	return errors.Join(faults...)
}
