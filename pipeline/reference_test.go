package pipeline

import (
	"maps"
	"slices"
	"testing"

	"github.com/stretchr/testify/require"
)

// Every key of a configuration, by name (reference: orca section 1): the
// document keeps it, the execution has what it takes from it, and nothing else.
func TestEveryKeyOfAConfiguration(t *testing.T) {
	t.Parallel()
	artifact := `{"type":"jar","name":"a","reference":"r"}`
	for key, tt := range map[string]struct {
		value string
		// has reads from the execution what the key became; nil takes nothing.
		has  func(*Execution) any
		want string
	}{
		"id":                      {`"c-1"`, func(e *Execution) any { return []string{e.PipelineConfigID, e.ID} }, `["c-1","E1"]`},
		"name":                    {`" N "`, func(e *Execution) any { return e.Name }, `"N"`},
		"application":             {`"app"`, func(e *Execution) any { return e.Application }, `"app"`},
		"triggers":                {`[{"type":"cron","enabled":true,"runAsUser":"root"}]`, func(e *Execution) any { return e.Authentication.User }, `"ines"`},
		"parameterConfig":         {`[{"name":"a"},{"name":"b","default":2}]`, func(e *Execution) any { return e.Trigger.Parameters }, `{"a":null,"b":2}`},
		"expectedArtifacts":       {`[{"id":"x","matchArtifact":{"type":"jar"},"useDefaultArtifact":true,"defaultArtifact":` + artifact + `}]`, func(e *Execution) any { return e.Trigger.Artifacts }, `[` + artifact + `]`},
		"receivedArtifacts":       {`[` + artifact + `]`, func(e *Execution) any { return e.Trigger.Artifacts }, `[` + artifact + `]`},
		"notifications":           {`[{"type":"email","when":["pipeline.failed"]}]`, func(e *Execution) any { return e.Notifications }, `[{"type":"email","when":["pipeline.failed"]}]`},
		"limitConcurrent":         {`true`, func(e *Execution) any { return e.LimitConcurrent }, `true`},
		"maxConcurrentExecutions": {`"3"`, func(e *Execution) any { return e.MaxConcurrentExecutions }, `3`},
		"keepWaitingPipelines":    {`true`, func(e *Execution) any { return e.KeepWaitingPipelines }, `true`},
		"spelEvaluator":           {`"v4"`, func(e *Execution) any { return e.SpelEvaluator }, `"v4"`},
		"templateVariables":       {`{"v":1}`, func(e *Execution) any { return e.TemplateVariables }, `{"v":1}`},
		"source":                  {`{"id":"i","type":"t","version":"1"}`, func(e *Execution) any { return e.Source }, `{"id":"i","type":"t","version":"1"}`},
		"startTimeExpiry":         {`"1719400000001"`, func(e *Execution) any { return e.StartTimeExpiry }, `1719400000001`},
		"initialConfig":           {`{"enabled":true,"x":[1]}`, func(e *Execution) any { return e.InitialConfig }, `{"enabled":true,"x":[1]}`},
		"disabled":                {`false`, func(e *Execution) any { return e.Status }, `"NOT_STARTED"`},
		"strategy":                {`true`, func(e *Execution) any { return e.Trigger.Strategy }, `false`}, // of the trigger, not of the configuration
	} {
		t.Run(key, func(t *testing.T) {
			t.Parallel()
			p := decode[Pipeline](t, []byte(`{"application":"a","name":"P","stages":[]}`))
			value, err := DecodeValue([]byte(tt.value))
			require.NoError(t, err)
			p[key] = value
			require.Equal(t, p, decode[Pipeline](t, encode(t, p)))
			e, err := NewExecution(p, launch())
			require.NoError(t, err)
			require.JSONEq(t, tt.want, string(encode(t, tt.has(e))))
		})
	}
	// What absent keys mean.
	e, err := NewExecution(Pipeline{"application": "a", "name": "P", "stages": []any{}}, launch())
	require.NoError(t, err)
	require.Equal(t, &Execution{
		Type: TypePipeline, ID: "E1", RootID: "E1", Application: "a", Name: "P", BuildTime: 1719400000000, Status: NotStarted,
		Authentication: Authentication{User: "ines", AllowedAccounts: []string{}}, Origin: "deck",
		Notifications: []Map{}, SystemNotifications: []Map{}, Stages: []*Stage{},
		Trigger: Trigger{Type: "manual", User: "ines", Parameters: Map{}, Artifacts: e.Trigger.Artifacts, ResolvedExpectedArtifacts: e.Trigger.ResolvedExpectedArtifacts},
	}, e)

	// Those that people and user interfaces keep there come back as they went in and
	// reach no execution.
	const kept = `{"application":"a","name":"P","stages":[],"parallel":true,"locked":{"ui":true,"allowUnlockUi":false,"description":"d"},"tags":[{"name":"n","value":"v"}],
		"respectQuietPeriod":true,"roles":["r"],"manualStartAlert":{"type":"danger","message":"m"},"index":4,"stageCounter":9,"lastModifiedBy":"kim","lastModified":1,"updateTs":"2","createTs":"3",
		"email":"e","executionEngine":"v3","serviceAccount":"s","description":"d","entityTags":{"a":null},"migrationStatus":"STARTED","constraints":{"a":"b"},"payloadConstraints":{},
		"regenerateCronTriggerIds":false,"anything":{"deep":[1,2.0,null]},"origin":"o","errorMessage":"x"}`
	p := decode[Pipeline](t, []byte(kept))
	require.JSONEq(t, kept, string(encode(t, p)))
	with, err := NewExecution(p, launch())
	require.NoError(t, err)
	require.Equal(t, e, with)
}

// The keys of an execution, a stage and a task as clients read them (reference:
// orca sections 2.1 to 2.3): what is null is left out, and times are numbers.
func TestKeysOfAnExecution(t *testing.T) {
	t.Parallel()
	keys := func(v any) []string {
		return slices.Sorted(maps.Keys(decode[Map](t, encode(t, v))))
	}
	always := []string{"application", "authentication", "canceled", "id", "keepWaitingPipelines", "limitConcurrent", "maxConcurrentExecutions",
		"notifications", "stages", "status", "systemNotifications", "trigger", "type"}
	require.Equal(t, always, keys(&Execution{Notifications: []Map{}, SystemNotifications: []Map{}, Stages: []*Stage{}}))
	full := &Execution{
		RootID: "r", Name: "n", Description: "d", PipelineConfigID: "c", BuildTime: 1, StartTime: 2, EndTime: 3, StartTimeExpiry: 4, CanceledBy: "b", CancellationReason: "c",
		Paused: &PausedDetails{}, Origin: "o", Source: Map{"id": "s"}, SpelEvaluator: "v4", TemplateVariables: Map{"v": 1}, InitialConfig: Map{"i": 1},
	}
	rest := []string{"buildTime", "canceledBy", "cancellationReason", "description", "endTime", "initialConfig", "name", "origin", "paused", "pipelineConfigId", "rootId",
		"source", "spelEvaluator", "startTime", "startTimeExpiry", "templateVariables"}
	require.Equal(t, slices.Sorted(slices.Values(slices.Concat(always, rest))), keys(full), "and no context, which is merged for parents only")
	require.Equal(t, []string{"allowedAccounts", "user"}, keys(Authentication{}))
	require.Equal(t, []string{"pauseTime", "paused", "pausedBy", "pausedMs"}, keys(PausedDetails{}))
	require.Equal(t, []string{"pauseTime", "paused", "pausedBy", "pausedMs", "resumeTime", "resumedBy"}, keys(PausedDetails{ResumedBy: "r", ResumeTime: 1}))

	stage := []string{"context", "id", "name", "outputs", "refId", "requisiteStageRefIds", "status", "tasks", "type"}
	require.Equal(t, stage, keys(&Stage{}), "a stage has no execution")
	times := []string{"endTime", "lastModified", "parentStageId", "scheduledTime", "startTime", "startTimeExpiry", "syntheticStageOwner"}
	require.Equal(t, slices.Sorted(slices.Values(slices.Concat(stage, times))), keys(&Stage{
		StartTime: 1, EndTime: 2, StartTimeExpiry: 3, ScheduledTime: 4, SyntheticStageOwner: StageBefore, ParentStageID: "p", LastModified: &LastModified{},
	}))
	require.Equal(t, []string{"allowedAccounts", "lastModifiedTime", "user"}, keys(LastModified{}))

	task := []string{"id", "implementingClass", "loopEnd", "loopStart", "name", "stageEnd", "stageStart", "status"}
	require.Equal(t, task, keys(Task{}))
	require.Equal(t, slices.Sorted(slices.Values(append(task, "endTime", "startTime", "taskExceptionDetails"))), keys(Task{StartTime: 1, EndTime: 2, TaskException: Map{"exception": 1}}))

	require.Equal(t, []string{"artifacts", "dryRun", "notifications", "parameters", "rebake", "resolvedExpectedArtifacts", "strategy"}, keys(Trigger{}))
	require.Equal(t, []string{"artifacts", "correlationId", "dryRun", "hash", "notifications", "parameters", "rebake", "resolvedExpectedArtifacts", "strategy", "type", "user"},
		keys(Trigger{Type: "git", User: "u", CorrelationID: "c", Other: Map{"hash": "h"}}), "further keys stand beside the others")
	require.JSONEq(t, `1719400000000`, string(encode(t, Millis(1719400000000))))
}
