package payload_test

import (
	"crypto/rand"
	"encoding/base64"
	"encoding/hex"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"
	"go.temporal.io/api/common/v1"
	"go.temporal.io/sdk/converter"
	"google.golang.org/protobuf/proto"

	"github.com/gennaker/gennaker/internal/payload"
	"github.com/gennaker/gennaker/pipeline"
)

// key puts a new key into the environment and returns how it is configured.
func key(t *testing.T, name string) string {
	t.Helper()
	raw := make([]byte, 32)
	_, _ = rand.Read(raw) // it never fails
	variable := "GENNAKER_TEST_KEY_" + rand.Text()
	t.Setenv(variable, base64.StdEncoding.EncodeToString(raw))
	return name + "=env:" + variable
}

func codec(t testing.TB, keys ...string) *payload.Codec {
	t.Helper()
	ring, err := payload.OpenKeyring(t.Context(), keys)
	require.NoError(t, err)
	c, err := payload.NewCodec(ring)
	require.NoError(t, err)
	return c
}

// values are the JSON payloads of some texts.
func values(t testing.TB, texts ...string) []*common.Payload {
	t.Helper()
	var out []*common.Payload
	for _, text := range texts {
		p, err := converter.GetDefaultDataConverter().ToPayload(text)
		require.NoError(t, err)
		out = append(out, p)
	}
	return out
}

func encoding(p *common.Payload) string { return string(p.GetMetadata()[converter.MetadataEncoding]) }

func requireEqual(t *testing.T, want, have []*common.Payload) {
	t.Helper()
	require.Len(t, have, len(want))
	for i := range want {
		require.True(t, proto.Equal(want[i], have[i]), "payload %d", i)
	}
}

// It counts allocations, so it cannot run beside others.
func TestSmallPayloadsStayAsTheyAre(t *testing.T) {
	c := codec(t)
	in := values(t, "a", strings.Repeat("b", 4000))
	out, err := c.Encode(in)
	require.NoError(t, err)
	require.Same(t, in[0], out[0])
	require.Same(t, in[1], out[1])
	require.Zero(t, testing.AllocsPerRun(100, func() { _, _ = c.Encode(in); _, _ = c.Decode(in) }))
}

func TestLargePayloadsAreCompressed(t *testing.T) {
	t.Parallel()
	c := codec(t)
	in := values(t, "a", strings.Repeat("manifest ", 100_000))
	out, err := c.Encode(in)
	require.NoError(t, err)
	require.Same(t, in[0], out[0])
	require.Equal(t, "binary/zstd", encoding(out[1]))
	require.Less(t, len(out[1].GetData()), len(in[1].GetData())/50)
	require.Equal(t, "json/plain", encoding(in[1]), "what came in is not changed")
	back, err := c.Decode(out)
	require.NoError(t, err)
	requireEqual(t, in, back)

	// Text without repetitions gets smaller too.
	noise := make([]byte, 100_000)
	_, _ = rand.Read(noise) // it never fails
	in = values(t, hex.EncodeToString(noise))
	out, err = c.Encode(in)
	require.NoError(t, err)
	require.Less(t, len(out[0].GetData()), 110_000)

	// What does not get smaller stays.
	in = []*common.Payload{{Metadata: map[string][]byte{"encoding": []byte("binary/plain")}, Data: noise}}
	out, err = c.Encode(in)
	require.NoError(t, err)
	require.Same(t, in[0], out[0])
}

func TestEncryptionAndRotation(t *testing.T) {
	first, second := key(t, "first"), key(t, "second")
	old, both, fresh := codec(t, first), codec(t, second, first), codec(t, second)
	in := values(t, "hunter2", strings.Repeat("hunter2 ", 10_000))

	out, err := old.Encode(in)
	require.NoError(t, err)
	for _, p := range out {
		require.Equal(t, "binary/encrypted", encoding(p))
		require.Equal(t, "first", string(p.GetMetadata()["encryption-key-id"]))
		require.NotContains(t, string(p.GetData()), "hunter2")
	}
	require.Less(t, len(out[1].GetData()), 10_000, "it is compressed first")
	again, err := old.Encode(in)
	require.NoError(t, err)
	require.NotEqual(t, out[0].GetData(), again[0].GetData(), "equal values do not look equal")

	// While both keys are known the new one encrypts and both decrypt.
	back, err := both.Decode(out)
	require.NoError(t, err)
	requireEqual(t, in, back)
	out2, err := both.Encode(in)
	require.NoError(t, err)
	require.Equal(t, "second", string(out2[0].GetMetadata()["encryption-key-id"]))
	back, err = fresh.Decode(out2)
	require.NoError(t, err)
	requireEqual(t, in, back)

	// What nobody encrypted is read all the same: it was there before.
	back, err = fresh.Decode(in)
	require.NoError(t, err)
	requireEqual(t, in, back)

	for name, c := range map[string]*payload.Codec{"another key": fresh, "no key": codec(t)} {
		_, err = c.Decode(out)
		require.Equal(t, pipeline.CodeUnavailable, pipeline.CodeOf(err), name)
		require.ErrorContains(t, err, `"first", which is not configured`)
	}
	// The same name for another key, and a payload that somebody touched.
	_, err = codec(t, key(t, "first")).Decode(out)
	require.Equal(t, pipeline.CodeInvalid, pipeline.CodeOf(err))
	out[0].Data[20] ^= 1
	_, err = old.Decode(out)
	require.Equal(t, pipeline.CodeInvalid, pipeline.CodeOf(err))
}

func TestDamagedPayloads(t *testing.T) {
	t.Parallel()
	c := codec(t)
	bomb, err := c.Encode(values(t, strings.Repeat("0", 1<<20)))
	require.NoError(t, err)
	for name, p := range map[string]*common.Payload{
		"no zstd":           {Metadata: map[string][]byte{"encoding": []byte("binary/zstd")}, Data: []byte("text")},
		"cut short":         {Metadata: map[string][]byte{"encoding": []byte("binary/zstd")}, Data: bomb[0].GetData()[:100]},
		"an unknown cipher": {Metadata: map[string][]byte{"encoding": []byte("binary/encrypted"), "encryption-cipher": []byte("ROT13")}},
	} {
		_, err := c.Decode([]*common.Payload{p})
		require.Equal(t, pipeline.CodeInvalid, pipeline.CodeOf(err), name)
	}
}

func TestValuesThatAreTooLarge(t *testing.T) {
	t.Parallel()
	_, err := codec(t).Encode(values(t, strings.Repeat("0", payload.MaxSize)))
	require.Equal(t, pipeline.CodeTooLarge, pipeline.CodeOf(err))
}

func TestKeyrings(t *testing.T) {
	good := key(t, "good")
	t.Setenv("GENNAKER_TEST_HEX", hex.EncodeToString(make([]byte, 32)))
	t.Setenv("GENNAKER_TEST_SHORT", "c2hvcnQ=")
	_, err := payload.OpenKeyring(t.Context(), []string{good, "hex=env:GENNAKER_TEST_HEX"})
	require.NoError(t, err)
	for want, keys := range map[string][]string{
		"encryption key 1: write it as":    {"file:/run/key"},
		"encryption key 2: write it as":    {good, "two words=env:X"},
		"given twice":                      {good, good},
		"GENNAKER_TEST_ABSENT":             {"k=env:GENNAKER_TEST_ABSENT"},
		"key k: it must be 32 bytes in ba": {"k=env:GENNAKER_TEST_SHORT"},
		"must be given by reference":       {"k=c2hvcnQ="},
	} {
		_, err := payload.OpenKeyring(t.Context(), keys)
		require.ErrorContains(t, err, want)
		require.NotContains(t, err.Error(), "c2hvcnQ")
	}
}

// What a value costs on its way out and in again, by its size. The object store
// is not called.
func BenchmarkCodec(b *testing.B) {
	for name, text := range map[string]string{
		"300B": strings.Repeat("abc", 100), "3KB": strings.Repeat("abc", 1000),
		"5MB": manifests(5 << 20), "32MB": manifests(32 << 20),
	} {
		b.Run(name, func(b *testing.B) {
			c := codec(b)
			in := values(b, text)
			b.ReportAllocs()
			b.SetBytes(int64(len(text)))
			for b.Loop() {
				out, err := c.Encode(in)
				if err == nil {
					_, err = c.Decode(out)
				}
				require.NoError(b, err)
			}
		})
	}
}

// manifests is text like a list of Kubernetes objects, with noise in it.
func manifests(size int) string {
	var text strings.Builder
	for text.Len() < size {
		text.WriteString(`{"apiVersion":"v1","kind":"ConfigMap","metadata":{"name":"` + rand.Text() +
			`","namespace":"default","labels":{"app.kubernetes.io/name":"demo"}},"data":{"key":"` + rand.Text() + rand.Text() + `"}}` + "\n")
	}
	return text.String()
}
