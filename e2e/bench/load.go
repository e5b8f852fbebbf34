package main

import (
	"context"
	"fmt"
	"io"
	"net/http"
	"sync"
	"time"

	"golang.org/x/sync/errgroup"

	"github.com/gennaker/gennaker/e2e/harness"
	"github.com/gennaker/gennaker/pipeline"
)

// What Gate is loaded with.
const (
	partLoad    = "load"
	loadClients = 200
	loadedApps  = 100
	loadedRuns  = 50
	loadTime    = time.Minute
	// loadGrowth is how much larger Gate may be after the second round than after
	// the first: a leak grows with every round, caches do not.
	loadGrowth = 1.1
)

// load measures Gate with two hundred clients that ask for what people look at, each
// for its next as soon as it has the one before, in two rounds of a minute.
func (b *bench) load(ctx context.Context) error {
	return onSystem(ctx, harness.Options{Workers: 1, OneAccount: true}, func(system *harness.System) error {
		return (&loading{System: system, bench: b}).run(ctx)
	})
}

// loading measures one system.
type loading struct {
	*harness.System
	bench *bench
}

func loadedApp(i int) string { return fmt.Sprintf("loaded%d", i%loadedApps) }

func (l *loading) run(ctx context.Context) error {
	for i := range loadedApps {
		if err := l.Gate.CreateApplication(ctx, loadedApp(i)); err != nil {
			return err
		}
		if _, err := l.Gate.Save(ctx, pipeline.Map{"application": loadedApp(i), "name": "Rest", "stages": []any{
			map[string]any{"refId": "1", "type": "wait", "name": "Wait", "waitTime": 1},
		}}); err != nil {
			return err
		}
	}
	group, inner := errgroup.WithContext(ctx)
	group.SetLimit(openAtOnce)
	for i := range loadedRuns {
		group.Go(func() error {
			id, err := l.Gate.Start(inner, loadedApp(i), "Rest", nil)
			if err == nil {
				_, err = l.Gate.AwaitEnd(inner, id)
			}
			return err
		})
	}
	if err := group.Wait(); err != nil {
		return err
	}
	before, err := residentMB(l.GateServer.Pid())
	if err != nil {
		return err
	}
	first, err := l.round(ctx)
	if err != nil {
		return err
	}
	second, err := l.round(ctx)
	if err != nil {
		return err
	}
	what := fmt.Sprintf("%d clients, each asking without a pause for %s: ", loadClients, loadTime)
	values := append(first.values, second.values...)
	l.bench.rows = append(l.bench.rows,
		series(what+"answers a second", "1/s", []float64{float64(len(first.values)) / loadTime.Seconds(), float64(len(second.values)) / loadTime.Seconds()}),
		series(what+"answer", "ms", values), series(what+"answer, 95th percentile", "ms", []float64{percentile(values)}),
		series(what+"answers that are no 200", "", []float64{float64(first.failed + second.failed)}).within(0.5),
		series("memory (RSS) of Gate before the load", "MB", []float64{before}),
		series(what+"memory (RSS) of Gate after two rounds, against after one", "MB", []float64{second.size}).against(first.size).within(loadGrowth),
	)
	return nil
}

// loadRound is the outcome of one round.
type loadRound struct {
	values []float64 // milliseconds
	failed int
	size   float64 // of Gate afterwards, in MB
}

// round loads Gate once and lets it settle.
func (l *loading) round(ctx context.Context) (loadRound, error) {
	var (
		out     loadRound
		mu      sync.Mutex
		clients sync.WaitGroup
		client  = &http.Client{Transport: &http.Transport{MaxIdleConnsPerHost: loadClients}, Timeout: time.Minute}
	)
	defer client.CloseIdleConnections()
	asking, stop := context.WithTimeout(ctx, loadTime)
	defer stop()
	for i := range loadClients {
		clients.Go(func() {
			var values []float64
			failed := 0
			for n := i; asking.Err() == nil; n++ {
				began := time.Now()
				switch ok := l.ask(asking, client, n); {
				case asking.Err() != nil: // cut off by the end
				case ok:
					values = append(values, millis(time.Since(began)))
				default:
					failed++
				}
			}
			mu.Lock()
			defer mu.Unlock()
			out.values, out.failed = append(out.values, values...), out.failed+failed
		})
	}
	clients.Wait()
	select {
	case <-ctx.Done():
		return out, ctx.Err()
	case <-time.After(settle):
	}
	var err error
	out.size, err = residentMB(l.GateServer.Pid())
	return out, err
}

// ask asks for the nth thing and reports whether it came whole.
func (l *loading) ask(ctx context.Context, client *http.Client, n int) bool {
	app := "/applications/" + loadedApp(n)
	paths := []string{
		"/applications", app + "/pipelines?limit=10&expand=false", app + "/pipelineConfigs", app, "/credentials", "/version",
		app + "/pipelines?limit=10&statuses=RUNNING", app + "/executions/search?size=10",
	}
	r, err := http.NewRequestWithContext(ctx, http.MethodGet, l.Gate.Base+paths[n%len(paths)], nil)
	if err != nil {
		return false
	}
	answer, err := client.Do(r)
	if err != nil {
		return false
	}
	defer func() { _ = answer.Body.Close() }() // it is read to its end below
	_, err = io.Copy(io.Discard, answer.Body)
	return err == nil && answer.StatusCode == http.StatusOK
}
