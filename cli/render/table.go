package render

import (
	"bufio"
	"io"
	"strings"
	"unicode/utf8"

	"github.com/gennaker/gennaker/pipeline"
)

// Table is rows below a head. Cells are put on one line.
type Table struct {
	Head []string
	rows [][]cell
}

// cell is a text, with a status that may colour it.
type cell struct {
	text   string
	status pipeline.Status
}

// Add adds a row; a cell that is a [pipeline.Status] is coloured by it. An empty
// text becomes "-".
func (t *Table) Add(cells ...any) {
	row := make([]cell, len(cells))
	for i, c := range cells {
		switch c := c.(type) {
		case pipeline.Status:
			row[i] = cell{Line(string(c)), c}
		case string:
			row[i] = cell{text: Line(c)}
		}
		if row[i].text == "" {
			row[i].text = "-"
		}
	}
	t.rows = append(t.rows, row)
}

// Len returns the number of rows.
func (t *Table) Len() int { return len(t.rows) }

// Write writes the table with aligned columns.
func (t *Table) Write(out io.Writer, style Style) error {
	width := make([]int, len(t.Head))
	for i, h := range t.Head {
		width[i] = utf8.RuneCountInString(h)
	}
	for _, row := range t.rows {
		for i, c := range row {
			width[i] = max(width[i], utf8.RuneCountInString(c.text))
		}
	}
	w := bufio.NewWriter(out)
	line := func(cells []cell, paint func(cell) string) {
		for i, c := range cells {
			w.WriteString(paint(c)) //nolint:errcheck // Flush tells
			if i < len(cells)-1 {
				w.WriteString(strings.Repeat(" ", width[i]-utf8.RuneCountInString(c.text)+2)) //nolint:errcheck // Flush tells
			}
		}
		w.WriteByte('\n') //nolint:errcheck // Flush tells
	}
	head := make([]cell, len(t.Head))
	for i, h := range t.Head {
		head[i] = cell{text: h}
	}
	line(head, func(c cell) string { return style.Faint(c.text) })
	for _, row := range t.rows {
		line(row, func(c cell) string { return style.Status(c.status, c.text) })
	}
	return w.Flush()
}

// Fields is names with values, one a line.
type Fields struct{ table Table }

// Add adds a line; an empty value is left out.
func (f *Fields) Add(name string, value any) {
	if value == "" || value == pipeline.Status("") {
		return
	}
	f.table.Add(name, value)
	row := f.table.rows[len(f.table.rows)-1]
	if name == "" {
		row[0].text = ""
	}
}

// Write writes the lines.
func (f *Fields) Write(out io.Writer, style Style) error {
	width := 0
	for _, row := range f.table.rows {
		width = max(width, utf8.RuneCountInString(row[0].text))
	}
	w := bufio.NewWriter(out)
	for _, row := range f.table.rows {
		w.WriteString(style.Faint(row[0].text) + strings.Repeat(" ", width-utf8.RuneCountInString(row[0].text)+2) + //nolint:errcheck // Flush tells
			style.Status(row[1].status, row[1].text) + "\n")
	}
	return w.Flush()
}
