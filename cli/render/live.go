package render

import (
	"io"
	"strconv"
	"strings"
)

// Live redraws a block of lines in place on a terminal.
type Live struct {
	out   io.Writer
	drawn int
}

// NewLive returns a block that is not drawn yet.
func NewLive(out io.Writer) *Live { return &Live{out: out} }

// Draw replaces the block. Lines are cut to the terminal's width, so that each
// takes one row; of more lines than rows the last are shown, for what cannot be
// scrolled back to cannot be drawn over.
func (l *Live) Draw(lines []string, columns, rows int) error {
	if rows > 2 && len(lines) > rows-1 {
		lines = append([]string{lines[0]}, lines[len(lines)-rows+2:]...)
	}
	var b strings.Builder
	if l.drawn > 0 {
		b.WriteString("\x1b[" + strconv.Itoa(l.drawn) + "A")
	}
	b.WriteString("\r\x1b[J")
	for _, line := range lines {
		b.WriteString(fit(line, columns))
		b.WriteByte('\n')
	}
	l.drawn = len(lines)
	_, err := io.WriteString(l.out, b.String())
	return err
}

// fit cuts a line to a width; escape sequences of colours take none.
func fit(line string, columns int) string {
	if columns <= 0 {
		return line
	}
	var b strings.Builder
	used, escape, cut := 0, false, false
	for _, r := range line {
		switch {
		case escape:
			b.WriteRune(r)
			escape = r != 'm'
		case r == '\x1b':
			b.WriteRune(r)
			escape = true
		case used < columns:
			b.WriteRune(r)
			used++
		default:
			cut = true
		}
	}
	if !cut {
		return line
	}
	return b.String()
}
