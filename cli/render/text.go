package render

import (
	"fmt"
	"strings"
	"time"
	"unicode"

	"github.com/gennaker/gennaker/pipeline"
)

// Line returns a text on one line without control characters: space of any kind
// becomes one blank, the rest of them vanish.
func Line(s string) string {
	return Clean(strings.Join(strings.Fields(s), " "))
}

// Clean removes control characters other than line feeds and tabs.
func Clean(s string) string {
	return strings.Map(func(r rune) rune {
		if r != '\n' && r != '\t' && (unicode.IsControl(r) || unicode.Is(unicode.Cf, r)) {
			return -1
		}
		return r
	}, s)
}

// Cut shortens a text to at most n runes, the last of which is then "…".
func Cut(s string, n int) string {
	runes := []rune(s)
	if len(runes) <= n {
		return s
	}
	return string(runes[:max(n-1, 0)]) + "…"
}

// Time returns a moment as people read it, in their own zone; "-" is none.
func Time(at pipeline.Millis) string {
	if at == 0 {
		return "-"
	}
	return at.Time().Local().Format("2006-01-02 15:04:05")
}

// Duration returns the time between two moments, in hours, minutes and seconds.
// It counts to now while the end is 0, and is "-" before the start.
func Duration(start, end pipeline.Millis, now time.Time) string {
	if start == 0 {
		return "-"
	}
	last := now
	if end != 0 {
		last = end.Time()
	}
	d := max(last.Sub(start.Time()), 0).Round(time.Second)
	h, m, s := int(d.Hours()), int(d.Minutes())%60, int(d.Seconds())%60
	switch {
	case h > 0:
		return fmt.Sprintf("%dh%02dm%02ds", h, m, s)
	case m > 0:
		return fmt.Sprintf("%dm%02ds", m, s)
	}
	return fmt.Sprintf("%ds", s)
}
