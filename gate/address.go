package gate

import (
	"fmt"
	"net/http"
	"net/netip"
	"strings"
)

// proxies are the networks whose word about a client's address is taken.
type proxies []netip.Prefix

// newProxies reads addresses and networks.
func newProxies(list []string) (proxies, error) {
	var out proxies
	for _, text := range list {
		if a, err := netip.ParseAddr(text); err == nil {
			out = append(out, netip.PrefixFrom(a.Unmap(), a.Unmap().BitLen()))
			continue
		}
		p, err := netip.ParsePrefix(text)
		if err != nil {
			return nil, fmt.Errorf("trusted-proxies holds %q: use addresses and networks such as 10.0.0.0/8", text)
		}
		out = append(out, p.Masked())
	}
	return out, nil
}

func (p proxies) trusts(a netip.Addr) bool {
	for _, network := range p {
		if network.Contains(a) {
			return true
		}
	}
	return false
}

// address is where a request comes from: the connection's other end, or, while
// that is a trusted proxy, the one that it names. X-Forwarded-For is read from its
// end, since everything before what the first trusted proxy wrote is the client's
// own word. Clients with IPv6 are known by their network of 64 bits, which one of
// them has for itself.
func (s *Server) address(r *http.Request) string {
	client, known := s.clientAddr(r)
	switch {
	case !known:
		return unknownAddress
	case client.Is6():
		const network = 64
		return netip.PrefixFrom(client, network).Masked().String()
	}
	return client.String()
}

// client is the address that a request comes from as it is, for people.
func (s *Server) client(r *http.Request) string {
	client, known := s.clientAddr(r)
	if !known {
		return unknownAddress
	}
	return client.String()
}

const unknownAddress = "unknown"

func (s *Server) clientAddr(r *http.Request) (netip.Addr, bool) {
	at, err := netip.ParseAddrPort(r.RemoteAddr)
	if err != nil {
		return netip.Addr{}, false
	}
	client := at.Addr().Unmap()
	hops := strings.Split(strings.Join(r.Header.Values("X-Forwarded-For"), ","), ",")
	for i := len(hops) - 1; i >= 0 && s.proxies.trusts(client); i-- {
		hop, err := netip.ParseAddr(strings.TrimSpace(hops[i]))
		if err != nil {
			break
		}
		client = hop.Unmap().WithZone("")
	}
	return client, true
}
