package client

import (
	"context"
	"errors"
	"fmt"
	"net/http"
	"strings"
	"time"

	"github.com/gennaker/gennaker/pipeline"
)

// firstPoll and lastPoll are the time between two looks at a task, which doubles.
const (
	firstPoll = 250 * time.Millisecond
	lastPoll  = 5 * time.Second
)

// RefID returns the ID in an answer to a start: the last part of its ref.
func RefID(answer pipeline.Map) (string, error) {
	ref := answer.String("ref")
	id := ref[strings.LastIndexByte(ref, '/')+1:]
	if id == "" {
		return "", errors.New("gate's answer names no execution: it has no ref")
	}
	return id, nil
}

// Run starts a task of one job and waits for its end. An end that is not a
// success is an error with the first reason that the task gives.
func (c *Client) Run(ctx context.Context, application, description string, job pipeline.Map) error {
	answer, err := c.Object(ctx, http.MethodPost, "/tasks", nil, map[string]any{
		"application": application, "description": description, "job": []any{map[string]any(job)},
	})
	if err != nil {
		return err
	}
	id, err := RefID(answer)
	if err != nil {
		return err
	}
	return c.AwaitTask(ctx, id)
}

// AwaitTask waits for the end of a task, as long as the retry timeout.
func (c *Client) AwaitTask(ctx context.Context, id string) error {
	ctx, cancel := context.WithTimeoutCause(ctx, c.retryTimeout,
		fmt.Errorf("task %s has not ended within %s: look at it with GET /tasks/%s, or wait longer with --retry-timeout", id, c.retryTimeout, id))
	defer cancel()
	wait := firstPoll
	for {
		view, err := c.Get(ctx, Path("tasks", id), nil)
		if err != nil {
			return cause(ctx, err)
		}
		status := pipeline.Status(view.String("status"))
		if status.Complete() {
			return taskEnd(id, status, view)
		}
		select {
		case <-ctx.Done():
			return context.Cause(ctx)
		case <-time.After(wait):
		}
		wait = min(2*wait, lastPoll)
	}
}

// cause prefers why a context ended to what that made of a request.
func cause(ctx context.Context, err error) error {
	if ctx.Err() != nil {
		return context.Cause(ctx)
	}
	return err
}

// TaskEnd turns the view of a task that has ended into an error, unless it
// succeeded.
func TaskEnd(view pipeline.Map) error {
	return taskEnd(view.String("id"), pipeline.Status(view.String("status")), view)
}

func taskEnd(id string, status pipeline.Status, view pipeline.Map) error {
	if status.Successful() {
		return nil
	}
	for _, v := range view.List("variables") {
		variable := pipeline.AsMap(v)
		if variable.String("key") != "exception" {
			continue
		}
		details := variable.Map("value").Map("details")
		if reasons := details.Strings("errors"); len(reasons) > 0 {
			return fmt.Errorf("%s", strings.Join(reasons, "\n"))
		}
		if reason := details.String("error"); reason != "" {
			return errors.New(reason)
		}
	}
	return fmt.Errorf("task %s ended %s", id, status)
}
