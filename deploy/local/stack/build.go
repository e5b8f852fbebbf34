package stack

import (
	"bufio"
	"context"
	"errors"
	"fmt"
	"io"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"sync"
	"sync/atomic"
	"syscall"
	"time"

	"golang.org/x/sync/errgroup"
)

// buildsAtOnce is how many builds run side by side: each uses all cores while it compiles, and a second one fills the
// gaps while the first downloads or links. More would only ask for more memory.
const buildsAtOnce = 2

// Task is something to build.
type Task struct {
	// Name is shown to people and names the log.
	Name string
	// Log is where the output of the task's commands goes.
	Log string
	// Run builds. Its commands write to log, and it tells how far it is.
	Run func(ctx context.Context, log io.Writer, count *Count) error
}

// Count is how far a build is.
type Count struct {
	// Done packages of Total are built. Total is 0 while the sources are being fetched; packages that were built before
	// are not counted, so a build may end before Done reaches it.
	Done, Total atomic.Int64
}

// line counts a line that "go build -v" has printed: one for each package.
func (c *Count) line(text string) {
	if !strings.HasPrefix(text, "go: ") {
		c.Done.Add(1)
	}
}

// BuildTask returns the task that builds a program, or false when the program needs no build: it is built already, or is
// not built but installed.
func (p Program) BuildTask(root, logs string) (Task, bool, error) {
	path, err := p.Path(root)
	if err != nil || p.Module == "" {
		return Task{}, false, err
	}
	if _, err := os.Stat(path); err == nil {
		return Task{}, false, nil
	}
	return Task{
		Name: p.Name,
		Log:  filepath.Join(logs, "build-"+p.Name+".log"),
		Run: func(ctx context.Context, log io.Writer, count *Count) error {
			return p.build(ctx, root, path, log, count)
		},
	}, true, nil
}

// build compiles the program into path. Only one process of a user builds it at a time; the others wait and find it done.
func (p Program) build(ctx context.Context, root, path string, log io.Writer, count *Count) error {
	unlock, err := lock(ctx, path+".lock")
	if err != nil {
		return err
	}
	defer unlock()
	if _, err := os.Stat(path); err == nil {
		return nil
	}
	fresh := path + ".new"
	command := func(args ...string) *exec.Cmd {
		cmd := exec.Command("go", args...)
		cmd.Dir = filepath.Join(root, filepath.FromSlash(p.Module))
		// The compiler's processes are short and many: collecting garbage less often saves a sixth of their time.
		cmd.Env = append(os.Environ(), "CGO_ENABLED=0", "GOWORK=off", "GOFLAGS=", "GOGC=300")
		return cmd
	}
	if err := countPackages(ctx, command("list", "-deps", p.Package), log, count); err != nil {
		return err
	}
	err = runBuild(ctx, command("build", "-v", "-o", fresh, "-ldflags", "-s -w "+p.LDFlags, p.Package), log, count.line)
	if err != nil {
		return err
	}
	return os.Rename(fresh, path)
}

// countPackages runs a "go list -deps", which fetches the sources too, and sets the total.
func countPackages(ctx context.Context, list *exec.Cmd, log io.Writer, count *Count) error {
	var all Count
	err := runBuild(ctx, list, io.Discard, func(text string) {
		all.line(text)
		if strings.Contains(text, " ") { // a message, not a package
			_, _ = fmt.Fprintln(log, text)
		}
	})
	count.Total.Store(all.Done.Load())
	return err
}

// runBuild runs a build command to its end, in a process group that dies with ctx or with this program. Each line of
// output goes to the log and to seen.
func runBuild(ctx context.Context, cmd *exec.Cmd, log io.Writer, seen func(string)) error {
	reader, writer, err := os.Pipe()
	if err != nil {
		return err
	}
	defer func() { _ = reader.Close() }()
	cmd.Stdout, cmd.Stderr = writer, writer
	_, _ = fmt.Fprintf(log, "--- %s in %s\n", cmd, cmd.Dir)
	err = startChild(cmd)
	_ = writer.Close()
	if err != nil {
		return fmt.Errorf("start %s: %w", cmd.Path, err)
	}
	stop := context.AfterFunc(ctx, func() { _ = syscall.Kill(-cmd.Process.Pid, syscall.SIGKILL) })
	defer stop()
	lines := bufio.NewScanner(reader)
	lines.Buffer(nil, 1<<20)
	for lines.Scan() {
		seen(lines.Text())
		_, _ = fmt.Fprintln(log, lines.Text())
	}
	// What follows a line too long to scan is only output: the build must not block on it.
	_, _ = io.Copy(log, reader)
	err = cmd.Wait()
	if ctx.Err() != nil {
		return ctx.Err()
	}
	return err
}

// lock takes a file lock, waiting for its holder; the kernel frees it when the holder dies.
func lock(ctx context.Context, path string) (unlock func(), err error) {
	if err := os.MkdirAll(filepath.Dir(path), 0o755); err != nil {
		return nil, err
	}
	file, err := os.OpenFile(path, os.O_CREATE|os.O_RDWR, 0o600)
	if err != nil {
		return nil, err
	}
	tick := time.NewTicker(100 * time.Millisecond)
	defer tick.Stop()
	for {
		err := syscall.Flock(int(file.Fd()), syscall.LOCK_EX|syscall.LOCK_NB)
		if err == nil {
			return func() { _ = file.Close() }, nil
		}
		if !errors.Is(err, syscall.EWOULDBLOCK) {
			_ = file.Close()
			return nil, fmt.Errorf("lock %s: %w", path, err)
		}
		select {
		case <-ctx.Done():
			_ = file.Close()
			return nil, ctx.Err()
		case <-tick.C:
		}
	}
}

// RunTasks runs tasks side by side and shows progress. The first failure stops the others and is explained with the end
// of its log.
func RunTasks(ctx context.Context, tasks []Task, console *Console) error {
	group, ctx := errgroup.WithContext(ctx)
	group.SetLimit(buildsAtOnce)
	progress := newProgress(console)
	defer progress.stop()
	for _, task := range tasks {
		group.Go(func() error {
			if ctx.Err() != nil {
				return ctx.Err()
			}
			return progress.follow(task, func(count *Count) error { return task.run(ctx, count) })
		})
	}
	return group.Wait()
}

func (t Task) run(ctx context.Context, count *Count) error {
	if err := os.MkdirAll(filepath.Dir(t.Log), 0o700); err != nil {
		return explainDisk(err)
	}
	log, err := os.OpenFile(t.Log, os.O_CREATE|os.O_TRUNC|os.O_WRONLY, 0o600)
	if err != nil {
		return explainDisk(err)
	}
	defer func() { _ = log.Close() }()
	err = t.Run(ctx, log, count)
	switch {
	case err == nil, errors.Is(err, context.Canceled):
		return err
	default:
		return fmt.Errorf("building %s failed: %w%s", t.Name, explainDisk(err), LogTail(t.Log))
	}
}

// progress shows what is being built and for how long.
type progress struct {
	console *Console
	mu      sync.Mutex
	running []*running
	quit    chan struct{}
	wg      sync.WaitGroup
}

type running struct {
	name  string
	since time.Time
	count Count
}

func newProgress(console *Console) *progress {
	p := &progress{console: console, quit: make(chan struct{})}
	p.wg.Go(func() {
		tick := time.NewTicker(console.interval())
		defer tick.Stop()
		for {
			select {
			case <-p.quit:
				return
			case <-tick.C:
				p.show()
			}
		}
	})
	return p
}

func (p *progress) stop() {
	close(p.quit)
	p.wg.Wait()
	p.console.clearStatus()
}

// follow shows a task as running while f runs.
func (p *progress) follow(task Task, f func(count *Count) error) error {
	r := &running{name: task.Name, since: time.Now()}
	p.mu.Lock()
	p.running = append(p.running, r)
	p.mu.Unlock()
	p.console.Note("building %s (log: %s)", task.Name, task.Log)
	err := f(&r.count)
	p.mu.Lock()
	for i := range p.running {
		if p.running[i] == r {
			p.running = append(p.running[:i], p.running[i+1:]...)
			break
		}
	}
	p.mu.Unlock()
	if err == nil {
		p.console.Step("built %s in %s", task.Name, elapsed(r.since))
	}
	return err
}

func (p *progress) show() {
	p.mu.Lock()
	defer p.mu.Unlock()
	line := ""
	for i, r := range p.running {
		if i > 0 {
			line += ", "
		}
		line += fmt.Sprintf("%s %s", r.name, elapsed(r.since))
		switch done, total := r.count.Done.Load(), r.count.Total.Load(); {
		case total > 0:
			line += fmt.Sprintf(" (%d of %d packages)", done, total)
		case done == 0:
			line += " (fetching sources)"
		}
	}
	if line != "" {
		p.console.status("building " + line)
	}
}

// elapsed returns the time since start, rounded for people.
func elapsed(start time.Time) time.Duration {
	d := time.Since(start)
	if d < 10*time.Second {
		return d.Round(100 * time.Millisecond)
	}
	return d.Round(time.Second)
}
