// Package rolefile knows the roles of users from a file, in the form of Spinnaker's
// file-based group membership:
//
//	users:
//	  - username: alice@example.com
//	    roles: [sre, shop]
package rolefile

import (
	"bytes"
	"context"
	"fmt"
	"io"
	"os"
	"strings"
	"sync"
	"time"

	"sigs.k8s.io/yaml"
)

const (
	// maxBytes bounds the file.
	maxBytes = 8 << 20
	// readAgain is how late a change of the file is seen.
	readAgain = 2 * time.Second
)

// File is a file of roles, which is read again when it changes. It is safe for
// concurrent use.
type File struct {
	path string
	now  func() time.Time

	mu      sync.Mutex
	at      time.Time
	text    []byte
	byUser  map[string][]string
	invalid error
}

// Open reads a file. It fails when the file cannot be read or understood.
func Open(path string) (*File, error) {
	f := &File{path: path, now: time.Now}
	return f, f.refresh()
}

// Roles returns the roles of a user, whose name is compared without regard to
// case; none for one who is not in the file. A file that was broken later leaves
// the roles of before.
func (f *File) Roles(_ context.Context, user string) ([]string, error) {
	f.mu.Lock()
	defer f.mu.Unlock()
	if f.now().Sub(f.at) >= readAgain {
		_ = f.refresh() //nolint:errcheck // Err tells
	}
	return f.byUser[strings.ToLower(user)], nil
}

// Err returns what is wrong with the file as it is now.
func (f *File) Err() error {
	f.mu.Lock()
	defer f.mu.Unlock()
	return f.invalid
}

func (f *File) refresh() error {
	f.at = f.now()
	text, err := read(f.path)
	if err == nil && f.byUser != nil && bytes.Equal(text, f.text) {
		f.invalid = nil
		return nil
	}
	var byUser map[string][]string
	if err == nil {
		byUser, err = parse(text)
	}
	if err != nil {
		f.invalid = fmt.Errorf("roles file %s: %w", f.path, err)
		return f.invalid
	}
	f.text, f.byUser, f.invalid = text, byUser, nil
	return nil
}

func read(path string) ([]byte, error) {
	file, err := os.Open(path)
	if err != nil {
		return nil, err
	}
	defer func() { _ = file.Close() }() // opened for reading only
	text, err := io.ReadAll(io.LimitReader(file, maxBytes+1))
	if err == nil && len(text) > maxBytes {
		err = fmt.Errorf("it is over %d bytes", maxBytes)
	}
	return text, err
}

func parse(text []byte) (map[string][]string, error) {
	var doc struct {
		Users []struct {
			Username string   `json:"username"`
			Roles    []string `json:"roles"`
		} `json:"users"`
	}
	if err := yaml.UnmarshalStrict(text, &doc); err != nil {
		return nil, err
	}
	out := make(map[string][]string, len(doc.Users))
	for i, u := range doc.Users {
		if u.Username == "" {
			return nil, fmt.Errorf("user number %d has no username", i+1)
		}
		name := strings.ToLower(u.Username)
		out[name] = append(out[name], u.Roles...)
	}
	return out, nil
}
