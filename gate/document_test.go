package gate_test

import (
	"bytes"
	"mime"
	"net/http"
	"net/http/httptest"
	"net/url"
	"strconv"
	"strings"
	"sync"
	"testing"

	"github.com/santhosh-tekuri/jsonschema/v6"
	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/gennaker/gennaker/gate"
	"github.com/gennaker/gennaker/pipeline"
)

// The OpenAPI document says what every answer looks like. Every answer that this
// package's tests get from a gateway is held against it, see [world.do].

// documented is the document in the form in which answers are looked up.
type documented struct {
	paths    pipeline.Map
	compiler *jsonschema.Compiler
	mu       sync.Mutex // the compiler remembers
}

const documentURL = "https://gennaker.invalid/openapi.json"

var document = sync.OnceValues(func() (*documented, error) {
	raw, err := gate.OpenAPI()
	if err != nil {
		return nil, err
	}
	whole, err := jsonschema.UnmarshalJSON(bytes.NewReader(raw))
	if err != nil {
		return nil, err
	}
	c := jsonschema.NewCompiler()
	c.DefaultDraft(jsonschema.Draft2020)
	if err := c.AddResource(documentURL, whole); err != nil {
		return nil, err
	}
	return &documented{paths: pipeline.AsMap(whole).Map("paths"), compiler: c}, nil
})

// find returns the documented path that serves a request: the one with the most
// words among those that fit.
func (d *documented) find(method, escaped string) string {
	got := strings.Split(strings.Trim(escaped, "/"), "/")
	best, words := "", -1
	for path := range d.paths {
		declared := strings.Split(strings.Trim(path, "/"), "/")
		if len(declared) != len(got) || pipeline.AsMap(d.paths.Map(path)[strings.ToLower(method)]) == nil {
			continue
		}
		n := 0
		for i, segment := range declared {
			if strings.HasPrefix(segment, "{") {
				continue
			}
			if segment != got[i] {
				n = -1
				break
			}
			n++
		}
		if n > words {
			best, words = path, n
		}
	}
	return best
}

// schema compiles the schema of an answer.
func (d *documented) schema(path, method, status string) (*jsonschema.Schema, error) {
	d.mu.Lock()
	defer d.mu.Unlock()
	pointer := strings.Join([]string{"#", "paths", escape(path), strings.ToLower(method), "responses", status, "content", escape("application/json"), "schema"}, "/")
	return d.compiler.Compile(documentURL + pointer)
}

// escape writes a key as part of a JSON pointer in a URL.
func escape(key string) string {
	return url.PathEscape(strings.NewReplacer("~", "~0", "/", "~1").Replace(key))
}

// requireDocumented holds an answer against the document.
func requireDocumented(t testing.TB, method string, target *url.URL, out *httptest.ResponseRecorder) {
	t.Helper()
	d, err := document()
	require.NoError(t, err)
	if method == http.MethodOptions || method == http.MethodHead || strings.HasPrefix(target.Path, gate.CodecPath+"/") {
		return
	}
	path := d.find(method, target.EscapedPath())
	if path == "" {
		assert.GreaterOrEqual(t, out.Code, 400, "%s %s is not in the document and answers", method, target)
		return
	}
	responses := d.paths.Map(path).Map(strings.ToLower(method)).Map("responses")
	status := strconv.Itoa(out.Code)
	if responses[status] == nil {
		assert.GreaterOrEqual(t, out.Code, 400, "%s %s answers %d, which the document does not name", method, path, out.Code)
		status = "default"
	}
	content := responses.Map(status).Map("content")
	if len(content) == 0 {
		assert.Zero(t, out.Body.Len(), "%s %s has a body, which the document does not name", method, path)
		return
	}
	media, _, err := mime.ParseMediaType(out.Header().Get("Content-Type"))
	require.NoError(t, err, "%s %s answers %s without a content type", method, path, status)
	if media == "application/x-yaml" {
		return // the same, for clients that ask for it
	}
	if out.Header().Get("Content-Encoding") != "" {
		return // tests of compression look at what is inside
	}
	assert.Contains(t, content, media, "%s %s answers with a type that the document does not name", method, path)
	if media != "application/json" {
		return
	}
	schema, err := d.schema(path, method, status)
	require.NoError(t, err)
	body, err := jsonschema.UnmarshalJSON(bytes.NewReader(out.Body.Bytes()))
	require.NoError(t, err)
	assert.NoError(t, schema.Validate(body), "%s %s %s: the answer is not what the document says: %s", method, path, status, out.Body)
}
