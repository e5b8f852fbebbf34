// Package logging makes the process's logger. Lines carry the fixed keys
// application, pipeline, execution and stage where they apply.
package logging

import (
	"fmt"
	"io"
	"log/slog"
	"strings"
)

// Config is the configuration of the log.
type Config struct {
	Level  string `help:"Least level to log: debug, info, warn, error." default:"info" enum:"debug,info,warn,error"`
	Format string `help:"Form of a line: text for people, json for collectors." default:"text" enum:"text,json"`
}

// New returns a logger that writes to w. It fails for a level or format that
// does not exist.
func New(c Config, w io.Writer) (*slog.Logger, error) {
	var level slog.Level
	if err := level.UnmarshalText([]byte(c.Level)); err != nil {
		return nil, fmt.Errorf("log level %q: use debug, info, warn or error", c.Level)
	}
	options := &slog.HandlerOptions{Level: level}
	switch strings.ToLower(c.Format) {
	case "text":
		return slog.New(slog.NewTextHandler(w, options)), nil
	case "json":
		return slog.New(slog.NewJSONHandler(w, options)), nil
	}
	return nil, fmt.Errorf("log format %q: use text or json", c.Format)
}
