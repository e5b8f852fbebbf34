package deck

import (
	"bytes"
	"encoding/json"
	"io/fs"
	"net/http"
	"net/url"
	"path"
	"strings"
	"time"
)

// Settings is what the UI reads from /settings.json when it starts. Every field
// is optional; the UI's own default applies to an empty one.
type Settings struct {
	// GateURL is the base of the API, a path on the same origin ("/gate") or an
	// absolute URL. Default "/gate".
	GateURL string `json:"gateUrl,omitempty"`
	// TemporalUIURL is the address of the Temporal UI as the browser sees it. No
	// link to it is shown while it is empty.
	TemporalUIURL string `json:"temporalUiUrl,omitempty"`
	// TemporalNamespace is the namespace the executions run in. Default "default".
	TemporalNamespace string `json:"temporalNamespace,omitempty"`
	// Version is shown in the help dialog.
	Version string `json:"version,omitempty"`
}

// notBuilt is the whole page of a binary that was built without the UI.
const notBuilt = "Deck is not built: run make web, then build the binary again.\n"

// Handler serves the UI: built files by their path, /settings.json from settings,
// and index.html for every other path, because the UI routes in the browser. A
// missing file under /assets/ is a 404, never index.html: a browser that holds an
// old page must not take HTML for a script. Files that carry a hash in their name
// may be cached for ever; everything else is revalidated.
func Handler(settings Settings) http.Handler {
	return newHandler(Files(), settings)
}

func newHandler(files fs.FS, settings Settings) http.Handler {
	settingsJSON, err := json.Marshal(settings)
	if err != nil {
		panic("deck: " + err.Error()) //nolint:forbidigo // Unreachable: a struct of strings always marshals.
	}
	index, indexErr := fs.ReadFile(files, "index.html")
	policy := contentSecurityPolicy(settings.GateURL)

	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if r.Method != http.MethodGet && r.Method != http.MethodHead {
			w.Header().Set("Allow", "GET, HEAD")
			http.Error(w, "method not allowed", http.StatusMethodNotAllowed)
			return
		}
		header := w.Header()
		header.Set("Content-Security-Policy", policy)
		header.Set("X-Content-Type-Options", "nosniff")
		header.Set("Referrer-Policy", "same-origin")
		header.Set("Cache-Control", "no-cache")

		name := strings.TrimPrefix(path.Clean("/"+r.URL.Path), "/")
		if name == "settings.json" {
			header.Set("Content-Type", "application/json")
			http.ServeContent(w, r, name, time.Time{}, bytes.NewReader(settingsJSON))
			return
		}
		if indexErr != nil {
			header.Set("Content-Type", "text/plain; charset=utf-8")
			w.WriteHeader(http.StatusServiceUnavailable)
			_, _ = w.Write([]byte(notBuilt))
			return
		}
		if name != "" && name != "index.html" {
			if info, err := fs.Stat(files, name); err == nil && !info.IsDir() {
				if strings.HasPrefix(name, "assets/") {
					header.Set("Cache-Control", "public, max-age=31536000, immutable")
				}
				http.ServeFileFS(w, r, files, name)
				return
			}
			if strings.HasPrefix(name, "assets/") {
				http.NotFound(w, r)
				return
			}
		}
		header.Set("Content-Type", "text/html; charset=utf-8")
		http.ServeContent(w, r, "index.html", time.Time{}, bytes.NewReader(index))
	})
}

// contentSecurityPolicy allows this origin alone, plus the API's when it is
// elsewhere. Inline styles are needed by the component library and the editor.
func contentSecurityPolicy(gateURL string) string {
	connect := "'self'"
	if u, err := url.Parse(gateURL); err == nil && u.Scheme != "" && u.Host != "" {
		connect += " " + u.Scheme + "://" + u.Host
	}
	return "default-src 'self'; style-src 'self' 'unsafe-inline'; img-src 'self' data:; font-src 'self' data:; " +
		"connect-src " + connect + "; object-src 'none'; base-uri 'none'; form-action 'self'; frame-ancestors 'none'"
}
