package gate

import (
	"net/http"
	"net/url"
	"regexp"
	"slices"
)

// cors decides which web pages may call the API (reference: gate section 1).
type cors struct {
	origin *regexp.Regexp // matches a whole origin; nil when not configured
	host   *regexp.Regexp // matches an origin's host; nil when not configured
	list   []string
	deck   string
}

func newCORS(c Config) cors {
	out := cors{list: c.AllowedOrigins}
	// The configuration was validated, so nothing here fails.
	if c.AllowedOriginsPattern != "" {
		out.origin = regexp.MustCompile(`^(?:` + c.AllowedOriginsPattern + `)$`)
	}
	if c.RedirectHostPattern != "" {
		out.host = regexp.MustCompile(`^(?:` + c.RedirectHostPattern + `)$`)
	}
	if u, err := url.Parse(c.DeckURL); err == nil {
		out.deck = originOf(u)
	}
	return out
}

// allows follows Spinnaker's order: a pattern for origins overrules a pattern
// for hosts, which overrules Deck's own address. Listed origins are always
// allowed.
func (c cors) allows(origin string) bool {
	if slices.Contains(c.list, origin) {
		return true
	}
	if c.origin != nil {
		return c.origin.MatchString(origin)
	}
	u, err := url.Parse(origin)
	if err != nil {
		return false
	}
	if c.host != nil {
		return c.host.MatchString(u.Hostname())
	}
	return originOf(u) == c.deck
}

// originOf returns scheme, host and port, the port always written.
func originOf(u *url.URL) string {
	port := u.Port()
	if port == "" {
		switch u.Scheme {
		case "http":
			port = "80"
		case "https":
			port = "443"
		}
	}
	return u.Scheme + "://" + u.Hostname() + ":" + port
}

// write sets the headers that every answer carries. A browser with credentials
// refuses "*", so only an allowed origin is echoed.
func (c cors) write(h http.Header, origin string) {
	h.Add("Vary", "Origin")
	h.Set("Access-Control-Allow-Credentials", "true")
	if origin != "" && c.allows(origin) {
		h.Set("Access-Control-Allow-Origin", origin)
	} else {
		h.Set("Access-Control-Allow-Origin", "*")
	}
	h.Set("Access-Control-Allow-Methods", "POST, GET, OPTIONS, DELETE, PUT, PATCH")
	h.Set("Access-Control-Max-Age", "3600")
	h.Set("Access-Control-Allow-Headers", "x-requested-with, content-type, authorization, X-RateLimit-App, X-Spinnaker-Priority")
	h.Set("Access-Control-Expose-Headers", "X-AUTH-REDIRECT-URL")
}
