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
	require.Equal(t, Map{"tag": "v1", "extra": int64(1), "replicas": "3", "note": nil}, e.Trigger.Parameters)
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
	require.Equal(t, Map{"plain": nil, "must": "", "mustToo": nil, "defaulted": []any{"x"}, "nulled": nil, "mustButHas": "d"}, e.Trigger.Parameters)
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

// Whom an execution runs as: who asks for it, or what the trigger that fires
// names (reference: orca sections 1 and 2.1).
func TestWhoExecutionsRunAs(t *testing.T) {
	t.Parallel()
	p := Pipeline{"application": "a", "name": "P", "stages": []any{}}
	for _, tt := range []struct {
		name, caller  string
		automatic     bool
		user          string // of the trigger
		runAs         any    // of the trigger
		runs, trigger string
	}{
		{"a manual start runs as its caller", "ines", false, "", nil, "ines", "ines"},
		{"a manual start of a trigger with runAsUser runs as its caller", "ines", false, "", "deploy@bakery", "ines", "ines"},
		{"a manual start does not believe the trigger's user", "ines", false, "root", "root", "ines", "ines"},
		{"a manual start by nobody known", "", false, "", "deploy@bakery", "[anonymous]", "[anonymous]"},
		{"an automatic start runs as runAsUser", "", true, "", "deploy@bakery", "deploy@bakery", "deploy@bakery"},
		{"an automatic start trims runAsUser", "", true, "", " deploy@bakery\n", "deploy@bakery", "deploy@bakery"},
		{"an automatic start keeps the trigger's user and runs as runAsUser", "", true, "committer", "deploy@bakery", "deploy@bakery", "committer"},
		{"an automatic start without runAsUser", "", true, "", nil, "anonymous", "anonymous"},
		{"an automatic start with a blank runAsUser", "", true, "committer", " ", "anonymous", "committer"},
		{"an automatic start with a runAsUser that is no text", "", true, "", int64(5), "anonymous", "anonymous"},
		{"an automatic start on behalf of a parent's user", "ines", true, "", nil, "ines", "ines"},
		{"runAsUser goes before a parent's user", "ines", true, "ines", "deploy@bakery", "deploy@bakery", "ines"},
	} {
		t.Run(tt.name, func(t *testing.T) {
			t.Parallel()
			l := launch()
			l.User, l.Automatic = tt.caller, tt.automatic
			l.Trigger = Trigger{Type: "cron", User: tt.user}
			if tt.runAs != nil {
				l.Trigger.Other = Map{"runAsUser": tt.runAs}
			}
			e, err := NewExecution(p, l)
			require.NoError(t, err)
			require.Equal(t, tt.runs, e.Authentication.User)
			require.Equal(t, tt.trigger, e.Trigger.User)
			require.Equal(t, tt.runAs, e.Trigger.Other["runAsUser"], "the trigger is shown as it was")
		})
	}
}

// What Orca adds to a trigger by its kind, the first whose keys it has
// (reference: orca section 2.4).
func TestKindsOfTriggers(t *testing.T) {
	t.Parallel()
	git := `"source":"github","project":"p","branch":"b","slug":"s","hash":"h"`
	jenkins := `"master":"m","job":"j","buildNumber":7`
	for name, tt := range map[string]struct{ trigger, key, want string }{
		"git without an action":                       {`{"type":"git",` + git + `}`, "action", `"undefined"`},
		"git with an action":                          {`{"type":"git","action":"push",` + git + `}`, "action", `"push"`},
		"git whose action is null":                    {`{"type":"git","action":null,` + git + `}`, "action", `"undefined"`},
		"git without a hash is of no kind":            {`{"type":"git","source":"github","project":"p","branch":"b","slug":"s"}`, "action", `null`},
		"git whose hash is null is of no kind":        {`{"type":"git","source":"github","project":"p","branch":"b","slug":"s","hash":null}`, "action", `null`},
		"jenkins without properties":                  {`{"type":"jenkins",` + jenkins + `}`, "properties", `{}`},
		"jenkins with properties":                     {`{"type":"jenkins","properties":{"a":1},` + jenkins + `}`, "properties", `{"a":1}`},
		"concourse goes by its type":                  {`{"type":"concourse"}`, "properties", `{}`},
		"docker goes before git":                      {`{"type":"docker","account":"a","repository":"r","tag":"t",` + git + `}`, "action", `null`},
		"jenkins goes before git":                     {`{"type":"jenkins",` + jenkins + `,` + git + `}`, "action", `null`},
		"a parent goes before git":                    {`{"type":"pipeline","parent":{"executionId":"E"},` + git + `}`, "action", `null`},
		"a parent in full goes before git":            {`{"type":"pipeline","parentExecution":{"id":"E"},` + git + `}`, "action", `null`},
		"artifactory goes before git":                 {`{"type":"artifactory","artifactorySearchName":"x",` + git + `}`, "action", `null`},
		"nexus goes before git":                       {`{"type":"nexus","nexusSearchName":"x",` + git + `}`, "action", `null`},
		"a plugin without a description":              {`{"type":"plugin","pluginId":"x"}`, "description", `"[no description]"`},
		"a plugin without a provider":                 {`{"type":"plugin","pluginId":"x"}`, "provider", `"[no provider]"`},
		"any other keeps what it has":                 {`{"type":"pubsub","messageId":null}`, "messageId", `null`},
		"a kind is told by its keys, not by its type": {`{"type":"manual",` + git + `}`, "action", `"undefined"`},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			l := launch()
			l.Trigger = decode[Trigger](t, []byte(tt.trigger))
			before := string(encode(t, l.Trigger))
			e, err := NewExecution(Pipeline{"application": "a", "name": "P", "stages": []any{}}, l)
			require.NoError(t, err)
			require.JSONEq(t, tt.want, string(encode(t, e.Trigger.Other[tt.key])))
			require.Equal(t, before, string(encode(t, l.Trigger)), "the caller's trigger stays as it was")
		})
	}
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
