package transfer

import (
	"context"
	"fmt"
	"net/http"
	"strings"

	"github.com/gennaker/gennaker/cli/client"
	"github.com/gennaker/gennaker/pipeline"
)

// application brings one application over.
func (t *transfer) application(ctx context.Context, name string) {
	item := Item{Kind: Application, Name: name}
	path, query := client.Path("applications", name), map[string][]string{"expand": {"false"}}
	source, err := t.from.get(ctx, path, query)
	if err != nil {
		t.failApplication(item, err)
		return
	}
	attributes := source.Map("attributes")
	if attributes.String("email") == "" {
		item.Action, item.Message = Left, "It has no configuration of its own: only clusters are known of it."
		t.add(item)
		return
	}
	stored, err := t.to.get(ctx, path, query)
	if err != nil {
		t.failApplication(item, err)
		return
	}
	wanted := comparableApplication(attributes, attributes)
	var have pipeline.Map
	if a := stored.Map("attributes"); a.String("email") != "" {
		have = comparableApplication(a, wanted)
	}
	given := without(attributes, append(stamps, derived...)...)
	given["name"] = name
	before := len(t.failures(item))
	t.save(ctx, item, have, wanted, func(ctx context.Context) error {
		return t.to.Run(ctx, name, "Import Application: "+name, pipeline.Map{"type": "createApplication", "application": map[string]any(given)})
	})
	if len(t.failures(item)) > before && have == nil {
		t.mu.Lock()
		t.missing[name] = true
		t.mu.Unlock()
	}
}

// failures lists what is noted as failed of a document.
func (t *transfer) failures(item Item) (out []Item) {
	t.mu.Lock()
	defer t.mu.Unlock()
	for _, i := range t.items {
		if i.Kind == item.Kind && i.Name == item.Name && i.Action == Failed {
			out = append(out, i)
		}
	}
	return out
}

func (t *transfer) failApplication(item Item, err error) {
	t.fail(item, err)
	t.mu.Lock()
	defer t.mu.Unlock()
	t.missing[item.Name] = true
}

// ofApplication brings over what belongs to an application, one document after
// the other, in the order of its lists.
func (t *transfer) ofApplication(ctx context.Context, name string) {
	t.mu.Lock()
	missing := t.missing[name]
	t.mu.Unlock()
	if missing {
		return // it failed already, and nothing can be saved into it
	}
	if t.wants(Pipeline) {
		t.configs(ctx, name, Pipeline, "pipelineConfigs", "/pipelines")
	}
	if t.wants(Strategy) {
		t.configs(ctx, name, Strategy, "strategyConfigs", "/strategies")
	}
	if t.wants(Notification) {
		t.notifications(ctx, name)
	}
}

// configs brings an application's pipelines or strategies over.
func (t *transfer) configs(ctx context.Context, app string, kind Kind, list, save string) {
	path := client.Path("applications", app, list)
	wanted, err := t.from.list(ctx, path)
	if err == nil && len(wanted) == 0 {
		return
	}
	var stored []pipeline.Map
	if err == nil {
		stored, err = t.to.list(ctx, path)
	}
	if err != nil {
		t.fail(Item{Kind: kind, Application: app, Name: "(all)"}, err)
		return
	}
	for _, w := range wanted {
		if ctx.Err() != nil {
			return
		}
		item := Item{Kind: kind, Application: app, Name: w.String("name"), ID: w.String("id")}
		if item.ID == "" || item.Name == "" {
			t.fail(item, fmt.Errorf("the source shows it without an id or a name"))
			continue
		}
		have, err := twin(stored, w, string(kind))
		if err != nil {
			t.fail(item, err)
			continue
		}
		if have != nil {
			have = comparablePipeline(have)
		}
		t.save(ctx, item, have, comparablePipeline(w), func(ctx context.Context) error {
			_, err := t.to.Do(ctx, http.MethodPost, save, nil, map[string]any(without(w, stamps...)))
			return err
		})
	}
}

// twin finds the document with the same ID, without regard to case. One of the
// same name and another ID is an error: IDs are what pipelines refer to.
func twin(stored []pipeline.Map, wanted pipeline.Map, what string) (pipeline.Map, error) {
	for _, s := range stored {
		if strings.EqualFold(s.String("id"), wanted.String("id")) {
			return s, nil
		}
	}
	for _, s := range stored {
		if strings.EqualFold(s.String("name"), wanted.String("name")) {
			return nil, fmt.Errorf("the destination has a %s of this name with the ID %s: delete or rename that one", what, s.String("id"))
		}
	}
	return nil, nil
}

// projects brings the projects over.
func (t *transfer) projects(ctx context.Context) error {
	wanted, err := t.from.list(ctx, "/projects")
	if err == nil && len(wanted) == 0 {
		return context.Cause(ctx)
	}
	var stored []pipeline.Map
	if err == nil {
		stored, err = t.to.list(ctx, "/projects")
	}
	if err != nil {
		t.fail(Item{Kind: Project, Name: "(all)"}, err)
		return context.Cause(ctx)
	}
	byID := map[string]pipeline.Map{}
	var ids []string
	for _, w := range wanted {
		byID[w.String("id")] = w
		ids = append(ids, w.String("id"))
	}
	return t.each(ctx, ids, func(ctx context.Context, id string) {
		w := byID[id]
		item := Item{Kind: Project, Name: w.String("name"), ID: id}
		have, err := twin(stored, w, "project")
		if err != nil {
			t.fail(item, err)
			return
		}
		if have != nil {
			have = without(have, stamps...)
		}
		given := without(w, stamps...)
		t.save(ctx, item, have, given, func(ctx context.Context) error {
			return t.to.Run(ctx, "spinnaker", "Import Project: "+item.Name, pipeline.Map{"type": "upsertProject", "project": map[string]any(given)})
		})
	})
}
