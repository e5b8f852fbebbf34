package workflows

import (
	"go.temporal.io/sdk/workflow"

	"github.com/gennaker/gennaker/pipeline"
)

// EventWorkflow is the type of every event that came in from outside. Once its
// workflow is started, the event is Temporal's and cannot be lost.
const EventWorkflow = "Event"

// Event is something that happened elsewhere: a call of a webhook (reference: echo
// section 3).
type Event struct {
	// ID is the event's; the same one is taken once.
	ID string `json:"id"`
	// Type is webhook, git or cdevents, Source what the sender calls itself, such as
	// github.
	Type   string `json:"type"`
	Source string `json:"source"`
	// ReceivedAt is when it came in.
	ReceivedAt pipeline.Millis `json:"receivedAt"`
	// Headers are those that tell about the event, by their names in lower case.
	Headers map[string]string `json:"headers,omitempty"`
	// Payload is the body.
	Payload pipeline.Map `json:"payload"`
}

// EventResult tells what became of an event.
type EventResult struct {
	// Matched is how many triggers it set off.
	Matched int `json:"matched"`
}

// EventID is the workflow ID of an event.
func EventID(e Event) string { return "event." + e.Source + "." + e.ID }

// TakeEvent is the workflow of an event: it keeps what came in, for people to look
// at and for triggers to match. No trigger of a pipeline is matched with events
// from outside yet, so it sets off none and ends.
func TakeEvent(ctx workflow.Context, e Event) (EventResult, error) {
	workflow.GetLogger(ctx).Info("an event came in", "type", e.Type, "source", e.Source, "event", e.ID)
	return EventResult{}, nil
}
