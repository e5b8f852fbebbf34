package storetest

import (
	"fmt"
	"sync"
	"sync/atomic"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/gennaker/gennaker/front50"
	"github.com/gennaker/gennaker/pipeline"
)

var concurrencyCases = []testCase{
	{"concurrency/one of many wins a new name", oneWinsName},
	{"concurrency/one of many wins a stale-checked save", oneWinsStale},
	{"concurrency/merges lose nothing", mergesLoseNothing},
	{"concurrency/one of many creates an application", oneCreates},
	{"concurrency/a deletion leaves no pipeline behind", deletionLeavesNothing},
	{"concurrency/a thousand pipelines", thousand},
}

// racers is how many goroutines race.
const racers = 20

// race runs f in racers goroutines that begin together.
func race(f func(i int)) {
	var (
		ready, done sync.WaitGroup
		start       = make(chan struct{})
	)
	ready.Add(racers)
	for i := range racers {
		done.Go(func() {
			ready.Done()
			<-start
			f(i)
		})
	}
	ready.Wait()
	close(start)
	done.Wait()
}

func oneWinsName(t *testing.T, s front50.Store) {
	var won atomic.Int64
	errs := make([]error, racers)
	race(func(i int) {
		p := pipeline.Pipeline{"name": "Deploy", "application": "shop", "racer": int64(i)}
		if i%2 == 1 {
			p["id"] = fmt.Sprintf("id-%d", i)
		}
		if _, errs[i] = s.SavePipeline(t.Context(), p, front50.SaveOptions{By: by}); errs[i] == nil {
			won.Add(1)
		}
	})
	require.Equal(t, int64(1), won.Load())
	for _, err := range errs {
		if err != nil {
			requireCode(t, pipeline.CodeInvalid, err)
		}
	}
	list, err := s.Pipelines(t.Context(), "shop")
	require.NoError(t, err)
	require.Len(t, list, 1)
}

func oneWinsStale(t *testing.T, s front50.Store) {
	first := save(t, s, `{"id":"x","name":"Deploy","application":"shop"}`)
	var won atomic.Int64
	winner := int64(-1)
	errs := make([]error, racers)
	race(func(i int) {
		p := first.Clone()
		p["racer"] = int64(i)
		if _, errs[i] = s.SavePipeline(t.Context(), p, front50.SaveOptions{By: by, StaleCheck: true}); errs[i] == nil {
			won.Add(1)
			atomic.StoreInt64(&winner, int64(i))
		}
	})
	require.Equal(t, int64(1), won.Load())
	for _, err := range errs {
		if err != nil {
			requireCode(t, pipeline.CodeInvalid, err)
		}
	}
	read, err := s.Pipeline(t.Context(), "x")
	require.NoError(t, err)
	require.Equal(t, winner, read["racer"])
}

func mergesLoseNothing(t *testing.T, s front50.Store) {
	errs := make([]error, racers)
	race(func(i int) {
		_, _, errs[i] = s.SaveApplication(t.Context(), pipeline.Application{"name": "shop", "email": "a@b.c", fmt.Sprintf("racer%d", i): int64(i)}, by)
	})
	app, err := s.Application(t.Context(), "shop")
	require.NoError(t, err)
	for i := range racers {
		require.NoError(t, errs[i])
		require.Equal(t, int64(i), app[fmt.Sprintf("racer%d", i)])
	}
}

func oneCreates(t *testing.T, s front50.Store) {
	var won atomic.Int64
	race(func(i int) {
		_, _, err := s.WriteApplication(t.Context(), pipeline.Application{"name": "shop", "email": fmt.Sprint(i)}, front50.ApplicationOptions{MustNotExist: true})
		if err == nil {
			won.Add(1)
		}
	})
	require.Equal(t, int64(1), won.Load())
}

func deletionLeavesNothing(t *testing.T, s front50.Store) {
	saveApp(t, s, `{"name":"shop","email":"a@b.c"}`)
	var saved sync.Map
	race(func(i int) {
		if i == racers/2 {
			if _, err := s.DeleteApplication(t.Context(), "shop", by); err != nil {
				saved.Store("deletion", err)
			}
			return
		}
		p, err := s.SavePipeline(t.Context(), pipeline.Pipeline{"name": fmt.Sprint(i), "application": "shop"}, front50.SaveOptions{})
		if err != nil {
			saved.Store(i, err)
			return
		}
		saved.Store(i, p.ID())
	})
	// What a list holds can be read, and the other way round.
	list, err := s.Pipelines(t.Context(), "shop")
	require.NoError(t, err)
	listed := map[string]bool{}
	for _, p := range list {
		listed[p.ID()] = true
	}
	saved.Range(func(_, v any) bool {
		id, ok := v.(string)
		require.True(t, ok, "%v", v)
		_, err := s.Pipeline(t.Context(), id)
		if listed[id] {
			require.NoError(t, err)
		} else {
			requireCode(t, pipeline.CodeNotFound, err)
		}
		return true
	})
}

func thousand(t *testing.T, s front50.Store) {
	const count = 1000
	errs := make([]error, count)
	race(func(racer int) {
		for i := racer; i < count; i += racers {
			_, errs[i] = s.SavePipeline(t.Context(), pipeline.Pipeline{
				"id": fmt.Sprintf("id-%d", i), "name": fmt.Sprintf("pipeline %04d", count-i), "application": fmt.Sprintf("app%d", i%4), "index": int64(i),
			}, front50.SaveOptions{By: by})
		}
	})
	for _, err := range errs {
		require.NoError(t, err)
	}
	all, err := s.Pipelines(t.Context(), "")
	require.NoError(t, err)
	require.Len(t, all, count)
	for i, p := range all {
		require.Equal(t, fmt.Sprintf("id-%d", i), p.ID())
	}
	some, err := s.Pipelines(t.Context(), "APP3")
	require.NoError(t, err)
	require.Len(t, some, count/4)
	for i, p := range some {
		require.Equal(t, fmt.Sprintf("id-%d", 4*i+3), p.ID())
	}
}
