package pipeline

import (
	"testing"
	"time"

	"github.com/stretchr/testify/require"
)

func launch() Launch {
	return Launch{
		ID: "E1", User: "ines", Origin: "deck", Now: time.UnixMilli(1719400000000),
		StageID: func(ref string) string { return "S-" + ref },
	}
}

func TestNewExecution(t *testing.T) {
	t.Parallel()
	p := decode[Pipeline](t, readFile(t, "testdata/pipelines/deploy_and_verify.json"))
	l := launch()
	l.Trigger.Parameters = Map{"tag": "v1", "extra": int64(1)}
	before := encode(t, p)
	e, err := NewExecution(p, l)
	require.NoError(t, err)
	require.Equal(t, string(before), string(encode(t, p)))

	require.Equal(t, TypePipeline, e.Type)
	require.Equal(t, "E1", e.ID)
	require.Equal(t, "E1", e.RootID)
	require.Equal(t, "bakery", e.Application)
	require.Equal(t, "Deploy and verify", e.Name)
	require.Equal(t, p.ID(), e.PipelineConfigID)
	require.Equal(t, Millis(1719400000000), e.BuildTime)
	require.Zero(t, e.StartTime)
	require.Equal(t, NotStarted, e.Status)
	require.True(t, e.LimitConcurrent)
	require.Equal(t, "v4", e.SpelEvaluator)
	require.Equal(t, Authentication{User: "ines", AllowedAccounts: []string{}}, e.Authentication)
	require.Equal(t, "#oven", e.Notifications[0].String("address"))
	require.Equal(t, "manual", e.Trigger.Type)
	require.Equal(t, "ines", e.Trigger.User)
	require.Equal(t, Map{"tag": "v1", "extra": int64(1), "replicas": "3"}, e.Trigger.Parameters)
	require.Equal(t, Map{"tag": "v1", "extra": int64(1)}, l.Trigger.Parameters, "the caller's parameters stay as they were")

	require.Len(t, e.Stages, 4)
	s := e.Stages[3]
	require.Equal(t, "S-4", s.ID)
	require.Equal(t, NotStarted, s.Status)
	require.Equal(t, Map{}, s.Outputs)
	require.Empty(t, s.Tasks)
	require.Contains(t, string(encode(t, e.Stages[0])), `"requisiteStageRefIds":[]`)
	require.Contains(t, string(encode(t, e)), `"systemNotifications":[]`)
}

func TestParameters(t *testing.T) {
	t.Parallel()
	config := []any{
		map[string]any{"name": "plain"},
		map[string]any{"name": "defaulted", "default": []any{"x"}},
		map[string]any{"name": "nulled", "default": nil},
		map[string]any{"name": "must", "required": true},
		map[string]any{"name": "mustToo", "required": "true", "default": ""},
		map[string]any{"name": "mustButHas", "required": true, "default": "d"},
		"not a parameter",
	}
	p := Pipeline{"application": "a", "name": "P", "stages": []any{}, "parameterConfig": config}
	_, err := NewExecution(p, launch())
	require.ErrorContains(t, err, "The pipeline 'P' requires the parameters 'must', 'mustToo', which have no default")
	require.Equal(t, CodeInvalid, CodeOf(err))

	l := launch()
	// A key that is present counts, whatever its value.
	l.Trigger.Parameters = Map{"must": "", "mustToo": nil}
	e, err := NewExecution(p, l)
	require.NoError(t, err)
	require.Equal(t, Map{"must": "", "mustToo": nil, "defaulted": []any{"x"}, "nulled": nil, "mustButHas": "d"}, e.Trigger.Parameters)
	e.Trigger.Parameters.List("defaulted")[0] = "changed"
	require.Equal(t, "x", p.Parameters()[1].Default.([]any)[0], "defaults are copied")
}

func TestTriggerOfLaunch(t *testing.T) {
	t.Parallel()
	p := Pipeline{"application": "a", "name": "P", "stages": []any{}}
	l := launch()
	l.User = ""
	e, err := NewExecution(p, l)
	require.NoError(t, err)
	require.Equal(t, AnonymousUser, e.Trigger.User)
	require.Equal(t, AnonymousUser, e.Authentication.User)

	l.Trigger = Trigger{Type: " ", User: "cron-user", Parent: &ParentRef{ExecutionID: "P1", RootID: "R"}}
	e, err = NewExecution(p, l)
	require.NoError(t, err)
	require.Equal(t, "manual", e.Trigger.Type)
	require.Equal(t, "cron-user", e.Authentication.User)
	require.Equal(t, "R", e.RootID)
}

func TestDisabledPipelines(t *testing.T) {
	t.Parallel()
	p := Pipeline{"application": "a", "name": "P", "stages": []any{}, "disabled": true}
	_, err := NewExecution(p, launch())
	require.ErrorContains(t, err, "The pipeline 'P' of application 'a' is disabled and cannot be started")
	p["initialConfig"] = map[string]any{"enabled": true}
	_, err = NewExecution(p, launch())
	require.NoError(t, err)
}

func TestNewExecutionRefusesWhatCannotRun(t *testing.T) {
	t.Parallel()
	_, err := NewExecution(Pipeline{"name": "P"}, launch())
	require.ErrorContains(t, err, "has no stages")
	_, err = NewExecution(Pipeline{"name": "P", "stages": []any{map[string]any{"type": "wait", "refId": "1", "requisiteStageRefIds": "1"}}}, launch())
	require.ErrorContains(t, err, "requires itself")
}

func TestNewOrchestration(t *testing.T) {
	t.Parallel()
	r := TaskRequest{
		Application: "bakery", Description: "Create Application: bakery", Name: "ignored",
		Job:     []Map{{"type": "createApplication", "application": map[string]any{"name": "bakery"}}, {"type": "wait"}},
		Trigger: &Trigger{Parameters: Map{"p": "1"}, Other: Map{"k": "v"}},
	}
	e, err := NewOrchestration(r, launch())
	require.NoError(t, err)
	require.Equal(t, TypeOrchestration, e.Type)
	require.Empty(t, e.Name)
	require.Empty(t, e.PipelineConfigID)
	require.Equal(t, "Create Application: bakery", e.Description)
	require.Equal(t, []string{"0"}, e.Stages[1].RequisiteStageRefIDs)
	require.Equal(t, "v", e.Trigger.Other.String("k"))
	require.Equal(t, "ines", e.Authentication.User)

	r.Description = ""
	e, err = NewOrchestration(r, launch())
	require.NoError(t, err)
	require.Equal(t, "ignored", e.Description)

	_, err = NewOrchestration(TaskRequest{Application: " ", Job: r.Job}, launch())
	require.ErrorContains(t, err, "requires an application")
	_, err = NewOrchestration(TaskRequest{Application: "a"}, launch())
	require.ErrorContains(t, err, "at least one job")
}
