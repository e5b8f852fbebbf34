package packed_test

import (
	"bytes"
	"errors"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/gennaker/gennaker/internal/httpjson"
	"github.com/gennaker/gennaker/internal/packed"
)

func TestDocumentsComeBack(t *testing.T) {
	t.Parallel()
	for name, v := range map[string]any{
		"nothing":  nil,
		"an empty": map[string]any{},
		"numbers":  map[string]any{"b": 5.0, "a": int64(5)},
		"a large":  map[string]any{"list": many(2000), "after": "<&>"},
	} {
		want, err := httpjson.Encode(v)
		require.NoError(t, err, name)
		p, err := packed.Pack(v)
		require.NoError(t, err, name)
		again, err := packed.Pack(v)
		require.NoError(t, err, name)
		require.Equal(t, p, again, name)
		require.True(t, packed.Valid(string(p)), name)
		require.Equal(t, len(want), packed.Size(string(p)), name)
		got, err := packed.Unpack(string(p), len(want))
		require.NoError(t, err, name)
		require.Equal(t, string(want), string(got), name)
		var out bytes.Buffer
		require.NoError(t, packed.Write(&out, string(p)), name)
		require.Equal(t, string(want), out.String(), name)
		_, err = packed.Unpack(string(p), len(want)-1)
		require.Error(t, err, name)
	}
}

func many(n int) []any {
	out := make([]any, n)
	for i := range out {
		out[i] = map[string]any{"text": strings.Repeat("x", 100)}
	}
	return out
}

func TestDamageIsFound(t *testing.T) {
	t.Parallel()
	p, err := packed.Pack(map[string]any{"list": many(100)})
	require.NoError(t, err)
	whole := string(p)
	flipped := bytes.Clone(p)
	flipped[len(flipped)-7] ^= 1 // in the checksum
	liar := bytes.Clone(p)
	copy(liar[len(liar)-4:], "\xff\xff\xff\x0f") // of its size
	for name, damaged := range map[string]string{
		"empty": "", "JSON": `{"a":"some text that is long enough"}`, "cut": whole[:len(whole)/2], "checksum": string(flipped), "size": string(liar),
	} {
		_, err := packed.Unpack(damaged, 1<<30)
		require.Error(t, err, name)
		require.Error(t, packed.Write(&bytes.Buffer{}, damaged), name)
	}
	require.False(t, packed.Valid(""))
	require.False(t, packed.Valid(`{"a":"some text that is long enough"}`))
	require.Zero(t, packed.Size("{}"))
}

type full struct{}

func (full) Write([]byte) (int, error) { return 0, errors.New("no space") }

func TestAWriterThatFailsIsReported(t *testing.T) {
	t.Parallel()
	p, err := packed.Pack(many(2000))
	require.NoError(t, err)
	require.EqualError(t, packed.Write(full{}, string(p)), "no space")
	require.EqualError(t, httpjson.EncodeTo(full{}, many(2000)), "no space")
	require.EqualError(t, httpjson.EncodeTo(full{}, "short"), "no space")
	_, err = packed.Pack(map[string]any{"no": func() {}})
	require.Error(t, err)
}
