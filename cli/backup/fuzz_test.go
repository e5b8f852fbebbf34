package backup

import (
	"archive/tar"
	"bytes"
	"os"
	"path/filepath"
	"testing"

	"github.com/klauspost/compress/gzip"
	"github.com/minio/minio-go/v7"
	"github.com/stretchr/testify/require"

	"github.com/gennaker/gennaker/pipeline"
)

// archive writes a small backup without a bucket.
func archive(t testing.TB) []byte {
	t.Helper()
	var out bytes.Buffer
	packed := gzip.NewWriter(&out)
	w := tar.NewWriter(packed)
	require.NoError(t, note(w, headerName, Header{Format: format, Prefixes: []string{"front50/"}, Root: "front50/"}))
	all := newChain()
	for _, key := range []string{"front50/a/x", "front50/b/y"} {
		o := &object{ObjectInfo: minio.ObjectInfo{Key: key, ETag: "e", ContentType: "application/json"}}
		require.NoError(t, o.content.fill(bytes.NewReader([]byte(`{"key":"`+key+`"}`))))
		require.NoError(t, add(w, o, all))
	}
	require.NoError(t, note(w, endName, all.sum()))
	require.NoError(t, w.Close())
	require.NoError(t, packed.Close())
	return out.Bytes()
}

// No file makes a reader fail in another way than by saying that it is none, and
// what it takes for whole is so.
func FuzzRead(f *testing.F) {
	whole := archive(f)
	f.Add(whole)
	f.Add(whole[:len(whole)/2])
	unpacked, err := gzip.NewReader(bytes.NewReader(whole))
	require.NoError(f, err)
	var tarred bytes.Buffer
	_, err = tarred.ReadFrom(unpacked)
	require.NoError(f, err)
	f.Add(tarred.Bytes())
	f.Fuzz(func(t *testing.T, content []byte) {
		// As it is, and as the content of a file that is compressed well.
		var packed bytes.Buffer
		w := gzip.NewWriter(&packed)
		_, err := w.Write(content)
		require.NoError(t, err)
		require.NoError(t, w.Close())
		for _, file := range [][]byte{content, packed.Bytes()} {
			path := filepath.Join(t.TempDir(), "backup")
			require.NoError(t, os.WriteFile(path, file, 0o600))
			var objects int64
			end, err := read(path, func(Header) error { return nil }, func(*entry) error { objects++; return nil })
			if err != nil {
				require.Equal(t, pipeline.CodeInvalid, pipeline.CodeOf(err), "%v", err)
				continue
			}
			require.Equal(t, objects, end.Objects)
		}
	})
}
