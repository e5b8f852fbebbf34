package workflowstest

import (
	"context"

	"github.com/gennaker/gennaker/activities"
)

var _ activities.Webhook = (*World)(nil)

// CallWebhook implements activities.Webhook: everything is fine.
func (w *World) CallWebhook(ctx context.Context, in activities.CallWebhookInput) (activities.CallWebhookOutput, error) {
	return ask(ctx, w, activities.CallWebhook, in, func() (activities.CallWebhookOutput, error) { return Answered(200, nil), nil })
}

// PollWebhook implements activities.Webhook: everything is fine.
func (w *World) PollWebhook(ctx context.Context, in activities.CallWebhookInput) (activities.CallWebhookOutput, error) {
	return ask(ctx, w, activities.PollWebhook, in, func() (activities.CallWebhookOutput, error) { return Answered(200, nil), nil })
}

// Answered is the answer of a webhook with a status and a body.
func Answered(status int, body any) activities.CallWebhookOutput {
	return activities.CallWebhookOutput{StatusCode: status, Body: activities.JSON{Value: body}}
}
