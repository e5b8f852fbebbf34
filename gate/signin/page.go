package signin

import (
	"bytes"
	"crypto/sha256"
	"encoding/base64"
	"html/template"
	"net/http"
	"strings"
)

// pageData is what the page of the sign-in shows.
type pageData struct {
	To, Username, Fault string
}

// pageStyle is the page's only style, allowed by its hash.
const pageStyle = `body{font:16px/1.5 system-ui,sans-serif;margin:0;min-height:100vh;display:grid;place-items:center;background:#f4f6f8;color:#1c2733}
main{background:#fff;border:1px solid #d5dce3;border-radius:8px;padding:2rem;width:min(22rem,85vw)}
h1{font-size:1.25rem;margin:0 0 1rem}label{display:block;margin:.75rem 0 .25rem}
input{box-sizing:border-box;width:100%;padding:.5rem;font:inherit;border:1px solid #8593a1;border-radius:4px}
button{margin-top:1.25rem;width:100%;padding:.6rem;font:inherit;border:0;border-radius:4px;background:#1b5faa;color:#fff;cursor:pointer}
[role=alert]{color:#a3201d;margin:0}
@media (prefers-color-scheme:dark){body{background:#12181f;color:#e3e9ef}main{background:#1b242e;border-color:#364350}input{background:#12181f;color:inherit}[role=alert]{color:#ff9d97}}`

var pageTemplate = template.Must(template.New("login").Parse(`<!doctype html>
<html lang="en"><head><meta charset="utf-8"><meta name="viewport" content="width=device-width"><title>Sign in</title><style>` + pageStyle + `</style></head>
<body><main><h1>Sign in</h1>{{if .Fault}}<p role="alert">{{.Fault}}</p>{{end}}
<form method="post"><input type="hidden" name="to" value="{{.To}}">
<label for="username">User name</label><input id="username" name="username" value="{{.Username}}" autocomplete="username" autocapitalize="none" required autofocus>
<label for="password">Password</label><input id="password" name="password" type="password" autocomplete="current-password" required>
<button type="submit">Sign in</button></form></main></body></html>
`))

// page answers the page of the sign-in.
func (s *SignIn) page(w http.ResponseWriter, _ *http.Request, status int, data pageData) {
	var body bytes.Buffer
	_ = pageTemplate.Execute(&body, data) // of texts into memory: it cannot fail
	sum := sha256.Sum256([]byte(pageStyle))
	// A form may lead on to Deck, which may be another origin.
	h := w.Header()
	h.Set("Content-Security-Policy", strings.TrimSpace("default-src 'none'; style-src 'sha256-"+base64.StdEncoding.EncodeToString(sum[:])+
		"'; base-uri 'none'; frame-ancestors 'none'; form-action 'self' "+origin(s.d.DeckURL)))
	h.Set("Content-Type", "text/html; charset=utf-8")
	h.Set("Cache-Control", "no-store")
	h.Set("X-Content-Type-Options", "nosniff")
	h.Set("X-Frame-Options", "DENY")
	h.Set("Referrer-Policy", "same-origin")
	w.WriteHeader(status)
	_, _ = w.Write(body.Bytes()) // a client that went away cannot be told
}

func wantsPage(r *http.Request) bool { return strings.Contains(r.Header.Get("Accept"), "text/html") }
