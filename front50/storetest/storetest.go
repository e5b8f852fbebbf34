// Package storetest is the conformance suite of front50.Store: a room is right
// when it passes. Each rule of the door has its case.
package storetest

import (
	"encoding/json"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/gennaker/gennaker/front50"
	"github.com/gennaker/gennaker/pipeline"
)

// testCase is one rule.
type testCase struct {
	name string
	test func(*testing.T, front50.Store)
}

// Run runs the suite. Open returns an empty store and sees to its end.
func Run(t *testing.T, open func(*testing.T) front50.Store) {
	for _, cases := range [][]testCase{applicationCases, pipelineCases, templateCases, documentCases, concurrencyCases} {
		for _, c := range cases {
			t.Run(c.name, func(t *testing.T) {
				t.Parallel()
				c.test(t, open(t))
			})
		}
	}
}

// by is the author of the suite's writes.
const by front50.Author = "me@example.com"

// parse reads a JSON object.
func parse[T ~map[string]any](t *testing.T, text string) T {
	t.Helper()
	var m pipeline.Map
	require.NoError(t, json.Unmarshal([]byte(text), &m))
	return T(m)
}

// text writes a document as JSON, which shows number forms.
func text[T ~map[string]any](t *testing.T, doc T, without ...string) string {
	t.Helper()
	m := pipeline.Map(doc).Clone()
	for _, key := range without {
		delete(m, key)
	}
	b, err := pipeline.EncodeValue(m)
	require.NoError(t, err)
	return string(b)
}

// first returns the first element of a decoded list.
func first(t *testing.T, list any) any {
	t.Helper()
	require.IsType(t, []any{}, list)
	l, _ := list.([]any)
	require.NotEmpty(t, l)
	return l[0]
}

// requireText requires two documents to be the same byte for byte: number forms
// and the order of keys count, which a comparison of JSON would pass over.
func requireText(t *testing.T, want, got string) {
	t.Helper()
	require.Equal(t, want, got)
}

// requireCode requires an error with a code.
func requireCode(t *testing.T, code pipeline.Code, err error) {
	t.Helper()
	require.Error(t, err)
	require.Equal(t, code, pipeline.CodeOf(err), "%v", err)
}

// stamp returns a document's updateTs, which must be milliseconds as text.
func stamp[T ~map[string]any](t *testing.T, doc T) int64 {
	t.Helper()
	require.IsType(t, "", doc["updateTs"])
	ms, ok := pipeline.Map(doc).Int("updateTs")
	require.True(t, ok, "updateTs %q", doc["updateTs"])
	require.Greater(t, ms, int64(1_000_000_000_000))
	return ms
}

func saveApp(t *testing.T, s front50.Store, doc string) pipeline.Application {
	t.Helper()
	_, app, err := s.SaveApplication(t.Context(), parse[pipeline.Application](t, doc), by)
	require.NoError(t, err)
	return app
}

func save(t *testing.T, s front50.Store, doc string) pipeline.Pipeline {
	t.Helper()
	p, err := s.SavePipeline(t.Context(), parse[pipeline.Pipeline](t, doc), front50.SaveOptions{By: by})
	require.NoError(t, err)
	return p
}

func names(list []pipeline.Pipeline) []string {
	out := make([]string, len(list))
	for i, p := range list {
		out[i] = p.Name()
	}
	return out
}
