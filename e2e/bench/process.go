package main

import (
	"context"
	"fmt"
	"os"
	"strconv"
	"strings"
	"time"
)

const (
	mega = 1 << 20
	// settle is how long a started process is left alone before it is weighed.
	settle = 5 * time.Second
)

// process measures the binary and `gennaker server` before any load.
func (b *bench) process(ctx context.Context) error {
	info, err := os.Stat(b.Binary())
	if err != nil {
		return err
	}
	b.rows = append(b.rows, series("size of the binary", "MB", []float64{float64(info.Size()) / mega}).within(120))
	const starts = 3
	times, err := repeat(starts, func() (float64, error) {
		b.All.Stop()
		began := time.Now()
		err := b.All.Start(ctx)
		return millis(time.Since(began)), err
	})
	if err != nil {
		return err
	}
	b.rows = append(b.rows, series("start of `gennaker server` until /health is 200", "ms", times))
	select {
	case <-ctx.Done():
		return ctx.Err()
	case <-time.After(settle):
	}
	size, err := residentMB(b.All.Pid())
	if err != nil {
		return err
	}
	b.rows = append(b.rows, series("memory (RSS) of `gennaker server` after its start", "MB", []float64{size}).within(100))
	return nil
}

// residentMB is what a process holds in memory.
func residentMB(pid int) (float64, error) {
	raw, err := os.ReadFile(fmt.Sprintf("/proc/%d/status", pid))
	if err != nil {
		return 0, err
	}
	for line := range strings.Lines(string(raw)) {
		if rest, found := strings.CutPrefix(line, "VmRSS:"); found {
			kilo, err := strconv.ParseFloat(strings.Fields(rest)[0], 64)
			return kilo / 1024, err
		}
	}
	return 0, fmt.Errorf("the status of process %d names no VmRSS", pid)
}
