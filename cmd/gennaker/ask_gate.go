package main

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net/http"
	"os"
	"slices"
	"strings"
	"time"

	"github.com/gennaker/gennaker/pipeline"
)

const (
	// gateTimeout bounds one question to Gate, which gives up after 60 s itself.
	gateTimeout = 70 * time.Second
	// maxDocument bounds what the commands read from files and from Gate, in bytes.
	maxDocument = 64 << 20
)

// askGate sends a request to Gate and returns the object of its answer. What Gate
// refuses comes back in its own words.
func askGate(ctx context.Context, method, gate, path string, body []byte) (pipeline.Map, error) {
	ctx, cancel := context.WithTimeout(ctx, gateTimeout)
	defer cancel()
	request, err := http.NewRequestWithContext(ctx, method, strings.TrimSuffix(gate, "/")+path, bytes.NewReader(body))
	if err != nil {
		return nil, fmt.Errorf("the address of Gate %q is not valid: %w", gate, err)
	}
	request.Header.Set("Content-Type", "application/json")
	response, err := http.DefaultClient.Do(request)
	if err != nil {
		return nil, fmt.Errorf("gate at %s does not answer; --gate-url names another: %w", gate, err)
	}
	defer response.Body.Close() //nolint:errcheck // it was only read
	answer, err := readObject(response.Body, "gate's answer")
	switch {
	case response.StatusCode == http.StatusOK:
		return answer, err
	case err != nil || answer.String("message") == "":
		return nil, fmt.Errorf("gate answered %s", response.Status)
	}
	lines := []string{answer.String("message")}
	for _, e := range answer.List("errors") {
		m := pipeline.AsMap(e)
		if m == nil {
			continue // a detail, which the message holds
		}
		words := []string{m.String("severity"), m.String("location"), m.String("message"), m.String("cause"), m.String("suggestion")}
		lines = append(lines, "  "+strings.Join(slices.DeleteFunc(words, func(s string) bool { return s == "" }), " "))
	}
	return nil, errors.New(strings.Join(lines, "\n"))
}

// readObjectFile reads a JSON object from a file; what names it in errors.
func readObjectFile(name, what string) (pipeline.Map, error) {
	f, err := os.Open(name)
	if err != nil {
		return nil, err
	}
	defer f.Close() //nolint:errcheck // it was only read
	return readObject(f, what)
}

// readObject reads a JSON object of at most [maxDocument] bytes.
func readObject(r io.Reader, what string) (pipeline.Map, error) {
	text, err := io.ReadAll(io.LimitReader(r, maxDocument+1))
	if err != nil {
		return nil, err
	}
	if len(text) > maxDocument {
		return nil, fmt.Errorf("%s is larger than %d bytes", what, maxDocument)
	}
	var m pipeline.Map
	if err := json.Unmarshal(text, &m); err != nil {
		return nil, fmt.Errorf("%s is no JSON object: %w", what, err)
	}
	if m == nil {
		return nil, fmt.Errorf("%s is null: write a JSON object", what)
	}
	return m, nil
}
