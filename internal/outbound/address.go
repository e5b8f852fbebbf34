package outbound

import (
	"fmt"
	"net"
	"net/netip"
	"slices"
	"strings"

	"github.com/gennaker/gennaker/pipeline"
)

// rules decide which addresses may be called.
type rules struct {
	hosts        []string
	networks     []netip.Prefix
	allowPrivate bool
	// own lists the addresses of this machine.
	own func() []netip.Addr
}

// parseRules reads the exceptions of a configuration, with an error for each
// that is none.
func parseRules(c Config) (rules, []error) {
	r := rules{allowPrivate: c.AllowPrivate, own: interfaceAddresses}
	var errs []error
	for _, entry := range c.Allowed {
		entry = strings.ToLower(strings.TrimSpace(entry))
		if network, err := netip.ParsePrefix(entry); err == nil {
			r.networks = append(r.networks, network.Masked())
			continue
		}
		if a, err := netip.ParseAddr(entry); err == nil {
			r.networks = append(r.networks, netip.PrefixFrom(a, a.BitLen()))
			continue
		}
		if !isPattern(entry) {
			errs = append(errs, fmt.Errorf(
				"outbound-allowed holds %q: use a host name, a pattern such as *.corp.example, an address, or a network such as 10.1.0.0/16, "+
					"without scheme and port", entry))
			continue
		}
		r.hosts = append(r.hosts, strings.TrimSuffix(entry, "."))
	}
	return r, errs
}

// isPattern reports whether s is a host name, with "*." before it or not.
func isPattern(s string) bool {
	s = strings.TrimPrefix(s, "*.")
	return s != "" && !strings.ContainsFunc(s, func(r rune) bool {
		return r != '.' && r != '-' && r != '_' && (r < '0' || r > '9') && (r < 'a' || r > 'z')
	})
}

// MatchesHost reports whether a host is the pattern's: the same name, or for
// "*.example.com" a name below it, without regard to case.
func MatchesHost(pattern, host string) bool {
	pattern = strings.TrimSuffix(strings.ToLower(pattern), ".")
	host = strings.TrimSuffix(strings.ToLower(host), ".")
	if suffix, ok := strings.CutPrefix(pattern, "*"); ok {
		return strings.HasPrefix(suffix, ".") && len(host) > len(suffix) && strings.HasSuffix(host, suffix)
	}
	return pattern == host
}

// namesHost reports whether an exception names the host, or the address that it
// is.
func (r rules) namesHost(host string) bool {
	if a, err := netip.ParseAddr(host); err == nil {
		return r.namesAddress(a)
	}
	return slices.ContainsFunc(r.hosts, func(pattern string) bool { return MatchesHost(pattern, host) })
}

func (r rules) namesAddress(a netip.Addr) bool {
	a = a.WithZone("")
	return slices.ContainsFunc(r.networks, func(n netip.Prefix) bool { return n.Contains(a) || n.Contains(a.Unmap()) })
}

// check refuses an address of a host that the rules do not allow.
func (r rules) check(host string, a netip.Addr) error {
	if r.namesHost(host) || r.namesAddress(a) {
		return nil
	}
	kind := r.kind(a)
	if kind == public || kind == private && r.allowPrivate {
		return nil
	}
	remedy := "name the host or its network in outbound-allowed"
	if kind == private {
		remedy += ", or set outbound-allow-private"
	}
	what := "the address " + a.String()
	if a.String() != host {
		what = "the host " + host + " with the address " + a.String()
	}
	return pipeline.Errorf(pipeline.CodeInvalid,
		"Host not allowed: %s is %s, which pipelines may not call. An operator can allow it: %s.", what, kind, remedy)
}

// checkName refuses the names of this machine where only a proxy would look a
// name up.
func (r rules) checkName(host string) error {
	if a, err := netip.ParseAddr(host); err == nil {
		return r.check(host, a)
	}
	name := strings.TrimSuffix(strings.ToLower(host), ".")
	if name == "localhost" || strings.HasSuffix(name, ".localhost") {
		return r.check(host, netip.IPv6Loopback())
	}
	return nil
}

// kind says what an address is for.
type kind string

const (
	public   kind = "public"
	private  kind = "private"
	link     kind = "link-local"
	special  kind = "not an address of a single machine"
	reserved kind = "reserved"
)

// ranges are the addresses that lead elsewhere than to a public machine (IANA's
// registries of special-purpose addresses). The first that fits counts.
var ranges = []struct {
	network netip.Prefix
	kind    kind
}{
	{netip.MustParsePrefix("0.0.0.0/8"), special},       // this host on this network
	{netip.MustParsePrefix("10.0.0.0/8"), private},      // private use
	{netip.MustParsePrefix("100.64.0.0/10"), private},   // shared by carriers
	{netip.MustParsePrefix("127.0.0.0/8"), private},     // loopback
	{netip.MustParsePrefix("169.254.0.0/16"), link},     // link-local, metadata of clouds
	{netip.MustParsePrefix("172.16.0.0/12"), private},   // private use
	{netip.MustParsePrefix("192.0.0.0/24"), reserved},   // protocol assignments
	{netip.MustParsePrefix("192.0.2.0/24"), reserved},   // documentation
	{netip.MustParsePrefix("192.88.99.0/24"), reserved}, // 6to4 relays
	{netip.MustParsePrefix("192.168.0.0/16"), private},  // private use
	{netip.MustParsePrefix("198.18.0.0/15"), private},   // benchmarks
	{netip.MustParsePrefix("198.51.100.0/24"), reserved},
	{netip.MustParsePrefix("203.0.113.0/24"), reserved},
	{netip.MustParsePrefix("224.0.0.0/4"), special}, // multicast
	{netip.MustParsePrefix("240.0.0.0/4"), special}, // reserved, broadcast
	{netip.MustParsePrefix("::/128"), special},      // unspecified
	{netip.MustParsePrefix("::1/128"), private},     // loopback
	{netip.MustParsePrefix("64:ff9b:1::/48"), private},
	{netip.MustParsePrefix("100::/64"), reserved},  // discard
	{netip.MustParsePrefix("2001::/32"), reserved}, // Teredo
	{netip.MustParsePrefix("2001:db8::/32"), reserved},
	{netip.MustParsePrefix("3fff::/20"), reserved},
	{netip.MustParsePrefix("5f00::/16"), reserved},
	{netip.MustParsePrefix("fc00::/7"), private}, // unique local
	{netip.MustParsePrefix("fe80::/10"), link},
	{netip.MustParsePrefix("fec0::/10"), private}, // site-local
	{netip.MustParsePrefix("ff00::/8"), special},  // multicast
}

// embedded are the IPv6 networks whose addresses stand for IPv4 ones, with the
// place of the four bytes.
var embedded = []struct {
	network netip.Prefix
	at      int
}{
	{netip.MustParsePrefix("::/96"), 12},        // compatible
	{netip.MustParsePrefix("64:ff9b::/96"), 12}, // translated
	{netip.MustParsePrefix("2002::/16"), 2},     // 6to4
}

func (r rules) kind(a netip.Addr) kind {
	a = a.WithZone("").Unmap()
	for _, x := range ranges {
		if x.network.Contains(a) {
			return x.kind
		}
	}
	for _, x := range embedded {
		if x.network.Contains(a) {
			bytes := a.As16()
			return r.kind(netip.AddrFrom4([4]byte(bytes[x.at : x.at+4])))
		}
	}
	if slices.Contains(r.own(), a) {
		return private
	}
	return public
}

// interfaceAddresses lists the addresses of this machine; what cannot be listed
// is left out.
func interfaceAddresses() []netip.Addr {
	list, err := net.InterfaceAddrs()
	if err != nil {
		return nil
	}
	var out []netip.Addr
	for _, a := range list {
		if network, ok := a.(*net.IPNet); ok {
			if own, ok := netip.AddrFromSlice(network.IP); ok {
				out = append(out, own.Unmap())
			}
		}
	}
	return out
}
