package stages

import (
	"strings"

	"go.temporal.io/sdk/workflow"

	"github.com/gennaker/gennaker/pipeline"
	"github.com/gennaker/gennaker/workflows"
)

// PreconfiguredWebhook is a webhook that an operator has prepared under a stage
// type of its own (reference: orca section 6.2). Deck writes the type and the
// alias preconfiguredWebhook; the type alone will do as long as it is
// configured.
//
//	{"type": "preconfiguredWebhook", "alias": "preconfiguredWebhook", "refId": "1", "name": "Notify chat",
//	 "parameterValues": {"text": "Deployed."}}
//
// What the operator has set overrides the stage's own context when it starts. A
// running stage keeps what it started with.
type PreconfiguredWebhook struct {
	Webhook
	definitions []pipeline.PreconfiguredWebhook
}

var (
	_ workflows.StageType  = PreconfiguredWebhook{}
	_ workflows.Aliased    = PreconfiguredWebhook{}
	_ workflows.Preparer   = PreconfiguredWebhook{}
	_ workflows.Canceller  = PreconfiguredWebhook{}
	_ workflows.Documented = PreconfiguredWebhook{}
)

// Type implements workflows.StageType.
func (PreconfiguredWebhook) Type() string { return pipeline.PreconfiguredWebhookAlias }

// Aliases implements workflows.Aliased: the configured types, for stages without
// the alias.
func (p PreconfiguredWebhook) Aliases() []string {
	var out []string
	for _, d := range p.definitions {
		out = append(out, d.Type())
	}
	return out
}

// Prepare implements workflows.Preparer.
func (p PreconfiguredWebhook) Prepare(ctx workflow.Context, s *pipeline.Stage) error {
	var own pipeline.PreconfiguredWebhook
	err := workflow.SideEffect(ctx, func(workflow.Context) any {
		for _, d := range p.definitions {
			if d.Type() == s.Type {
				return d.Shown()
			}
		}
		return pipeline.PreconfiguredWebhook{}
	}).Get(&own)
	if err != nil {
		return pipeline.Wrap(pipeline.CodeInternal, err, "The preconfigured webhook '%s' cannot be read.", s.Type)
	}
	switch {
	case own.Type() == "":
		return pipeline.Errorf(pipeline.CodeInvalid,
			"The stage '%s' needs the preconfigured webhook '%s', which is not configured: an operator can add it under webhook.preconfigured.", s.Name, s.Type)
	case !own.Enabled():
		return pipeline.Errorf(pipeline.CodeInvalid,
			"The stage '%s' needs the preconfigured webhook '%s', which is disabled: an operator can enable it under webhook.preconfigured.", s.Name, s.Type)
	}
	if roles := own.Permitted("WRITE"); len(roles) > 0 {
		return pipeline.Errorf(pipeline.CodeForbidden,
			"The preconfigured webhook '%s' of stage '%s' is reserved for the roles %s, and who holds them cannot be checked: there is "+
				"no source of permissions. An operator can remove its WRITE permissions.",
			s.Type, s.Name, strings.Join(roles, ", "))
	}
	own.Override(s.Context)
	return nil
}

// Calls implements workflows.Caller.
func (PreconfiguredWebhook) Calls(s *pipeline.Stage) []string {
	return []string{"call the preconfigured webhook " + s.Type}
}

// Describe implements workflows.Documented.
func (p PreconfiguredWebhook) Describe() workflows.Description {
	d := p.Webhook.Describe()
	d.Summary = "Calls a webhook that the operator has prepared; the stage's type is the webhook's own."
	d.Inputs = append([]workflows.Field{
		{Name: "parameterValues", Type: "map of text", Text: "What the webhook's parameters are set to. Expressions in the operator's fields read it; those without a value have the operator's default."},
	}, d.Inputs...)
	d.Notes = append([]string{
		"The operator's fields override those of the stage when it starts, and a running stage keeps them whatever becomes of the configuration. Deck leaves them out of its form.",
		"To retire a webhook set `enabled: false`: its stages then fail with a message. The type of stages that carry no alias is known only while it is configured, so removing it holds up executions in which such a stage has started.",
		"Its sensitive headers are added by the worker to calls of the hosts that the operator names, and stand nowhere in the execution.",
		"A webhook with WRITE permissions fails, since roles cannot be checked.",
	}, d.Notes...)
	return d
}
