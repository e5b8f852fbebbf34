package render

import (
	"github.com/gennaker/gennaker/pipeline"
)

// Style colours text, or leaves it as it is.
type Style struct {
	// Colour is set for terminals only.
	Colour bool
}

// The escape sequences of the colours.
const (
	red    = "\x1b[31m"
	green  = "\x1b[32m"
	yellow = "\x1b[33m"
	blue   = "\x1b[34m"
	grey   = "\x1b[90m"
	plain  = "\x1b[0m"
)

func (s Style) paint(colour, text string) string {
	if !s.Colour || text == "" {
		return text
	}
	return colour + text + plain
}

// Status colours a text by a status.
func (s Style) Status(status pipeline.Status, text string) string {
	switch status {
	case pipeline.Succeeded:
		return s.paint(green, text)
	case pipeline.Terminal, pipeline.FailedContinue:
		return s.paint(red, text)
	case pipeline.Running:
		return s.paint(blue, text)
	case pipeline.Paused, pipeline.Suspended, pipeline.Buffered:
		return s.paint(yellow, text)
	case pipeline.NotStarted, pipeline.Skipped, pipeline.Canceled, pipeline.Stopped, pipeline.Redirect:
		return s.paint(grey, text)
	}
	return text
}

// Faint makes a text recede.
func (s Style) Faint(text string) string { return s.paint(grey, text) }

// Mark returns the sign of a status.
func Mark(status pipeline.Status) string {
	switch status {
	case pipeline.Succeeded:
		return "✓"
	case pipeline.Terminal, pipeline.FailedContinue:
		return "✗"
	case pipeline.Running:
		return "▶"
	case pipeline.Paused, pipeline.Suspended, pipeline.Buffered:
		return "‖"
	case pipeline.Canceled, pipeline.Stopped:
		return "■"
	case pipeline.Skipped:
		return "↷"
	}
	return "·"
}
