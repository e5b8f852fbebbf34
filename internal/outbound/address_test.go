package outbound_test

import (
	"io"
	"net/http"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/gennaker/gennaker/internal/outbound"
	"github.com/gennaker/gennaker/pipeline"
)

func TestOnlyPublicAddresses(t *testing.T) {
	t.Parallel()
	client := newClient(t, config(), names{})
	private := newClient(t, func() outbound.Config { c := config(); c.AllowPrivate = true; return c }(), names{})
	for _, tt := range []struct {
		host, what string
		never      bool
	}{
		{"127.0.0.1", "private", false}, {"127.8.9.1", "private", false}, {"[::1]", "private", false}, {"[::ffff:127.0.0.1]", "private", false},
		{"10.1.2.3", "private", false}, {"172.31.0.1", "private", false}, {"192.168.1.1", "private", false}, {"[fd00::1]", "private", false},
		{"100.64.0.1", "private", false}, {"[fec0::1]", "private", false}, {"[64:ff9b::a00:1]", "private", false}, {"[2002:a00:1::]", "private", false},
		{"[::a00:1]", "private", false}, {"[64:ff9b:1::1]", "private", false},
		{"169.254.169.254", "link-local", true}, {"[fe80::1]", "link-local", true}, {"[fe80::1%25lo]", "link-local", true},
		{"[::ffff:169.254.169.254]", "link-local", true}, {"[64:ff9b::a9fe:a9fe]", "link-local", true},
		{"0.0.0.0", "not an address of a single machine", true}, {"[::]", "not an address of a single machine", true},
		{"224.0.0.1", "not an address of a single machine", true}, {"[ff02::1]", "not an address of a single machine", true},
		{"255.255.255.255", "not an address of a single machine", true}, {"240.0.0.1", "not an address of a single machine", true},
		{"192.0.2.1", "reserved", true}, {"198.51.100.1", "reserved", true}, {"203.0.113.1", "reserved", true}, {"[2001:db8::1]", "reserved", true},
		{"[2001::1]", "reserved", true}, {"192.0.0.8", "reserved", true},
	} {
		t.Run(tt.host, func(t *testing.T) {
			t.Parallel()
			_, err := get(t.Context(), client, "http://"+tt.host+":1/")
			require.Equal(t, pipeline.CodeInvalid, pipeline.CodeOf(err))
			require.Contains(t, pipeline.MessageOf(err), " is "+tt.what+", which pipelines may not call")
			require.Contains(t, pipeline.MessageOf(err), "outbound-allowed")
			require.Equal(t, !tt.never, strings.Contains(pipeline.MessageOf(err), "outbound-allow-private"))
			require.False(t, outbound.Sent(err))
			if tt.never {
				_, err = get(t.Context(), private, "http://"+tt.host+":1/")
				require.Equal(t, pipeline.CodeInvalid, pipeline.CodeOf(err))
			}
		})
	}
}

// A public name that leads to a private address is refused, whichever way the
// address is written.
func TestNamesThatLeadInside(t *testing.T) {
	t.Parallel()
	client := newClient(t, config(), names{"evil.example": always("127.0.0.1"), "meta.example": always("169.254.169.254", "::1")})
	for _, host := range []string{"evil.example", "meta.example"} {
		_, err := get(t.Context(), client, "http://"+host+"/")
		require.Equal(t, pipeline.CodeInvalid, pipeline.CodeOf(err))
		require.Contains(t, pipeline.MessageOf(err), "Host not allowed: the host "+host+" with the address ")
	}
}

// The address that is checked is the one that is called: a name that changes its
// mind between the check and the connection changes nothing.
func TestRebinding(t *testing.T) {
	t.Parallel()
	inside := serve(t, func(w http.ResponseWriter, _ *http.Request) { _, _ = io.WriteString(w, "inside") })
	rebinding := &answers{list: [][]string{{"127.0.0.9"}, {"127.0.0.1"}}}
	client := newClient(t, allowing("127.0.0.9"), names{"flip.example": rebinding})
	_, err := get(t.Context(), client, at(inside, "flip.example", "/"))
	require.Equal(t, pipeline.CodeUnavailable, pipeline.CodeOf(err), "nobody listens at the allowed address")
	require.EqualValues(t, 1, rebinding.asked.Load(), "the name is looked up once")
	_, err = get(t.Context(), client, at(inside, "flip.example", "/"))
	require.Equal(t, pipeline.CodeInvalid, pipeline.CodeOf(err), "the next call looks again and checks again")
}

// Of several addresses only the allowed ones are called.
func TestAllowedAmongRefused(t *testing.T) {
	t.Parallel()
	s := serve(t, func(w http.ResponseWriter, _ *http.Request) { _, _ = io.WriteString(w, "ok") })
	client := newClient(t, allowing("127.0.0.1/32"), names{"both.example": always("10.0.0.1", "127.0.0.1")})
	answer, err := get(t.Context(), client, at(s, "both.example", "/"))
	require.NoError(t, err)
	require.Equal(t, "ok", string(answer.Body))
}

func TestExceptions(t *testing.T) {
	t.Parallel()
	s := serve(t, func(w http.ResponseWriter, _ *http.Request) { _, _ = io.WriteString(w, "ok") })
	world := names{"ci.corp.example": always("127.0.0.1"), "corp.example": always("127.0.0.1"), "localhost": always("127.0.0.1")}
	everything := config()
	everything.AllowPrivate = true
	for _, tt := range []struct {
		name, host string
		config     outbound.Config
		want       bool
	}{
		{"name", "ci.corp.example", allowing("CI.corp.example."), true},
		{"name with a dot at its end", "ci.corp.example.", allowing("ci.corp.example"), true},
		{"another name", "ci.corp.example", allowing("cd.corp.example"), false},
		{"pattern", "ci.corp.example", allowing("*.corp.example"), true},
		{"pattern without anything before it", "corp.example", allowing("*.corp.example"), false},
		{"address", "127.0.0.1", allowing("127.0.0.1"), true},
		{"network", "ci.corp.example", allowing(" 127.0.0.0/8 "), true},
		{"mapped address", "[::ffff:127.0.0.1]", allowing("127.0.0.0/8"), true},
		{"another network", "ci.corp.example", allowing("10.0.0.0/8"), false},
		{"all private", "localhost", everything, true},
	} {
		t.Run(tt.name, func(t *testing.T) {
			t.Parallel()
			lookUp := names{tt.host: always("127.0.0.1")}
			for host, a := range world {
				lookUp[host] = a
			}
			_, err := get(t.Context(), newClient(t, tt.config, lookUp), at(s, tt.host, "/"))
			if tt.want {
				require.NoError(t, err)
				return
			}
			require.Equal(t, pipeline.CodeInvalid, pipeline.CodeOf(err))
		})
	}
}

func TestMatchesHost(t *testing.T) {
	t.Parallel()
	for _, tt := range []struct {
		pattern, host string
		want          bool
	}{
		{"a.example", "A.example.", true}, {"a.example", "b.a.example", false}, {"*.example", "a.example", true}, {"*.example", "a.b.example", true},
		{"*.example", "example", false}, {"*.example", "evilexample", false}, {"*.example", ".example", false}, {"*", "a", false}, {"", "", true},
	} {
		require.Equal(t, tt.want, outbound.MatchesHost(tt.pattern, tt.host), tt)
	}
}
