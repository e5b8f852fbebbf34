package cli

import (
	"fmt"
	"io"
	"os"

	"sigs.k8s.io/yaml"

	"github.com/gennaker/gennaker/pipeline"
)

// maxDocument bounds what the commands read from files and standard input, in
// bytes.
const maxDocument = 64 << 20

// readFile reads an object, JSON or YAML, from a file; "-" is standard input.
// what names it in errors.
func (p *Process) readFile(name, what string) (pipeline.Map, error) {
	if name == "-" {
		return readObject(p.Stdin, what)
	}
	f, err := os.Open(name)
	if err != nil {
		return nil, err
	}
	defer func() { _ = f.Close() }() // it was only read
	return readObject(f, what)
}

// readObject reads an object of at most [maxDocument] bytes.
func readObject(r io.Reader, what string) (pipeline.Map, error) {
	text, err := io.ReadAll(io.LimitReader(r, maxDocument+1))
	if err != nil {
		return nil, err
	}
	if len(text) > maxDocument {
		return nil, fmt.Errorf("%s is larger than %d bytes", what, maxDocument)
	}
	var m pipeline.Map
	if err := m.UnmarshalJSON(text); err != nil {
		raw, yamlErr := yaml.YAMLToJSONStrict(text)
		if yamlErr != nil {
			return nil, fmt.Errorf("%s is neither a JSON object nor YAML: %w", what, err)
		}
		if err := m.UnmarshalJSON(raw); err != nil {
			return nil, fmt.Errorf("%s is no JSON object: %w", what, err)
		}
	}
	if m == nil {
		return nil, fmt.Errorf("%s is null: write a JSON object", what)
	}
	return m, nil
}
