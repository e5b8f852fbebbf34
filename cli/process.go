package cli

import (
	"bufio"
	"context"
	"errors"
	"fmt"
	"io"
	"os"
	"slices"
	"strings"
	"time"

	"golang.org/x/term"

	"github.com/gennaker/gennaker/cli/client"
	"github.com/gennaker/gennaker/cli/render"
	"github.com/gennaker/gennaker/pipeline"
)

// Commands are the commands of this package; the program embeds them.
type Commands struct {
	Application applicationCommand `cmd:"" aliases:"applications,app" help:"Look at applications and change them."`
	Pipeline    pipelineCommand    `cmd:"" aliases:"pipelines,pi" help:"Look at pipelines, change, plan and run them."`
	Execution   executionCommand   `cmd:"" aliases:"executions,ex" help:"Look at executions, and steer them."`
	Account     accountCommand     `cmd:"" aliases:"accounts,acc" help:"Look at cloud accounts."`
	Project     projectCommand     `cmd:"" aliases:"projects,prj" help:"Look at projects and change them."`
	Template    templateCommand    `cmd:"" aliases:"templates,pipeline-template,pipeline-templates,pt" help:"Look at pipeline templates and change them."`
	Expr        exprCommand        `cmd:"" help:"Evaluate pipeline expressions."`
	Import      importCommand      `cmd:"" help:"Bring the configuration of a running Spinnaker here, through its Gate."`
	Backup      backupCommand      `cmd:"" help:"Write what the bucket holds to a file."`
	Restore     restoreCommand     `cmd:"" help:"Bring a backup into the bucket."`
	Completion  completionCommand  `cmd:"" help:"Print the script that lets a shell complete commands."`
}

// names are the commands of [Commands].
var names = []string{"application", "pipeline", "execution", "account", "project", "template", "expr", "import", "backup", "restore", "completion"}

// Process is what the commands run with. It is bound when the command line is
// parsed; commands fill it further.
type Process struct {
	Ctx    context.Context
	Stdin  io.Reader
	Stdout io.Writer
	Stderr io.Writer
	// Version is the program's.
	Version string

	flags   *Flags
	answers *Answers
}

// Flags say which Gate a command asks and how it answers. They may stand anywhere
// on the command line.
type Flags struct {
	GateEndpoint    string            `name:"gate-endpoint" aliases:"gate-url" env:"GENNAKER_GATE_ENDPOINT,GENNAKER_GATE_URL" help:"Address of Gate; else the CLI's configuration file says it, else http://localhost:8084." placeholder:"URL"`
	CLIConfig       string            `name:"cli-config" env:"GENNAKER_CLI_CONFIG" help:"Configuration file of the CLI, in the format of spin's; else ~/.spin/config if it is there." placeholder:"FILE"`
	Insecure        bool              `short:"k" env:"GENNAKER_INSECURE" help:"Take any certificate of Gate."`
	IgnoreRedirects bool              `name:"ignore-redirects" env:"GENNAKER_IGNORE_REDIRECTS" help:"Follow no redirects."`
	DefaultHeaders  map[string]string `name:"default-headers" env:"GENNAKER_DEFAULT_HEADERS" mapsep:"," help:"Headers for every request." placeholder:"NAME=VALUE,..."`
	RetryTimeout    int               `name:"retry-timeout" env:"GENNAKER_RETRY_TIMEOUT" help:"How many seconds to wait for the end of a task (default 60)." placeholder:"SECONDS"`
	Answers
}

// Answers say how a command answers.
type Answers struct {
	Output  string `short:"o" env:"GENNAKER_OUTPUT" help:"Answer as json, yaml or jsonpath=EXPRESSION; else as a table." placeholder:"FORMAT"`
	JSON    bool   `name:"json" hidden:"" help:"The same as -o json."`
	Quiet   bool   `short:"q" env:"GENNAKER_QUIET" help:"Say nothing but the answer and errors."`
	NoColor bool   `name:"no-color" env:"GENNAKER_NO_COLOR" help:"Use no colours; nor are there any when NO_COLOR is set or the output is no terminal."`

	format render.Format
}

// AfterApply is called by kong once the flags are read.
func (f *Flags) AfterApply(p *Process) error {
	if f.RetryTimeout < 0 {
		return usagef("--retry-timeout is %d: give seconds", f.RetryTimeout)
	}
	p.flags = f
	return nil
}

// AfterApply is called by kong once the flags are read.
func (a *Answers) AfterApply(p *Process) error {
	if a.JSON && a.Output == "" {
		a.Output = "json"
	}
	var err error
	if a.format, err = render.ParseFormat(a.Output); err != nil {
		return err
	}
	p.answers = a
	return nil
}

// UsageError is a command line that cannot be meant.
type UsageError struct{ text string }

// Error implements error.
func (e *UsageError) Error() string { return e.text }

func usagef(format string, args ...any) error {
	return &UsageError{text: fmt.Sprintf(format, args...)}
}

// ErrInterrupted is the end of a command that a person ended.
var ErrInterrupted = errors.New("interrupted")

// End tells of the end of a command that failed, and returns its exit code: 0 for
// success, 1 for failure, 2 for wrong usage.
func End(stderr io.Writer, err error) int {
	if err == nil {
		return 0
	}
	if errors.Is(err, context.Canceled) {
		err = ErrInterrupted
	}
	_, _ = fmt.Fprintln(stderr, "gennaker:", render.Clean(err.Error()))
	var usage *UsageError
	if errors.As(err, &usage) {
		return 2
	}
	return 1
}

// IsCommand reports whether a word is one of [Commands].
func IsCommand(name string) bool { return slices.Contains(names, name) }

// gate opens the connection to Gate.
func (p *Process) gate() (*client.Client, error) {
	f := p.flags
	return p.open(client.Options{
		Endpoint: f.GateEndpoint, ConfigFile: f.CLIConfig, Insecure: f.Insecure, IgnoreRedirects: f.IgnoreRedirects,
		Headers: f.DefaultHeaders, RetryTimeout: time.Duration(f.RetryTimeout) * time.Second,
	})
}

func (p *Process) open(o client.Options) (*client.Client, error) {
	o.Version = p.Version
	o.Warn = func(text string) { p.say("%s", text) }
	if terminal(p.Stdin) {
		o.Ask = p.ask
	}
	return client.Open(p.Ctx, o)
}

// ask has a person open an address and give what they get there.
func (p *Process) ask(ctx context.Context, address string) (string, error) {
	_, _ = fmt.Fprintf(p.Stderr, "Open this address in a browser and sign in:\n\n  %s\n\nPaste the code, or the whole address that you come to: ", address)
	type line struct {
		text string
		err  error
	}
	read := make(chan line, 1)
	go func() { // a read of a terminal cannot be cancelled; the process ends with it
		text, err := bufio.NewReader(io.LimitReader(p.Stdin, 64<<10)).ReadString('\n')
		read <- line{text, err}
	}()
	select {
	case <-ctx.Done():
		return "", context.Cause(ctx)
	case l := <-read:
		if l.err != nil && l.text == "" {
			return "", errors.New("no code was given")
		}
		return l.text, nil
	}
}

// say tells a person what goes on, on standard error, unless --quiet is set.
func (p *Process) say(format string, args ...any) {
	if p.answers != nil && p.answers.Quiet {
		return
	}
	_, _ = fmt.Fprintf(p.Stderr, format+"\n", args...)
}

// style is that of standard output.
func (p *Process) style() render.Style {
	return render.Style{Colour: terminal(p.Stdout) && !p.answers.NoColor && os.Getenv("NO_COLOR") == ""}
}

// scripted reports whether a script reads the answer.
func (p *Process) scripted() bool { return !p.answers.format.Table() }

// answer writes a value for scripts, or has people's shape written.
func (p *Process) answer(v any, people func() error) error {
	if p.scripted() {
		return p.answers.format.Write(p.scriptOut(), plainValue(v))
	}
	return people()
}

// scriptOut is where answers for scripts go: standard output, cleaned of control
// characters when a person looks at it.
func (p *Process) scriptOut() io.Writer {
	if terminal(p.Stdout) {
		return cleaner{p.Stdout}
	}
	return p.Stdout
}

// cleaner cleans what is written to a terminal, in whole texts.
type cleaner struct{ out io.Writer }

// Write implements io.Writer.
func (c cleaner) Write(text []byte) (int, error) {
	if _, err := io.WriteString(c.out, render.Clean(string(text))); err != nil {
		return 0, err
	}
	return len(text), nil
}

// document answers with a JSON document, which people get as JSON too.
func (p *Process) document(m pipeline.Map) error {
	return p.answers.format.Write(p.scriptOut(), map[string]any(m))
}

// plainValue turns lists of maps into the types that can be encoded.
func plainValue(v any) any {
	switch v := v.(type) {
	case pipeline.Map:
		return map[string]any(v)
	case []pipeline.Map:
		out := make([]any, len(v))
		for i, m := range v {
			out[i] = map[string]any(m)
		}
		return out
	}
	return v
}

// table writes a table, or that there is nothing.
func (p *Process) table(t *render.Table, nothing string) error {
	if t.Len() == 0 {
		p.say("%s", nothing)
		return nil
	}
	return t.Write(p.Stdout, p.style())
}

// terminal reports whether a person sits at a stream.
func terminal(stream any) bool {
	f, ok := stream.(*os.File)
	return ok && term.IsTerminal(int(f.Fd()))
}

// size returns the width and height of the terminal at standard output, or zeros.
func (p *Process) size() (columns, rows int) {
	f, ok := p.Stdout.(*os.File)
	if !ok {
		return 0, 0
	}
	columns, rows, err := term.GetSize(int(f.Fd()))
	if err != nil {
		return 0, 0
	}
	return columns, rows
}

// Arrange puts flags of [Flags] that stand before the command behind it, for spin
// takes them there: spin --gate-endpoint URL application list. What it does not
// know it leaves alone.
func Arrange(args []string) []string {
	taking := map[string]bool{"--gate-endpoint": true, "--gate-url": true, "--default-headers": true, "--retry-timeout": true, "--output": true, "-o": true, "--cli-config": true}
	alone := map[string]bool{"-k": true, "--insecure": true, "--ignore-redirects": true, "-q": true, "--quiet": true, "--no-color": true, "--json": true}
	at := 0
	for at < len(args) {
		flag, _, joined := strings.Cut(args[at], "=")
		switch {
		case taking[flag] && !joined && at+1 < len(args):
			at += 2
		case taking[flag] && joined, alone[flag]:
			at++
		default:
			if at == 0 || strings.HasPrefix(args[at], "-") {
				return args
			}
			// Right behind the noun, so that arguments after "--" stay what they are.
			out := append([]string{args[at]}, args[:at]...)
			return append(out, args[at+1:]...)
		}
	}
	return args
}
