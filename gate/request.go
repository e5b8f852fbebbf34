package gate

import (
	"bytes"
	"compress/gzip"
	"context"
	"net/http"
	"net/url"
	"strconv"
	"strings"
	"sync"

	"github.com/gin-gonic/gin"
	"github.com/goccy/go-yaml"

	"github.com/gennaker/gennaker/fiat"
	"github.com/gennaker/gennaker/internal/httpjson"
	"github.com/gennaker/gennaker/pipeline"
)

// caller is who sent a request.
type caller struct {
	// User is the name, "anonymous" when nobody is known.
	User string
	// Origin is "deck" or "api".
	Origin string
	// Principal is who sign-in found; known is false for a caller of an open path
	// who shows nothing, and fault then why.
	Principal fiat.Principal
	known     bool
	fault     error
}

// anonymous is the name of a caller who is not known.
const anonymous = fiat.Anonymous

// request is one request on its way through a handler.
type request struct {
	*gin.Context
	server *Server
	route  *route
	id     string
	caller caller
	values map[string]string // path parameters, decoded
	query  url.Values
	// resolved is what decides about the caller, once it was asked for; checked is
	// set once something was decided, about these applications and accounts.
	resolved               *fiat.Subject
	checked                bool
	applications, accounts []string
	// tried is the sign-in that the request tried, if it did.
	tried signInAttempt
}

// ctx returns the request's own context, which ends with the client or with
// the request timeout. gin's Context must not outlive the handler; this may.
func (r *request) ctx() context.Context { return r.Request.Context() }

// param returns a path parameter of the route, decoded.
func (r *request) param(name string) string { return r.values[name] }

// text returns a query parameter.
func (r *request) text(name string) string {
	return strings.TrimSpace(strings.Join(r.query[name], ","))
}

// gzipFrom is the size in bytes from which an answer is worth compressing.
const gzipFrom = 2048

var gzipWriters = sync.Pool{New: func() any {
	w, err := gzip.NewWriterLevel(nil, gzip.BestSpeed)
	if err != nil {
		panic(err) //nolint:forbidigo // unreachable: the level is a constant that exists
	}
	return w
}}

// answer renders v as JSON with sorted keys, or as YAML for a client that asks
// for nothing else.
func (r *request) answer(status int, v any) error {
	if err := r.unchecked(); err != nil && status < http.StatusBadRequest {
		return err
	}
	body, err := httpjson.Encode(v)
	if err != nil {
		return pipeline.Wrap(pipeline.CodeInternal, err, "the answer cannot be encoded")
	}
	contentType := "application/json"
	if wantsYAML(r.GetHeader("Accept")) {
		if body, err = yaml.JSONToYAML(body); err != nil {
			return pipeline.Wrap(pipeline.CodeInternal, err, "the answer cannot be encoded as YAML")
		}
		contentType = "application/x-yaml"
	}
	r.write(status, contentType, body)
	return nil
}

func (r *request) write(status int, contentType string, body []byte) {
	if err := r.unchecked(); err != nil && status < http.StatusBadRequest {
		r.fail(err)
		return
	}
	h := r.Writer.Header()
	h.Set("Content-Type", contentType)
	if len(body) >= gzipFrom {
		h.Add("Vary", "Accept-Encoding")
		if strings.Contains(r.GetHeader("Accept-Encoding"), "gzip") {
			h.Set("Content-Encoding", "gzip")
			body = compress(body)
		}
	}
	h.Set("Content-Length", strconv.Itoa(len(body)))
	r.Writer.WriteHeader(status)
	_, _ = r.Writer.Write(body) // a client that went away cannot be told
}

func compress(body []byte) []byte {
	var out bytes.Buffer
	w := gzipWriters.Get().(*gzip.Writer)
	defer gzipWriters.Put(w)
	w.Reset(&out)
	_, _ = w.Write(body) // a buffer takes everything
	_ = w.Close()
	return out.Bytes()
}

// done answers 200 without a body, as Spinnaker does where there is nothing to
// say.
func (r *request) done() error {
	if err := r.unchecked(); err != nil {
		return err
	}
	r.Writer.Header().Set("Content-Length", "0")
	r.Writer.WriteHeader(http.StatusOK)
	r.Writer.WriteHeaderNow()
	return nil
}

func wantsYAML(accept string) bool {
	return strings.Contains(accept, "yaml") && !strings.Contains(accept, "json") && !strings.Contains(accept, "*/*")
}
