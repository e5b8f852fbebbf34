package activities

import (
	"context"
	"time"

	"github.com/gennaker/gennaker/pipeline/expr"
)

// Fetch answers the helper functions of expressions that need something from
// outside.
type Fetch interface {
	FetchExpressions(context.Context, FetchExpressionsInput) (FetchExpressionsOutput, error)
}

// FetchExpressions fetches what expressions ask for. What is definitely not to
// be had, a refused URL or a 404, is an answer with an error in words; a world
// that does not answer is an unavailable or timeout error.
var FetchExpressions = Call[FetchExpressionsInput, FetchExpressionsOutput]{Name: "expressions.fetch", Timeout: time.Minute}

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
