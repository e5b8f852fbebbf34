package transfer

import (
	"cmp"
	"context"
	"fmt"
	"maps"
	"net/http"
	"net/url"
	"slices"
	"strings"

	"github.com/gennaker/gennaker/cli/client"
	"github.com/gennaker/gennaker/pipeline"
)

const templatesPath = "/v2/pipelineTemplates"

// latest is the tag that every save of a template moves.
const latest = "latest"

// templates brings the templates over: every version of each, one template at a
// time.
func (t *transfer) templates(ctx context.Context) error {
	wanted, err := t.from.list(ctx, templatesPath)
	if err == nil && len(wanted) == 0 {
		return context.Cause(ctx)
	}
	var stored []pipeline.Map
	if err == nil {
		stored, err = t.to.list(ctx, templatesPath)
	}
	if err != nil {
		t.fail(Item{Kind: Template, Name: "(all)"}, err)
		return context.Cause(ctx)
	}
	byID := map[string][]pipeline.Map{}
	for _, w := range wanted {
		byID[strings.ToLower(w.String("id"))] = append(byID[strings.ToLower(w.String("id"))], w)
	}
	have := map[string]pipeline.Map{}
	for _, s := range stored {
		have[versionOf(s)] = s
	}
	return t.each(ctx, slices.Sorted(maps.Keys(byID)), func(ctx context.Context, id string) { t.template(ctx, byID[id], have) })
}

// versionOf names a version: its ID with its digest, else its tag.
func versionOf(m pipeline.Map) string {
	id := strings.ToLower(m.String("id"))
	switch {
	case m.String("digest") != "":
		return id + "@" + strings.TrimPrefix(m.String("digest"), "sha256:")
	case m.String("tag") != "":
		return id + ":" + m.String("tag")
	}
	return id
}

// template brings the versions of one template over. Each save writes the tag
// latest as well, so that is saved last; versions of a digest, which a save makes
// of its content, come first.
func (t *transfer) template(ctx context.Context, versions []pipeline.Map, have map[string]pipeline.Map) {
	rank := func(m pipeline.Map) int {
		switch {
		case m.String("digest") != "":
			return 0
		case m.String("tag") == latest:
			return 2
		}
		return 1
	}
	slices.SortStableFunc(versions, func(a, b pipeline.Map) int {
		at, _ := a.Int("updateTs")
		bt, _ := b.Int("updateTs")
		return cmp.Or(rank(a)-rank(b), cmp.Compare(at, bt))
	})
	moved := false
	for _, v := range versions {
		if ctx.Err() != nil {
			return
		}
		version := versionOf(v)
		item := Item{Kind: Template, Name: version, ID: v.String("id")}
		tag := v.String("tag")
		if v.String("digest") != "" {
			tag = latest
			if have[version] != nil {
				item.Action = Left // its content is what its digest says
				t.add(item)
				continue
			}
		}
		stored := comparableTemplate(have[version])
		if moved && tag == latest && v.String("digest") == "" && t.options.Apply {
			// What the list showed has been overwritten by the saves before.
			now, err := t.to.get(ctx, templatesPath+client.Path(v.String("id")), url.Values{"tag": {latest}})
			if err != nil {
				t.fail(item, err)
				continue
			}
			t.restoreLatest(ctx, item, stored, comparableTemplate(now), v)
			continue
		}
		if stored == nil && v.String("digest") != "" && madeByAnother(versions, v) {
			item.Action, item.Message = Created, "A save of a version of the same content makes it."
			t.add(item)
			continue
		}
		t.save(ctx, item, stored, comparableTemplate(v), func(ctx context.Context) error { return t.saveTemplate(ctx, v, tag) })
		moved = moved || !sameTemplate(stored, v)
	}
}

// madeByAnother reports whether a version by tag has the content of one by
// digest.
func madeByAnother(versions []pipeline.Map, digest pipeline.Map) bool {
	return slices.ContainsFunc(versions, func(v pipeline.Map) bool {
		return v.String("digest") == "" && sameTemplate(comparableTemplate(v), digest)
	})
}

func sameTemplate(comparable, v pipeline.Map) bool {
	if comparable == nil {
		return false
	}
	added, removed, err := difference(comparable, comparableTemplate(v))
	return err == nil && added+removed == 0
}

// restoreLatest puts the tag latest where the source has it, and reports it as it
// was before this run.
func (t *transfer) restoreLatest(ctx context.Context, item Item, before, now, wanted pipeline.Map) {
	if !sameTemplate(now, wanted) {
		if err := again(ctx, func() error { return t.saveTemplate(ctx, wanted, latest) }); err != nil {
			t.fail(item, err)
			return
		}
	}
	item.Action = Created
	if before != nil {
		var err error
		if item.Added, item.Removed, err = difference(before, comparableTemplate(wanted)); err != nil {
			t.fail(item, err)
			return
		}
		item.Action = Changed
		if item.Added+item.Removed == 0 {
			item.Action = Left
		}
	}
	t.add(item)
}

func comparableTemplate(m pipeline.Map) pipeline.Map {
	if m == nil {
		return nil
	}
	out := without(m, append(stamps, "tag", "digest")...)
	out["id"] = strings.ToLower(out.String("id"))
	return out
}

// saveTemplate creates or replaces a version.
func (t *transfer) saveTemplate(ctx context.Context, v pipeline.Map, tag string) error {
	query := url.Values{}
	if tag != "" {
		query.Set("tag", tag)
	}
	id := v.String("id")
	body := without(v, append(stamps, "tag", "digest")...)
	now, err := t.to.get(ctx, templatesPath+client.Path(id), query)
	if err != nil {
		return err
	}
	path := templatesPath + "/create"
	if now != nil {
		path = templatesPath + "/update" + client.Path(id)
	}
	task, err := t.to.Object(ctx, http.MethodPost, path, query, map[string]any(body))
	if err != nil || task.String("status") == "" {
		return err
	}
	if err := client.TaskEnd(task); err != nil {
		return fmt.Errorf("save template %s: %w", id, err)
	}
	return nil
}
