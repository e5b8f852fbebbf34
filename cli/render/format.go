package render

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"strings"

	"k8s.io/client-go/util/jsonpath"
	"sigs.k8s.io/yaml"

	"github.com/gennaker/gennaker/pipeline"
)

// Format is how a command answers: a table for people, or for scripts the answer
// itself.
type Format struct {
	kind string
	path *jsonpath.JSONPath
}

// The kinds of formats.
const (
	formatTable = ""
	formatJSON  = "json"
	formatYAML  = "yaml"
	formatPath  = "jsonpath"
)

// ParseFormat reads the value of --output: empty for tables, json, yaml, or
// jsonpath=EXPRESSION in the language of kubectl and spin. Errors: invalid.
func ParseFormat(text string) (Format, error) {
	switch text {
	case formatTable, "table":
		return Format{}, nil
	case formatJSON, formatYAML:
		return Format{kind: text}, nil
	}
	expression, found := strings.CutPrefix(text, formatPath+"=")
	if !found || expression == "" {
		return Format{}, pipeline.Errorf(pipeline.CodeInvalid, "The output format %q is not known: use json, yaml, jsonpath=EXPRESSION, or none for a table.", text)
	}
	if !strings.Contains(expression, "{") {
		expression = "{" + expression + "}" // $.name is taken as it is meant
	}
	path := jsonpath.New("output").AllowMissingKeys(false)
	if err := path.Parse(expression); err != nil {
		return Format{}, pipeline.Wrap(pipeline.CodeInvalid, err, "The JSONPath %q cannot be read: %s.", expression, err)
	}
	return Format{kind: formatPath, path: path}, nil
}

// Table reports whether people read the answer.
func (f Format) Table() bool { return f.kind == formatTable }

// Write writes a value of the types of [pipeline.Map] in a format that is not a
// table; a table's is JSON.
func (f Format) Write(out io.Writer, v any) error {
	raw, err := pipeline.EncodeValue(v)
	if err != nil {
		return err
	}
	switch f.kind {
	case formatYAML:
		if raw, err = yaml.JSONToYAML(raw); err != nil {
			return err
		}
	case formatPath:
		if raw, err = f.find(raw); err != nil {
			return err
		}
	default:
		if raw, err = Indent(raw); err != nil {
			return err
		}
	}
	if !bytes.HasSuffix(raw, []byte("\n")) {
		raw = append(raw, '\n')
	}
	_, err = out.Write(raw)
	return err
}

// find evaluates the path. One value that is text is printed as it is, others as
// JSON; of several each has a line.
func (f Format) find(raw []byte) ([]byte, error) {
	v, err := pipeline.DecodeValue(raw) // whole numbers stay so, which filters compare
	if err != nil {
		return nil, err
	}
	found, err := f.path.FindResults(v)
	if err != nil {
		return nil, fmt.Errorf("the JSONPath finds nothing: %w", err)
	}
	var out bytes.Buffer
	for _, set := range found {
		for _, value := range set {
			if !value.CanInterface() {
				continue
			}
			one := value.Interface()
			if text, ok := one.(string); ok {
				out.WriteString(text + "\n")
				continue
			}
			line, err := pipeline.EncodeValue(one)
			if err != nil {
				return nil, err
			}
			out.Write(append(line, '\n'))
		}
	}
	if out.Len() == 0 {
		return nil, errors.New("the JSONPath finds nothing")
	}
	return out.Bytes(), nil
}

// Indent writes JSON with one key a line.
func Indent(raw []byte) ([]byte, error) {
	var out bytes.Buffer
	if err := json.Indent(&out, raw, "", "  "); err != nil {
		return nil, err
	}
	return out.Bytes(), nil
}
