// Package fetch is the room behind activities.Fetch: it answers the helper
// functions of expressions that need something from outside.
package fetch

import (
	"context"
	"fmt"
	"net/http"
	"strings"

	"golang.org/x/sync/errgroup"

	"github.com/gennaker/gennaker/activities"
	"github.com/gennaker/gennaker/executions"
	"github.com/gennaker/gennaker/front50"
	"github.com/gennaker/gennaker/internal/outbound"
	"github.com/gennaker/gennaker/pipeline"
	"github.com/gennaker/gennaker/pipeline/expr"
)

// atOnce is how many requests of one call are under way at a time.
const atOnce = 8

// Configuration is what the room needs of Front50.
type Configuration interface {
	// Application returns an application; not_found, unavailable.
	Application(ctx context.Context, name string) (pipeline.Application, error)
	// Pipelines lists the pipelines of an application; not_found, unavailable.
	Pipelines(ctx context.Context, application string) ([]pipeline.Pipeline, error)
}

var _ Configuration = front50.Reader(nil)

// Executions is what the room needs of executions.Service.
type Executions interface {
	// Get returns an execution; not_found, unavailable.
	Get(ctx context.Context, id string) (executions.Record, error)
}

// Fetch implements activities.Fetch.
type Fetch struct {
	client        *outbound.Client
	configuration Configuration
	executions    Executions
}

var _ activities.Fetch = (*Fetch)(nil)

// New returns the room.
func New(client *outbound.Client, c Configuration, e Executions) *Fetch {
	return &Fetch{client: client, configuration: c, executions: e}
}

// FetchExpressions implements activities.Fetch.
func (f *Fetch) FetchExpressions(ctx context.Context, in activities.FetchExpressionsInput) (activities.FetchExpressionsOutput, error) {
	if len(in.Requests) > activities.MaxFetches {
		return activities.FetchExpressionsOutput{}, pipeline.Errorf(pipeline.CodeInvalid,
			"The expressions of the stage '%s' ask for %d things from outside at once: at most %d can be fetched.", in.Scope.StageName, len(in.Requests), activities.MaxFetches)
	}
	answers := make([]expr.Answer, len(in.Requests))
	g, ctx := errgroup.WithContext(ctx)
	g.SetLimit(atOnce)
	for i, r := range in.Requests {
		g.Go(func() error {
			value, err := f.fetch(ctx, r)
			if err != nil && final(err) {
				answers[i].Error = pipeline.MessageOf(err)
				return nil
			}
			answers[i].Value = value
			return err
		})
	}
	if err := g.Wait(); err != nil {
		return activities.FetchExpressionsOutput{}, err
	}
	return activities.FetchExpressionsOutput{Answers: bounded(in.Requests, answers)}, nil
}

// final reports whether an error says that the thing is not to be had, however
// often one asks.
func final(err error) bool {
	switch pipeline.CodeOf(err) {
	case pipeline.CodeInvalid, pipeline.CodeNotFound, pipeline.CodeForbidden, pipeline.CodeUnauthenticated,
		pipeline.CodeFailed, pipeline.CodeTooLarge, pipeline.CodeNotAllowed, pipeline.CodeUnprocessable:
		return true
	}
	return false
}

// bounded leaves out the answers that do not fit into one result, in the order
// of the requests.
func bounded(requests []expr.Request, answers []expr.Answer) map[string]expr.Answer {
	out := make(map[string]expr.Answer, len(requests))
	left := activities.MaxFetched
	for i, r := range requests {
		if _, done := out[r.Key()]; done {
			continue
		}
		a := answers[i]
		text, err := pipeline.EncodeValue(a.Value)
		if err != nil {
			a = expr.Answer{Error: "The answer cannot be written as JSON."}
		} else if len(text) > left {
			a = expr.Answer{Error: fmt.Sprintf("The answer is too large: all that expressions fetch at once must stay below %d bytes.", activities.MaxFetched)}
		} else {
			left -= len(text)
		}
		out[r.Key()] = a
	}
	return out
}

func (f *Fetch) fetch(ctx context.Context, r expr.Request) (any, error) {
	switch r.Kind {
	case expr.FetchURL:
		return f.text(ctx, r.URL)
	case expr.FetchPipeline:
		return f.pipelineID(ctx, r.Application, r.Name)
	case expr.FetchApplication:
		app, err := f.configuration.Application(ctx, r.Application)
		return map[string]any(app), err
	case expr.FetchExecution:
		record, err := f.executions.Get(ctx, r.ID)
		if err != nil {
			return nil, err
		}
		return pipeline.ToValue(record.Execution)
	case expr.FetchCanaryConfig:
		return nil, pipeline.Errorf(pipeline.CodeFailed, "Canary configurations are not available: this installation has no canary analysis.")
	case expr.FetchArtifact:
		return nil, pipeline.Errorf(pipeline.CodeFailed, "The reference %s cannot be read: this installation has no artifact store.", r.Reference)
	}
	return nil, pipeline.Errorf(pipeline.CodeInvalid, "Expressions cannot fetch a %q.", r.Kind)
}

// text returns what stands at a URL that the client may call. What expressions
// may not even ask for is refused before it comes here ([expr.CheckURL]).
func (f *Fetch) text(ctx context.Context, target string) (any, error) {
	answer, err := f.client.Call(ctx, outbound.Request{URL: target, MaxResponse: activities.MaxFetched})
	if err != nil {
		if pipeline.CodeOf(err) == pipeline.CodeTimeout {
			// The next attempt may be answered in time.
			return nil, pipeline.Wrap(pipeline.CodeUnavailable, err, "%s", pipeline.MessageOf(err))
		}
		return nil, err
	}
	switch status := answer.StatusCode; {
	case status == http.StatusTooManyRequests:
		return nil, pipeline.Errorf(pipeline.CodeThrottled, "The URL answered %s.", statusText(status))
	case status >= http.StatusInternalServerError:
		return nil, pipeline.Errorf(pipeline.CodeUnavailable, "The URL answered %s.", statusText(status))
	case status < http.StatusOK || status >= http.StatusMultipleChoices:
		return nil, pipeline.Errorf(pipeline.CodeFailed, "Not retrying: the URL answered %s.", statusText(status))
	}
	return strings.ToValidUTF8(string(answer.Body), "\ufffd"), nil
}

func statusText(status int) string {
	return strings.TrimSpace(fmt.Sprintf("%d %s", status, http.StatusText(status)))
}

// pipelineID finds a pipeline by its name, exactly or else without regard to
// case as Front50 does; nil when there is none.
func (f *Fetch) pipelineID(ctx context.Context, application, name string) (any, error) {
	if application == "" {
		// Without an application Front50 lists every pipeline there is.
		return nil, pipeline.Errorf(pipeline.CodeInvalid, "A pipeline is found by its application and its name: the application is missing.")
	}
	all, err := f.configuration.Pipelines(ctx, application)
	if err != nil {
		if pipeline.CodeOf(err) == pipeline.CodeNotFound {
			return nil, nil
		}
		return nil, err
	}
	var id any
	for _, p := range all {
		if p.Name() == name {
			return p.ID(), nil
		}
		if id == nil && strings.EqualFold(p.Name(), name) {
			id = p.ID()
		}
	}
	return id, nil
}
