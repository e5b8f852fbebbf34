package stages

import "github.com/gennaker/gennaker/workflows"

// CommonFields are the keys that stages of every type take (reference: orca
// section 1). Types do not list them again.
func CommonFields() []workflows.Field {
	return []workflows.Field{
		{Name: "type", Type: "text", Text: "The stage type."},
		{Name: "alias", Type: "text", Text: "When set, the stage type in place of `type`, which is then a name for user interfaces."},
		{Name: "name", Type: "text", Default: "the type", Text: "Shown to people; `#stage('name')` finds the stage."},
		{Name: "refId", Type: "text", Default: "0, 1, … when no stage of the pipeline has one", Text: "Names the stage within its pipeline."},
		{Name: "requisiteStageRefIds", Type: "list of refIds", Default: "none", Text: "Stages that must be done before this one starts. When no stage has a refId, stages run one after another."},
		{Name: "comments", Type: "text", Text: "For people."},
		{Name: "group", Type: "text", Text: "Stages of one group are folded together in lists."},
		{Name: "failPipeline", Type: "boolean", Default: "true", Text: "Whether a failure ends the pipeline TERMINAL at once. With false the stage is STOPPED and other branches go on."},
		{Name: "continuePipeline", Type: "boolean", Default: "false", Text: "Whether a failure is ignored: the stage is FAILED_CONTINUE and what comes after it runs."},
		{Name: "completeOtherBranchesThenFail", Type: "boolean", Default: "false", Text: "With failPipeline false: once the other branches are done the pipeline ends TERMINAL, not SUCCEEDED."},
		{Name: "allowSiblingStagesToContinueOnFailure", Type: "boolean", Default: "false", Text: "Of stages that a stage adds around itself: whether the others start after one has failed and is ignored."},
		{Name: "stageEnabled", Type: "map", Text: "{\"type\": \"expression\", \"expression\": \"…\"}: the stage is SKIPPED unless the expression, written without `${ }`, is true."},
		{Name: "restrictExecutionDuringTimeWindow", Type: "boolean", Default: "false", Text: "Whether the stage waits for its execution window first; see [restrictExecutionDuringTimeWindow](restrictExecutionDuringTimeWindow.md)."},
		{Name: "restrictedExecutionWindow", Type: "map", Text: "The execution window."},
		{Name: "stageTimeoutMs", Type: "milliseconds", Default: "the timeout of each task", Text: "How long the stage may take, in place of its tasks' timeouts. Pauses and the execution window do not count."},
		{Name: "markSuccessfulOnTimeout", Type: "boolean", Default: "false", Text: "Whether a timeout ends a task SUCCEEDED."},
		{Name: "backoffPeriodMs", Type: "milliseconds", Text: "The least wait between two attempts of a call that the outside world did not answer. It raises the wait, which is 1 to 30 seconds, and never lowers it."},
		{Name: "failOnFailedExpressions", Type: "boolean", Default: "false", Text: "Whether an expression that fails ends the stage TERMINAL, whatever the other options say. Without it the expression stays as text."},
		{Name: "skipExpressionEvaluation", Type: "boolean", Default: "false", Text: "Under evaluator v4: leaves the manifests of stages that deploy alone."},
		{Name: "sendNotifications", Type: "boolean", Default: "false", Text: "Whether the stage's own notifications are sent."},
		{Name: "notifications", Type: "list of {type, address, when, message}", Text: "The stage's own notifications."},
		{Name: "expectedArtifacts", Type: "list of expected artifacts", Text: "What the stage must produce, for types that bind what they produce."},
		{Name: "startTimeExpiry", Type: "milliseconds since 1970", Text: "The stage is SKIPPED when it would start later."},
		{Name: "manualSkip", Type: "boolean", Default: "false", Text: "Set by a person on a running stage, where its type allows it: ends it SKIPPED."},
	}
}
