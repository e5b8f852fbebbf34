// Package docexample finds the examples in doc comments: the indented JSON under
// a type's description. The same text is a test's input and stands on a page of
// the documentation.
package docexample

import (
	"go/ast"
	"go/parser"
	"go/token"
	"os"
	"path/filepath"
	"regexp"
	"strings"
)

// In returns the example of each type that the Go files of a folder declare with
// one, by the type's name. The indentation of the comment is taken away; test
// files are passed over.
func In(folder string) (map[string]string, error) {
	entries, err := os.ReadDir(folder)
	if err != nil {
		return nil, err
	}
	out := map[string]string{}
	for _, e := range entries {
		if !strings.HasSuffix(e.Name(), ".go") || strings.HasSuffix(e.Name(), "_test.go") {
			continue
		}
		file, err := parser.ParseFile(token.NewFileSet(), filepath.Join(folder, e.Name()), nil, parser.ParseComments|parser.SkipObjectResolution)
		if err != nil {
			return nil, err
		}
		for _, d := range file.Decls {
			g, ok := d.(*ast.GenDecl)
			if !ok || g.Tok != token.TYPE {
				continue
			}
			for _, s := range g.Specs {
				t, _ := s.(*ast.TypeSpec)
				doc := t.Doc
				if doc == nil {
					doc = g.Doc
				}
				if text := indented(doc.Text()); text != "" {
					out[t.Name.Name] = text
				}
			}
		}
	}
	return out, nil
}

// indented returns the first run of indented lines of a comment.
func indented(doc string) string {
	var lines []string
	for line := range strings.Lines(doc) {
		code, ok := strings.CutPrefix(line, "\t")
		if ok {
			lines = append(lines, code)
		} else if len(lines) > 0 {
			break
		}
	}
	return strings.TrimRight(strings.Join(lines, ""), "\n")
}

var firstType = regexp.MustCompile(`"type":\s*"[^"]*"`)

// Retype gives a stage's example another type: the first one it names is
// replaced. Stage types that one Go type serves share its example.
func Retype(example, stageType string) string {
	at := firstType.FindStringIndex(example)
	if at == nil {
		return example
	}
	return example[:at[0]] + `"type": "` + stageType + `"` + example[at[1]:]
}
