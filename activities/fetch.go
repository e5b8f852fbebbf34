package activities

import (
	"context"
	"encoding/json"
	"time"

	"github.com/gennaker/gennaker/pipeline/expr"
)

// Fetch answers the helper functions of expressions that need something from
// outside (reference: expressions section 8).
type Fetch interface {
	// FetchExpressions answers every request. What is definitely not to be had, a
	// refused URL or a 404, is an answer with an error in words. Errors:
	// unavailable and throttled for a world that does not answer, invalid for more
	// requests than [MaxFetches].
	FetchExpressions(context.Context, FetchExpressionsInput) (FetchExpressionsOutput, error)
}

// Bounds of one FetchExpressions.
const (
	// MaxFetches is how many requests one call takes.
	MaxFetches = 200
	// MaxFetched is how large all answers together may be, in bytes of JSON;
	// those that do not fit are answered with an error. Temporal refuses results
	// beyond 2 MiB.
	MaxFetched = 1 << 20
)

// FetchExpressions fetches what expressions ask for. It only reads, so it runs
// as a local activity.
var FetchExpressions = Call[FetchExpressionsInput, FetchExpressionsOutput]{
	Name: "expressions.fetch", Local: true, Timeout: time.Minute,
}

// RegisterFetch registers impl under the name of the call.
func RegisterFetch(r Registry, impl Fetch) {
	register(r, FetchExpressions, impl.FetchExpressions)
}

// FetchExpressionsInput lists what to fetch.
type FetchExpressionsInput struct {
	Scope    Scope          `json:"scope"`
	Requests []expr.Request `json:"requests"`
}

// FetchExpressionsOutput holds an answer for each request, by its Key.
type FetchExpressionsOutput struct {
	Answers map[string]expr.Answer `json:"answers"`
}

// fetched is an answer on its way through Temporal.
type fetched struct {
	Value JSON   `json:"value"`
	Error string `json:"error,omitempty"`
}

// MarshalJSON implements json.Marshaler. Whole numbers stay whole.
func (o FetchExpressionsOutput) MarshalJSON() ([]byte, error) {
	wire := map[string]map[string]fetched{"answers": {}}
	for key, a := range o.Answers {
		wire["answers"][key] = fetched{Value: JSON{a.Value}, Error: a.Error}
	}
	return json.Marshal(wire)
}

// UnmarshalJSON implements json.Unmarshaler.
func (o *FetchExpressionsOutput) UnmarshalJSON(data []byte) error {
	var wire map[string]map[string]fetched
	if err := json.Unmarshal(data, &wire); err != nil {
		return err
	}
	o.Answers = make(map[string]expr.Answer, len(wire["answers"]))
	for key, f := range wire["answers"] {
		o.Answers[key] = expr.Answer{Value: f.Value.Value, Error: f.Error}
	}
	return nil
}
