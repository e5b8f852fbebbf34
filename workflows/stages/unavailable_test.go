package stages_test

import (
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/gennaker/gennaker/pipeline"
	"github.com/gennaker/gennaker/workflows/stages"
	"github.com/gennaker/gennaker/workflows/workflowstest"
)

func TestUnavailable(t *testing.T) {
	t.Parallel()
	e := newRun(t, workflowstest.NewWorld(), `{"stages":[{"type":"kayentaCanary","name":"Canary"},{"type":"wait"}]}`).Done()
	require.Equal(t, pipeline.Terminal, e.Status)
	require.Equal(t, []string{
		"The stage 'Canary' has the type 'kayentaCanary', which needs the Kayenta role (canary analysis), which this version does not have: remove the stage, or replace it.",
	}, workflowstest.Errors(e, "0"))
	require.Empty(t, stage(e).Tasks)
	require.Equal(t, pipeline.NotStarted, e.StageByRef("1").Status)

	// The failure options hold, and a dry run tells it too.
	r := newRun(t, workflowstest.NewWorld(), `{"stages":[{"type":"kayentaCanary","continuePipeline":true}]}`)
	r.Execution.Trigger.DryRun = true
	e = r.Done()
	require.Equal(t, pipeline.FailedContinue, stage(e).Status)
}

// What a stage needs is named: a role, a provider, or what Front50 does not hold.
func TestUnavailableNamesWhatIsMissing(t *testing.T) {
	t.Parallel()
	for kind, want := range map[string]string{
		"jenkins": "the Igor role (continuous integration)", "travis": "the Igor role (continuous integration)", "script": "the Igor role (continuous integration)",
		"concourse": "the Igor role (continuous integration)", "googleCloudBuild": "the Igor role (continuous integration)",
		"awsCodeBuild": "the Igor role (continuous integration)", "getProperties": "the Igor role (continuous integration)",
		"bulkUpsertEntityTags": "the tagging of many entities at once",
		"importDeliveryConfig": "the Keel role (managed delivery)", "publishDeliveryConfig": "the Keel role (managed delivery)",
		"jira": "a service that is not part of Spinnaker's core", "pageApplicationOwner": "a service that is not part of Spinnaker's core",
	} {
		e := newRun(t, workflowstest.NewWorld(), `{"stages":[{"type":"`+kind+`","project":{"name":"p"}}]}`).Done()
		require.Equal(t, pipeline.Terminal, e.Status)
		require.Equal(t, []string{"The stage '" + kind + "' has the type '" + kind + "', which needs " + want + ", which this version does not have: remove the stage, or replace it."},
			workflowstest.Errors(e, "0"))
	}
}

// A stage is found by its alias, as Lambda stages are.
func TestUnavailableByAlias(t *testing.T) {
	t.Parallel()
	e := newRun(t, workflowstest.NewWorld(), `{"stages":[{"type":"lambda","alias":"Aws.LambdaInvokeStage"}]}`).Done()
	require.Contains(t, workflowstest.Errors(e, "0")[0], "needs the cloud provider Amazon Web Services")
}

func TestEveryTypeIsListedOnce(t *testing.T) {
	t.Parallel()
	seen := map[string]bool{}
	for _, kind := range stages.All() {
		require.False(t, seen[kind.Type()], kind.Type())
		seen[kind.Type()] = true
	}
	require.Greater(t, len(seen), 150)
}
