package transfer_test

import (
	"encoding/json"
	"fmt"
	"io"
	"net/http"
	"net/http/httptest"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"sync"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/gennaker/gennaker/cli/client"
	"github.com/gennaker/gennaker/pipeline"
)

// fake is a Gate that keeps documents, with the paths, answers and habits of
// Spinnaker's (reference: gate section 3).
type fake struct {
	t  *testing.T
	mu sync.Mutex
	// applications by name, configs by kind, notifications by application.
	applications  map[string]pipeline.Map
	configs       map[string][]pipeline.Map
	notifications map[string]pipeline.Map
	projects      []pipeline.Map
	templates     []pipeline.Map
	// refuse holds names that no save is taken of; broken counts requests that are
	// answered with 503 first.
	refuse []string
	broken int
	saves  []string
	clock  int64
}

func newFake(t *testing.T) *fake {
	return &fake{t: t, applications: map[string]pipeline.Map{}, configs: map[string][]pipeline.Map{}, notifications: map[string]pipeline.Map{}}
}

// open starts the Gate and returns a client of it.
func (f *fake) open() *client.Client {
	f.t.Helper()
	s := httptest.NewServer(f)
	f.t.Cleanup(s.Close)
	config := filepath.Join(f.t.TempDir(), "config")
	require.NoError(f.t, os.WriteFile(config, []byte("{}"), 0o600))
	c, err := client.Open(f.t.Context(), client.Options{Endpoint: s.URL, ConfigFile: config})
	require.NoError(f.t, err)
	return c
}

func (f *fake) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	f.mu.Lock()
	defer f.mu.Unlock()
	if f.broken > 0 {
		f.broken--
		w.WriteHeader(http.StatusServiceUnavailable)
		return
	}
	var body pipeline.Map
	if r.Method != http.MethodGet {
		raw, err := io.ReadAll(r.Body)
		if err == nil {
			err = body.UnmarshalJSON(raw)
		}
		if err != nil {
			f.answer(w, http.StatusBadRequest, pipeline.Map{"message": err.Error()})
			return
		}
	}
	status, answer := f.handle(r, body)
	f.answer(w, status, answer)
}

func (f *fake) answer(w http.ResponseWriter, status int, v any) {
	w.Header().Set("Content-Type", "application/json")
	w.WriteHeader(status)
	if v != nil {
		_ = json.NewEncoder(w).Encode(v)
	}
}

var notFound = pipeline.Map{"message": "Not found"}

func (f *fake) handle(r *http.Request, body pipeline.Map) (int, any) {
	parts := strings.Split(strings.Trim(r.URL.Path, "/"), "/")
	switch {
	case r.Method == http.MethodPost:
		return f.save(parts, r, body)
	case r.URL.Path == "/applications":
		out := []pipeline.Map{}
		for _, a := range f.applications {
			out = append(out, a)
		}
		return http.StatusOK, out
	case parts[0] == "applications" && len(parts) == 2:
		a, ok := f.applications[parts[1]]
		if !ok {
			return http.StatusNotFound, notFound
		}
		return http.StatusOK, pipeline.Map{"name": parts[1], "attributes": map[string]any(a), "clusters": map[string]any{}}
	case parts[0] == "applications":
		if f.configs[parts[2]] == nil {
			return http.StatusNotFound, notFound // a Gate that does not know the path
		}
		out := []pipeline.Map{}
		for _, c := range f.configs[parts[2]] {
			if c.String("application") == parts[1] {
				c = c.Clone()
				c["index"] = int64(len(out))
				out = append(out, c)
			}
		}
		return http.StatusOK, out
	case parts[0] == "notifications":
		n := f.notifications[parts[2]].Clone()
		if n == nil {
			n = pipeline.Map{}
		}
		if parts[1] == "application" { // those of all applications are shown with its own
			for _, format := range []string{"email", "slack"} {
				if more := f.notifications["__GLOBAL"].List(format); len(more) > 0 {
					n[format] = append(slices.Clone(n.List(format)), more...)
				}
			}
		}
		return http.StatusOK, n
	case parts[0] == "projects":
		return http.StatusOK, f.projects
	case parts[0] == "tasks":
		return http.StatusOK, pipeline.Map{"id": parts[1], "status": "SUCCEEDED"}
	case len(parts) == 2:
		return http.StatusOK, f.templates
	}
	for _, t := range f.templates {
		if t.String("id") == parts[2] && t.String("tag") == r.URL.Query().Get("tag") && t.String("digest") == "" {
			return http.StatusOK, t
		}
	}
	return http.StatusNotFound, notFound
}

func (f *fake) save(parts []string, r *http.Request, body pipeline.Map) (int, any) {
	document, kind := body, parts[0]
	if kind == "tasks" {
		job := pipeline.AsMap(body.List("job")[0])
		kind = job.String("type")
		document = job.Map(map[string]string{"createApplication": "application", "upsertProject": "project"}[kind])
	}
	name := document.String("name")
	if slices.Contains(f.refuse, name) && name != "" {
		return http.StatusBadRequest, pipeline.Map{"message": "No " + name + " here."}
	}
	f.clock++
	document = document.Clone()
	document["updateTs"] = fmt.Sprint(f.clock)
	document["lastModifiedBy"] = "importer"
	f.saves = append(f.saves, kind+" "+name)
	switch kind {
	case "createApplication":
		key := strings.ToLower(name)
		if f.applications[key] == nil {
			f.applications[key] = pipeline.Map{}
		}
		for k, v := range document {
			f.applications[key][k] = v
		}
		f.applications[key]["accounts"] = "prod"
	case "upsertProject":
		f.projects = put(f.projects, document)
	case "pipelines", "strategies":
		list := map[string]string{"pipelines": "pipelineConfigs", "strategies": "strategyConfigs"}[kind]
		document["schema"] = "1"
		f.configs[list] = put(f.configs[list], document)
		return http.StatusOK, nil
	case "notifications":
		f.notifications[parts[2]] = document
		return http.StatusOK, nil
	case "v2":
		return f.saveTemplate(r.URL.Query().Get("tag"), document)
	}
	return http.StatusOK, pipeline.Map{"ref": "/tasks/T1"}
}

// put replaces a document by its ID, or adds it.
func put(list []pipeline.Map, document pipeline.Map) []pipeline.Map {
	for i, d := range list {
		if d.String("id") == document.String("id") {
			list[i] = document
			return list
		}
	}
	return append(list, document)
}

// saveTemplate keeps a template under its tag, under latest and by its content.
func (f *fake) saveTemplate(tag string, document pipeline.Map) (int, any) {
	for _, tag := range []string{tag, "latest"} {
		version := document.Clone()
		if version["tag"] = tag; tag == "" {
			delete(version, "tag")
		}
		f.templates = slices.DeleteFunc(f.templates, func(t pipeline.Map) bool {
			return t.String("id") == document.String("id") && t.String("tag") == tag && t.String("digest") == ""
		})
		f.templates = append(f.templates, version)
	}
	byContent := document.Clone()
	byContent["digest"], byContent["tag"] = digestOf(document), "latest"
	if !slices.ContainsFunc(f.templates, func(t pipeline.Map) bool { return t.String("digest") == digestOf(document) }) {
		f.templates = append(f.templates, byContent)
	}
	return http.StatusOK, pipeline.Map{"id": "T1", "status": "SUCCEEDED"}
}

// digestOf tells contents of the tests apart.
func digestOf(m pipeline.Map) string { return "d" + m.Map("pipeline").String("name") }
