// Command gennaker runs the roles of Gennaker: each as a process of its own, or
// all in one.
package main

import (
	"context"
	"errors"
	"fmt"
	"io"
	"os"
	"os/signal"
	"syscall"

	"github.com/alecthomas/kong"

	"github.com/gennaker/gennaker/cli"
	"github.com/gennaker/gennaker/internal/logging"
)

// Exit codes.
const (
	exitOK     = 0
	exitFailed = 1
	exitUsage  = 2
)

func main() {
	ctx, stop := signal.NotifyContext(context.Background(), syscall.SIGINT, syscall.SIGTERM)
	code := run(ctx, os.Args[1:], os.Stdout, os.Stderr)
	stop()
	os.Exit(code)
}

// commands are the subcommands and the flags that all of them share.
type commands struct {
	ConfigFile string         `name:"config" help:"Configuration file (YAML). Flags win over the environment, the environment over the file." placeholder:"FILE" type:"path"`
	Log        logging.Config `embed:"" prefix:"log-"`

	Server  serverCommand  `cmd:"" help:"Run all roles in one process."`
	Gate    gateCommand    `cmd:"" help:"Run the API gateway, and Deck beside it."`
	Front50 front50Command `cmd:"" name:"front50" help:"Run the configuration service."`
	Worker  workerCommand  `cmd:"" help:"Run Temporal workers."`

	cli.Commands

	Version versionCommand `cmd:"" help:"Print the version."`
	Sandbox sandboxCommand `cmd:"" hidden:"" help:"Do a task that is read from standard input, confined; workers start it."`

	Reference            referenceCommand            `cmd:"" hidden:"" help:"Print the configuration reference."`
	ReferenceAccounts    referenceAccountsCommand    `cmd:"" hidden:"" help:"Print the reference of cloud accounts."`
	ReferenceCLI         referenceCLICommand         `cmd:"" name:"reference-cli" hidden:"" help:"Print the reference of the commands."`
	ReferenceExpressions referenceExpressionsCommand `cmd:"" hidden:"" help:"Print the expression reference."`
	ReferenceStages      referenceStagesCommand      `cmd:"" hidden:"" help:"Write the reference of stage types."`
}

// process is what every subcommand gets to run with.
type process struct {
	ctx    context.Context
	stdin  io.Reader
	stdout io.Writer
	log    logging.Config
	stderr io.Writer
	file   *configFile
}

// run is runWith on the program's own standard input.
func run(ctx context.Context, args []string, stdout, stderr io.Writer) int {
	return runWith(ctx, args, os.Stdin, stdout, stderr)
}

// runWith parses the arguments, runs the subcommand and returns the exit code.
func runWith(ctx context.Context, args []string, stdin io.Reader, stdout, stderr io.Writer) int {
	file, err := findConfigFile(args, os.LookupEnv)
	if err != nil {
		_, _ = fmt.Fprintln(stderr, "gennaker:", err)
		return exitUsage
	}
	var all commands
	exit := -1
	parser, err := kong.New(&all,
		kong.Name("gennaker"),
		kong.Description("Spinnaker's pipelines as durable Temporal workflows."),
		kong.PostBuild(nameVariables),
		kong.Resolvers(file),
		kong.Bind(&cli.Process{Ctx: ctx, Stdin: stdin, Stdout: stdout, Stderr: stderr, Version: versionText()}),
		kong.Writers(stdout, stderr),
		kong.Exit(func(code int) { exit = code }),
		kong.UsageOnError(),
		kong.ConfigureHelp(kong.HelpOptions{Compact: true, NoExpandSubcommands: true}),
	)
	if err != nil {
		_, _ = fmt.Fprintln(stderr, "gennaker:", err)
		return exitFailed
	}
	parsed, err := parser.Parse(cli.Arrange(args))
	if exit >= 0 { // --help was answered
		return exit
	}
	if err != nil {
		_, _ = fmt.Fprintln(stderr, "gennaker:", err)
		_, _ = fmt.Fprintln(stderr, "Run gennaker --help for the commands, gennaker COMMAND --help for its flags.")
		return exitUsage
	}
	err = parsed.Run(&process{ctx: ctx, stdin: stdin, stdout: stdout, stderr: stderr, log: all.Log, file: file})
	if cli.IsCommand(parsed.Path[1].Node().Name) {
		return cli.End(stderr, err)
	}
	if err != nil && !errors.Is(err, context.Canceled) {
		_, _ = fmt.Fprintln(stderr, "gennaker:", err)
		return exitFailed
	}
	return exitOK
}
