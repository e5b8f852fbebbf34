package stages_test

import (
	"context"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/gennaker/gennaker/activities"
	"github.com/gennaker/gennaker/pipeline"
	"github.com/gennaker/gennaker/workflows"
	"github.com/gennaker/gennaker/workflows/stages"
	"github.com/gennaker/gennaker/workflows/workflowstest"
)

const job = `"account":"prod","manifest":{"apiVersion":"batch/v1","kind":"Job","metadata":{"name":"test"}}`

func TestRunJobExample(t *testing.T) {
	t.Parallel()
	w := workflowstest.NewWorld()
	e := runExample(t, w, "run_job.go", "RunJob").Done()
	require.Equal(t, pipeline.Succeeded, e.Status, workflowstest.Errors(e, "4"))
	s := stage(e)
	require.Equal(t, []string{"runJob", "monitorDeploy", "promoteManifestKatoOutputs", "waitOnJobCompletion"}, taskNames(s))
	require.Equal(t, map[string]any{"shop": []any{"job test"}}, s.Context["deploy.jobs"])
	require.Equal(t, map[string]any{"name": "test", "jobState": "Succeeded"}, s.Outputs["jobStatus"])
	in := w.Asked(activities.RunJob.Name)[0].(activities.RunJobInput)
	require.Equal(t, "bakery", in.Application)
	require.Equal(t, activities.AwaitJobInput{
		Scope:   activities.Scope{Application: "bakery", Execution: e.ID, Stage: s.ID, StageName: "Test", Task: "waitOnJobCompletion", User: "ines"},
		Account: "prod", Namespace: "shop", Name: "test", UID: "uid-of-test", Explain: true,
	}, w.Asked(activities.AwaitJob.Name)[0])
	require.Empty(t, deleted(w))
}

func TestRunJobWithoutWaiting(t *testing.T) {
	t.Parallel()
	w := workflowstest.NewWorld()
	e := newRun(t, w, `{"stages":[{"type":"runJob","waitForCompletion":false,"noOutput":true,`+job+`}]}`).Done()
	require.Equal(t, pipeline.Succeeded, e.Status)
	require.Empty(t, w.Asked(activities.AwaitJob.Name))
	require.Empty(t, stage(e).Outputs)
	require.NotEmpty(t, stage(e).Context["outputs.manifestNamesByNamespace"])
}

// A Job that failed by itself is left for people to look at.
func TestRunJobThatFails(t *testing.T) {
	t.Parallel()
	w := workflowstest.NewWorld()
	workflowstest.On(w, activities.AwaitJob, func(context.Context, activities.AwaitJobInput) (activities.AwaitJobOutput, error) {
		return activities.AwaitJobOutput{Reason: "BackoffLimitExceeded", Message: "too many failures.", FailureDetails: "exit code 1", Status: pipeline.Map{"jobState": "Failed"}}, nil
	})
	e := newRun(t, w, `{"stages":[{"type":"runJob",`+job+`}]}`).Done()
	require.Equal(t, pipeline.Terminal, e.Status)
	require.Equal(t, []string{"Job: 'test' failed. Reason: BackoffLimitExceeded. Details: too many failures. Additional Details: exit code 1."}, workflowstest.Errors(e, "0"))
	require.Equal(t, map[string]any{"jobState": "Failed"}, stage(e).Context["jobStatus"])
	require.Empty(t, deleted(w))
}

// Cancelling deletes the Job, however often the cluster has to be asked.
func TestCancelDeletesTheJob(t *testing.T) {
	t.Parallel()
	w := workflowstest.NewWorld()
	workflowstest.On(w, activities.AwaitJob, func(ctx context.Context, _ activities.AwaitJobInput) (activities.AwaitJobOutput, error) {
		return activities.AwaitJobOutput{}, workflowstest.UntilCanceled(ctx)
	})
	n := 0
	workflowstest.On(w, activities.DeleteManifest, func(_ context.Context, in activities.DeleteManifestInput) (activities.DeleteManifestOutput, error) {
		if n++; n < 3 {
			return activities.DeleteManifestOutput{}, pipeline.Errorf(pipeline.CodeUnavailable, "The cluster does not answer.")
		}
		return activities.DeleteManifestOutput{ManifestNamesByNamespace: map[string][]string{in.Location: {in.ManifestName}}}, nil
	})
	r := newRun(t, w, `{"stages":[{"type":"runJob",`+job+`}]}`)
	cancel := r.CancelAt(50*time.Millisecond, workflows.CancelInput{User: "ines"})
	e := r.Done()
	cancel.Took(t)
	require.Equal(t, pipeline.Canceled, e.Status)
	require.Len(t, deleted(w), 3)
	in := deleted(w)[2]
	require.Equal(t, "prod", in.Account)
	require.Equal(t, "shop", in.Location)
	require.Equal(t, "job test", in.ManifestName)
	require.Equal(t, "uid-of-test", in.UID)
	require.Equal(t, pipeline.Map{"cascading": "true"}, in.Options)
	require.Equal(t, "cleanUp", in.Scope.Task)
	require.Equal(t, map[string]any{"shop": []any{"job test"}}, stage(e).Context["canceledJobs"])
}

// A cluster that never answers does not keep the execution running for ever.
func TestCleanUpGivesUp(t *testing.T) {
	t.Parallel()
	w := workflowstest.NewWorld()
	workflowstest.On(w, activities.AwaitJob, func(ctx context.Context, _ activities.AwaitJobInput) (activities.AwaitJobOutput, error) {
		return activities.AwaitJobOutput{}, workflowstest.UntilCanceled(ctx)
	})
	workflowstest.On(w, activities.DeleteManifest, func(context.Context, activities.DeleteManifestInput) (activities.DeleteManifestOutput, error) {
		return activities.DeleteManifestOutput{}, pipeline.Errorf(pipeline.CodeUnavailable, "The cluster does not answer.")
	})
	r := newRun(t, w, `{"stages":[{"type":"runJob","stageTimeoutMs":60000,`+job+`}]}`)
	r.CancelAt(50*time.Millisecond, workflows.CancelInput{User: "ines"})
	e := r.Done()
	require.Equal(t, pipeline.Canceled, e.Status)
	require.LessOrEqual(t, int64(e.EndTime-e.StartTime), (11 * time.Minute).Milliseconds())
	require.NotNil(t, stage(e).Context["cleanUpException"])
}

// A stage whose Job another execution replaced says so and leaves the other's
// Job alone.
func TestRunJobThatWasReplaced(t *testing.T) {
	t.Parallel()
	w := workflowstest.NewWorld()
	workflowstest.On(w, activities.AwaitJob, func(context.Context, activities.AwaitJobInput) (activities.AwaitJobOutput, error) {
		return activities.AwaitJobOutput{}, pipeline.Errorf(pipeline.CodeFailed, "The Job 'test' of this stage was replaced by another execution's.")
	})
	workflowstest.On(w, activities.DeleteManifest, func(_ context.Context, in activities.DeleteManifestInput) (activities.DeleteManifestOutput, error) {
		if in.UID != "uid-of-test" {
			return activities.DeleteManifestOutput{}, pipeline.Errorf(pipeline.CodeInternal, "The Job %q is another execution's.", in.UID)
		}
		return activities.DeleteManifestOutput{}, nil
	})
	e := newRun(t, w, `{"stages":[{"type":"runJob",`+job+`}]}`).Done()
	require.Equal(t, pipeline.Terminal, e.Status)
	require.Equal(t, []string{"The Job 'test' of this stage was replaced by another execution's."}, workflowstest.Errors(e, "0"))
	require.Len(t, w.Asked(activities.AwaitJob.Name), 1)
	require.NotContains(t, stage(e).Context, "cleanUpException")
}

func TestRunJobTimesOutAndDeletesTheJob(t *testing.T) {
	t.Parallel()
	w := workflowstest.NewWorld()
	workflowstest.On(w, activities.AwaitJob, func(context.Context, activities.AwaitJobInput) (activities.AwaitJobOutput, error) {
		return activities.AwaitJobOutput{}, pipeline.Errorf(pipeline.CodeUnavailable, "The cluster does not answer.")
	})
	e := newRun(t, w, `{"stages":[{"type":"runJob","stageTimeoutMs":60000,`+job+`}]}`).Done()
	require.Equal(t, pipeline.Terminal, e.Status)
	require.Len(t, deleted(w), 1)
}

// A Job binds what it was expected to produce once it has ended.
func TestRunJobBindsWhatItCreates(t *testing.T) {
	t.Parallel()
	for _, tt := range []struct {
		more  string
		tasks []string
	}{
		{``, []string{"runJob", "monitorDeploy", "promoteManifestKatoOutputs", "waitOnJobCompletion", "bindProducedArtifacts"}},
		{`,"waitForCompletion":"FALSE"`, []string{"runJob", "monitorDeploy", "promoteManifestKatoOutputs", "bindProducedArtifacts"}},
	} {
		e := newRun(t, workflowstest.NewWorld(), `{"stages":[{"type":"runJob","expectedArtifacts":[{"id":"x","matchArtifact":{"type":"kubernetes/job"}}]`+tt.more+`,`+job+`}]}`).Done()
		require.Equal(t, pipeline.Succeeded, e.Status, workflowstest.Errors(e, "0"))
		require.Equal(t, tt.tasks, taskNames(stage(e)))
		require.Equal(t, []any{map[string]any{"type": "kubernetes/job", "name": "test", "location": "shop"}}, stage(e).Outputs["artifacts"])
		require.Len(t, stage(e).Outputs["resolvedExpectedArtifacts"], 1)
	}
}

// What a Job's containers say is data.
func TestRunJobDoesNotEvaluateWhatTheJobSays(t *testing.T) {
	t.Parallel()
	const said = "${#fromUrl('https://b.example/')}"
	w := workflowstest.NewWorld()
	workflowstest.On(w, activities.AwaitJob, func(context.Context, activities.AwaitJobInput) (activities.AwaitJobOutput, error) {
		return activities.AwaitJobOutput{Succeeded: true, Status: pipeline.Map{"completionDetails": map[string]any{"message": said}}}, nil
	})
	e := newRun(t, w, `{"stages":[{"type":"runJob","expectedArtifacts":[{"id":"x","matchArtifact":{"type":"kubernetes/job"}}],`+job+`}]}`).Done()
	require.Equal(t, pipeline.Succeeded, e.Status, workflowstest.Errors(e, "0"))
	require.Equal(t, said, stage(e).Context.Map("completionDetails")["message"])
	require.Empty(t, w.Asked(activities.FetchExpressions.Name))
}

func TestRunJobRefuses(t *testing.T) {
	t.Parallel()
	for _, tt := range []struct{ name, stage, want string }{
		{"no manifest", `"account":"prod"`, "needs at least one object"},
		{"two", `"account":"prod","manifests":[{},{}]`, "holds 2 manifests: a Job stage runs exactly one"},
		{"artifact", job + `,"source":"artifact"`, "No manifest artifact was specified."},
		{"required artifact", job + `,"requiredArtifactIds":["a"]`, "No artifact with id a could be found"},
	} {
		t.Run(tt.name, func(t *testing.T) {
			t.Parallel()
			w := workflowstest.NewWorld()
			e := newRun(t, w, `{"stages":[{"type":"runJob",`+tt.stage+`}]}`).Done()
			require.Equal(t, pipeline.Terminal, e.Status)
			require.Contains(t, workflowstest.Errors(e, "0")[0], tt.want)
			require.Empty(t, w.Asked(activities.RunJob.Name))
			require.Empty(t, deleted(w))
		})
	}
}

// A restart runs another Job and keeps what is known of the first.
func TestRunJobRestart(t *testing.T) {
	t.Parallel()
	w := workflowstest.NewWorld()
	first := newRun(t, w, `{"stages":[{"type":"runJob",`+job+`}]}`).Done()
	again := workflowstest.NewRunOf(t, w, stages.All(), first.Clone())
	e := again.Restart("0", "ines")
	require.Equal(t, pipeline.Succeeded, e.Status)
	asked := w.Asked(activities.RunJob.Name)
	require.Len(t, asked, 2)
	require.NotEqual(t, asked[0].(activities.RunJobInput).Scope.Key(), asked[1].(activities.RunJobInput).Scope.Key())
	details := stage(e).Context.Map("restartDetails")
	require.Equal(t, stage(first).Context["jobStatus"], details["jobStatus"])
	require.Equal(t, stage(first).Context["deploy.jobs"], details["deploy.jobs"])
	require.Equal(t, "ines", details["restartedBy"])

	// Behind the restarted stage, too (reference: orca section 3.11).
	behind := newRun(t, w, `{"stages":[{"type":"wait"},{"type":"runJob",`+job+`}]}`).Done()
	e = workflowstest.NewRunOf(t, w, stages.All(), behind.Clone()).Restart("0", "ines")
	details = e.StageByRef("1").Context.Map("restartDetails")
	require.Equal(t, behind.StageByRef("1").Context["jobStatus"], details["jobStatus"])
	require.NotContains(t, details, "restartedBy")
	require.NotEmpty(t, e.StageByRef("1").Context["jobStatus"], "it ran again")

	s := &pipeline.Stage{Context: pipeline.Map{"jobName": "test", "deploy.jobs": "x"}}
	details = pipeline.Map{}
	stages.RunJob{}.PrepareRestart(s, details)
	require.Empty(t, s.Context)
	require.Empty(t, details, "a Job that told nothing leaves nothing")
}

func jobWith(w *workflowstest.World, out activities.AwaitJobOutput) {
	workflowstest.On(w, activities.AwaitJob, func(context.Context, activities.AwaitJobInput) (activities.AwaitJobOutput, error) {
		if out.Status == nil {
			out.Status = pipeline.Map{"jobState": "Succeeded"}
		}
		return out, nil
	})
}

// Rows of reference: orca section 6.1 and clouddriver section 11 on properties.
func TestRunJobProperties(t *testing.T) {
	t.Parallel()
	w := workflowstest.NewWorld()
	jobWith(w, activities.AwaitJobOutput{Succeeded: true, Properties: pipeline.Map{"version": "1.2", "list": []any{int64(1)}, "jobName": "another"}})
	e := newRun(t, w, `{"stages":[{"type":"runJob","propertyFile":"main",`+job+`}]}`).Done()
	require.Equal(t, pipeline.Succeeded, e.Status, workflowstest.Errors(e, "0"))
	require.Equal(t, "main", w.Asked(activities.AwaitJob.Name)[0].(activities.AwaitJobInput).PropertyFile)
	for _, m := range []pipeline.Map{stage(e).Context, stage(e).Outputs} {
		require.Equal(t, "1.2", m["version"])
		require.Equal(t, []any{int64(1)}, m["list"])
		require.Equal(t, map[string]any{"version": "1.2", "list": []any{int64(1)}, "jobName": "another"}, m["propertyFileContents"])
	}
	require.Equal(t, "test", stage(e).Context["jobName"], "the stage's own")
}

func TestRunJobWithoutTheProperties(t *testing.T) {
	t.Parallel()
	w := workflowstest.NewWorld()
	jobWith(w, activities.AwaitJobOutput{Succeeded: true, PropertiesFault: "The line after SPINNAKER_CONFIG_JSON= is no JSON object."})
	e := newRun(t, w, `{"stages":[{"type":"runJob","propertyFile":"main",`+job+`}]}`).Done()
	require.Equal(t, pipeline.Terminal, e.Status)
	require.Equal(t, []string{
		"Expected properties file: main in job: test, application: bakery, location: shop, account: prod but it was either missing, empty or contained invalid syntax",
		"The line after SPINNAKER_CONFIG_JSON= is no JSON object.",
	}, workflowstest.Errors(e, "0"))
	require.NotNil(t, stage(e).Context["jobStatus"])
	require.Empty(t, deleted(w), "the Job stays for people to look at")
}

// A Job that failed tells its own reason, with or without properties.
func TestFailedJobKeepsItsProperties(t *testing.T) {
	t.Parallel()
	for _, properties := range []pipeline.Map{nil, {"step": "3"}} {
		w := workflowstest.NewWorld()
		jobWith(w, activities.AwaitJobOutput{Reason: "BackoffLimitExceeded", Properties: properties, PropertiesFault: "gone", Status: pipeline.Map{"jobState": "Failed"}})
		e := newRun(t, w, `{"stages":[{"type":"runJob","propertyFile":"main",`+job+`}]}`).Done()
		require.Equal(t, pipeline.Terminal, e.Status)
		require.Equal(t, []string{"Job: 'test' failed. Reason: BackoffLimitExceeded."}, workflowstest.Errors(e, "0"))
		require.Equal(t, properties["step"], stage(e).Context["step"])
	}
}

func TestRunJobRuntimeLimit(t *testing.T) {
	t.Parallel()
	for limit, want := range map[string]time.Duration{
		"PT1H30M": 95 * time.Minute, "pt10s": 5*time.Minute + 10*time.Second, "P1DT1M": 24*time.Hour + 6*time.Minute,
		"": 2 * time.Hour, "P": 2 * time.Hour, "PT": 2 * time.Hour, "90 minutes": 2 * time.Hour, "PT0S": 2 * time.Hour, "-PT1H": 2 * time.Hour,
	} {
		w := workflowstest.NewWorld()
		workflowstest.On(w, activities.AwaitJob, func(context.Context, activities.AwaitJobInput) (activities.AwaitJobOutput, error) {
			return activities.AwaitJobOutput{}, pipeline.Errorf(pipeline.CodeUnavailable, "The cluster does not answer.")
		})
		e := newRun(t, w, `{"stages":[{"type":"runJob","jobRuntimeLimit":"`+limit+`",`+job+`}]}`).Done()
		require.Equal(t, pipeline.Terminal, e.Status)
		require.InDelta(t, want.Seconds(), (e.EndTime - e.StartTime).Time().Sub(time.UnixMilli(0)).Seconds(), 31, limit)
	}
}

func TestRunJobShowsWhereItsLogsAre(t *testing.T) {
	t.Parallel()
	e := newRun(t, workflowstest.NewWorld(), `{"stages":[{"type":"runJob","account":"prod","manifest":{"apiVersion":"batch/v1","kind":"Job",
		"metadata":{"name":"test","annotations":{"job.spinnaker.io/logs":"https://logs/{{ templateData }}"}}}}]}`).Done()
	require.Equal(t, pipeline.Succeeded, e.Status)
	require.Equal(t, map[string]any{"logs": "https://logs/{{ templateData }}"}, stage(e).Context["execution"])
	require.NotContains(t, stage(e).Outputs, "execution")
}

// What a container wrote to its log is data, whatever it looks like.
func TestPropertiesAreNotEvaluated(t *testing.T) {
	t.Parallel()
	w := workflowstest.NewWorld()
	jobWith(w, activities.AwaitJobOutput{Succeeded: true, Properties: pipeline.Map{"trap": "${ 1 + 1 }"}})
	e := newRun(t, w, `{"stages":[{"type":"runJob","propertyFile":"main","expectedArtifacts":[{"id":"x","matchArtifact":{"type":"kubernetes/job"}}],`+job+`}]}`).Done()
	require.Equal(t, pipeline.Succeeded, e.Status, workflowstest.Errors(e, "0"))
	require.Equal(t, "${ 1 + 1 }", stage(e).Context["trap"])
	require.Equal(t, map[string]any{"trap": "${ 1 + 1 }"}, stage(e).Context["propertyFileContents"])
}
