package engine

import (
	"context"
	"strings"

	"go.temporal.io/api/workflowservice/v1"

	"github.com/gennaker/gennaker/executions"
)

// pageSize is the largest page that Temporal's visibility store gives.
const pageSize = 1000

// list returns the IDs of the workflows that match a visibility query.
func (e *Engine) list(ctx context.Context, query string) ([]string, error) {
	var out []string
	var token []byte
	for {
		page, err := e.client.ListWorkflow(ctx, &workflowservice.ListWorkflowExecutionsRequest{
			Query: query, PageSize: pageSize, NextPageToken: token,
		})
		if err != nil {
			return nil, e.failed(err, "list executions")
		}
		for _, x := range page.GetExecutions() {
			out = append(out, x.GetExecution().GetWorkflowId())
			if len(out) == executions.MaxResults {
				return out, nil
			}
		}
		if token = page.GetNextPageToken(); len(token) == 0 {
			return out, nil
		}
	}
}

// quoted escapes text for a visibility query's quotes.
func quoted(s string) string {
	return strings.NewReplacer(`\`, `\\`, `'`, `\'`).Replace(s)
}
