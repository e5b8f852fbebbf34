// Command bench measures Gennaker beside bare Temporal, in one run on one
// machine, so that the ratios mean something even where the times do not. It
// prints a table and writes .local/bench.json.
//
// It starts everything that it measures and needs nothing but built servers.
package main

import (
	"context"
	"encoding/json"
	"flag"
	"fmt"
	"os"
	"os/signal"
	"path/filepath"
	"runtime"
	"strings"
	"syscall"
	"text/tabwriter"

	"github.com/gennaker/gennaker/e2e/harness"
)

func main() {
	out := flag.String("out", filepath.Join(".local", "bench.json"), "file that takes the rows")
	runs := flag.Int("runs", 20, "measurements for each row; slow rows take fewer")
	deployments := flag.Int("deployments", 1000, "Deployments of the cluster that reads are measured on; 0 leaves them out")
	only := flag.String("only", "", "'reads' measures reads alone")
	flag.Parse()
	ctx, stop := signal.NotifyContext(context.Background(), syscall.SIGINT, syscall.SIGTERM)
	err := run(ctx, *out, *runs, *deployments, *only)
	stop()
	if err != nil {
		fmt.Fprintln(os.Stderr, "bench:", err)
		os.Exit(1)
	}
}

func run(ctx context.Context, out string, runs, deployments int, only string) error {
	if runs < 3 {
		return fmt.Errorf("%d runs say nothing: use at least 3", runs)
	}
	if only != "" && only != "reads" {
		return fmt.Errorf("there is no part %q that can be measured alone: use reads", only)
	}
	b := &bench{runs: runs}
	if only == "" {
		if err := b.engineAndMore(ctx); err != nil {
			return err
		}
	}
	if deployments > 0 {
		fmt.Fprintln(os.Stderr, "measuring reads of clusters")
		if err := b.clusters(ctx, deployments); err != nil {
			return fmt.Errorf("reads: %w", err)
		}
	}
	fmt.Fprintf(os.Stderr, "done, load %s\n\n", load())
	if err := b.print(); err != nil {
		return err
	}
	return write(out, b.rows)
}

// engineAndMore measures on a system with all roles in one process.
func (b *bench) engineAndMore(ctx context.Context) error {
	dir, err := os.MkdirTemp("", "gennaker-bench-")
	if err != nil {
		return err
	}
	defer func() { _ = os.RemoveAll(dir) }()
	fmt.Fprintf(os.Stderr, "starting the system on %d processors, load %s\n", runtime.NumCPU(), load())
	system, err := harness.Start(ctx, harness.Options{Dir: dir, AllInOne: true})
	if err != nil {
		return err
	}
	defer system.Close()
	b.System = system
	if err := b.measure(ctx); err != nil {
		return fmt.Errorf("%w\n%s", err, system.Logs())
	}
	return nil
}

// bench collects the rows.
type bench struct {
	*harness.System
	runs      int
	rows      []row
	reference reference
}

// measure runs every measurement. The process's own size comes first, before
// any load.
func (b *bench) measure(ctx context.Context) error {
	for _, part := range []struct {
		what    string
		measure func(context.Context) error
	}{
		{"the process", b.process},
		{"bare Temporal", b.bare},
		{"pipelines", b.pipelines},
		{"the engine", b.engine},
		{"deployments", b.deployments},
	} {
		fmt.Fprintln(os.Stderr, "measuring", part.what)
		if err := part.measure(ctx); err != nil {
			return fmt.Errorf("%s: %w", part.what, err)
		}
	}
	return nil
}

// print writes the table.
func (b *bench) print() error {
	w := tabwriter.NewWriter(os.Stdout, 0, 0, 2, ' ', 0)
	_, _ = fmt.Fprintln(w, "measured\tmedian\tbest\tworst\tunit\treference\tratio\ttarget\tmet\truns\t")
	for _, r := range b.rows {
		_, _ = fmt.Fprintf(w, "%s\t%.1f\t%.1f\t%.1f\t%s\t%s\t%s\t%s\t%s\t%d\t\n", r.Name, r.Value, r.Best, r.Worst, r.Unit,
			number(r.Reference), number(r.Ratio), r.targetText(), r.metText(), r.Runs)
	}
	if err := w.Flush(); err != nil {
		return err
	}
	fmt.Printf("\n%d processors, load %s. Other work on the machine moves the times; compare ratios, and best with best.\n", runtime.NumCPU(), load())
	return nil
}

func write(path string, rows []row) error {
	raw, err := json.MarshalIndent(rows, "", "  ")
	if err != nil {
		return err
	}
	if err := os.MkdirAll(filepath.Dir(path), 0o755); err != nil {
		return err
	}
	return os.WriteFile(path, append(raw, '\n'), 0o644)
}

// load is the machine's load average over one, five and fifteen minutes.
func load() string {
	raw, err := os.ReadFile("/proc/loadavg")
	if err != nil {
		return "unknown"
	}
	return strings.Join(strings.Fields(string(raw))[:3], " ")
}
