package render

import (
	"strings"

	udiff "github.com/aymanbagabas/go-udiff"
	"sigs.k8s.io/yaml"

	"github.com/gennaker/gennaker/pipeline"
)

// Diff returns a unified diff of two documents, written with sorted keys as JSON
// or as YAML; it is empty when they are equal.
func Diff(oldName, newName string, before, after pipeline.Map, asYAML bool) (string, error) {
	old, err := sorted(before, asYAML)
	if err != nil {
		return "", err
	}
	current, err := sorted(after, asYAML)
	if err != nil {
		return "", err
	}
	return udiff.Unified(oldName, newName, old, current), nil
}

// PaintDiff colours the lines of a unified diff.
func PaintDiff(diff string, style Style) string {
	if !style.Colour {
		return Clean(diff)
	}
	lines := strings.SplitAfter(Clean(diff), "\n")
	for i, line := range lines {
		text := strings.TrimSuffix(line, "\n")
		colour := ""
		switch {
		case strings.HasPrefix(text, "+"):
			colour = green
		case strings.HasPrefix(text, "-"):
			colour = red
		case strings.HasPrefix(text, "@@"):
			colour = blue
		}
		if colour != "" {
			lines[i] = style.paint(colour, text) + line[len(text):]
		}
	}
	return strings.Join(lines, "")
}

func sorted(m pipeline.Map, asYAML bool) (string, error) {
	raw, err := pipeline.EncodeValue(map[string]any(m))
	if err != nil {
		return "", err
	}
	if asYAML {
		raw, err = yaml.JSONToYAML(raw)
		return string(raw), err
	}
	raw, err = Indent(raw)
	return string(raw) + "\n", err
}

// CountDiff counts the lines that a unified diff adds and removes.
func CountDiff(diff string) (added, removed int) {
	for line := range strings.Lines(diff) {
		switch {
		case strings.HasPrefix(line, "+++ "), strings.HasPrefix(line, "--- "):
		case strings.HasPrefix(line, "+"):
			added++
		case strings.HasPrefix(line, "-"):
			removed++
		}
	}
	return added, removed
}
