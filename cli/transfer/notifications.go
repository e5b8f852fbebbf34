package transfer

import (
	"context"
	"errors"
	"net/http"
	"reflect"
	"slices"

	"github.com/gennaker/gennaker/cli/client"
	"github.com/gennaker/gennaker/pipeline"
)

// globalID names the notifications of all applications (reference: front50
// section 1).
const globalID = "__GLOBAL"

var globalPath = client.Path("notifications", "global", globalID)

// globalNotifications brings over the notifications of all applications. A Gate
// shows them with those of each application too, from which they are taken out.
func (t *transfer) globalNotifications(ctx context.Context) error {
	var err error
	if t.fromGlobal, err = t.from.global(ctx); err == nil {
		t.toGlobal, err = t.to.global(ctx)
	}
	item := Item{Kind: Notification, Name: "(of all applications)"}
	if err != nil {
		t.fail(item, err)
		return context.Cause(ctx)
	}
	if len(t.fromGlobal) == 0 || len(t.options.Applications) > 0 {
		return nil
	}
	stored := t.toGlobal
	if len(stored) == 0 {
		stored = nil
	}
	t.save(ctx, item, stored, t.fromGlobal, func(ctx context.Context) error {
		_, err := t.to.Do(ctx, http.MethodPost, globalPath, nil, map[string]any(t.fromGlobal))
		return err
	})
	if t.options.Apply {
		if now, err := t.to.global(ctx); err == nil {
			t.toGlobal = now
		}
	}
	return context.Cause(ctx)
}

// global reads the notifications of all applications; a Gate that knows none of
// them has none.
func (r reader) global(ctx context.Context) (pipeline.Map, error) {
	doc, err := r.get(ctx, globalPath, nil)
	var refusal *client.Refusal
	if errors.As(err, &refusal) && refusal.Status < http.StatusInternalServerError {
		return nil, nil
	}
	return without(doc, append(stamps, "application", "name")...), err
}

// notifications brings an application's own notifications over.
func (t *transfer) notifications(ctx context.Context, app string) {
	item := Item{Kind: Notification, Application: app, Name: app}
	path := client.Path("notifications", "application", app)
	wanted, err := t.from.get(ctx, path, nil)
	if err != nil {
		t.fail(item, err)
		return
	}
	wanted = ownNotifications(wanted, t.fromGlobal)
	if len(wanted) == 0 {
		return
	}
	stored, err := t.to.get(ctx, path, nil)
	if err != nil {
		t.fail(item, err)
		return
	}
	if stored = ownNotifications(stored, t.toGlobal); len(stored) == 0 {
		stored = nil
	}
	t.save(ctx, item, stored, wanted, func(ctx context.Context) error {
		body := wanted.Clone()
		body["application"] = app
		_, err := t.to.Do(ctx, http.MethodPost, path, nil, map[string]any(body))
		return err
	})
}

// ownNotifications is what an application has besides those of all applications.
func ownNotifications(shown, global pipeline.Map) pipeline.Map {
	out := without(shown, append(stamps, "application", "name")...)
	for format, value := range out {
		list, ok := value.([]any)
		if !ok {
			continue
		}
		list = slices.DeleteFunc(slices.Clone(list), func(n any) bool {
			return pipeline.AsMap(n).String("level") == "global" ||
				slices.ContainsFunc(global.List(format), func(g any) bool { return reflect.DeepEqual(g, n) })
		})
		if len(list) == 0 {
			delete(out, format)
			continue
		}
		out[format] = list
	}
	return out
}
