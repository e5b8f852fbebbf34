package stack

import (
	"fmt"
	"io"
	"os"
	"strings"
	"sync"
	"time"
)

// Console tells a person what happens. On a terminal a status line is rewritten in place; elsewhere it is printed now and
// then, so that a log stays short.
type Console struct {
	mu       sync.Mutex
	out      io.Writer
	terminal bool
	shown    int
	step     int
	steps    int
}

// NewConsole writes to file.
func NewConsole(file *os.File) *Console {
	info, err := file.Stat()
	terminal := err == nil && info.Mode()&os.ModeCharDevice != 0 && os.Getenv("TERM") != "dumb"
	return &Console{out: file, terminal: terminal}
}

// SetSteps says how many steps there will be; [Console.Step] counts them.
func (c *Console) SetSteps(n int) {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.step, c.steps = 0, n
}

// Step reports a finished step.
func (c *Console) Step(format string, args ...any) {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.step++
	c.line(fmt.Sprintf("[%2d/%d] ", c.step, max(c.step, c.steps)) + fmt.Sprintf(format, args...))
}

// Note reports something that is no step.
func (c *Console) Note(format string, args ...any) {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.line("        " + fmt.Sprintf(format, args...))
}

// Print writes a text as it is.
func (c *Console) Print(text string) {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.erase()
	_, _ = io.WriteString(c.out, text)
}

func (c *Console) line(text string) {
	c.erase()
	_, _ = fmt.Fprintln(c.out, text)
}

func (c *Console) erase() {
	if c.shown > 0 {
		_, _ = fmt.Fprintf(c.out, "\r%s\r", strings.Repeat(" ", c.shown))
		c.shown = 0
	}
}

func (c *Console) status(text string) {
	c.mu.Lock()
	defer c.mu.Unlock()
	text = fmt.Sprintf("[%2d/%d] ", c.step+1, max(c.step+1, c.steps)) + text
	if !c.terminal {
		c.line(text)
		return
	}
	const width = 100
	if runes := []rune(text); len(runes) > width {
		text = string(runes[:width-1]) + "…"
	}
	c.erase()
	_, _ = io.WriteString(c.out, text)
	c.shown = len([]rune(text))
}

func (c *Console) clearStatus() {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.erase()
}

// interval is how often a status line changes.
func (c *Console) interval() time.Duration {
	if c.terminal {
		return time.Second
	}
	return 15 * time.Second
}
