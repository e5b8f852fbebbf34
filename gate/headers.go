package gate

import (
	"net/http"

	"github.com/gennaker/gennaker/pipeline"
)

// apiPolicy is the content security policy of answers that are data: a browser
// that is led to show one runs and frames nothing.
const apiPolicy = "default-src 'none'; frame-ancestors 'none'; base-uri 'none'; form-action 'none'"

// secure sets the headers that tell a browser to be careful. What a handler knows
// better it sets itself.
func secure(h http.Header, encrypted bool) {
	h.Set("X-Content-Type-Options", "nosniff")
	h.Set("X-Frame-Options", "DENY")
	h.Set("Referrer-Policy", "same-origin")
	if encrypted {
		h.Set("Strict-Transport-Security", "max-age=31536000")
	}
}

// maxQuery bounds the values in a query: no client sends hundreds.
const maxQuery = 2000

// countQuery refuses a query with too many values before it is taken apart.
func countQuery(raw string) error {
	n := 1
	for i := range len(raw) {
		if raw[i] == '&' {
			n++
		}
	}
	if n > maxQuery {
		return pipeline.Errorf(pipeline.CodeInvalid, "The query holds %d parameters: send at most %d.", n, maxQuery)
	}
	return nil
}
