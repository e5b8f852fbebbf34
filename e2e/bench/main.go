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
	"slices"
	"strings"
	"syscall"
	"text/tabwriter"

	"github.com/gennaker/gennaker/e2e/harness"
)

func main() {
	out := flag.String("out", filepath.Join(".local", "bench.json"), "file that takes the rows")
	runs := flag.Int("runs", 20, "measurements for each row; slow rows take fewer")
	deployments := flag.Int("deployments", 1000, "Deployments of the cluster that reads are measured on; 0 leaves them out")
	only := flag.String("only", "", "measure a part alone: engine, deployments (beside kubectl), reads, lists, streams or load")
	archived := flag.Int("executions", 2000, "archived executions that lists are measured on; 0 leaves lists out")
	list := flag.String("database", sqlite, "databases that Temporal keeps its state in, one after the other: sqlite, postgres; everything is measured on the first, the engine on the others")
	flag.Parse()
	ctx, stop := signal.NotifyContext(context.Background(), syscall.SIGINT, syscall.SIGTERM)
	err := run(ctx, options{out: *out, runs: *runs, deployments: *deployments, executions: *archived, only: *only, databases: *list})
	stop()
	if err != nil {
		fmt.Fprintln(os.Stderr, "bench:", err)
		os.Exit(1)
	}
}

// options are what the command line asks for.
type options struct {
	out               string
	runs, deployments int
	executions        int
	only, databases   string
}

func run(ctx context.Context, o options) error {
	if o.runs < 3 {
		return fmt.Errorf("%d runs say nothing: use at least 3", o.runs)
	}
	databases, err := databases(o.databases)
	if err != nil {
		return err
	}
	switch o.only {
	case "", partEngine, partDeployments:
	case partReads, partLists, partStreams, partLoad:
		databases = nil
	default:
		return fmt.Errorf("there is no part %q that can be measured alone: use %s, %s, %s, %s, %s or %s", o.only, partEngine, partDeployments, partReads, partLists, partStreams, partLoad)
	}
	if o.only != "" && o.only != partReads {
		o.deployments = 0
	}
	var rows []row
	for i, database := range databases {
		only := o.only
		if i > 0 {
			only = partEngine
		}
		measured, err := measure(ctx, database, o.runs, only)
		if err != nil {
			return fmt.Errorf("on %s: %w", database, err)
		}
		rows = append(rows, measured...)
	}
	if o.deployments > 0 {
		fmt.Fprintln(os.Stderr, "measuring reads of clusters")
		b := &bench{runs: o.runs}
		if err := b.clusters(ctx, o.deployments); err != nil {
			return fmt.Errorf("reads: %w", err)
		}
		rows = append(rows, b.rows...)
	}
	if o.executions > 0 && (o.only == "" || o.only == partLists) {
		fmt.Fprintln(os.Stderr, "measuring lists")
		b := &bench{runs: o.runs}
		if err := b.lists(ctx, o.executions); err != nil {
			return fmt.Errorf("lists: %w", err)
		}
		rows = append(rows, b.rows...)
	}
	if o.only == "" || o.only == partStreams {
		fmt.Fprintln(os.Stderr, "measuring event streams")
		b := &bench{runs: o.runs}
		if err := b.streams(ctx); err != nil {
			return fmt.Errorf("streams: %w", err)
		}
		rows = append(rows, b.rows...)
	}
	if o.only == "" || o.only == partLoad {
		fmt.Fprintln(os.Stderr, "measuring Gate under load")
		b := &bench{runs: o.runs}
		if err := b.load(ctx); err != nil {
			return fmt.Errorf("load: %w", err)
		}
		rows = append(rows, b.rows...)
	}
	fmt.Fprintf(os.Stderr, "done, load %s\n\n", load())
	if err := show(rows); err != nil {
		return err
	}
	return write(o.out, rows)
}

// The parts that can be measured alone.
const (
	partEngine      = "engine"
	partDeployments = "deployments"
	partReads       = "reads"
	partLists       = "lists"
)

// measure starts a system with Temporal on a database and measures it, whole or
// one part of it.
func measure(ctx context.Context, database string, runs int, only string) ([]row, error) {
	fmt.Fprintf(os.Stderr, "starting the system with Temporal on %s, %d processors, load %s\n", titles[database], runtime.NumCPU(), load())
	var rows []row
	err := onSystem(ctx, harness.Options{AllInOne: true, Postgres: database == postgres}, func(system *harness.System) error {
		b := &bench{System: system, database: database, runs: runs}
		err := b.measure(ctx, only)
		rows = b.rows
		return err
	})
	return rows, err
}

// onSystem starts a system, measures on it and stops it. What went wrong is told with
// the system's logs.
func onSystem(ctx context.Context, o harness.Options, measure func(*harness.System) error) error {
	dir, err := os.MkdirTemp("", "gennaker-bench-")
	if err != nil {
		return err
	}
	defer func() { _ = os.RemoveAll(dir) }()
	o.Dir = dir
	system, err := harness.Start(ctx, o)
	if err != nil {
		return err
	}
	defer system.Close()
	if err := measure(system); err != nil {
		return fmt.Errorf("%w\n%s", err, system.Logs())
	}
	return nil
}

// bench collects the rows of one system.
type bench struct {
	*harness.System
	database  string
	runs      int
	rows      []row
	reference reference
}

// measure runs every measurement, or those of one part. The process's own size
// comes first, before any load.
func (b *bench) measure(ctx context.Context, only string) error {
	for _, part := range []struct {
		what    string
		measure func(context.Context) error
		// of are the parts that it belongs to.
		of []string
	}{
		{"the process", b.process, nil},
		{"the making of an application", func(ctx context.Context) error { return b.Gate.CreateApplication(ctx, application) }, []string{partEngine, partDeployments}},
		{"bare Temporal", b.bare, []string{partEngine}},
		{"pipelines", b.pipelines, nil},
		{"the engine", b.engine, []string{partEngine}},
		{"deployments", b.deployments, []string{partDeployments}},
		{"deployments beside kubectl", b.kubectl, []string{partDeployments}},
	} {
		if only != "" && !slices.Contains(part.of, only) {
			continue
		}
		fmt.Fprintln(os.Stderr, "measuring", part.what)
		before := len(b.rows)
		if err := part.measure(ctx); err != nil {
			return fmt.Errorf("%s: %w", part.what, err)
		}
		for i := range b.rows[before:] {
			b.rows[before+i] = b.rows[before+i].on(b.database)
		}
	}
	return nil
}

// show prints the table.
func show(rows []row) error {
	w := tabwriter.NewWriter(os.Stdout, 0, 0, 2, ' ', 0)
	_, _ = fmt.Fprintln(w, "measured\tmedian\tbest\tworst\tunit\treference\tratio\ttarget\tmet\truns\t")
	for _, r := range rows {
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
