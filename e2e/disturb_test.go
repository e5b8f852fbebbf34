package e2e

import (
	"context"
	"errors"
	"fmt"
	"math/rand/v2"
	"slices"
	"sync"
	"time"

	"golang.org/x/sync/errgroup"

	"github.com/gennaker/gennaker/e2e/harness"
)

// outage is a time in which a part did not run.
type outage struct {
	part     string
	from, to time.Time
}

func (o outage) String() string {
	return fmt.Sprintf("%s away for %.1fs", o.part, o.to.Sub(o.from).Seconds())
}

// disturbance kills parts of the system and starts them again.
type disturbance struct {
	w    *world
	form form
	seed uint64
	log  func(format string, args ...any)

	mu      sync.Mutex
	outages []outage
	// deaths counts how often each part was killed.
	deaths map[string]int
}

// run disturbs the system for at least the form's time, and until every outage
// of the form was had. Then all parts run again. Workers die at random moments
// all along.
func (d *disturbance) run(ctx context.Context) error {
	began := time.Now()
	over := make(chan struct{})
	group, inner := errgroup.WithContext(ctx)
	group.Go(func() error { return d.killWorkers(inner, over) })
	group.Go(func() error {
		defer close(over)
		random := rand.New(rand.NewPCG(d.seed, 1))
		if err := d.program(inner, random); err != nil {
			return err
		}
		for time.Since(began) < d.form.lasts {
			if err := d.pause(inner, random); err != nil {
				return err
			}
			parts := []*harness.Server{d.w.TemporalServer, d.w.Redis, d.w.MinIO, d.w.GateServer, d.w.Front50}
			victim := parts[random.IntN(len(parts))]
			if err := d.away(inner, victim, time.Duration(random.Int64N(int64(2*time.Second)))); err != nil {
				return err
			}
		}
		return nil
	})
	return errors.Join(group.Wait(), d.restore(ctx))
}

// program is the outages that each run has. While the object store is away
// Temporal dies twice and Gate once, and Temporal and Gate die while Redis is.
func (d *disturbance) program(ctx context.Context, random *rand.Rand) error {
	w, f := d.w, d.form
	type step struct {
		victim *harness.Server
		away   time.Duration
		within []step
	}
	var walk func(context.Context, []step, *rand.Rand) error
	walk = func(ctx context.Context, steps []step, random *rand.Rand) error {
		for _, s := range steps {
			if err := d.pause(ctx, random); err != nil {
				return err
			}
			group, inner := errgroup.WithContext(ctx)
			group.Go(func() error { return d.away(inner, s.victim, s.away) })
			seed := random.Uint64()
			group.Go(func() error { return walk(inner, s.within, rand.New(rand.NewPCG(seed, 2))) })
			if err := group.Wait(); err != nil {
				return err
			}
		}
		return nil
	}
	return walk(ctx, []step{
		{victim: w.TemporalServer},
		{victim: w.MinIO, away: f.store, within: []step{{victim: w.TemporalServer}, {victim: w.GateServer, away: f.gate}, {victim: w.TemporalServer, away: f.temporal / 2}}},
		{victim: w.Redis, away: f.redis, within: []step{{victim: w.GateServer}, {victim: w.TemporalServer}}},
		{victim: w.Front50, away: f.front50},
		{victim: w.TemporalServer, away: f.temporal},
		{victim: w.GateServer, away: f.gate},
	}, random)
}

// killWorkers kills a worker every few moments.
func (d *disturbance) killWorkers(ctx context.Context, over <-chan struct{}) error {
	random := rand.New(rand.NewPCG(d.seed, 3))
	for {
		select {
		case <-over:
			return nil
		case <-ctx.Done():
			return context.Cause(ctx)
		case <-time.After(500*time.Millisecond + time.Duration(random.Int64N(int64(3500*time.Millisecond)))):
		}
		if err := d.away(ctx, d.w.Workers[random.IntN(len(d.w.Workers))], time.Duration(random.Int64N(int64(time.Second)))); err != nil {
			return err
		}
	}
}

// pause waits for a random time, up to the form's longest.
func (d *disturbance) pause(ctx context.Context, random *rand.Rand) error {
	return sleep(ctx, d.form.between/4+time.Duration(random.Int64N(int64(d.form.between*3/4))))
}

// away kills a part and starts it again after a while. Temporal, Redis and the
// object store need no other part, so their outage lasts until they work again;
// the others may have to wait for what is away longer.
func (d *disturbance) away(ctx context.Context, victim *harness.Server, away time.Duration) error {
	if err := victim.Died(); err != nil {
		return fmt.Errorf("%s ended by itself, before it was killed: %w", victim.Name(), err)
	}
	d.log("%s dies for %s", victim.Name(), away.Round(time.Millisecond))
	from := time.Now()
	victim.Kill()
	if err := sleep(ctx, away); err != nil {
		return err
	}
	start := victim.Start
	if !slices.Contains([]*harness.Server{d.w.TemporalServer, d.w.Redis, d.w.MinIO}, victim) {
		start = func(context.Context) error { return victim.Launch() }
	}
	if err := start(ctx); err != nil {
		return fmt.Errorf("%s does not start again: %w", victim.Name(), err)
	}
	d.mu.Lock()
	defer d.mu.Unlock()
	d.deaths[victim.Name()]++
	if !slices.Contains(d.w.Workers, victim) {
		d.outages = append(d.outages, outage{part: victim.Name(), from: from, to: time.Now()})
	}
	return nil
}

// restore makes all parts run and work, also when the run was given up: the
// next test needs them.
func (d *disturbance) restore(ctx context.Context) error {
	ctx, cancel := context.WithTimeout(context.WithoutCancel(ctx), time.Minute)
	defer cancel()
	w := d.w
	var faults []error
	for _, one := range append([]*harness.Server{w.TemporalServer, w.Redis, w.MinIO, w.Front50, w.GateServer}, w.Workers...) {
		if err := one.Died(); err != nil {
			faults = append(faults, fmt.Errorf("%s ended by itself: %w", one.Name(), err))
			one.Kill()
		}
		faults = append(faults, errors.Join(one.Start(ctx), one.Ready(ctx)))
	}
	return errors.Join(faults...)
}

// sleep waits, or returns why ctx ended.
func sleep(ctx context.Context, d time.Duration) error {
	select {
	case <-ctx.Done():
		return context.Cause(ctx)
	case <-time.After(d):
		return nil
	}
}
