package e2e

import (
	"bytes"
	"context"
	"encoding/json"
	"fmt"
	"net/http"
	"os"
	"path/filepath"
	"regexp"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/require"
	"sigs.k8s.io/yaml"

	"github.com/gennaker/gennaker/e2e/harness"
)

// contract is one conversation of contracts/; see the README there.
type contract struct {
	// Client is whose conversation it is, About what it does.
	Client string `json:"client"`
	About  string `json:"about"`
	Calls  []call `json:"calls"`
}

// call is one request and what the client needs of the answer.
type call struct {
	// Send is the request line: a method and a target as the client writes it.
	Send   string            `json:"send"`
	Header map[string]string `json:"header"`
	Body   any               `json:"body"`
	// Form is sent in place of a body, as a browser's form.
	Form string `json:"form"`
	// Status is the answer's; 200 when absent.
	Status int `json:"status"`
	// Empty is set for an answer without a body.
	Empty bool `json:"empty"`
	// Has is the shape that the answer must have.
	Has any `json:"has"`
	// Keep remembers values of the answer, by their path.
	Keep map[string]string `json:"keep"`
	// Until repeats the call until the answer has this shape.
	Until any `json:"until"`
}

// TestContracts replays what real clients send, and looks for what they need in the
// answers.
func TestContracts(t *testing.T) {
	t.Parallel()
	files, err := filepath.Glob(filepath.Join("contracts", "*.yaml"))
	require.NoError(t, err)
	require.NotEmpty(t, files)
	seen := &served{}
	t.Run("clients", func(t *testing.T) {
		for _, file := range files {
			raw, err := os.ReadFile(file)
			require.NoError(t, err)
			var conversations []contract
			require.NoError(t, yaml.UnmarshalStrict(raw, &conversations), file)
			for _, c := range conversations {
				for _, one := range c.Calls {
					seen.add(one.Send)
				}
				t.Run(c.Client+": "+c.About, func(t *testing.T) {
					t.Parallel()
					runContract(t, c)
				})
			}
		}
	})
	t.Run("every endpoint of the first tier is asked", func(t *testing.T) {
		raw, err := os.ReadFile(filepath.Join("contracts", "tier1.txt"))
		require.NoError(t, err)
		var missing []string
		for line := range strings.Lines(string(raw)) {
			line = strings.TrimSpace(line)
			if line != "" && !strings.HasPrefix(line, "#") && !seen.has(line) {
				missing = append(missing, line)
			}
		}
		require.Empty(t, missing)
	})
}

// served are the requests of all contracts.
type served struct{ lines []string }

func (s *served) add(send string) {
	line, _, _ := strings.Cut(send, "?")
	s.lines = append(s.lines, line)
}

// has reports whether some request fits "METHOD /path/{parameter}".
func (s *served) has(endpoint string) bool {
	pattern := regexp.MustCompile("^" + regexp.MustCompile(`\\\{[^/]*\\\}`).ReplaceAllString(regexp.QuoteMeta(endpoint), `[^/]+`) + "$")
	for _, l := range s.lines {
		if pattern.MatchString(l) {
			return true
		}
	}
	return false
}

func runContract(t *testing.T, c contract) {
	ctx := within(t, 2*time.Minute)
	w := newWorld(t, ctx)
	words := map[string]string{"application": w.Application, "namespace": w.Namespace}
	for i, one := range c.Calls {
		var fault error
		send := func() error {
			answer, err := sendCall(ctx, w.Gate, one, words)
			if err == nil {
				err = one.check(answer, words)
			}
			return err
		}
		if one.Until == nil {
			fault = send()
		} else {
			for fault = send(); fault != nil && ctx.Err() == nil; fault = send() {
				select { // as the client polls
				case <-ctx.Done():
				case <-time.After(100 * time.Millisecond):
				}
			}
		}
		require.NoError(t, fault, "call %d: %s", i+1, fill(one.Send, words))
	}
}

func sendCall(ctx context.Context, gate *harness.Gate, c call, words map[string]string) (harness.Answer, error) {
	method, target, found := strings.Cut(fill(c.Send, words), " ")
	if !found {
		return harness.Answer{}, fmt.Errorf("%q: write a method and a target", c.Send)
	}
	var body []byte
	var headers []string
	if c.Body != nil {
		raw, err := json.Marshal(c.Body)
		if err != nil {
			return harness.Answer{}, err
		}
		body = []byte(fill(string(raw), words))
	}
	if c.Form != "" {
		body = []byte(fill(c.Form, words))
		headers = append(headers, "Content-Type", "application/x-www-form-urlencoded")
	}
	for name, value := range c.Header {
		headers = append(headers, name, fill(value, words))
	}
	return gate.Do(ctx, method, strings.ReplaceAll(target, " ", "%20"), body, headers...)
}

// fill writes the words that are known in the place of {{word}}.
func fill(text string, words map[string]string) string {
	for word, value := range words {
		text = strings.ReplaceAll(text, "{{"+word+"}}", value)
	}
	return text
}

func (c call) check(a harness.Answer, words map[string]string) error {
	status := c.Status
	if status == 0 {
		status = http.StatusOK
	}
	if a.Status != status {
		return fmt.Errorf("status %d, want %d: %.500s", a.Status, status, a.Body)
	}
	if a.Header.Get("X-Spinnaker-Request-Id") == "" {
		return fmt.Errorf("the answer has no X-SPINNAKER-REQUEST-ID")
	}
	if len(a.Body) == 0 {
		if c.Has != nil || c.Until != nil || len(c.Keep) > 0 {
			return fmt.Errorf("the answer is empty")
		}
		if a.Header.Get("Content-Type") != "" {
			return fmt.Errorf("the empty answer has the content type %q", a.Header.Get("Content-Type"))
		}
		return nil
	}
	if c.Empty {
		return fmt.Errorf("the answer is not empty: %.500s", a.Body)
	}
	if a.Header.Get("Content-Type") == "application/x-yaml" && c.Has == nil && c.Until == nil && len(c.Keep) == 0 {
		return nil // Deck takes YAML too; what is in it no client reads
	}
	if got := a.Header.Get("Content-Type"); !strings.HasPrefix(got, "application/json") {
		return fmt.Errorf("the content type is %q, which clients take for a logged-out page", got)
	}
	decoder := json.NewDecoder(bytes.NewReader(a.Body))
	decoder.UseNumber()
	var v any
	if err := decoder.Decode(&v); err != nil {
		return err
	}
	if status >= http.StatusBadRequest {
		if m, _ := v.(map[string]any); m["message"] == nil || m["message"] == "" {
			return fmt.Errorf("the error has no message: %.500s", a.Body)
		}
	}
	for _, want := range []any{c.Has, c.Until} {
		if want == nil {
			continue
		}
		if err := shaped(v, want, "$", words); err != nil {
			return fmt.Errorf("%w in %.1500s", err, a.Body)
		}
	}
	for word, path := range c.Keep {
		value, err := at(v, path)
		if err != nil {
			return err
		}
		words[word] = value
	}
	return nil
}

// shaped compares a value with a shape; see the README of contracts/.
func shaped(v, shape any, path string, words map[string]string) error {
	switch shape := shape.(type) {
	case map[string]any:
		m, is := v.(map[string]any)
		if !is {
			return fmt.Errorf("%s is no object", path)
		}
		for key, want := range shape {
			key = fill(key, words)
			value, has := m[key]
			if want == "absent" {
				if has {
					return fmt.Errorf("%s.%s is there", path, key)
				}
				continue
			}
			if !has {
				return fmt.Errorf("%s.%s is missing", path, key)
			}
			if err := shaped(value, want, path+"."+key, words); err != nil {
				return err
			}
		}
		return nil
	case []any:
		return shapedList(v, shape, path, words)
	case string:
		return worded(v, fill(shape, words), path)
	}
	want, _ := json.Marshal(shape) // it came as YAML
	got, _ := json.Marshal(v)
	if !bytes.Equal(want, got) {
		return fmt.Errorf("%s is %s, want %s", path, got, want)
	}
	return nil
}

// shapedList wants one element of each shape at least; with "only" first, each
// element in its place and no more; with "each" first, every element of the shape.
func shapedList(v any, shapes []any, path string, words map[string]string) error {
	list, is := v.([]any)
	if !is {
		return fmt.Errorf("%s is no list", path)
	}
	if len(shapes) > 0 && shapes[0] == "each" {
		for i, e := range list {
			if err := shaped(e, shapes[1], fmt.Sprintf("%s[%d]", path, i), words); err != nil {
				return err
			}
		}
		return nil
	}
	if len(shapes) > 0 && shapes[0] == "only" {
		if len(list) != len(shapes)-1 {
			return fmt.Errorf("%s has %d elements, want %d", path, len(list), len(shapes)-1)
		}
		for i, want := range shapes[1:] {
			if err := shaped(list[i], want, fmt.Sprintf("%s[%d]", path, i), words); err != nil {
				return err
			}
		}
		return nil
	}
	for _, want := range shapes {
		found := false
		for _, e := range list {
			found = found || shaped(e, want, path, words) == nil
		}
		if !found {
			return fmt.Errorf("%s has no element like %v", path, want)
		}
	}
	return nil
}

// worded compares a value with a word for its type, or with a text after "=" or a
// pattern after "~".
func worded(v any, word, path string) error {
	if text, isExact := strings.CutPrefix(word, "="); isExact {
		if v != text {
			return fmt.Errorf("%s is %v, want %q", path, v, text)
		}
		return nil
	}
	if pattern, isPattern := strings.CutPrefix(word, "~"); isPattern {
		text, is := v.(string)
		if !is || !regexp.MustCompile("^(?:"+pattern+")$").MatchString(text) {
			return fmt.Errorf("%s is %v, want %s", path, v, pattern)
		}
		return nil
	}
	for one := range strings.SplitSeq(word, "|") {
		var is bool
		switch one {
		case "any":
			is = true
		case "null":
			is = v == nil
		case "string":
			_, is = v.(string)
		case "number":
			_, is = v.(json.Number)
		case "boolean":
			_, is = v.(bool)
		case "object":
			_, is = v.(map[string]any)
		case "list":
			_, is = v.([]any)
		case "strings":
			list, isList := v.([]any)
			is = isList
			for _, e := range list {
				_, isText := e.(string)
				is = is && isText
			}
		default:
			return fmt.Errorf("%s: %q is no word of a shape", path, one)
		}
		if is {
			return nil
		}
	}
	return fmt.Errorf("%s is %v, want %s", path, v, word)
}

// at returns the text at a path such as ref, [0].id or stages[0].id. The end "/"
// takes what comes after the last slash, as clients do with references.
func at(v any, path string) (string, error) {
	last := strings.HasSuffix(path, "/")
	for part := range strings.FieldsFuncSeq(strings.TrimSuffix(path, "/"), func(c rune) bool { return strings.ContainsRune(".[]", c) }) {
		switch of := v.(type) {
		case map[string]any:
			v = of[part]
		case []any:
			var i int
			if _, err := fmt.Sscan(part, &i); err != nil || i >= len(of) {
				return "", fmt.Errorf("%s: there is no element %s", path, part)
			}
			v = of[i]
		default:
			return "", fmt.Errorf("%s: there is no %s", path, part)
		}
	}
	text := fmt.Sprint(v)
	if last {
		text = text[strings.LastIndexByte(text, '/')+1:]
	}
	if v == nil || text == "" {
		return "", fmt.Errorf("%s is empty", path)
	}
	return text, nil
}
