package stages

import "github.com/gennaker/gennaker/workflows"

// Describe implements workflows.Documented.
func (Webhook) Describe() workflows.Description {
	return workflows.Description{
		Summary: "Calls a URL and, with `waitForCompletion`, polls another until its status says that what was begun has ended.",
		Inputs: []workflows.Field{
			{Name: "url", Type: "URL", Text: "What to call. Only http and https; private addresses only where the operator allows them."},
			{Name: "method", Type: "GET, HEAD, POST, PUT, PATCH, DELETE, OPTIONS, TRACE", Default: "POST", Text: "How to call it."},
			{Name: "payload", Type: "any", Text: "The body: sent as JSON, as a form when the content type among the custom headers says so, or as it is when it is text. GET, HEAD and TRACE have none."},
			{Name: "customHeaders", Type: "map of text or lists of text", Text: "Headers of every call of the stage. They are part of the execution, so secrets belong into an `account`."},
			{Name: "account", Type: "webhook account", Text: "Credentials from the workers' configuration, for the hosts that are named there."},
			{Name: "failFastStatusCodes", Type: "list of status codes", Default: "[504]", Text: "Status codes that fail the stage at once."},
			{Name: "webhookRetryStatusCodes", Type: "list of status codes", Text: "Further status codes after which the call is made again."},
			{Name: "waitForCompletion", Type: "true or false", Default: "false", Text: "Poll for a status."},
			{Name: "statusUrlResolution", Type: "getMethod, locationHeader or webhookResponse", Default: "getMethod", Text: "Where to poll: the same URL, the answer's Location, or what `statusUrlJsonPath` finds in its body."},
			{Name: "statusUrlJsonPath", Type: "JSON path", Text: "See `statusUrlResolution`."},
			{Name: "statusEndpoint", Type: "URL", Text: "Where to poll with `monitorOnly`; else the stage sets it."},
			{Name: "statusJsonPath", Type: "JSON path", Text: "The status in what a poll answers. Without one the first answer that is no failure ends the stage. A number is a percentage, done at 100; text is looked up in the lists of statuses."},
			{Name: "progressJsonPath", Type: "JSON path", Text: "Text to show while the stage polls."},
			{Name: "successStatuses", Type: "text, separated by commas", Text: "Statuses, in any case, that end the stage successfully. A status in no list means that it goes on."},
			{Name: "canceledStatuses", Type: "text, separated by commas", Text: "Statuses that end the stage as cancelled."},
			{Name: "terminalStatuses", Type: "text, separated by commas", Text: "Statuses that fail the stage."},
			{Name: "retryStatusCodes", Type: "list of status codes", Text: "Further status codes that do not end the polling."},
			{Name: "retries", Type: "map of status codes to {maxAttempts}", Text: "How often a status code may be met while polling before it fails the stage."},
			{Name: "waitBeforeMonitor", Type: "whole seconds", Default: "0", Text: "How long to wait before the first poll, counted from the start of the stage."},
			{Name: "waitTime", Type: "whole seconds", Text: "Takes the place of `waitBeforeMonitor` when it is set; the stage sets it."},
			{Name: "skipRemainingWait", Type: "true or false", Text: "Set by a person on the waiting stage: ends that wait."},
			{Name: "monitorOnly", Type: "true or false", Default: "false", Text: "Only poll, call nothing."},
			{Name: "cancelEndpoint", Type: "URL", Text: "Called when the stage is cancelled or has failed."},
			{Name: "cancelMethod", Type: "see `method`", Default: "POST", Text: "How to call it."},
			{Name: "cancelPayload", Type: "any", Text: "With which body; see `payload`. Expressions in it are evaluated when it is sent, so it may name what the webhook answered."},
			{Name: "signalCancellation", Type: "true or false", Text: "Whether Deck shows the fields of the cancellation; it changes nothing else."},
			{Name: "expectedArtifacts", Type: "list of expected artifacts", Text: "Artifacts that the answer's body lists under `artifacts`."},
		},
		Outputs: []workflows.Field{
			{Name: "artifacts", Type: "list of artifacts", Text: "Those that were expected and found."},
			{Name: "resolvedExpectedArtifacts", Type: "list of expected artifacts", Text: "The expectations with what they are bound to."},
		},
		Notes: []string{
			"What was answered stands in the stage's context, as in Spinnaker: `${#stage('Run the tests')['context']['webhook']['body']}`. It holds `statusCode`, `statusCodeValue`, `headers`, `body`, `error`, `statusEndpoint` and, of the last poll, `monitor` with the same keys and `progressMessage`, `percentComplete`, `resolvedValue` and `pastStatusCodes`.",
			"What was answered is data: expressions in it are not evaluated, as Spinnaker does before each later task, so that whoever answers cannot read the execution. Expressions of the pipeline may read it.",
			"The call is made again every 10 seconds for 5 minutes after a status of 500 and above, 429, or one of `webhookRetryStatusCodes`, and when the receiver cannot have got it: an unknown host, a refused connection (which ends the stage in Spinnaker). A call that may have been received and was not answered is made again only if it is a GET or HEAD, or if the operator says that it is safe.",
			"Every call that may change something carries the header `Idempotency-Key`, the same for all repetitions of one call. A call whose worker died before it could tell of the answer is made again by another worker: receivers that must not act twice compare the key.",
			"Polls come every second for a minute and then every 15 seconds, for an hour or `stageTimeoutMs`. A network that fails does not end the polling. The account and the headers of the call are used for polls and the cancellation too; an account only where its hosts allow it.",
			"JSON paths are Jayway's. Where a path selects among the keys of an object, they come in alphabetical order.",
			"Redirects are followed, each checked like the first URL, without credentials when they lead to another host. Headers that Spinnaker's services trust (`X-SPINNAKER-…`) are left out.",
		},
	}
}
