package stages_test

import (
	"context"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/gennaker/gennaker/activities"
	"github.com/gennaker/gennaker/pipeline"
	"github.com/gennaker/gennaker/workflows/workflowstest"
)

// why is an explanation with something of everything.
func why() *activities.Explanation {
	code := int64(137)
	return &activities.Explanation{
		At: 1000, Edition: 1,
		Counts:     []activities.Count{{Name: "desired", Value: 2}, {Name: "ready", Value: 0}},
		Conditions: []activities.StatusCondition{{Type: "Progressing", Status: "False", Reason: "ProgressDeadlineExceeded", Message: "has timed out"}},
		Pods: []activities.PodTrouble{
			{Reason: "CrashLoopBackOff", Count: 2, Pod: "web-1", Container: "main", Restarts: 4, ExitCode: &code, ExitReason: "OOMKilled", Message: "back-off"},
			{Reason: "Unschedulable", Count: 1, Pod: "web-2", Message: "${ 1 + 1 } nodes"},
		},
		Events:  []activities.WarningEvent{{Reason: "Unhealthy", Object: "Pod web-1", Count: 3, LastSeen: 61_000, Message: "Readiness probe failed"}},
		Missing: []string{"Pods have 2 further reasons."},
	}
}

var whyLines = []string{
	"deployment web: 2 desired, 0 ready",
	"deployment web: Progressing is False (ProgressDeadlineExceeded): has timed out",
	"deployment web: 2 pods CrashLoopBackOff, for example web-1 (container main, restarted 4 times, last exit code 137 (OOMKilled)): back-off",
	"deployment web: 1 pod Unschedulable, web-2: ${ 1 + 1 } nodes",
	"deployment web: Unhealthy of Pod web-1, 3 times, last at 00:01:01 UTC: Readiness probe failed",
	"deployment web: Pods have 2 further reasons.",
}

const deployWeb = `{"type":"deployManifest","account":"prod","manifests":{"apiVersion":"apps/v1","kind":"Deployment","metadata":{"name":"web"}}`

func TestStagesTellWhyObjectsAreNotStable(t *testing.T) {
	t.Parallel()
	for name, config := range map[string]string{
		"deployManifest":        deployWeb,
		"patchManifest":         `{"type":"patchManifest","account":"prod","location":"shop","manifestName":"deployment web","patchBody":[{"spec":{"replicas":2}}]`,
		"scaleManifest":         `{"type":"scaleManifest","account":"prod","location":"shop","manifestName":"deployment web","replicas":2`,
		"undoRolloutManifest":   `{"type":"undoRolloutManifest","account":"prod","location":"shop","manifestName":"deployment web","numRevisionsBack":1`,
		"resumeRolloutManifest": `{"type":"resumeRolloutManifest","account":"prod","location":"shop","manifestName":"deployment web"`,
		"enableManifest":        `{"type":"enableManifest","account":"prod","location":"shop","manifestName":"deployment web"`,
		"disableManifest":       `{"type":"disableManifest","account":"prod","location":"shop","manifestName":"deployment web"`,
		"resizeServerGroup":     `{"type":"resizeServerGroup","credentials":"prod","region":"shop","serverGroupName":"deployment web","capacity":{"desired":2}`,
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			w := workflowstest.NewWorld()
			n := 0
			workflowstest.On(w, activities.AwaitStable, func(_ context.Context, in activities.AwaitStableInput) (activities.AwaitStableOutput, error) {
				n++
				status := activities.ManifestStatus{Namespace: "shop", Name: "deployment web", Message: "Waiting", Explanation: why()}
				if n == 2 {
					require.Equal(t, why(), in.Seen[0].Explanation, "the next call knows what was told")
					status.Failed, status.Message = true, "over its deadline"
				}
				return activities.AwaitStableOutput{Done: status.Failed, Statuses: []activities.ManifestStatus{status}}, nil
			})
			e := newRun(t, w, `{"stages":[`+config+`}]}`).Done()
			require.Equal(t, pipeline.Terminal, e.Status)
			require.Equal(t, append([]string{"'deployment web' in 'shop' for account prod: over its deadline"}, whyLines...), workflowstest.Errors(e, "0"))
			shown := pipeline.AsMap(stage(e).Context.List("stability")[0])
			require.Equal(t, "deployment web", shown["manifestName"])
			require.Equal(t, "shop", shown["location"])
			require.Equal(t, true, shown["failed"])
			require.Equal(t, "${ 1 + 1 } nodes", pipeline.AsMap(shown.List("pods")[1])["message"], "the words of others are no expressions")
			require.NotContains(t, shown, "edition")
			told := false
			for _, s := range w.Published(e.ID) {
				list := s.Execution.Stages[0].Context.List("stability")
				told = told || len(list) == 1 && pipeline.AsMap(list[0])["failed"] == nil
			}
			require.True(t, told, "it is published while the stage waits")
		})
	}
}

func TestStabilityIsSilentOnceItIsThere(t *testing.T) {
	t.Parallel()
	w := workflowstest.NewWorld()
	n := 0
	workflowstest.On(w, activities.AwaitStable, func(context.Context, activities.AwaitStableInput) (activities.AwaitStableOutput, error) {
		n++
		status := activities.ManifestStatus{Namespace: "shop", Name: "deployment web", Message: "Waiting", Explanation: why()}
		if n == 2 {
			status = activities.ManifestStatus{Namespace: "shop", Name: "deployment web", Stable: true}
		}
		return activities.AwaitStableOutput{Done: n == 2, Statuses: []activities.ManifestStatus{status}}, nil
	})
	e := newRun(t, w, `{"stages":[`+deployWeb+`}]}`).Done()
	require.Equal(t, pipeline.Succeeded, e.Status)
	require.Equal(t, []any{}, stage(e).Context["stability"])
}

// A stage whose time is up says what it knew.
func TestTimeoutsAreExplained(t *testing.T) {
	t.Parallel()
	w := workflowstest.NewWorld()
	workflowstest.On(w, activities.AwaitStable, func(ctx context.Context, in activities.AwaitStableInput) (activities.AwaitStableOutput, error) {
		if in.Seen == nil {
			return activities.AwaitStableOutput{Statuses: []activities.ManifestStatus{
				{Namespace: "shop", Name: "deployment web", Message: "Waiting", Explanation: why()}, {Namespace: "shop", Name: "service web", Stable: true},
			}}, nil
		}
		return activities.AwaitStableOutput{}, pipeline.Errorf(pipeline.CodeUnavailable, "The cluster does not answer.")
	})
	e := newRun(t, w, `{"stages":[`+deployWeb+`,"stableManifestTimeoutMinutes":1}]}`).Done()
	require.Equal(t, pipeline.Terminal, e.Status)
	errors := workflowstest.Errors(e, "0")
	require.Equal(t, "The cluster does not answer.", errors[0])
	require.Equal(t, append([]string{"'deployment web' in 'shop' for account prod: Waiting"}, whyLines...), errors[2:])
	require.Equal(t, "timeout", stage(e).Context.Map("exception")["exceptionType"])
}

func TestRunJobTellsWhatTroublesIt(t *testing.T) {
	t.Parallel()
	w := workflowstest.NewWorld()
	n := 0
	workflowstest.On(w, activities.AwaitJob, func(_ context.Context, in activities.AwaitJobInput) (activities.AwaitJobOutput, error) {
		n++
		require.True(t, in.Explain)
		if n == 1 {
			return activities.AwaitJobOutput{Running: true, Explanation: why()}, nil
		}
		require.Equal(t, why(), in.Seen)
		return activities.AwaitJobOutput{Explanation: why(), Reason: "BackoffLimitExceeded", Status: pipeline.Map{"jobState": "Failed"}}, nil
	})
	e := newRun(t, w, `{"stages":[{"type":"runJob","account":"prod","manifest":{"apiVersion":"batch/v1","kind":"Job","metadata":{"name":"test"}}}]}`).Done()
	require.Equal(t, pipeline.Terminal, e.Status)
	errors := workflowstest.Errors(e, "0")
	require.Equal(t, "Job: 'test' failed. Reason: BackoffLimitExceeded.", errors[0])
	require.Equal(t, strings.Replace(whyLines[2], "deployment web", "job test", 1), errors[3])
	shown := pipeline.AsMap(stage(e).Context.List("stability")[0])
	require.Equal(t, "job test", shown["manifestName"])
	told := false
	for _, s := range w.Published(e.ID) {
		c := s.Execution.Stages[0].Context
		told = told || len(c.List("stability")) == 1 && c["jobStatus"] == nil
	}
	require.True(t, told, "it is published while the Job runs")
}
