package gate

import (
	"bytes"
	"encoding/json"
	"net/http"
	"strconv"
	"strings"

	"github.com/gennaker/gennaker/pipeline"
)

// The document lists what the route table serves; openapi.json beside this file
// is its checked-in form, from which clients are generated.
//
//go:generate go run ./internal/genopenapi openapi.json ../docs/reference/api.md

// apiVersion is the version of the API, not of the program.
const apiVersion = "1"

// OpenAPI returns the OpenAPI 3.1 document of the route table, indented and
// with sorted keys.
func OpenAPI() ([]byte, error) {
	schemas := &schemaSet{components: map[string]any{}}
	problem := schemas.ref(errorBody{})
	paths := map[string]any{}
	table := routes()
	for i := range table {
		rt := &table[i]
		methods, _ := paths[rt.Path].(map[string]any)
		if methods == nil {
			methods = map[string]any{}
			paths[rt.Path] = methods
		}
		methods[strings.ToLower(rt.Method)] = rt.operation(schemas, problem)
	}
	doc := map[string]any{
		"openapi": "3.1.0",
		"info": map[string]any{
			"title":       "Gennaker Gate",
			"version":     apiVersion,
			"description": "Spinnaker's HTTP API. Moments are milliseconds since 1970; keys of objects are in alphabetical order.",
			"license":     map[string]any{"name": "Apache-2.0", "identifier": "Apache-2.0"},
		},
		"paths":      paths,
		"components": map[string]any{"schemas": schemas.components},
	}
	raw, err := pipeline.EncodeValue(doc)
	if err != nil {
		return nil, err
	}
	var out bytes.Buffer
	if err := json.Indent(&out, raw, "", "  "); err != nil {
		return nil, err
	}
	out.WriteByte('\n')
	return out.Bytes(), nil
}

func getOpenAPI(r *request) error {
	doc, err := r.server.document()
	if err != nil {
		return err
	}
	r.write(http.StatusOK, "application/json", doc)
	return nil
}

func (rt *route) operation(schemas *schemaSet, problem any) map[string]any {
	status := rt.Status
	if status == 0 {
		status = http.StatusOK
	}
	success := map[string]any{"description": "Success."}
	switch {
	case rt.Stream:
		success["content"] = map[string]any{"text/event-stream": map[string]any{"schema": map[string]any{"type": "string"}}}
		success["description"] = "Events: execution (data is an execution, id its sequence), deleted (data holds the id), ping."
		if rt.Events != "" {
			success["description"] = rt.Events
		}
	case rt.Binary:
		success["content"] = map[string]any{"application/octet-stream": map[string]any{"schema": map[string]any{"type": "string", "format": "binary"}}}
	case rt.Media != "":
		success["content"] = map[string]any{rt.Media: map[string]any{"schema": map[string]any{"type": "string"}}}
	case rt.Status == http.StatusFound:
		success["description"] = "The address is another, which the header Location names."
	case rt.Response != nil:
		schema := schemas.ref(rt.Response)
		if len(rt.Or) > 0 {
			all := []any{schema}
			for _, other := range rt.Or {
				all = append(all, schemas.ref(other))
			}
			schema = map[string]any{"anyOf": all}
		}
		success["content"] = jsonContent(schema)
	default:
		success["description"] = "Success; the body is empty."
	}
	out := map[string]any{
		"operationId": rt.operationID(),
		"summary":     rt.Summary,
		"description": "Permission: " + rt.Auth.words,
		"tags":        []any{strings.Split(rt.Path, "/")[1]},
		"responses": map[string]any{
			strconv.Itoa(status): success,
			"default":            map[string]any{"description": "The request failed; message says why.", "content": jsonContent(problem)},
		},
	}
	for other, body := range rt.Others {
		out["responses"].(map[string]any)[strconv.Itoa(other)] = map[string]any{"description": http.StatusText(other) + ".", "content": jsonContent(schemas.ref(body))}
	}
	if rt.Request != nil {
		out["requestBody"] = map[string]any{"required": rt.Status != http.StatusAccepted, "content": jsonContent(schemas.ref(rt.Request))}
	}
	if parameters := rt.parameters(); len(parameters) > 0 {
		out["parameters"] = parameters
	}
	return out
}

func (rt *route) parameters() []any {
	var out []any
	for _, s := range split(rt.Path) {
		if !isParam(s) {
			continue
		}
		out = append(out, map[string]any{"name": strings.Trim(s, "{}"), "in": "path", "required": true, "schema": map[string]any{"type": "string"}})
	}
	for _, q := range rt.Query {
		schema := map[string]any{"type": q.Type}
		entry := map[string]any{"name": q.Name, "in": "query", "required": false, "schema": schema}
		if q.Type == "list" {
			schema["type"], schema["items"] = "array", map[string]any{"type": "string"}
			entry["explode"] = false
			entry["style"] = "form"
		}
		if q.Default != nil {
			schema["default"] = q.Default
		}
		if q.About != "" {
			entry["description"] = q.About
		}
		out = append(out, entry)
	}
	return out
}

// operationID joins method and path: getApplicationsApplicationTasks.
func (rt *route) operationID() string {
	words := strings.FieldsFunc(rt.Path, func(c rune) bool { return strings.ContainsRune("/{}.-", c) })
	for i, w := range words {
		words[i] = upperFirst(w)
	}
	return strings.ToLower(rt.Method) + strings.Join(words, "")
}

func jsonContent(schema any) map[string]any {
	return map[string]any{"application/json": map[string]any{"schema": schema}}
}

func upperFirst(s string) string { return strings.ToUpper(s[:1]) + s[1:] }
