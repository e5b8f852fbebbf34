package gate

import (
	"net/http"

	"github.com/gennaker/gennaker/pipeline"
)

// preconfiguredWebhook is a webhook stage of the installation as Deck reads it
// (reference: gate section 2); what is not set is null.
type preconfiguredWebhook struct {
	Label                    *string  `json:"label"`
	Description              *string  `json:"description"`
	Type                     string   `json:"type"`
	WaitForCompletion        any      `json:"waitForCompletion"`
	PreconfiguredProperties  []string `json:"preconfiguredProperties"`
	NoUserConfigurableFields bool     `json:"noUserConfigurableFields"`
	Parameters               any      `json:"parameters"`
	ParameterData            any      `json:"parameterData"`
}

// listPreconfiguredWebhooks lists what is enabled. Webhooks that are reserved
// for roles are left out: who holds them cannot be checked yet.
func listPreconfiguredWebhooks(r *request) error {
	out := []preconfiguredWebhook{}
	for _, w := range r.server.webhooks {
		if !w.Enabled() || len(w.Permitted("READ")) > 0 {
			continue
		}
		out = append(out, preconfiguredWebhook{
			Label: text(w, "label"), Description: text(w, "description"), Type: w.Type(),
			WaitForCompletion: w["waitForCompletion"], PreconfiguredProperties: w.PreconfiguredProperties(),
			NoUserConfigurableFields: w.NoUserConfigurableFields(), Parameters: w["parameters"], ParameterData: w["parameterData"],
		})
	}
	return r.answer(http.StatusOK, out)
}

// text returns the text under a key, nil when there is none.
func text(w pipeline.PreconfiguredWebhook, key string) *string {
	if s, ok := w[key].(string); ok {
		return &s
	}
	return nil
}
