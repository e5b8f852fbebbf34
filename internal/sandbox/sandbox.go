// Package sandbox runs work on what users hand in, templates above all, in a
// process of its own: the same program, started again as a child that has no
// files, no network and no children, and whose memory and time are bounded by
// the kernel. A template that loops or fills the memory ends its process, never
// the worker.
package sandbox

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"os/exec"
	"runtime"
	"strings"
	"time"

	"golang.org/x/sync/semaphore"

	"github.com/gennaker/gennaker/pipeline"
)

// Config bounds the processes.
type Config struct {
	Memory    int64         `help:"Memory that rendering a template or reading a large manifest may take, in bytes." default:"1073741824"`
	Time      time.Duration `help:"Time that it may take." default:"1m"`
	Processes int           `help:"Processes that do so at once; 0 is one a processor, at least 2." default:"0"`
	// MaxOutput bounds an answer, in bytes of JSON.
	MaxOutput int64 `kong:"-"`
}

// minMemory is what the program itself takes with room to work.
const minMemory = 256 << 20

// Validate reports every setting that cannot be used.
func (c Config) Validate() error {
	var errs []error
	if c.Memory < minMemory {
		errs = append(errs, fmt.Errorf("sandbox-memory is %d: use at least %d, which the program itself needs", c.Memory, minMemory))
	}
	if c.Time < time.Second {
		errs = append(errs, fmt.Errorf("sandbox-time is %s: use at least 1s", c.Time))
	}
	if c.Processes < 0 {
		errs = append(errs, fmt.Errorf("sandbox-processes is %d: use 0 or more", c.Processes))
	}
	return errors.Join(errs...)
}

// Runner starts the processes. It is safe for concurrent use.
type Runner struct {
	config  Config
	command []string
	turns   *semaphore.Weighted
}

// New returns a runner whose processes run command, whose last act is [Serve].
func New(c Config, command ...string) *Runner {
	if c.Processes == 0 {
		c.Processes = max(2, runtime.GOMAXPROCS(0))
	}
	if c.MaxOutput == 0 {
		c.MaxOutput = 64 << 20
	}
	return &Runner{config: c, command: command, turns: semaphore.NewWeighted(int64(c.Processes))}
}

// request is what a process reads, answer what it writes.
type request struct {
	Task   string          `json:"task"`
	Memory int64           `json:"memory"`
	Time   time.Duration   `json:"time"`
	Input  json.RawMessage `json:"input"`
}

type answer struct {
	Output  json.RawMessage `json:"output,omitempty"`
	Code    pipeline.Code   `json:"code,omitempty"`
	Message string          `json:"message,omitempty"`
	Details []string        `json:"details,omitempty"`
}

// Run has a process do a task and reads its answer into out; what says in the
// errors what was being done: "The bake of chart web".
//
// Errors: those of the task; too_large when it needs more memory, or answers with
// more, than it may; timeout when it takes longer, and the request is then wrong,
// not the world: it is failed; unavailable for a process that cannot be started
// or that something else ended; the context's own.
func (r *Runner) Run(ctx context.Context, task, what string, in, out any) error {
	// The turn comes first: a request may be large.
	if err := r.turns.Acquire(ctx, 1); err != nil {
		return err
	}
	defer r.turns.Release(1)
	input, err := json.Marshal(in)
	if err != nil {
		return err
	}
	text, err := json.Marshal(request{Task: task, Memory: r.config.Memory, Time: r.config.Time, Input: input})
	if err != nil {
		return err
	}
	// The kernel counts the time of the processor; this counts the clock's, with
	// room for a machine that has much else to do.
	limit := 2*r.config.Time + 10*time.Second
	limited, cancel := context.WithTimeout(ctx, limit)
	defer cancel()
	cmd := exec.CommandContext(limited, r.command[0], r.command[1:]...)
	cmd.Env = []string{"GOTRACEBACK=none", "GOMAXPROCS=2", "TZ=UTC"}
	cmd.Stdin = bytes.NewReader(text)
	stdout := &capped{limit: r.config.MaxOutput, cancel: cancel}
	stderr := &capped{limit: 16 << 10, keep: true}
	cmd.Stdout, cmd.Stderr = stdout, stderr
	cmd.WaitDelay = 5 * time.Second
	err = start(cmd)
	if err != nil {
		return pipeline.Wrap(pipeline.CodeUnavailable, err, "The process for %s cannot be started.", lower(what))
	}
	err = cmd.Wait()
	switch {
	case ctx.Err() != nil:
		return ctx.Err()
	case stdout.over:
		return pipeline.Errorf(pipeline.CodeTooLarge, "%s came to more than %d bytes, the most that is taken.", what, r.config.MaxOutput)
	case err != nil:
		late := limited.Err() != nil || endedByTime(cmd.ProcessState, r.config.Time)
		return r.explain(what, err, late, stderr.buffer.String())
	}
	var a answer
	if err := json.Unmarshal(stdout.buffer.Bytes(), &a); err != nil {
		return pipeline.Wrap(pipeline.CodeInternal, err, "%s gave an answer that cannot be read.", what)
	}
	if a.Code != "" {
		return &pipeline.Error{Code: a.Code, Message: a.Message, Details: a.Details}
	}
	return json.Unmarshal(a.Output, out)
}

// explain says why a process ended without an answer.
func (r *Runner) explain(what string, err error, late bool, stderr string) error {
	cause := fmt.Errorf("%w: %s", err, strings.TrimSpace(stderr))
	switch {
	case late:
		return pipeline.Wrap(pipeline.CodeFailed, cause, "%s took longer than %s, the most that it may take: it does not end, or is too large.", what, r.config.Time)
	case strings.Contains(stderr, "out of memory") || strings.Contains(stderr, "cannot allocate memory") || strings.Contains(stderr, "errno=12"):
		return pipeline.Wrap(pipeline.CodeTooLarge, cause, "%s needed more than %d bytes of memory, the most that it may take.", what, r.config.Memory)
	case strings.Contains(stderr, "stack exceeds") || strings.Contains(stderr, "stack overflow"):
		return pipeline.Wrap(pipeline.CodeFailed, cause, "%s nests without end: something in it includes itself.", what)
	}
	return pipeline.Wrap(pipeline.CodeUnavailable, cause, "The process for %s ended before its answer (%s).", lower(what), err)
}

func lower(what string) string {
	if what == "" {
		return what
	}
	return strings.ToLower(what[:1]) + what[1:]
}

// capped keeps what is written up to a limit; beyond it the rest is dropped, and
// unless keep is set the writer is told to end.
type capped struct {
	// Not embedded: a buffer that reads for itself would pass the limit over.
	buffer bytes.Buffer
	limit  int64
	keep   bool
	over   bool
	cancel context.CancelFunc
}

func (c *capped) Write(p []byte) (int, error) {
	room := c.limit - int64(c.buffer.Len())
	if int64(len(p)) <= room {
		return c.buffer.Write(p)
	}
	if c.keep {
		c.buffer.Write(p[:max(room, 0)])
		return len(p), nil
	}
	c.over = true
	c.cancel()
	return 0, io.ErrShortWrite
}

// Task does one kind of work: it reads its input and returns its output. Its
// error is passed on as a *pipeline.Error.
type Task func(input json.RawMessage) (any, error)

// Serve is the child's side of [Runner.Run]: it reads a request, gives up what
// the process does not need, does the task and writes the answer. It returns the
// program's exit code.
func Serve(stdin io.Reader, stdout, stderr io.Writer, tasks map[string]Task) int {
	text, err := io.ReadAll(stdin)
	var r request
	if err == nil {
		err = json.Unmarshal(text, &r)
	}
	if err != nil {
		_, _ = fmt.Fprintln(stderr, "sandbox: the request cannot be read:", err)
		return 2
	}
	if err := confine(r.Memory, r.Time); err != nil {
		_, _ = fmt.Fprintln(stderr, "sandbox: the process cannot be confined:", err)
		return 2
	}
	task, ok := tasks[r.Task]
	if !ok {
		_, _ = fmt.Fprintf(stderr, "sandbox: there is no task %q\n", r.Task)
		return 2
	}
	a := do(task, r.Input)
	if err := json.NewEncoder(stdout).Encode(a); err != nil {
		_, _ = fmt.Fprintln(stderr, "sandbox: the answer cannot be written:", err)
		return 1
	}
	return 0
}

// maxStack bounds the stack, so that nesting without end is told as that and not
// as a lack of memory: a stack that grows is copied into one of twice its size.
func maxStack(memory int64) int { return int(min(memory/8, 256<<20)) }

func do(task Task, input json.RawMessage) (a answer) {
	defer func() {
		if v := recover(); v != nil {
			a = answer{Code: pipeline.CodeFailed, Message: fmt.Sprintf("What was handed in cannot be processed: %v.", v)}
		}
	}()
	out, err := task(input)
	if err == nil {
		a.Output, err = json.Marshal(out)
	}
	if err != nil {
		code := pipeline.CodeFailed
		var p *pipeline.Error
		if errors.As(err, &p) {
			code = p.Code
		}
		return answer{Code: code, Message: pipeline.MessageOf(err), Details: pipeline.DetailsOf(err)}
	}
	return a
}
