package clouddriver

import (
	"slices"
	"strconv"
	"strings"
	"unicode"
	"unicode/utf8"
)

const (
	// maxShown is how many bytes of a changed value are shown.
	maxShown = 400
	// ahead is how much of what two values have in common is shown before their
	// difference.
	ahead = 40
)

// around makes two different values short enough to be shown, and keeps where
// they differ in sight: of texts of many lines the lines that differ and one on
// each side, of other long texts what begins shortly before the difference.
func around(a, b string) (string, string) {
	if strings.Contains(a, "\n") || strings.Contains(b, "\n") {
		a, b = aroundLines(strings.Split(a, "\n"), strings.Split(b, "\n"))
	}
	if len(a) <= maxShown && len(b) <= maxShown {
		return visible(a), visible(b)
	}
	same := 0
	for same < min(len(a), len(b)) && a[same] == b[same] {
		same++
	}
	from := max(0, same-ahead)
	if same < maxShown/2 {
		from = 0
	}
	return visible(cut(tail(a, from), maxShown)), visible(cut(tail(b, from), maxShown))
}

// aroundLines leaves out the lines that two texts have in common at their
// beginnings and ends, but for one on each side.
func aroundLines(a, b []string) (string, string) {
	head := 0
	for head < min(len(a), len(b)) && a[head] == b[head] {
		head++
	}
	end := 0
	for end < min(len(a), len(b))-head && a[len(a)-1-end] == b[len(b)-1-end] {
		end++
	}
	head, end = max(0, head-1), max(0, end-1)
	return window(a, head, end), window(b, head, end)
}

func window(lines []string, head, end int) string {
	out := slices.Clone(lines[head : len(lines)-end])
	if head > 0 {
		out = append([]string{"… (" + strconv.Itoa(head) + " equal lines)"}, out...)
	}
	if end > 0 {
		out = append(out, "… ("+strconv.Itoa(end)+" equal lines)")
	}
	return strings.Join(out, "\n")
}

// tail is what follows from a byte on, from the beginning of a character.
func tail(s string, from int) string {
	if from == 0 {
		return s
	}
	for from < len(s) && !utf8.RuneStart(s[from]) {
		from++
	}
	return "…" + s[min(from, len(s)):]
}

// cut shortens a text to about limit bytes and says how much is missing.
func cut(s string, limit int) string {
	if len(s) <= limit {
		return s
	}
	end := limit
	for end > 0 && !utf8.RuneStart(s[end]) {
		end--
	}
	return s[:end] + "… (" + strconv.Itoa(len(s)-end) + " more bytes)"
}

// visible writes characters that a terminal or a page would obey, or not show, as
// their code; line breaks and tabs stay.
func visible(s string) string {
	bad := func(r rune) bool {
		return r != '\n' && r != '\t' && (!unicode.IsPrint(r) || r == utf8.RuneError)
	}
	if strings.IndexFunc(s, bad) < 0 {
		return s
	}
	var b strings.Builder
	for _, r := range s {
		if !bad(r) {
			b.WriteRune(r)
			continue
		}
		quoted := strconv.QuoteRuneToASCII(r)
		b.WriteString(quoted[1 : len(quoted)-1])
	}
	return b.String()
}
