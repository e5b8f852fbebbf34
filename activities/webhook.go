package activities

import (
	"context"
	"time"

	"github.com/gennaker/gennaker/pipeline"
)

// Webhook calls the URLs of webhook stages (reference: orca section 6.2).
//
// What an answer means is for the stage to decide: every status is an output,
// and so is a network that fails. Errors are for calls that were never to be
// made or whose answer cannot be taken: invalid for a refused URL, address,
// header or account, failed for a certificate that is not trusted, too_large.
type Webhook interface {
	// CallWebhook calls a URL with any method. Unless the method only reads, the
	// call carries the header Idempotency-Key with the scope's key: a call whose
	// worker died after sending it is made again, and the receiver can tell.
	CallWebhook(context.Context, CallWebhookInput) (CallWebhookOutput, error)
	// PollWebhook reads a URL with GET; the input's method and payload are not
	// used.
	PollWebhook(context.Context, CallWebhookInput) (CallWebhookOutput, error)
}

// The calls.
var (
	// CallWebhook is a task of its own, so that a worker that stops lets it end
	// instead of making it twice.
	CallWebhook = Call[CallWebhookInput, CallWebhookOutput]{Name: "webhook.call", Timeout: 10 * time.Minute, Heartbeat: 15 * time.Second}
	// PollWebhook runs as a local activity, so that a poll costs little history.
	PollWebhook = Call[CallWebhookInput, CallWebhookOutput]{Name: "webhook.poll", Local: true, Timeout: time.Minute}
)

// RegisterWebhook registers impl under the names of the calls.
func RegisterWebhook(r Registry, impl Webhook) {
	register(r, CallWebhook, impl.CallWebhook)
	register(r, PollWebhook, impl.PollWebhook)
}

// CallWebhookInput is one call.
type CallWebhookInput struct {
	Scope  Scope  `json:"scope"`
	Method string `json:"method,omitempty"`
	URL    string `json:"url"`
	// Headers are the stage's own. Secrets do not belong there, since they would
	// stand in history: Account and Preconfigured name those to add.
	Headers map[string][]string `json:"headers,omitempty"`
	// Payload is sent as JSON, as a form when the content type says so, or as it
	// is when it is text; nil sends nothing.
	Payload JSON `json:"payload"`
	// Account names credentials of the workers' configuration.
	Account string `json:"account,omitempty"`
	// Preconfigured is the type of a preconfigured webhook whose sensitive headers
	// are added.
	Preconfigured string `json:"preconfigured,omitempty"`
}

// CallWebhookOutput is the answer, or why there is none.
type CallWebhookOutput struct {
	StatusCode int `json:"statusCode,omitempty"`
	// Headers holds the first value of each header.
	Headers map[string]string `json:"headers,omitempty"`
	// Body is decoded when it is JSON, else text; nil when it is empty.
	Body JSON `json:"body"`
	// Failure is set when there is no answer.
	Failure *WebhookFailure `json:"failure,omitempty"`
}

// WebhookFailure says what became of a call without an answer.
type WebhookFailure struct {
	// Message is for people.
	Message string `json:"message"`
	// UnknownHost is set when the host's name could not be resolved, TimedOut when
	// the answer took too long.
	UnknownHost bool `json:"unknownHost,omitempty"`
	TimedOut    bool `json:"timedOut,omitempty"`
	// Sent is set when the receiver may have got the request.
	Sent bool `json:"sent,omitempty"`
	// SafeToRetry is set when configuration says that such a request may be made
	// twice.
	SafeToRetry bool `json:"safeToRetry,omitempty"`
}

// JSON is a value of the types of pipeline.Map that keeps its type on its way
// through Temporal: whole numbers stay whole.
type JSON struct{ Value any }

// MarshalJSON implements json.Marshaler.
func (j JSON) MarshalJSON() ([]byte, error) { return pipeline.EncodeValue(j.Value) }

// UnmarshalJSON implements json.Unmarshaler.
func (j *JSON) UnmarshalJSON(data []byte) error {
	v, err := pipeline.DecodeValue(data)
	j.Value = v
	return err
}
