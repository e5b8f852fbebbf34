package gate

import (
	_ "embed"
	"net/http"
	"strings"

	"github.com/gennaker/gennaker/pipeline"
)

// The page that shows the OpenAPI document: files of its own, so that it needs
// nothing from elsewhere and runs under a strict policy.
var (
	//go:embed docs/page.html
	docsHTML []byte
	//go:embed docs/page.css
	docsCSS []byte
	//go:embed docs/page.js
	docsJS []byte
)

// docsPolicy lets the page load its own files and call the API, and nothing else.
const docsPolicy = "default-src 'none'; script-src 'self'; style-src 'self'; connect-src 'self'; frame-ancestors 'none'; base-uri 'none'; form-action 'none'"

// documentRoutes are the OpenAPI document, the page that shows it, and the
// addresses where people who know Spinnaker look for both.
func documentRoutes() []route {
	return []route{
		{Method: "GET", Path: "/openapi.json", Summary: "This document", Auth: authOpen, Response: pipeline.Map{}, handle: getOpenAPI},
		{Method: "GET", Path: "/v3/api-docs", Summary: "Spinnaker's address of the document", Auth: authOpen, Status: http.StatusFound, handle: redirect("../openapi.json")},
		{Method: "GET", Path: "/docs", Summary: "A page that shows this document", Auth: authOpen, Media: "text/html", handle: getDocs},
		{Method: "GET", Path: "/docs/page.css", Summary: "The page's style", Auth: authOpen, Media: "text/css", handle: docsFile("text/css; charset=utf-8", docsCSS)},
		{Method: "GET", Path: "/docs/page.js", Summary: "The page's script", Auth: authOpen, Media: "text/javascript", handle: docsFile("text/javascript; charset=utf-8", docsJS)},
		{Method: "GET", Path: "/swagger-ui", Summary: "Spinnaker's address of the page", Auth: authOpen, Status: http.StatusFound, handle: redirect("docs")},
		{Method: "GET", Path: "/swagger-ui.html", Summary: "Spinnaker's address of the page", Auth: authOpen, Status: http.StatusFound, handle: redirect("docs")},
		{Method: "GET", Path: "/swagger-ui/index.html", Summary: "Spinnaker's address of the page", Auth: authOpen, Status: http.StatusFound, handle: redirect("../docs")},
	}
}

// redirect leads to a place that is named from where the request was, since a
// proxy may offer the API below a path that is not known here.
func redirect(to string) func(*request) error {
	return func(r *request) error {
		where := to
		if path, _, _ := strings.Cut(r.Request.RequestURI, "?"); strings.HasSuffix(path, "/") {
			where = "../" + to
		}
		r.Writer.Header().Set("Location", where)
		r.Writer.Header().Set("Content-Length", "0")
		r.Writer.WriteHeader(http.StatusFound)
		r.Writer.WriteHeaderNow()
		return nil
	}
}

func getDocs(r *request) error {
	if path, _, _ := strings.Cut(r.Request.RequestURI, "?"); strings.HasSuffix(path, "/") {
		return redirect("docs")(r) // the page's own links are below a path without a slash
	}
	return docsFile("text/html; charset=utf-8", docsHTML)(r)
}

// docsFile answers with one of the page's files.
func docsFile(contentType string, content []byte) func(*request) error {
	return func(r *request) error {
		h := r.Writer.Header()
		h.Set("Content-Security-Policy", docsPolicy)
		h.Set("Cache-Control", "no-cache")
		r.write(http.StatusOK, contentType, content)
		return nil
	}
}
