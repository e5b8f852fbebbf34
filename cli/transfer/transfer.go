// Package transfer brings configuration from one Gate to another: applications
// with their permissions, templates, pipelines, strategies, notifications and
// projects. It reads what both have, and saves what is new or differs, each
// document by one request, with the IDs that it had. What the destination has
// besides stays. So a second run finds nothing to do, and one that broke off is
// made again.
package transfer

import (
	"context"
	"fmt"
	"slices"
	"strings"
	"sync"

	"golang.org/x/sync/errgroup"

	"github.com/gennaker/gennaker/cli/client"
	"github.com/gennaker/gennaker/pipeline"
)

// Kind is a kind of documents.
type Kind string

// The kinds, in the order in which they are brought over: each after what it
// refers to.
const (
	Application  Kind = "application"
	Template     Kind = "template"
	Pipeline     Kind = "pipeline"
	Strategy     Kind = "strategy"
	Notification Kind = "notification"
	Project      Kind = "project"
)

// Kinds lists every kind.
func Kinds() []Kind {
	return []Kind{Application, Template, Pipeline, Strategy, Notification, Project}
}

// Action is what happens to a document.
type Action string

// The actions. In a dry run they tell what would happen.
const (
	// Created is not there yet.
	Created Action = "created"
	// Changed is there and differs.
	Changed Action = "changed"
	// Left is there and is the same, or is none to bring over.
	Left Action = "left"
	// Failed cannot be read or saved.
	Failed Action = "failed"
)

// Item is what happened to one document.
type Item struct {
	Kind        Kind   `json:"kind"`
	Application string `json:"application,omitempty"`
	Name        string `json:"name"`
	ID          string `json:"id,omitempty"`
	Action      Action `json:"action"`
	// Added and Removed count the lines that differ, of JSON with one key a line.
	Added   int `json:"added,omitempty"`
	Removed int `json:"removed,omitempty"`
	// Message is why it failed, or what else is to be known.
	Message string `json:"message,omitempty"`
}

// Options say what to bring over.
type Options struct {
	// Apply saves; without it nothing is changed.
	Apply bool
	// Applications, if there are any, are the only ones, with their pipelines,
	// strategies and notifications.
	Applications []string
	// Kinds, if there are any, are the only ones.
	Kinds []Kind
	// AtOnce bounds the documents that are asked for at a time; 0 is 8.
	AtOnce int
	// Done is told of each item, one at a time; it may be nil.
	Done func(Item)
}

// Report is what happened, sorted by kind, application and name.
type Report struct {
	Items []Item
}

// Count returns how many items of a kind ended so; an empty kind is all.
func (r Report) Count(k Kind, a Action) int {
	n := 0
	for _, i := range r.Items {
		if (k == "" || i.Kind == k) && i.Action == a {
			n++
		}
	}
	return n
}

// Run brings documents from one Gate to another. It goes on over documents that
// fail, which the report names; the error is one that kept it from looking at
// all, or the context's end, with what was done until then.
func Run(ctx context.Context, from, to *client.Client, o Options) (Report, error) {
	if o.AtOnce <= 0 {
		o.AtOnce = 8
	}
	t := &transfer{from: reader{from}, to: reader{to}, options: o}
	err := t.run(ctx)
	slices.SortStableFunc(t.items, func(a, b Item) int {
		if a.Kind != b.Kind {
			return slices.Index(Kinds(), a.Kind) - slices.Index(Kinds(), b.Kind)
		}
		if n := strings.Compare(a.Application, b.Application); n != 0 {
			return n
		}
		return strings.Compare(a.Name, b.Name)
	})
	return Report{Items: t.items}, err
}

// transfer is one run.
type transfer struct {
	from, to reader
	options  Options

	mu    sync.Mutex
	items []Item
	// missing are applications that could not be brought over.
	missing map[string]bool
	// fromGlobal and toGlobal are the notifications of all applications.
	fromGlobal, toGlobal pipeline.Map
}

func (t *transfer) wants(k Kind) bool {
	return len(t.options.Kinds) == 0 || slices.Contains(t.options.Kinds, k)
}

// add notes what happened to a document.
func (t *transfer) add(i Item) {
	t.mu.Lock()
	defer t.mu.Unlock()
	t.items = append(t.items, i)
	if t.options.Done != nil {
		t.options.Done(i)
	}
}

func (t *transfer) run(ctx context.Context) error {
	names, err := t.applicationNames(ctx)
	if err != nil {
		return err
	}
	t.missing = map[string]bool{}
	if t.wants(Application) {
		if err := t.each(ctx, names, t.application); err != nil {
			return err
		}
	}
	if t.wants(Template) && len(t.options.Applications) == 0 {
		if err := t.templates(ctx); err != nil {
			return err
		}
	}
	if t.wants(Notification) {
		if err := t.globalNotifications(ctx); err != nil {
			return err
		}
	}
	if err := t.each(ctx, names, t.ofApplication); err != nil {
		return err
	}
	if t.wants(Project) && len(t.options.Applications) == 0 {
		return t.projects(ctx)
	}
	return nil
}

// applicationNames lists the applications to look at, in lower case and sorted.
// It also finds out whether the destination answers before anything is changed.
func (t *transfer) applicationNames(ctx context.Context) ([]string, error) {
	all, err := t.from.list(ctx, "/applications")
	if err != nil {
		return nil, fmt.Errorf("read the applications of %s: %w", t.from.Endpoint(), err)
	}
	if _, err := t.to.list(ctx, "/applications"); err != nil {
		return nil, fmt.Errorf("read the applications of %s: %w", t.to.Endpoint(), err)
	}
	var names []string
	for _, a := range all {
		names = append(names, strings.ToLower(a.String("name")))
	}
	slices.Sort(names)
	names = slices.Compact(slices.DeleteFunc(names, func(n string) bool { return n == "" }))
	if len(t.options.Applications) == 0 {
		return names, nil
	}
	var chosen []string
	for _, n := range t.options.Applications {
		n = strings.ToLower(n)
		if !slices.Contains(names, n) {
			return nil, fmt.Errorf("%s has no application %s that you may read", t.from.Endpoint(), n)
		}
		chosen = append(chosen, n)
	}
	return chosen, nil
}

// each does something for every name, several at a time, until the context ends.
func (t *transfer) each(ctx context.Context, names []string, do func(ctx context.Context, name string)) error {
	var g errgroup.Group
	g.SetLimit(t.options.AtOnce)
	for _, name := range names {
		if ctx.Err() != nil {
			break
		}
		g.Go(func() error {
			do(ctx, name)
			return nil
		})
	}
	_ = g.Wait() // nothing of it fails
	return context.Cause(ctx)
}

// save compares two documents and saves the wanted one unless they are the same.
// A nil stored one is none.
func (t *transfer) save(ctx context.Context, item Item, stored, wanted pipeline.Map, save func(context.Context) error) {
	item.Action = Created
	if stored != nil {
		var err error
		item.Added, item.Removed, err = difference(stored, wanted)
		switch {
		case err != nil:
			t.fail(item, err)
			return
		case item.Added+item.Removed == 0:
			item.Action = Left
			t.add(item)
			return
		}
		item.Action = Changed
	}
	if t.options.Apply {
		if err := again(ctx, func() error { return save(ctx) }); err != nil {
			t.fail(item, err)
			return
		}
	}
	t.add(item)
}

func (t *transfer) fail(item Item, err error) {
	item.Action, item.Message = Failed, err.Error()
	t.add(item)
}
