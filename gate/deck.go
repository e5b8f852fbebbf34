package gate

import (
	"net/http"
	"strings"
)

// APIPrefix is the path under which Deck's own server offers the API, which is
// the layout that a proxy in front gives in production.
const APIPrefix = "/gate"

// WithDeck serves the web UI's files with the API under [APIPrefix], so that a
// browser needs one origin only.
func WithDeck(files, api http.Handler) http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		secure(w.Header(), r.TLS != nil)
		if r.URL.Path != APIPrefix && !strings.HasPrefix(r.URL.Path, APIPrefix+"/") {
			files.ServeHTTP(w, r)
			return
		}
		http.StripPrefix(APIPrefix, api).ServeHTTP(w, r)
	})
}
