// Package secret opens references to secrets, so that configuration files,
// flags and process lists hold only where a secret is, never the secret.
package secret

import (
	"context"
	"fmt"
	"io"
	"os"
	"strings"
)

// maxBytes bounds a secret's file.
const maxBytes = 64 << 10

// Resolve opens a reference: "file:/path" is the content of the file without
// the line end at its end, "env:NAME" the value of the environment variable. An
// empty reference is an empty secret.
//
// It returns an error for any other form, whose text is never repeated since it
// may be a secret written in the wrong place, and for a file or variable that
// is missing or empty.
func Resolve(ctx context.Context, ref string) (string, error) {
	if err := ctx.Err(); err != nil {
		return "", err
	}
	if ref == "" {
		return "", nil
	}
	kind, name, found := strings.Cut(ref, ":")
	if found && name != "" {
		switch kind {
		case "file":
			return fromFile(name)
		case "env":
			return fromEnv(name)
		}
	}
	return "", fmt.Errorf("a secret must be given by reference: write file:/path/to/secret or env:NAME")
}

func fromFile(path string) (string, error) {
	f, err := os.Open(path)
	if err != nil {
		return "", fmt.Errorf("open the secret's file: %w", err)
	}
	defer func() { _ = f.Close() }() // opened for reading only
	b, err := io.ReadAll(io.LimitReader(f, maxBytes+1))
	if err != nil {
		return "", fmt.Errorf("read the secret's file %s: %w", path, err)
	}
	if len(b) > maxBytes {
		return "", fmt.Errorf("the secret's file %s is over %d bytes: it should hold the secret alone", path, maxBytes)
	}
	s := strings.TrimRight(string(b), "\r\n")
	if s == "" {
		return "", fmt.Errorf("the secret's file %s is empty", path)
	}
	return s, nil
}

func fromEnv(name string) (string, error) {
	s := os.Getenv(name)
	if s == "" {
		return "", fmt.Errorf("the environment variable %s, which should hold a secret, is not set", name)
	}
	return s, nil
}
