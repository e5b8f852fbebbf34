package redismodel

import (
	"context"
	"fmt"
	"io"
	"log/slog"
	"net"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/redis/go-redis/v9"
	"github.com/stretchr/testify/require"

	"github.com/gennaker/gennaker/executions"
	"github.com/gennaker/gennaker/executions/executionstest"
	"github.com/gennaker/gennaker/internal/packed"
	"github.com/gennaker/gennaker/internal/testkit"
	"github.com/gennaker/gennaker/pipeline"
)

// roomy is a timeout that a busy test machine keeps; tests of the timeout
// itself use another.
const roomy = 10 * time.Second

func openAt(t *testing.T, c Config) *Model {
	t.Helper()
	if c.Timeout == 0 {
		c.Timeout = roomy
	}
	m, err := Open(t.Context(), c, slog.New(slog.DiscardHandler))
	require.NoError(t, err)
	t.Cleanup(func() { require.NoError(t, m.Close()) })
	return m
}

// eachRedis runs a test on a Redis server and on the embedded one.
func eachRedis(t *testing.T, test func(t *testing.T, c Config)) {
	t.Run("server", func(t *testing.T) {
		t.Parallel()
		test(t, Config{Address: testkit.Redis(t).Address})
	})
	t.Run("embedded", func(t *testing.T) {
		t.Parallel()
		test(t, Config{Address: EmbeddedAddress})
	})
}

func TestReadModel(t *testing.T) {
	t.Parallel()
	t.Run("server", func(t *testing.T) {
		t.Parallel()
		// One server for the whole suite, which runs in parallel.
		address := testkit.Redis(t).Address
		t.Run("suite", func(t *testing.T) {
			executionstest.ReadModel(t, func(t *testing.T) executions.ReadModel { return openAt(t, Config{Address: address}) })
		})
	})
	t.Run("embedded", func(t *testing.T) {
		t.Parallel()
		executionstest.ReadModel(t, func(t *testing.T) executions.ReadModel { return openAt(t, Config{Address: EmbeddedAddress}) })
	})
}

// exchanges counts round trips to Redis.
type exchanges struct{ n atomic.Int64 }

func (e *exchanges) DialHook(next redis.DialHook) redis.DialHook { return next }

func (e *exchanges) ProcessHook(next redis.ProcessHook) redis.ProcessHook {
	return func(ctx context.Context, cmd redis.Cmder) error {
		if cmd.Name() != "hello" { // a new connection, which later calls use too
			e.n.Add(1)
		}
		return next(ctx, cmd)
	}
}

func (e *exchanges) ProcessPipelineHook(next redis.ProcessPipelineHook) redis.ProcessPipelineHook {
	return func(ctx context.Context, cmds []redis.Cmder) error { e.n.Add(1); return next(ctx, cmds) }
}

func TestListsCostFewExchanges(t *testing.T) {
	t.Parallel()
	eachRedis(t, func(t *testing.T, c Config) {
		c.KeepPerPipeline = 1000
		m := openAt(t, c)
		var wg sync.WaitGroup
		for w := range 10 {
			wg.Go(func() {
				for i := range 100 {
					n := w*100 + i
					e := executionstest.Execution("app", fmt.Sprint("config", n%20), pipeline.Succeeded, executionstest.Now+pipeline.Millis(n))
					if n%50 == 0 {
						e = executionstest.With(e, pipeline.Running)
						e.EndTime = 0
					}
					_, err := m.Put(t.Context(), executionstest.Record(e, 1))
					if err != nil {
						t.Error(err)
					}
				}
			})
		}
		wg.Wait()
		count := &exchanges{}
		m.client.AddHook(count)
		for _, q := range []struct {
			name    string
			query   executions.Query
			results int
			most    int64
		}{
			{"all", executions.Query{Application: "app", Summary: true}, 1000, 5},
			{"what runs", executions.Query{Application: "app", Statuses: executions.Unfinished()}, 20, 2},
			{"newest of each pipeline", executions.Query{Application: "app", LimitPerConfig: 2, Summary: true}, 40, 3},
			{"newest of a pipeline", executions.Query{PipelineConfigIDs: []string{"config7"}, Limit: 10}, 10, 2},
		} {
			before := count.n.Load()
			got, err := m.List(t.Context(), q.query)
			require.NoError(t, err)
			require.Len(t, got, q.results, q.name)
			require.LessOrEqual(t, count.n.Load()-before, q.most, q.name)
		}
	})
}

func TestSummariesDoNotReadFullRecords(t *testing.T) {
	t.Parallel()
	m := openAt(t, Config{Address: EmbeddedAddress})
	e := executionstest.Execution("app", "config", pipeline.Running, executionstest.Now)
	_, err := m.Put(t.Context(), executionstest.Record(e, 1))
	require.NoError(t, err)
	require.NoError(t, m.client.HSet(t.Context(), prefix+"x:"+e.ID, "full", "broken").Err())
	list, err := m.List(t.Context(), executions.Query{Application: "app", Summary: true})
	require.NoError(t, err)
	require.Len(t, list, 1)
	_, err = m.Get(t.Context(), e.ID)
	require.Equal(t, pipeline.CodeNotFound, pipeline.CodeOf(err), "a record that cannot be read counts as lost")
	_, err = m.Document(t.Context(), e.ID)
	require.Equal(t, pipeline.CodeNotFound, pipeline.CodeOf(err), "and so does its document")
}

func TestOldExecutionsAreLetGo(t *testing.T) {
	t.Parallel()
	eachRedis(t, func(t *testing.T, c Config) {
		c.KeepPerPipeline, c.Retention = 20, 24*time.Hour
		m := openAt(t, c)
		now := pipeline.ToMillis(time.Now())
		ago := func(d time.Duration) pipeline.Millis { return now - pipeline.Millis(d.Milliseconds()) }
		put := func(config string, age time.Duration, status pipeline.Status, final bool) string {
			e := executionstest.Execution("app", config, status, ago(age))
			_, err := m.Put(t.Context(), executions.Record{Execution: e, Sequence: 1, PublishedAt: now, Final: final})
			require.NoError(t, err)
			return e.ID
		}
		has := func(id string) bool {
			_, err := m.Get(t.Context(), id)
			return err == nil
		}
		count := func(config string) int {
			list, err := m.List(t.Context(), executions.Query{PipelineConfigIDs: []string{config}, Summary: true})
			require.NoError(t, err)
			return len(list)
		}

		// By number: the newest 20 stay, and what runs or is not archived.
		waiting := put("busy", 100*time.Minute, pipeline.Running, false)
		unarchived := put("busy", 99*time.Minute, pipeline.Succeeded, false)
		for i := range 30 {
			put("busy", time.Duration(60-i)*time.Minute, pipeline.Succeeded, true)
		}
		require.Equal(t, 22, count("busy"))
		require.True(t, has(waiting))
		require.True(t, has(unarchived))
		coverage, err := m.Coverage(t.Context(), "app")
		require.NoError(t, err)
		require.False(t, coverage.Complete)
		require.Equal(t, map[string]pipeline.Millis{"PIPELINE:busy": ago(51 * time.Minute)}, coverage.LetGo)

		// By age: the newest ten stay however old.
		for i := range 15 {
			put("idle", time.Duration(40-i)*24*time.Hour, pipeline.Succeeded, true)
		}
		require.NoError(t, m.Sweep(t.Context()))
		require.Equal(t, keepAlways, count("idle"))
		coverage, err = m.Coverage(t.Context(), "APP")
		require.NoError(t, err)
		require.Equal(t, ago(36*24*time.Hour), coverage.LetGo["PIPELINE:idle"])

		// Long running, just ended: it is old by build time only.
		long := executionstest.Execution("app", "long", pipeline.Succeeded, ago(50*24*time.Hour))
		long.EndTime = now
		for range keepAlways + 2 {
			put("long", time.Hour, pipeline.Succeeded, true)
		}
		_, err = m.Put(t.Context(), executionstest.Final(long, 1))
		require.NoError(t, err)
		require.NoError(t, m.Sweep(t.Context()))
		require.True(t, has(long.ID))
	})
}

func TestRedisAwayFailsFast(t *testing.T) {
	t.Parallel()
	server := testkit.Redis(t)
	// Listens and never answers, as a Redis behind a broken network.
	silent, err := net.Listen("tcp", "127.0.0.1:0")
	require.NoError(t, err)
	defer func() { _ = silent.Close() }()
	go func() {
		for {
			conn, err := silent.Accept()
			if err != nil {
				return
			}
			go func() { _, _ = io.Copy(io.Discard, conn) }()
		}
	}()
	const timeout = 300 * time.Millisecond
	for name, address := range map[string]string{"killed": server.Address, "silent": silent.Addr().String()} {
		m := openAt(t, Config{Address: address, Timeout: timeout})
		if name == "killed" {
			require.NoError(t, m.Ping(t.Context()))
			server.Kill()
		}
		calls := map[string]func() error{
			"get": func() error { _, err := m.Get(t.Context(), "x"); return err },
			"put": func() error {
				_, err := m.Put(t.Context(), executionstest.Record(&pipeline.Execution{ID: "x"}, 1))
				return err
			},
			"list":     func() error { _, err := m.List(t.Context(), executions.Query{LimitPerConfig: 1}); return err },
			"delete":   func() error { return m.Delete(t.Context(), "x") },
			"watch":    func() error { _, err := m.Watch(t.Context(), executions.Topic{Execution: "x"}); return err },
			"coverage": func() error { _, err := m.Coverage(t.Context(), "x"); return err },
			"cover":    func() error { return m.Cover(t.Context(), "x", executions.Coverage{Complete: true}) },
		}
		begin := time.Now()
		for what, call := range calls {
			require.Equal(t, pipeline.CodeUnavailable, pipeline.CodeOf(call()), "%s %s", name, what)
		}
		// Only the first call waits, for one timeout at most.
		require.Less(t, time.Since(begin), 4*timeout, name)
	}
}

func TestModelComesBackWithRedis(t *testing.T) {
	t.Parallel()
	server := testkit.Redis(t)
	m := openAt(t, Config{Address: server.Address})
	e := executionstest.Execution("app", "config", pipeline.Running, executionstest.Now)
	_, err := m.Put(t.Context(), executionstest.Record(e, 1))
	require.NoError(t, err)
	require.NoError(t, m.Cover(t.Context(), "app", executions.Coverage{Complete: true}))
	server.Kill()
	_, err = m.Get(t.Context(), e.ID)
	require.Equal(t, pipeline.CodeUnavailable, pipeline.CodeOf(err))
	server.Restart(t) // empty
	require.Eventually(t, func() bool {
		_, err = m.Get(t.Context(), e.ID)
		return pipeline.CodeOf(err) == pipeline.CodeNotFound
	}, 10*time.Second, 10*time.Millisecond)
	coverage, err := m.Coverage(t.Context(), "app")
	require.NoError(t, err)
	require.False(t, coverage.Complete)
	stored, err := m.Put(t.Context(), executionstest.Record(e, 1))
	require.NoError(t, err, "scripts are loaded anew")
	require.True(t, stored)
}

func TestWatchGoesOnAfterARestart(t *testing.T) {
	t.Parallel()
	server := testkit.Redis(t)
	m := openAt(t, Config{Address: server.Address})
	e := executionstest.Execution("app", "config", pipeline.Running, executionstest.Now)
	_, err := m.Put(t.Context(), executionstest.Record(e, 1))
	require.NoError(t, err)
	var watches []<-chan executions.Event
	for _, topic := range []executions.Topic{{Execution: e.ID}, {Application: "app"}} {
		events, err := m.Watch(t.Context(), topic)
		require.NoError(t, err)
		require.Equal(t, int64(1), executionstest.Next(t, events).Record.Sequence)
		watches = append(watches, events)
	}
	server.Kill()
	server.Restart(t)
	// Written whenever the model is back, perhaps before the watch is.
	require.Eventually(t, func() bool {
		_, err := m.Put(t.Context(), executionstest.Record(e, 2))
		return err == nil
	}, 10*time.Second, 10*time.Millisecond)
	for _, events := range watches {
		require.Equal(t, int64(2), executionstest.Next(t, events).Record.Sequence)
	}
	_, err = m.Put(t.Context(), executionstest.Final(executionstest.With(e, pipeline.Succeeded), 3))
	require.NoError(t, err)
	for _, events := range watches {
		require.Equal(t, int64(3), executionstest.Next(t, events).Record.Sequence)
	}
}

func TestLargeRecordsAreCompressed(t *testing.T) {
	t.Parallel()
	m := openAt(t, Config{Address: EmbeddedAddress})
	e := executionstest.Execution("app", "config", pipeline.Running, executionstest.Now)
	for i := range 500 {
		e.Stages[0].Outputs[fmt.Sprint("line", i)] = "the quick brown fox jumps over the lazy dog"
	}
	b, _, err := executions.Record{Execution: e}.Packed()
	require.NoError(t, err)
	require.Less(t, len(b), 10_000)
	back, err := m.codec.decode(string(b))
	require.NoError(t, err)
	executionstest.RequireSame(t, e, back)
	list, err := packed.Pack([]any{})
	require.NoError(t, err)
	for name, broken := range map[string]string{"empty": "", "JSON": "{}", "cut": string(b[:len(b)/2]), "no execution": string(list)} {
		_, err := m.codec.decode(broken)
		require.Error(t, err, name)
	}
}

func TestManyLargeRecordsAreDecodedInTurn(t *testing.T) {
	t.Parallel()
	m := openAt(t, Config{Address: EmbeddedAddress})
	e := executionstest.Execution("app", "config", pipeline.Running, executionstest.Now)
	e.Stages[0].Outputs = pipeline.Map{"text": strings.Repeat("x", largeValue)}
	_, err := m.Put(t.Context(), executionstest.Record(e, 1))
	require.NoError(t, err)
	var wg sync.WaitGroup
	for range 3 * largeAtOnce {
		wg.Go(func() {
			r, err := m.Get(t.Context(), e.ID)
			if err != nil || len(r.Execution.Stages[0].Outputs.String("text")) != largeValue {
				t.Error("the record is not whole", err)
			}
		})
	}
	wg.Wait()
}

func TestConfigurationErrorsSayWhatToDo(t *testing.T) {
	t.Parallel()
	for name, c := range map[string]Config{
		"host:port":    {Address: "redis"},
		"by reference": {Address: "127.0.0.1:1", Password: "hunter2"},
	} {
		_, err := Open(t.Context(), c, slog.New(slog.DiscardHandler))
		require.ErrorContains(t, err, name)
		require.NotContains(t, err.Error(), "hunter2")
	}
	_, err := Embedded("127.0.0.1:notaport")
	require.Error(t, err)
}

// TestAPositionOutlivesRedisOnlyWithItsLog: a Redis that lost its log does not know
// positions of the time before, and watches see what it holds instead.
func TestAPositionOutlivesRedisOnlyWithItsLog(t *testing.T) {
	t.Parallel()
	server := testkit.Redis(t)
	m := openAt(t, Config{Address: server.Address})
	topic := executions.Topic{All: true}
	before, err := m.Changes(t.Context(), topic, "")
	require.NoError(t, err)
	events, err := m.Watch(t.Context(), topic)
	require.NoError(t, err)
	server.Kill()
	server.Restart(t)
	other := openAt(t, Config{Address: server.Address})
	e := executionstest.Execution("app", "config", pipeline.Running, executionstest.Now)
	require.Eventually(t, func() bool {
		_, err := other.Put(t.Context(), executionstest.Record(e, 1))
		return err == nil
	}, time.Minute, 10*time.Millisecond)
	got := executionstest.NextWhere(t, events, func(got executions.Event) bool { return got.ID == e.ID })
	require.Equal(t, int64(1), got.Record.Sequence)
	c, err := other.Changes(t.Context(), topic, before.Position)
	require.NoError(t, err)
	require.False(t, c.Known)
}

// TestOneConnectionServesAllWatches: what watches cost Redis does not grow with
// their number.
func TestOneConnectionServesAllWatches(t *testing.T) {
	t.Parallel()
	const watches = 300
	server := testkit.Redis(t)
	m := openAt(t, Config{Address: server.Address})
	e := executionstest.Execution("app", "config", pipeline.Running, executionstest.Now)
	_, err := m.Put(t.Context(), executionstest.Record(e, 1))
	require.NoError(t, err)
	var all []<-chan executions.Event
	for range watches {
		events, err := m.Watch(t.Context(), executions.Topic{Execution: e.ID})
		require.NoError(t, err)
		require.Equal(t, int64(1), executionstest.Next(t, events).Record.Sequence)
		all = append(all, events)
	}
	_, err = m.Put(t.Context(), executionstest.Record(e, 2))
	require.NoError(t, err)
	for _, events := range all {
		require.Equal(t, int64(2), executionstest.Next(t, events).Record.Sequence)
	}
	clients, err := m.client.ClientList(t.Context()).Result()
	require.NoError(t, err)
	require.LessOrEqual(t, strings.Count(clients, "cmd=xread"), 1)
	require.Less(t, strings.Count(clients, "\n"), watches/2)
}
