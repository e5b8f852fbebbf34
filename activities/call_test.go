package activities_test

import (
	"context"
	"go/ast"
	"go/parser"
	"go/token"
	"log/slog"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/require"
	"go.temporal.io/sdk/activity"
	"go.temporal.io/sdk/log"
	"go.temporal.io/sdk/temporal"
	"go.temporal.io/sdk/testsuite"
	"go.temporal.io/sdk/workflow"

	"github.com/gennaker/gennaker/activities"
	"github.com/gennaker/gennaker/pipeline"
)

// registered collects the names that Register functions register.
type registered []string

func (r *registered) RegisterActivityWithOptions(_ any, o activity.RegisterOptions) {
	*r = append(*r, o.Name)
}

// nobody implements every contract; its methods are never called.
type nobody struct {
	activities.Accounts
	activities.Archive
	activities.Artifacts
	activities.Clouddriver
	activities.Configuration
	activities.Executions
	activities.History
	activities.Fetch
	activities.Limits
	activities.Permissions
	activities.Plans
	activities.Reads
	activities.Rosco
	activities.Webhook
}

// Every call value of the package is registered by its Register function, once,
// and nothing else is. The values are found in the source, so that a new one
// cannot be forgotten here.
func TestEveryCallIsRegistered(t *testing.T) {
	t.Parallel()
	var names registered
	activities.RegisterAccounts(&names, nobody{})
	activities.RegisterArchive(&names, nobody{})
	activities.RegisterArtifacts(&names, nobody{})
	activities.RegisterClouddriver(&names, nobody{})
	activities.RegisterConfiguration(&names, nobody{})
	activities.RegisterExecutions(&names, nobody{})
	activities.RegisterFetch(&names, nobody{})
	activities.RegisterHistory(&names, nobody{})
	activities.RegisterLimits(&names, nobody{})
	activities.RegisterPermissions(&names, nobody{})
	activities.RegisterPlans(&names, nobody{})
	activities.RegisterReads(&names, nobody{})
	activities.RegisterRosco(&names, nobody{})
	activities.RegisterWebhook(&names, nobody{})

	want := declaredCalls(t)
	require.NotEmpty(t, want)
	slices.Sort(names)
	slices.Sort(want)
	require.Equal(t, want, []string(names))
}

// declaredCalls returns the Name of every variable of the package that holds a
// Call literal.
func declaredCalls(t *testing.T) []string {
	t.Helper()
	files, err := filepath.Glob("*.go")
	require.NoError(t, err)
	var names []string
	for _, name := range files {
		if strings.HasSuffix(name, "_test.go") {
			continue
		}
		file, err := parser.ParseFile(token.NewFileSet(), name, nil, 0)
		require.NoError(t, err)
		for _, d := range file.Decls {
			g, ok := d.(*ast.GenDecl)
			if !ok || g.Tok != token.VAR {
				continue
			}
			ast.Inspect(g, func(n ast.Node) bool {
				lit, ok := n.(*ast.CompositeLit)
				if !ok {
					return true
				}
				if index, ok := lit.Type.(*ast.IndexListExpr); !ok || index.X.(*ast.Ident).Name != "Call" {
					return true
				}
				for _, e := range lit.Elts {
					if kv := e.(*ast.KeyValueExpr); kv.Key.(*ast.Ident).Name == "Name" {
						names = append(names, strings.Trim(kv.Value.(*ast.BasicLit).Value, `"`))
					}
				}
				return true
			})
		}
	}
	return names
}

// What a call promises its caller, checked on every call value.
func TestCallsAreBounded(t *testing.T) {
	t.Parallel()
	check := func(name string, local bool, timeout, heartbeat, queue time.Duration, hasQueue bool) {
		require.Positive(t, timeout, name)
		if local {
			require.LessOrEqual(t, timeout, time.Minute, "%s runs inside a workflow task", name)
			require.False(t, hasQueue, "%s runs in the workflow's worker", name)
			return
		}
		require.Positive(t, heartbeat, "%s must notice a lost worker", name)
		require.Less(t, heartbeat, timeout, name)
		if hasQueue {
			require.Positive(t, queue, "%s must notice that nobody serves its queue", name)
		}
	}
	checkCall(check, activities.FindAccount)
	checkCall(check, activities.FindWorkers)
	checkCall(check, activities.ArchiveExecution)
	checkCall(check, activities.ReadPipeline)
	checkCall(check, activities.FindPipeline)
	checkCall(check, activities.UpsertApplication)
	checkCall(check, activities.DeleteApplication)
	checkCall(check, activities.LatestExecutions)
	checkCall(check, activities.LoadExecution)
	checkCall(check, activities.TellLimit)
	checkCall(check, activities.AnswerPermits)
	checkCall(check, activities.FindEnded)
	checkCall(check, activities.SavePipeline)
	checkCall(check, activities.DeletePipeline)
	checkCall(check, activities.FetchExpressions)
	checkCall(check, activities.CallWebhook)
	checkCall(check, activities.PollWebhook)
	checkCall(check, activities.DeployManifest)
	checkCall(check, activities.AwaitStable)
	checkCall(check, activities.DeleteManifest)
	checkCall(check, activities.CleanupArtifacts)
	checkCall(check, activities.RunJob)
	checkCall(check, activities.AwaitJob)
	checkCall(check, activities.ClusterSize)
}

func checkCall[In, Out any](check func(string, bool, time.Duration, time.Duration, time.Duration, bool), c activities.Call[In, Out]) {
	check(c.Name, c.Local, c.Timeout, c.Heartbeat, c.QueueTimeout, c.Queue != nil)
}

func TestCloudCallsGoToTheAccountsQueue(t *testing.T) {
	t.Parallel()
	const want = "clouddriver.prod-eu"
	require.Equal(t, want, activities.DeployManifest.Queue(activities.DeployManifestInput{Account: "prod-eu"}))
	require.Equal(t, want, activities.AwaitStable.Queue(activities.AwaitStableInput{Account: "prod-eu"}))
	require.Equal(t, want, activities.DeleteManifest.Queue(activities.DeleteManifestInput{Account: "prod-eu"}))
	require.Equal(t, want, activities.CleanupArtifacts.Queue(activities.CleanupArtifactsInput{Account: "prod-eu"}))
	require.Equal(t, want, activities.RunJob.Queue(activities.RunJobInput{Account: "prod-eu"}))
	require.Equal(t, want, activities.AwaitJob.Queue(activities.AwaitJobInput{Account: "prod-eu"}))
	require.Equal(t, want, activities.ClusterSize.Queue(activities.ClusterSizeInput{Account: "prod-eu"}))
}

func TestScopeKey(t *testing.T) {
	t.Parallel()
	s := activities.Scope{Application: "a/b", Execution: "01J1CB4V1GJ4Z0X4T3J8Q6Y5ZA", Stage: "01J1CB4V1GJ4Z0X4T3J8Q6Y5ZB", Task: "deployManifest", User: "ines"}
	require.Equal(t, "01J1CB4V1GJ4Z0X4T3J8Q6Y5ZA.01J1CB4V1GJ4Z0X4T3J8Q6Y5ZB.deployManifest.0", s.Key())
	again := s
	again.Attempt = 1
	require.NotEqual(t, s.Key(), again.Key())
	require.Regexp(t, `^[A-Za-z0-9.-]+$`, s.Key())
}

// accounts answers with whatever it is told.
type accounts func(context.Context, activities.FindAccountInput) (activities.FindAccountOutput, error)

func (a accounts) FindAccount(ctx context.Context, in activities.FindAccountInput) (activities.FindAccountOutput, error) {
	return a(ctx, in)
}

func (accounts) ListAccounts(context.Context, activities.ListAccountsInput) (activities.ListAccountsOutput, error) {
	return activities.ListAccountsOutput{}, nil
}

func (a accounts) FindWorkers(context.Context, activities.FindWorkersInput) (activities.FindWorkersOutput, error) {
	return activities.FindWorkersOutput{}, nil
}

// jobs answers AwaitJob with whatever it is told.
type jobs struct {
	activities.Clouddriver
	await func(context.Context, activities.AwaitJobInput) (activities.AwaitJobOutput, error)
}

func (j jobs) AwaitJob(ctx context.Context, in activities.AwaitJobInput) (activities.AwaitJobOutput, error) {
	return j.await(ctx, in)
}

// What an activity returns is what the workflow gets: the same code, message
// and details, local or not, after one attempt.
func TestErrorsReachTheWorkflow(t *testing.T) {
	t.Parallel()
	want := &pipeline.Error{Code: pipeline.CodeUnavailable, Message: "Not now.", Details: []string{"a", "b"}}
	attempts := 0
	suite := quietSuite()

	env := suite.NewTestWorkflowEnvironment()
	activities.RegisterAccounts(env, accounts(func(context.Context, activities.FindAccountInput) (activities.FindAccountOutput, error) {
		attempts++
		return activities.FindAccountOutput{}, want
	}))
	var got error
	env.ExecuteWorkflow(func(ctx workflow.Context) error {
		_, got = activities.FindAccount.Do(ctx, activities.FindAccountInput{}, activities.Options{})
		return nil
	})
	require.NoError(t, env.GetWorkflowError())
	require.Equal(t, want, got)
	require.Equal(t, 1, attempts)

	attempts = 0
	env = suite.NewTestWorkflowEnvironment()
	activities.RegisterClouddriver(env, jobs{await: func(context.Context, activities.AwaitJobInput) (activities.AwaitJobOutput, error) {
		attempts++
		return activities.AwaitJobOutput{}, want
	}})
	env.ExecuteWorkflow(func(ctx workflow.Context) error {
		_, got = activities.AwaitJob.Do(ctx, activities.AwaitJobInput{Account: "prod"}, activities.Options{Within: time.Hour})
		return nil
	})
	require.Equal(t, want, got)
	require.Equal(t, 1, attempts)
}

func TestPanicsReachTheWorkflow(t *testing.T) {
	t.Parallel()
	suite := quietSuite()
	env := suite.NewTestWorkflowEnvironment()
	activities.RegisterAccounts(env, accounts(func(context.Context, activities.FindAccountInput) (activities.FindAccountOutput, error) {
		panic("a mistake of ours")
	}))
	var got error
	env.ExecuteWorkflow(func(ctx workflow.Context) error {
		_, got = activities.FindAccount.Do(ctx, activities.FindAccountInput{}, activities.Options{})
		return nil
	})
	require.Equal(t, pipeline.CodeInternal, pipeline.CodeOf(got))
	require.ErrorContains(t, got, "accounts.find")
	require.NotContains(t, got.Error(), "a mistake of ours", "the panic's text is for the log")
}

func TestCancellationReachesTheWorkflow(t *testing.T) {
	t.Parallel()
	suite := quietSuite()
	env := suite.NewTestWorkflowEnvironment()
	activities.RegisterClouddriver(env, jobs{await: func(context.Context, activities.AwaitJobInput) (activities.AwaitJobOutput, error) {
		return activities.AwaitJobOutput{}, context.Canceled
	}})
	var got error
	env.ExecuteWorkflow(func(ctx workflow.Context) error {
		ctx, cancel := workflow.WithCancel(ctx)
		cancel()
		_, got = activities.AwaitJob.Do(ctx, activities.AwaitJobInput{Account: "prod"}, activities.Options{})
		return nil
	})
	require.True(t, temporal.IsCanceledError(got), got)
}

func quietSuite() *testsuite.WorkflowTestSuite {
	suite := &testsuite.WorkflowTestSuite{}
	suite.SetLogger(log.NewStructuredLogger(slog.New(slog.DiscardHandler)))
	return suite
}
