package gate

import (
	"bytes"
	"io"
	"net/http"
	"net/url"
	"slices"
	"strings"
)

// CodecPath is where the payload codec answers when it is offered. The Temporal
// UI and command line are given Gate's address with this path as their codec
// endpoint.
const CodecPath = "/codec"

// codecRoutes are those of the codec endpoint, empty when it is not offered.
// They are Temporal's interface and not Spinnaker's, so the OpenAPI document
// does not hold them.
func (s *Server) codecRoutes() []mounted {
	if s.codec == nil {
		return nil
	}
	var out []mounted
	for _, verb := range []string{"encode", "decode", "download"} {
		path := CodecPath + "/" + verb
		out = append(out, mounted{segments: split(path), route: &route{Method: http.MethodPost, Path: path, Auth: authCodec, handle: convertPayloads}})
	}
	return out
}

// convertPayloads hands a request with a bounded body to the codec.
func convertPayloads(r *request) error {
	body, err := r.body()
	if err != nil {
		return err
	}
	r.Request.Body = io.NopCloser(bytes.NewReader(body))
	r.Writer.Header().Set("Cache-Control", "no-store")
	r.server.codec.ServeHTTP(r.Writer, r.Request)
	return nil
}

func isCodec(path string) bool { return path == CodecPath || strings.HasPrefix(path, CodecPath+"/") }

// allowCodec sets the headers that let a Temporal UI's pages call the codec.
// Deck's pages and those of others have no business there.
func (s *Server) allowCodec(h http.Header, origin string) {
	h.Add("Vary", "Origin")
	if origin == "" || !s.allowsCodec(origin) {
		return
	}
	h.Set("Access-Control-Allow-Origin", origin)
	h.Set("Access-Control-Allow-Credentials", "true")
	h.Set("Access-Control-Allow-Methods", "POST, OPTIONS")
	h.Set("Access-Control-Allow-Headers", "content-type, authorization, authorization-extras, x-namespace")
	h.Set("Access-Control-Max-Age", "3600")
}

func (s *Server) allowsCodec(origin string) bool {
	u, err := url.Parse(origin)
	return err == nil && slices.Contains(s.codecOrigins, originOf(u))
}

// origins are those of addresses that are valid.
func origins(addresses []string) []string {
	var out []string
	for _, address := range addresses {
		if u, err := url.Parse(address); err == nil {
			out = append(out, originOf(u))
		}
	}
	return out
}
