package main

import (
	"bufio"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"net/http"
	"strings"
	"sync/atomic"
	"time"

	"golang.org/x/sync/errgroup"

	"github.com/gennaker/gennaker/e2e/harness"
	"github.com/gennaker/gennaker/pipeline"
)

// What event streams are measured on.
const (
	partStreams    = "streams"
	streamClients  = 1000
	streamedApps   = 10
	streamedRuns   = 100
	openAtOnce     = 50
	streamsWithin  = 5 * time.Minute
	streamsLook    = 20 * time.Millisecond
	streamedBudget = 300 // MB of Gate
)

// streams measures Gate with a thousand clients of event streams: a third watches
// everything, a third one of ten applications, a third one execution each. Then
// executions run, and every client gets what it watches.
func (b *bench) streams(ctx context.Context) error {
	return onSystem(ctx, harness.Options{Workers: 1, OneAccount: true}, func(system *harness.System) error {
		return (&streaming{System: system, bench: b}).run(ctx)
	})
}

// streaming measures one system.
type streaming struct {
	*harness.System
	bench *bench
	// opened and ended count clients; saw counts the ends of executions that those
	// saw who watch everything.
	opened, ended, saw atomic.Int64
	// watchers is how many watch everything.
	watchers int
}

func streamedApp(i int) string { return fmt.Sprintf("streamed%d", i%streamedApps) }

func (s *streaming) run(ctx context.Context) error {
	for i := range streamedApps {
		if err := s.Gate.CreateApplication(ctx, streamedApp(i)); err != nil {
			return err
		}
	}
	var waiting []string
	for i := range streamedRuns {
		id, err := s.start(ctx, streamedApp(i), 3600)
		if err != nil {
			return err
		}
		waiting = append(waiting, id)
	}
	before, err := residentMB(s.GateServer.Pid())
	if err != nil {
		return err
	}
	reading, stop := context.WithCancel(ctx)
	defer stop()
	began := time.Now()
	if err := s.open(reading, waiting); err != nil {
		return err
	}
	opened := millis(time.Since(began))
	idle, err := s.weigh(ctx)
	if err != nil {
		return err
	}
	began = time.Now()
	group, inner := errgroup.WithContext(ctx)
	group.SetLimit(openAtOnce / 2)
	for i := range streamedRuns {
		group.Go(func() error { _, err := s.start(inner, streamedApp(i), 1); return err })
	}
	if err := group.Wait(); err != nil {
		return err
	}
	want := int64(s.watchers * streamedRuns)
	if err := s.until(ctx, func() bool { return s.saw.Load() >= want }); err != nil {
		return fmt.Errorf("%d of %d ends were seen: %w", s.saw.Load(), want, err)
	}
	told := millis(time.Since(began))
	busy, err := residentMB(s.GateServer.Pid())
	if err != nil {
		return err
	}
	if n := s.ended.Load(); n > 0 {
		return fmt.Errorf("%d streams ended by themselves", n)
	}
	what := fmt.Sprintf("%d clients of event streams: ", streamClients)
	s.bench.rows = append(s.bench.rows,
		series("memory (RSS) of Gate before event streams", "MB", []float64{before}),
		series(what+"time to open them all", "ms", []float64{opened}),
		series(what+"memory (RSS) of Gate", "MB", []float64{idle}).within(streamedBudget),
		series(fmt.Sprintf("%s%d executions until all watchers saw all of them end", what, streamedRuns), "ms", []float64{told}),
		series(what+"memory (RSS) of Gate after that", "MB", []float64{busy}).within(streamedBudget),
	)
	return nil
}

// weigh lets Gate settle and returns its size.
func (s *streaming) weigh(ctx context.Context) (float64, error) {
	select {
	case <-ctx.Done():
		return 0, ctx.Err()
	case <-time.After(settle):
	}
	return residentMB(s.GateServer.Pid())
}

// start starts an execution that waits so many seconds.
func (s *streaming) start(ctx context.Context, app string, seconds int) (string, error) {
	var started struct {
		Ref string `json:"ref"`
	}
	err := s.Gate.Call(ctx, http.MethodPost, "/pipelines/start", map[string]any{
		"application": app, "name": "streamed",
		"stages": []any{map[string]any{"refId": "1", "type": "wait", "name": "Wait", "waitTime": seconds}},
	}, &started)
	return strings.TrimPrefix(started.Ref, "/pipelines/"), err
}

// open opens all clients and waits until each has read something.
func (s *streaming) open(ctx context.Context, executions []string) error {
	transport := &http.Transport{MaxConnsPerHost: 0, DisableCompression: true}
	client := &http.Client{Transport: transport}
	slots := make(chan struct{}, openAtOnce)
	for i := range streamClients {
		path := "/events"
		switch i % 3 {
		case 0:
			s.watchers++
		case 1:
			path = "/applications/" + streamedApp(i) + "/events"
		case 2:
			path = "/executions/" + executions[i%len(executions)] + "/events"
		}
		slots <- struct{}{}
		go func() {
			_ = s.read(ctx, client, path, func() { <-slots }) // ended counts those that fail
			if ctx.Err() == nil {
				s.ended.Add(1)
			}
		}()
	}
	return s.until(ctx, func() bool { return s.opened.Load() == streamClients || s.ended.Load() > 0 })
}

// read reads a stream to its end; open is called once it is there, or is not.
func (s *streaming) read(ctx context.Context, client *http.Client, path string, open func()) error {
	r, err := http.NewRequestWithContext(ctx, http.MethodGet, s.Gate.Base+path, nil)
	if err != nil {
		return err
	}
	answer, err := client.Do(r)
	open()
	if err != nil {
		return err
	}
	defer func() { _ = answer.Body.Close() }()
	if answer.StatusCode != http.StatusOK {
		return fmt.Errorf("GET %s: %s", path, answer.Status)
	}
	s.opened.Add(1)
	all := path == "/events"
	seen := map[string]bool{}
	lines := bufio.NewScanner(answer.Body)
	lines.Buffer(make([]byte, 0, 4<<10), 1<<20)
	for lines.Scan() {
		data, found := strings.CutPrefix(lines.Text(), "data: ")
		if !all || !found || !strings.Contains(data, string(pipeline.Succeeded)) {
			continue
		}
		var x struct{ ID, Status string }
		if err := json.Unmarshal([]byte(data), &x); err != nil {
			return err
		}
		if x.Status == string(pipeline.Succeeded) && !seen[x.ID] {
			seen[x.ID] = true
			s.saw.Add(1)
		}
	}
	return lines.Err()
}

func (s *streaming) until(ctx context.Context, ok func() bool) error {
	deadline := time.Now().Add(streamsWithin)
	for !ok() {
		if time.Now().After(deadline) {
			return errors.New("not within " + streamsWithin.String())
		}
		select {
		case <-ctx.Done():
			return ctx.Err()
		case <-time.After(streamsLook):
		}
	}
	return nil
}
