package backup_test

import (
	"bytes"
	"compress/gzip"
	"context"
	"crypto/rand"
	"errors"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"github.com/minio/minio-go/v7"
	"github.com/minio/minio-go/v7/pkg/credentials"
	"github.com/stretchr/testify/require"

	"github.com/gennaker/gennaker/cli/backup"
	"github.com/gennaker/gennaker/internal/testkit"
	"github.com/gennaker/gennaker/pipeline"
)

// bucket is one bucket of a real MinIO.
type bucket struct {
	t      *testing.T
	client *minio.Client
	name   string
}

func newBucket(t *testing.T) *bucket {
	t.Helper()
	server := testkit.SharedMinIO(t)
	client, err := minio.New(server.Endpoint, &minio.Options{Creds: credentials.NewStaticV4(server.AccessKey, server.SecretKey, "")})
	require.NoError(t, err)
	return &bucket{t: t, client: client, name: server.Bucket}
}

func (b *bucket) put(key, text string, options minio.PutObjectOptions) {
	b.t.Helper()
	_, err := b.client.PutObject(b.t.Context(), b.name, key, strings.NewReader(text), int64(len(text)), options)
	require.NoError(b.t, err)
}

func (b *bucket) get(key string) string {
	b.t.Helper()
	r, err := b.client.GetObject(b.t.Context(), b.name, key, minio.GetObjectOptions{})
	require.NoError(b.t, err)
	raw, err := io.ReadAll(r)
	require.NoError(b.t, err, key)
	return string(raw)
}

// objects lists the objects with their contents; markers are only named.
func (b *bucket) objects() map[string]string {
	b.t.Helper()
	out := map[string]string{}
	for o := range b.client.ListObjectsIter(b.t.Context(), b.name, minio.ListObjectsOptions{Recursive: true}) {
		require.NoError(b.t, o.Err)
		out[o.Key] = b.get(o.Key)
		if strings.HasSuffix(o.Key, "/last-modified.json") {
			require.Regexp(b.t, `^\{"lastModified":\d{13}\}$`, out[o.Key])
			out[o.Key] = "marker"
		}
	}
	return out
}

// versions lists the contents of an object's versions, the newest first.
func (b *bucket) versions(key string) []string {
	b.t.Helper()
	var out []string
	for o := range b.client.ListObjectsIter(b.t.Context(), b.name, minio.ListObjectsOptions{Prefix: key, WithVersions: true}) {
		require.NoError(b.t, o.Err)
		if o.IsDeleteMarker {
			out = append(out, "deleted")
			continue
		}
		r, err := b.client.GetObject(b.t.Context(), b.name, key, minio.GetObjectOptions{VersionID: o.VersionID})
		require.NoError(b.t, err)
		raw, err := io.ReadAll(r)
		require.NoError(b.t, err)
		out = append(out, string(raw))
	}
	return out
}

// fill writes what an installation keeps.
func (b *bucket) fill() {
	b.t.Helper()
	for i := range 30 {
		b.put(fmt.Sprintf("front50/pipelines/p-%02d/pipeline-metadata.json", i), fmt.Sprintf(`{"id":"P-%02d"}`, i), minio.PutObjectOptions{ContentType: "application/json"})
	}
	b.put("front50/pipelines/last-modified.json", `{"lastModified":1700000000000}`, minio.PutObjectOptions{})
	b.put("front50/applications/größe & co/application-metadata.json", `{"name":"x"}`, minio.PutObjectOptions{})
	b.put("front50/applications/last-modified.json", `{"lastModified":1700000000000}`, minio.PutObjectOptions{})
	b.put("front50/projects/last-modified.json", `{"lastModified":1700000000000}`, minio.PutObjectOptions{}) // whose projects are deleted
	b.put("accounts/east.json", `{"name":"east"}`, minio.PutObjectOptions{})
	b.put("payloads/large", "not configuration", minio.PutObjectOptions{})
	b.put("gennaker/executions/by-id/E1/execution.json", packed(b.t, `{"id":"E1"}`), minio.PutObjectOptions{
		ContentType: "application/json", ContentEncoding: "gzip", UserMetadata: map[string]string{"Sequence": "7", "Status": "SUCCEEDED"},
	})
	b.put("gennaker/executions/index/all/1.E1", "", minio.PutObjectOptions{})
	b.put("gennaker/executions/by-id/E2/execution.json", strings.Repeat(rand.Text(), 9<<20/26), minio.PutObjectOptions{}) // goes through a file
}

func packed(t *testing.T, text string) string {
	t.Helper()
	var b bytes.Buffer
	w := gzip.NewWriter(&b)
	_, err := io.WriteString(w, text)
	require.NoError(t, err)
	require.NoError(t, w.Close())
	return b.String()
}

func (b *bucket) source(others ...string) backup.Source {
	return backup.Source{Client: b.client, Bucket: b.name, Endpoint: "minio", Root: "front50", Others: append([]string{"accounts/"}, others...)}
}

// backup writes a backup to a file.
func (b *bucket) backup(s backup.Source) string {
	b.t.Helper()
	path := filepath.Join(b.t.TempDir(), "backup.tar.gz")
	f, err := os.Create(path)
	require.NoError(b.t, err)
	_, err = backup.Write(b.t.Context(), s, f, nil)
	require.NoError(b.t, err)
	require.NoError(b.t, f.Close())
	return path
}

func (b *bucket) restore(path string, overwrite bool) (backup.Restored, error) {
	return backup.Restore(b.t.Context(), backup.Destination{Client: b.client, Bucket: b.name, Root: "front50", Overwrite: overwrite}, path, nil)
}

func TestBackupAndRestore(t *testing.T) {
	t.Parallel()
	from, to := newBucket(t), newBucket(t)
	from.fill()
	const executions = "gennaker/executions/"
	path := from.backup(from.source(executions))

	dry, err := backup.Restore(t.Context(), backup.Destination{Client: to.client, Bucket: to.name, Root: "front50", DryRun: true}, path, nil)
	require.NoError(t, err)
	require.Equal(t, int64(38), dry.Created)
	require.Empty(t, to.objects())

	var told int64
	done, err := backup.Restore(t.Context(), backup.Destination{Client: to.client, Bucket: to.name, Root: "front50"}, path, func(objects, _ int64) { told = objects })
	require.NoError(t, err)
	require.Equal(t, done.End.Objects, told)
	want := from.objects()
	delete(want, "payloads/large")
	have := to.objects()
	for key := range want {
		same := want[key] == have[key] // a difference would be megabytes to print
		require.True(t, same, key)
		delete(have, key)
	}
	require.Empty(t, have)
	info, err := to.client.StatObject(t.Context(), to.name, executions+"by-id/E1/execution.json", minio.StatObjectOptions{})
	require.NoError(t, err)
	require.Equal(t, "gzip", info.Metadata.Get("Content-Encoding"))
	require.Equal(t, "application/json", info.ContentType)
	require.Equal(t, "7", info.UserMetadata["Sequence"])

	// A second restore finds all as it is.
	done, err = to.restore(path, false)
	require.NoError(t, err)
	require.Equal(t, int64(38), done.Same)
	require.Zero(t, done.Created+done.Replaced+done.Newer)

	// Without the archive it is smaller.
	small := from.backup(from.source())
	done, err = newBucket(t).restore(small, false)
	require.NoError(t, err)
	require.Equal(t, int64(35), done.Created)
}

// What was changed after the backup is not undone unless that is asked for, and
// then nothing is half done.
func TestRestoreKeepsWhatIsNewer(t *testing.T) {
	t.Parallel()
	b := newBucket(t)
	b.fill()
	path := b.backup(b.source())
	b.put("front50/pipelines/p-99/pipeline-metadata.json", "only here", minio.PutObjectOptions{})
	require.NoError(t, b.client.RemoveObject(t.Context(), b.name, "front50/pipelines/p-01/pipeline-metadata.json", minio.RemoveObjectOptions{}))
	const edited = "front50/pipelines/p-03/pipeline-metadata.json"
	b.put(edited, `{"id":"P-03","edited":true}`, minio.PutObjectOptions{})
	done, err := b.restore(path, false)
	require.Equal(t, pipeline.CodeConflict, pipeline.CodeOf(err))
	require.ErrorContains(t, err, edited)
	require.Equal(t, int64(1), done.Newer)
	_, there := b.objects()["front50/pipelines/p-01/pipeline-metadata.json"]
	require.False(t, there, "nothing was restored")
	done, err = b.restore(path, true)
	require.NoError(t, err)
	require.Equal(t, int64(1), done.Created)
	require.Equal(t, int64(1), done.Replaced)
	require.Equal(t, `{"id":"P-03"}`, b.get(edited))
	require.Equal(t, "only here", b.get("front50/pipelines/p-99/pipeline-metadata.json"))
}

func TestHistoryIsKept(t *testing.T) {
	t.Parallel()
	from, to := newBucket(t), newBucket(t)
	const key, gone = "front50/pipelines/p/pipeline-metadata.json", "front50/pipelines/q/pipeline-metadata.json"
	for _, text := range []string{"one", "two", "three"} {
		from.put(key, text, minio.PutObjectOptions{})
		from.put(gone, text, minio.PutObjectOptions{})
	}
	require.NoError(t, from.client.RemoveObject(t.Context(), from.name, gone, minio.RemoveObjectOptions{}))
	s := from.source()
	s.History = true
	path := from.backup(s)
	_, err := to.restore(path, false)
	require.NoError(t, err)
	require.Equal(t, []string{"three", "two", "one"}, to.versions(key))
	require.Equal(t, []string{"deleted", "three", "two", "one"}, to.versions(gone))
	done, err := to.restore(path, false)
	require.NoError(t, err)
	require.Equal(t, int64(1), done.Same)
	require.Equal(t, []string{"three", "two", "one"}, to.versions(key), "it is not written again")
}

// A file that is not whole is refused before anything is written.
func TestDamagedBackupsAreRefused(t *testing.T) {
	t.Parallel()
	from, to := newBucket(t), newBucket(t)
	from.fill()
	path := from.backup(from.source())
	whole, err := os.ReadFile(path)
	require.NoError(t, err)
	write := func(content []byte) string {
		p := filepath.Join(t.TempDir(), "x")
		require.NoError(t, os.WriteFile(p, content, 0o600))
		return p
	}
	cases := map[string]struct {
		content []byte
		want    string
	}{
		"empty":           {nil, "not compressed"},
		"another file":    {[]byte("hello"), "not compressed"},
		"another archive": {[]byte(packed(t, "hello")), "does not begin as one"},
		"bytes behind":    {append(slices.Clone(whole), packed(t, strings.Repeat("x", 1024))...), "goes on behind"},
	}
	for cut := 100; cut < len(whole); cut += len(whole) / 7 {
		cases[fmt.Sprintf("cut at %d", cut)] = struct {
			content []byte
			want    string
		}{whole[:cut], "cut short"}
	}
	cases["the last byte"] = struct {
		content []byte
		want    string
	}{whole[:len(whole)-1], "cut short"}
	// The tar archive without its closing blocks and with a byte of a content turned.
	unpacked, err := gzip.NewReader(bytes.NewReader(whole))
	require.NoError(t, err)
	tar, err := io.ReadAll(unpacked)
	require.NoError(t, err)
	turned := bytes.Replace(tar, []byte(`{"id":"P-07"}`), []byte(`{"id":"P-77"}`), 1)
	cases["a byte turned"] = struct {
		content []byte
		want    string
	}{[]byte(packed(t, string(turned))), "damaged: its checksum"}
	end := bytes.LastIndex(tar, []byte("end.json"))
	cases["no end"] = struct {
		content []byte
		want    string
	}{[]byte(packed(t, string(tar[:end-end%512]))), "cut short"}
	renamed := bytes.Replace(tar, []byte("objects/accounts/east.json"), []byte("objects/payloads/east.json"), 1)
	cases["another folder"] = struct {
		content []byte
		want    string
	}{[]byte(packed(t, string(renamed))), ""}
	for name, tt := range cases {
		_, err := to.restore(write(tt.content), false)
		require.Error(t, err, name)
		require.ErrorContains(t, err, tt.want, name)
		require.Equal(t, pipeline.CodeInvalid, pipeline.CodeOf(err), name)
	}
	require.Empty(t, to.objects())

	_, err = backup.Restore(t.Context(), backup.Destination{Client: to.client, Bucket: to.name, Root: "other"}, path, nil)
	require.ErrorContains(t, err, "front50-root-folder")
	_, err = to.restore(filepath.Join(t.TempDir(), "none"), false)
	require.ErrorIs(t, err, os.ErrNotExist)
}

// A backup whose reader fails, or that is interrupted, ends, and with an error.
func TestBackupEnds(t *testing.T) {
	t.Parallel()
	b := newBucket(t)
	b.fill()
	_, err := backup.Write(t.Context(), b.source(), failing{}, nil)
	require.ErrorIs(t, err, errFull)
	ctx, cancel := context.WithCancel(t.Context())
	_, err = backup.Write(ctx, b.source(), io.Discard, func(objects, _ int64) {
		if objects == 3 {
			cancel()
		}
	})
	require.ErrorIs(t, err, context.Canceled)
	s := b.source()
	s.Bucket = "no-such-bucket"
	_, err = backup.Write(t.Context(), s, io.Discard, nil)
	require.Error(t, err)
}

var errFull = errors.New("the disk is full")

type failing struct{}

func (failing) Write([]byte) (int, error) { return 0, errFull }

// Who writes while a backup is restored is not overwritten: the restore ends and
// names the object.
func TestRestoreBesideAWriter(t *testing.T) {
	t.Parallel()
	from, to := newBucket(t), newBucket(t)
	from.fill()
	path := from.backup(from.source())
	const key = "front50/pipelines/p-29/pipeline-metadata.json" // the last that is written
	wrote := false
	_, err := backup.Restore(t.Context(), backup.Destination{Client: to.client, Bucket: to.name, Root: "front50"}, path, func(int64, int64) {
		if !wrote {
			wrote = true
			to.put(key, "somebody's", minio.PutObjectOptions{})
		}
	})
	require.Equal(t, pipeline.CodeConflict, pipeline.CodeOf(err), "%v", err)
	require.ErrorContains(t, err, key)
	require.Equal(t, "somebody's", to.get(key))
	// Another one goes on, once it is said what is to count.
	_, err = to.restore(path, false)
	require.Equal(t, pipeline.CodeConflict, pipeline.CodeOf(err), "%v", err)
	_, err = to.restore(path, true)
	require.NoError(t, err)
	require.Equal(t, from.get(key), to.get(key))
}
