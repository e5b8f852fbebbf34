package engine

import (
	"context"
	"strings"

	"go.temporal.io/api/workflow/v1"
	"go.temporal.io/api/workflowservice/v1"
)

// pageSize is the largest page that Temporal's visibility store gives.
const pageSize = 1000

// list returns the IDs of the workflows that match a visibility query, at most
// limit.
func (e *Engine) list(ctx context.Context, query string, limit int) ([]string, error) {
	var out []string
	err := e.each(ctx, query, func(x *workflow.WorkflowExecutionInfo) bool {
		out = append(out, x.GetExecution().GetWorkflowId())
		return len(out) < limit
	})
	return out, err
}

// each calls fn with the workflows that match a visibility query, newest first,
// until fn returns false.
func (e *Engine) each(ctx context.Context, query string, fn func(*workflow.WorkflowExecutionInfo) bool) error {
	var token []byte
	for {
		page, err := e.client.ListWorkflow(ctx, &workflowservice.ListWorkflowExecutionsRequest{
			Query: query, PageSize: pageSize, NextPageToken: token,
		})
		if err != nil {
			return e.failed(err, "list executions")
		}
		for _, x := range page.GetExecutions() {
			if !fn(x) {
				return nil
			}
		}
		if token = page.GetNextPageToken(); len(token) == 0 {
			return nil
		}
	}
}

// quoted escapes text for a visibility query's quotes.
func quoted(s string) string {
	return strings.NewReplacer(`\`, `\\`, `'`, `\'`).Replace(s)
}
