package payload_test

import (
	"context"
	"strconv"
	"sync"
	"testing"
	"time"

	"github.com/minio/minio-go/v7"
	"github.com/stretchr/testify/require"
	"go.temporal.io/api/common/v1"
	"go.temporal.io/sdk/converter"
	"google.golang.org/protobuf/proto"

	"github.com/gennaker/gennaker/internal/payload"
	"github.com/gennaker/gennaker/internal/testkit"
	"github.com/gennaker/gennaker/pipeline"
)

func driverOf(p *payload.Payloads) converter.StorageDriver { return p.Storage().Drivers[0] }

func (r *rig) store1(p *payload.Payloads, in *common.Payload) converter.StorageDriverClaim {
	r.Helper()
	claims, err := driverOf(p).Store(converter.StorageDriverStoreContext{Context: r.Context()}, []*common.Payload{in})
	require.NoError(r, err)
	return claims[0]
}

// Equal payloads are one object, written once, whoever writes it.
func TestEqualPayloadsAreOneObject(t *testing.T) {
	t.Parallel()
	r := newRig(t, testkit.SharedMinIO(t))
	in := values(t, manifests(100<<10))[0]
	in.Metadata["another"] = []byte("key") // maps have no order
	var wg sync.WaitGroup
	for range 8 {
		wg.Go(func() { r.store1(r.payloads(), proto.CloneOf(in)) })
	}
	wg.Wait()
	require.Len(t, r.objects(), 1)
	versions := 0
	for range r.bucket.ListObjectsIter(t.Context(), r.store.Bucket, minio.ListObjectsOptions{Prefix: payload.Prefix, Recursive: true, WithVersions: true}) {
		versions++
	}
	require.Equal(t, 1, versions)
}

// Nothing is fetched or stored twice by one process.
func TestTheCacheSavesCalls(t *testing.T) {
	t.Parallel()
	r := newRig(t, testkit.MinIO(t))
	p, other := r.payloads(), r.payloads()
	in := values(t, manifests(100<<10))[0]
	claim := r.store1(p, in)
	get := func(p *payload.Payloads) (*common.Payload, error) {
		out, err := driverOf(p).Retrieve(converter.StorageDriverRetrieveContext{Context: t.Context()}, []converter.StorageDriverClaim{claim})
		if err != nil {
			return nil, err
		}
		return out[0], nil
	}
	out, err := get(other)
	require.NoError(t, err)
	require.True(t, proto.Equal(in, out))

	r.store.Kill()
	for _, p := range []*payload.Payloads{p, other} {
		out, err := get(p)
		require.NoError(t, err)
		require.True(t, proto.Equal(in, out))
		require.Equal(t, claim, r.store1(p, in))
	}
	began := time.Now()
	_, err = get(r.payloads())
	require.Equal(t, pipeline.CodeUnavailable, pipeline.CodeOf(err))
	require.NotErrorIs(t, err, context.DeadlineExceeded, "Gate would take it for the request's")
	require.Less(t, time.Since(began), 8*time.Second, "a workflow's task has ten seconds")
}

// A store that is away for a moment is waited for.
func TestMomentsAreWaitedFor(t *testing.T) {
	t.Parallel()
	r := newRig(t, testkit.MinIO(t))
	in := values(t, manifests(100<<10))[0]
	d := driverOf(r.payloads())
	r.store.Kill()
	stored := make(chan error, 1)
	go func() {
		_, err := d.Store(converter.StorageDriverStoreContext{Context: t.Context()}, []*common.Payload{in})
		stored <- err
	}()
	r.store.Restart(t)
	require.NoError(t, <-stored)
}

func TestReferencesThatNobodyTrusts(t *testing.T) {
	t.Parallel()
	r := newRig(t, testkit.SharedMinIO(t))
	hash := "7d399d2faecd141bdb09a7e4b4a0ed127a55147958de649df5e8d5a6c7bda22b"
	for name, claim := range map[string]map[string]string{
		"nothing":            nil,
		"another folder":     {"sha256": "../../front50/applications/demo/specification.json", "size": "100"},
		"no size":            {"sha256": hash},
		"a negative size":    {"sha256": hash, "size": "-1"},
		"a size past bounds": {"sha256": hash, "size": strconv.Itoa(1 << 40)},
	} {
		_, err := driverOf(r.payloads()).Retrieve(converter.StorageDriverRetrieveContext{Context: t.Context()}, []converter.StorageDriverClaim{{ClaimData: claim}})
		require.Equal(t, pipeline.CodeInvalid, pipeline.CodeOf(err), name)
	}
}

func TestConfigurationErrors(t *testing.T) {
	t.Parallel()
	for want, change := range map[string]func(*payload.Config){
		"payload-inline-limit is 0":  func(c *payload.Config) { c.InlineLimit = 0 },
		"payload-cache-size is -1":   func(c *payload.Config) { c.CacheSize = -1 },
		"encryption key 1: write it": func(c *payload.Config) { c.EncryptionKeys = []string{"x"} },
	} {
		c := payload.DefaultConfig()
		change(&c)
		_, err := payload.Open(t.Context(), c, payload.Where{}, quiet())
		require.ErrorContains(t, err, want)
	}
}

// What a value costs that goes to the object store and, in another process,
// comes back, by its size; and again in the same process.
func BenchmarkStore(b *testing.B) {
	for name, size := range map[string]int{"100KB": 100 << 10, "1MB": 1 << 20, "5MB": 5 << 20} {
		r := newRig(b, testkit.SharedMinIO(b))
		in := values(b, manifests(size))[0]
		get := func(p *payload.Payloads, claim converter.StorageDriverClaim) {
			_, err := driverOf(p).Retrieve(converter.StorageDriverRetrieveContext{Context: b.Context()}, []converter.StorageDriverClaim{claim})
			require.NoError(b, err)
		}
		claim := r.store1(r.payloads(), in)
		b.Run(name+"/store", func(b *testing.B) {
			for n := 0; b.Loop(); n++ {
				in.Metadata["n"] = []byte(strconv.Itoa(n))
				b.StopTimer()
				p := r.payloads()
				b.StartTimer()
				claim = r.store1(p, in)
			}
		})
		b.Run(name+"/fetch", func(b *testing.B) {
			for b.Loop() {
				b.StopTimer()
				p := r.payloads()
				b.StartTimer()
				get(p, claim)
			}
		})
		b.Run(name+"/cached", func(b *testing.B) {
			p := r.payloads()
			get(p, claim)
			for b.Loop() {
				get(p, claim)
			}
		})
	}
}
