package artifacts

import (
	"fmt"
	"net/netip"
	"net/url"
	"regexp"
	"slices"
	"strings"

	"github.com/gennaker/gennaker/internal/outbound"
	"github.com/gennaker/gennaker/pipeline"
)

// Restrictions are Clouddriver's urlRestrictions of an account: which URLs an
// artifact may name. They come on top of what outbound allows, which alone
// decides about addresses: rejectLocalhost, rejectLinkLocal and
// rejectVerbatimIps may be set to false without opening anything.
type Restrictions struct {
	AllowedHostnamesRegex *string  `json:"allowedHostnamesRegex,omitempty"`
	AllowedSchemes        []string `json:"allowedSchemes,omitempty"`
	RejectLocalhost       *bool    `json:"rejectLocalhost,omitempty"`
	RejectLinkLocal       *bool    `json:"rejectLinkLocal,omitempty"`
	RejectVerbatimIPs     *bool    `json:"rejectVerbatimIps,omitempty"`
	AllowedDomains        []string `json:"allowedDomains,omitempty"`
	RejectedIPs           []string `json:"rejectedIps,omitempty"`
	ExcludedDomains       []string `json:"excludedDomains,omitempty"`
	ExtraExcludedPatterns []string `json:"extraExcludedPatterns,omitempty"`
	// These shape ExcludedDomains in Clouddriver; they are accepted and without
	// effect.
	ExcludedDomainTemplate         string   `json:"excludedDomainTemplate,omitempty"`
	ExcludedDomainsFromEnvironment []string `json:"excludedDomainsFromEnvironment,omitempty"`
}

// restrictions are checked [Restrictions] with an account's hosts.
type restrictions struct {
	hosts    []string
	names    *regexp.Regexp // nil for any
	schemes  []string
	literal  bool // whether addresses may stand in place of names
	domains  []string
	rejected []netip.Prefix
	excluded []string
	patterns []*regexp.Regexp
}

// newRestrictions reads the restrictions of an account; nil is none.
func newRestrictions(c *Restrictions, hosts []string) (*restrictions, error) {
	r := &restrictions{hosts: hosts, literal: true}
	if c == nil {
		return r, nil
	}
	r.schemes = c.AllowedSchemes
	r.domains = c.AllowedDomains
	r.excluded = c.ExcludedDomains
	r.literal = c.RejectVerbatimIPs != nil && !*c.RejectVerbatimIPs
	if c.ExcludedDomains == nil {
		r.excluded = []string{"spinnaker", "local", "localdomain", "internal"}
	}
	names := `.*\..+`
	if c.AllowedHostnamesRegex != nil {
		names = *c.AllowedHostnamesRegex
	}
	if names != "" || len(c.AllowedDomains) == 0 {
		var err error
		if r.names, err = regexp.Compile(`^(?:` + names + `)$`); err != nil {
			return nil, fmt.Errorf("has an allowedHostnamesRegex that is not valid: %w", err)
		}
	}
	for _, p := range c.ExtraExcludedPatterns {
		compiled, err := regexp.Compile(`^(?:` + p + `)$`)
		if err != nil {
			return nil, fmt.Errorf("has an extraExcludedPattern that is not valid: %w", err)
		}
		r.patterns = append(r.patterns, compiled)
	}
	for _, text := range c.RejectedIPs {
		prefix, err := netip.ParsePrefix(text)
		if a, single := netip.ParseAddr(text); err != nil && single == nil {
			prefix, err = netip.PrefixFrom(a, a.BitLen()), nil
		}
		if err != nil {
			return nil, fmt.Errorf("has %q among rejectedIps, which is no address or network", text)
		}
		r.rejected = append(r.rejected, prefix)
	}
	return r, nil
}

// allow refuses a URL that the account is not for. The error, invalid, says why.
func (r *restrictions) allow(u *url.URL) error {
	host := strings.ToLower(u.Hostname())
	refuse := func(why string) error {
		return pipeline.Errorf(pipeline.CodeInvalid, "The artifact's URL %s://%s%s may not be fetched with this account: %s.", u.Scheme, u.Host, u.Path, why)
	}
	if len(r.schemes) > 0 && !slices.Contains(r.schemes, strings.ToLower(u.Scheme)) {
		return refuse("its scheme must be one of " + strings.Join(r.schemes, ", "))
	}
	if len(r.hosts) > 0 && !r.named(host) {
		return refuse("its allowedHosts are " + strings.Join(r.hosts, ", "))
	}
	if a, err := netip.ParseAddr(host); err == nil {
		if slices.ContainsFunc(r.rejected, func(p netip.Prefix) bool { return p.Contains(a.Unmap()) }) {
			return refuse("the address is among its rejectedIps")
		}
		if !r.literal {
			return refuse("its urlRestrictions reject addresses in place of names")
		}
		return nil
	}
	if len(r.domains) > 0 && !slices.ContainsFunc(r.domains, func(d string) bool {
		d = strings.ToLower(strings.TrimPrefix(d, "."))
		return host == d || strings.HasSuffix(host, "."+d)
	}) {
		return refuse("its allowedDomains are " + strings.Join(r.domains, ", "))
	}
	if r.names != nil && !r.names.MatchString(host) {
		return refuse("the host does not match its allowedHostnamesRegex")
	}
	for _, d := range r.excluded {
		if strings.HasSuffix(host, "."+strings.ToLower(d)) {
			return refuse("the domain " + d + " is excluded")
		}
	}
	for _, p := range r.patterns {
		if p.MatchString(host) {
			return refuse("the host is excluded")
		}
	}
	return nil
}

func (r *restrictions) named(host string) bool {
	return slices.ContainsFunc(r.hosts, func(p string) bool { return outbound.MatchesHost(p, host) })
}
