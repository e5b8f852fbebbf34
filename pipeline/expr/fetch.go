package expr

import (
	"net/netip"
	"net/url"
	"strings"
)

// FetchKind says what a helper wants from outside.
type FetchKind string

// The kinds, with what the answer's Value is.
const (
	// FetchURL: the text at Request.URL, a string. The caller resolves the host
	// once and refuses addresses that its rules forbid.
	FetchURL FetchKind = "url"
	// FetchPipeline: the id of the pipeline Request.Name in Request.Application, a
	// string, or nil when there is none.
	FetchPipeline FetchKind = "pipeline"
	// FetchApplication: the application Request.Application, a map.
	FetchApplication FetchKind = "application"
	// FetchCanaryConfig: the id of the canary configuration Request.Name of
	// Request.Application, a string, or nil when there is none.
	FetchCanaryConfig FetchKind = "canaryConfig"
	// FetchArtifact: what the artifact store holds under Request.Reference, as
	// base64, a string.
	FetchArtifact FetchKind = "artifact"
	// FetchExecution: the execution Request.ID as its JSON, a map.
	FetchExecution FetchKind = "execution"
)

// Request is one thing to fetch.
type Request struct {
	Kind        FetchKind `json:"kind"`
	URL         string    `json:"url,omitempty"`
	Application string    `json:"application,omitempty"`
	Name        string    `json:"name,omitempty"`
	Reference   string    `json:"reference,omitempty"`
	ID          string    `json:"id,omitempty"`
}

// Key is the key of the answer in [Env.Fetched].
func (r Request) Key() string {
	return strings.Join([]string{string(r.Kind), r.URL, r.Application, r.Name, r.Reference, r.ID}, "\x00")
}

// Answer is the outcome of a [Request]: a value, or why there is none.
type Answer struct {
	Value any    `json:"value,omitempty"`
	Error string `json:"error,omitempty"`
}

// NeedsFetch is the error of an evaluation that lacks answers from outside.
type NeedsFetch struct {
	// Requests lists what to fetch, each once, in the order of the document.
	Requests []Request
}

// Error lists the requests.
func (n *NeedsFetch) Error() string {
	what := make([]string, len(n.Requests))
	for i, r := range n.Requests {
		what[i] = string(r.Kind) + " " + r.URL + r.Application + " " + r.Name + r.Reference + r.ID
	}
	return "the expressions need answers from outside: " + strings.Join(what, ", ")
}

func (n *NeedsFetch) add(requests ...Request) {
next:
	for _, r := range requests {
		for _, have := range n.Requests {
			if have == r {
				continue next
			}
		}
		n.Requests = append(n.Requests, r)
	}
}

// fetch returns the answer to r, or the failure that asks for it.
func (ev *evaluator) fetch(r Request) (any, *Error) {
	a, ok := ev.env.Fetched[r.Key()]
	if !ok {
		return nil, &Error{Message: "needs " + string(r.Kind), Position: -1, pos: -1, fetch: &NeedsFetch{Requests: []Request{r}}}
	}
	if a.Error != "" {
		return nil, helperError(a.Error)
	}
	return normal(a.Value), nil
}

// CheckURL refuses URLs that helpers may not fetch: anything but http and https,
// hosts without a dot, localhost, literal addresses, and hosts of the domains
// spinnaker, local, localdomain and internal. It looks nothing up: the addresses
// that a name resolves to are for the caller to check.
func CheckURL(text string) error {
	u, err := url.Parse(text)
	if err != nil {
		return javaError(typeIllegalArg, "The URL "+text+" is not valid")
	}
	refuse := func(why string) error { return javaError(typeIllegalArg, "URI "+text+" is not allowed: "+why) }
	if s := strings.ToLower(u.Scheme); s != "http" && s != "https" {
		return refuse("only http and https are")
	}
	host := strings.TrimSuffix(strings.ToLower(u.Hostname()), ".")
	if host == "" {
		return refuse("it names no host")
	}
	if _, err := netip.ParseAddr(host); err == nil || isNumericHost(host) {
		return refuse("the host is a literal address")
	}
	if host == "localhost" || strings.HasSuffix(host, ".localhost") {
		return refuse("the host is this machine")
	}
	if !strings.Contains(host, ".") {
		return refuse("the host has no domain")
	}
	last := host[strings.LastIndexByte(host, '.')+1:]
	switch last {
	case "spinnaker", "local", "localdomain", "internal":
		return refuse("hosts under " + last + " are internal")
	}
	return nil
}

// isNumericHost reports whether a host is an address in an old notation, such as
// 127.1 or 0x7f.0.0.1.
func isNumericHost(host string) bool {
	for _, label := range strings.Split(host, ".") {
		digits := strings.TrimPrefix(label, "0x")
		if digits == "" {
			return false
		}
		for i := 0; i < len(digits); i++ {
			if !isDigit(digits[i]) && (digits == label || !isHex(digits[i])) {
				return false
			}
		}
	}
	return true
}
