package s3store_test

import (
	"bufio"
	"context"
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"fmt"
	"log/slog"
	"math/rand/v2"
	"os"
	"os/exec"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/minio/minio-go/v7"
	"github.com/stretchr/testify/require"

	"github.com/gennaker/gennaker/front50"
	"github.com/gennaker/gennaker/front50/s3store"
	"github.com/gennaker/gennaker/internal/testkit"
	"github.com/gennaker/gennaker/pipeline"
)

// sealed returns a large pipeline that shows when a part of it is missing.
func sealed(id string, version int) pipeline.Pipeline {
	payload := strings.Repeat(fmt.Sprintf("%s %d;", id, version), 3000)
	sum := sha256.Sum256([]byte(payload))
	return pipeline.Pipeline{
		"id": id, "name": "pipeline " + id, "application": "shop", "version": int64(version),
		"payload": payload, "sum": hex.EncodeToString(sum[:]),
	}
}

// requireWhole requires every version of every pipeline in the bucket to be
// whole, and returns the latest version by ID.
func requireWhole(t *testing.T, server *testkit.MinIOServer) map[string]int64 {
	t.Helper()
	h := byHand(t, server)
	latest := map[string]int64{}
	for o := range h.client.ListObjects(t.Context(), h.bucket, minio.ListObjectsOptions{Prefix: "front50/pipelines/", Recursive: true, WithVersions: true}) {
		require.NoError(t, o.Err)
		if o.IsDeleteMarker || !strings.HasSuffix(o.Key, "/pipeline-metadata.json") {
			continue
		}
		object, err := h.client.GetObject(t.Context(), h.bucket, o.Key, minio.GetObjectOptions{VersionID: o.VersionID})
		require.NoError(t, err)
		var doc map[string]any
		require.NoError(t, json.NewDecoder(object).Decode(&doc), o.Key)
		sum := sha256.Sum256([]byte(doc["payload"].(string)))
		require.Equal(t, doc["sum"], hex.EncodeToString(sum[:]), o.Key)
		if o.IsLatest {
			latest[doc["id"].(string)] = int64(doc["version"].(float64))
		}
	}
	return latest
}

func TestObjectStoreDownAndBack(t *testing.T) {
	t.Parallel()
	server := testkit.MinIO(t)
	log := &lines{}
	c := config(t, server)
	s := openLogging(t, c, log)
	ctx := t.Context()
	saveApp(t, s, `{"name":"shop","email":"a@b.c","permissions":{"READ":["dev"]}}`)
	p := save(t, s, `{"name":"Deploy","application":"shop"}`)
	require.NoError(t, s.Health(ctx))

	server.Kill()
	for range 20 {
		apps, err := s.Applications(ctx)
		require.NoError(t, err)
		require.Len(t, apps, 1)
		require.Equal(t, map[string]any{"READ": []any{"dev"}}, apps[0]["permissions"])
		app, err := s.Application(ctx, "shop")
		require.NoError(t, err)
		require.Equal(t, apps[0], app)
		list, err := s.Pipelines(ctx, "shop")
		require.NoError(t, err)
		require.Len(t, list, 1)
		read, err := s.Pipeline(ctx, p.ID())
		require.NoError(t, err)
		require.Equal(t, p, read)
	}
	writes := map[string]func() error{
		"save pipeline":   func() error { _, err := s.SavePipeline(ctx, p, front50.SaveOptions{}); return err },
		"new pipeline":    func() error { _, err := s.SavePipeline(ctx, sealed("n", 1), front50.SaveOptions{}); return err },
		"delete pipeline": func() error { return s.DeletePipeline(ctx, p.ID(), "") },
		"save application": func() error {
			_, _, err := s.SaveApplication(ctx, pipeline.Application{"name": "shop"}, "")
			return err
		},
		"delete application": func() error { _, err := s.DeleteApplication(ctx, "shop", ""); return err },
		"history":            func() error { _, err := s.PipelineHistory(ctx, p.ID(), 0); return err },
		"unknown pipeline":   func() error { _, err := s.Pipeline(ctx, "unknown"); return err },
	}
	for name, write := range writes {
		err := write()
		require.Equal(t, pipeline.CodeUnavailable, pipeline.CodeOf(err), "%s: %v", name, err)
		require.Contains(t, pipeline.MessageOf(err), server.Endpoint)
		require.Contains(t, pipeline.MessageOf(err), "try again")
	}
	require.Equal(t, pipeline.CodeUnavailable, pipeline.CodeOf(s.Health(ctx)))
	require.Equal(t, 1, log.count("does not answer: configuration is read from memory"), "told once: %s", &log.buf)
	begin := time.Now()
	for range 1000 {
		_, err := s.Pipelines(ctx, "shop")
		require.NoError(t, err)
		_, err = s.Pipeline(ctx, p.ID())
		require.NoError(t, err)
	}
	require.Less(t, time.Since(begin), 5*time.Second, "reads do not wait for an object store that is known to be down")

	server.Restart(t)
	require.Eventually(t, func() bool {
		_, err := s.SavePipeline(ctx, p, front50.SaveOptions{By: "back"})
		return err == nil
	}, patience, 50*time.Millisecond)
	require.Equal(t, 1, log.count("answers again"))
	read, err := s.Pipeline(ctx, p.ID())
	require.NoError(t, err)
	require.Equal(t, "back", read["lastModifiedBy"])
	list, err := s.Pipelines(ctx, "")
	require.NoError(t, err)
	require.Len(t, list, 1, "what was refused did not happen")
	require.NoError(t, s.Health(ctx))
}

// TestSilentObjectStore is a network that takes packets and gives none back.
func TestSilentObjectStore(t *testing.T) {
	t.Parallel()
	server := testkit.SharedMinIO(t)
	network := newRelay(t, server.Endpoint)
	c := config(t, server)
	c.ObjectStore.Endpoint = network.address
	s := open(t, c)
	p := save(t, s, `{"name":"Deploy","application":"shop"}`)
	network.silent.Store(true)
	begin := time.Now()
	read, err := s.Pipeline(t.Context(), p.ID())
	require.NoError(t, err)
	require.Equal(t, p, read)
	_, err = s.Pipelines(t.Context(), "shop")
	require.NoError(t, err)
	require.Less(t, time.Since(begin), 15*time.Second)
	ctx, cancel := context.WithTimeout(t.Context(), time.Second)
	defer cancel()
	_, err = s.SavePipeline(ctx, p, front50.SaveOptions{})
	require.Error(t, err)
	network.silent.Store(false)
	network.cut()
	require.Eventually(t, func() bool {
		_, err := s.SavePipeline(t.Context(), p, front50.SaveOptions{})
		return err == nil
	}, patience, 50*time.Millisecond)
}

// TestCutConnections cuts the network in the midst of writes, again and again.
func TestCutConnections(t *testing.T) {
	t.Parallel()
	server := testkit.SharedMinIO(t)
	network := newRelay(t, server.Endpoint)
	c := config(t, server)
	c.ObjectStore.Endpoint = network.address
	s := open(t, c)
	random := rand.New(rand.NewPCG(1, 2))
	saved, cuts := map[string]int64{}, 0
	for version := range 40 {
		id := fmt.Sprintf("p%d", version%4)
		network.cutAfter.Store(1 + random.Int64N(60_000))
		ctx, cancel := context.WithTimeout(t.Context(), patience)
		if _, err := s.SavePipeline(ctx, sealed(id, version), front50.SaveOptions{}); err == nil {
			saved[id] = int64(version)
		} else {
			require.Equal(t, pipeline.CodeUnavailable, pipeline.CodeOf(err), "%v", err)
		}
		cancel()
		if network.cutAfter.Load() <= 0 {
			cuts++
		}
	}
	network.cutAfter.Store(0)
	require.Greater(t, cuts, 5)
	latest := requireWhole(t, server)
	for id, version := range saved {
		require.GreaterOrEqual(t, latest[id], version, "an acknowledged save of %s is lost", id)
	}
	// Memory agrees with the bucket again.
	require.Eventually(t, func() bool {
		list, err := s.Pipelines(t.Context(), "shop")
		if err != nil || len(list) != len(latest) {
			return false
		}
		for _, p := range list {
			if v, _ := pipeline.Map(p).Int("version"); v != latest[p.ID()] {
				read, err := s.Pipeline(t.Context(), p.ID())
				return err == nil && read["version"] == latest[p.ID()]
			}
		}
		return true
	}, patience, 50*time.Millisecond)
}

// TestKilledObjectStore kills MinIO while it is written to.
func TestKilledObjectStore(t *testing.T) {
	t.Parallel()
	server := testkit.MinIO(t)
	s := open(t, config(t, server))
	const writers, kills = 4, 3
	var (
		running sync.WaitGroup
		mu      sync.Mutex
		saved   = map[string]int64{}
	)
	ctx, stop := context.WithCancel(t.Context())
	defer stop()
	count := func() (n int64) {
		mu.Lock()
		defer mu.Unlock()
		for _, v := range saved {
			n += v
		}
		return n
	}
	for w := range writers {
		running.Go(func() {
			id := fmt.Sprintf("w%d", w)
			for version := 1; ctx.Err() == nil; version++ {
				if _, err := s.SavePipeline(ctx, sealed(id, version), front50.SaveOptions{}); err == nil {
					mu.Lock()
					saved[id] = int64(version)
					mu.Unlock()
				}
			}
		})
	}
	for range kills {
		before := count()
		require.Eventually(t, func() bool { return count() > before+20 }, patience, time.Millisecond)
		server.Kill()
		server.Restart(t)
	}
	before := count()
	require.Eventually(t, func() bool { return count() > before }, patience, time.Millisecond)
	stop()
	running.Wait()
	latest := requireWhole(t, server)
	for id, version := range saved {
		require.GreaterOrEqual(t, latest[id], version, "an acknowledged save of %s is lost", id)
	}
}

// writerEnv tells a process of this test binary to be the writer of
// TestKilledWriter; it holds the store's configuration.
const writerEnv = "GENNAKER_TEST_S3STORE_WRITER"

// TestKilledWriter kills the process that writes, as kill -9 does.
func TestKilledWriter(t *testing.T) {
	if text := os.Getenv(writerEnv); text != "" {
		writeForEver(t, text)
	}
	t.Parallel()
	server := testkit.SharedMinIO(t)
	c := config(t, server)
	text, err := json.Marshal(c)
	require.NoError(t, err)
	program, err := os.Executable()
	require.NoError(t, err)
	acknowledged := int64(0)
	for round := range 3 {
		writer := exec.Command(program, "-test.run=^TestKilledWriter$")
		writer.Env = append(os.Environ(), writerEnv+"="+string(text))
		out, err := writer.StdoutPipe()
		require.NoError(t, err)
		require.NoError(t, writer.Start())
		said := bufio.NewScanner(out)
		for n := 0; n < 15+3*round && said.Scan(); n++ {
			_, err := fmt.Sscanf(said.Text(), "saved %d", &acknowledged)
			require.NoError(t, err, said.Text())
		}
		require.NoError(t, writer.Process.Kill())
		for said.Scan() { // what it said before it died
			_, _ = fmt.Sscanf(said.Text(), "saved %d", &acknowledged)
		}
		require.Error(t, writer.Wait(), "the writer ends only by being killed")
		require.GreaterOrEqual(t, requireWhole(t, server)["x"], acknowledged)
	}
	require.Greater(t, acknowledged, int64(40))
	read, err := open(t, c).Pipeline(t.Context(), "x")
	require.NoError(t, err)
	version, _ := pipeline.Map(read).Int("version")
	require.GreaterOrEqual(t, version, acknowledged)
}

func writeForEver(t *testing.T, text string) {
	var c s3store.Config
	require.NoError(t, json.Unmarshal([]byte(text), &c))
	s, err := s3store.Open(t.Context(), c, slog.New(slog.DiscardHandler))
	require.NoError(t, err)
	version := 0
	if p, err := s.Pipeline(t.Context(), "x"); err == nil {
		v, _ := pipeline.Map(p).Int("version")
		version = int(v)
	}
	for {
		version++
		_, err := s.SavePipeline(t.Context(), sealed("x", version), front50.SaveOptions{})
		require.NoError(t, err)
		fmt.Printf("saved %d\n", version)
	}
}
