package storetest

import (
	"fmt"
	"sync/atomic"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/gennaker/gennaker/front50"
	"github.com/gennaker/gennaker/pipeline"
)

func tagNames(doc pipeline.Map) []string {
	out := []string{}
	for _, e := range doc.List("tags") {
		out = append(out, pipeline.AsMap(e).String("name"))
	}
	return out
}

func documentTags(t *testing.T, s front50.Store) {
	ctx := t.Context()
	given := func(tags string) pipeline.Map {
		return parse[pipeline.Map](t, `{"entityRef":{"entityType":"serverGroup","entityId":"Web-v001","cloudProvider":"kubernetes","account":"prod"},"tags":`+tags+`}`)
	}
	const id = "kubernetes:servergroup:web-v001:prod:*"
	for range 2 { // the same call twice is once
		_, err := front50.UpsertEntityTags(ctx, s, given(`[{"name":"a","value":"1"},{"name":"b","value":{"x":1},"namespace":"n"}]`), true, "ann")
		require.NoError(t, err)
	}
	doc, err := s.Document(ctx, front50.KindEntityTags, id)
	require.NoError(t, err)
	require.Equal(t, []string{"a", "b"}, tagNames(doc))
	require.Equal(t, "literal", pipeline.AsMap(doc.List("tags")[0]).String("valueType"))
	require.Equal(t, "object", pipeline.AsMap(doc.List("tags")[1]).String("valueType"))
	require.Len(t, doc.List("tagsMetadata"), 2)
	doc, err = front50.UpsertEntityTags(ctx, s, given(`[{"name":"a","value":"2"},{"name":"c","value":"3"}]`), true, "bob")
	require.NoError(t, err)
	require.Equal(t, []string{"a", "b", "c"}, tagNames(doc))
	about := pipeline.AsMap(doc.List("tagsMetadata")[0])
	require.Equal(t, "ann", about["createdBy"])
	require.Equal(t, "bob", about["lastModifiedBy"])
	doc, err = front50.UpsertEntityTags(ctx, s, given(`[{"name":"c","value":"4"}]`), false, "bob")
	require.NoError(t, err)
	require.Equal(t, []string{"c"}, tagNames(doc))
	require.Len(t, doc.List("tagsMetadata"), 1)
	_, err = front50.UpsertEntityTags(ctx, s, given(`[{"name":"d"}]`), true, "bob")
	require.NoError(t, err)
	require.NoError(t, front50.RemoveEntityTags(ctx, s, id, []string{"c", "nope"}, by))
	doc, err = s.Document(ctx, front50.KindEntityTags, id)
	require.NoError(t, err)
	require.Equal(t, []string{"d"}, tagNames(doc))
	for range 2 {
		require.NoError(t, front50.RemoveEntityTags(ctx, s, id, []string{"d"}, by))
		_, err = s.Document(ctx, front50.KindEntityTags, id)
		requireCode(t, pipeline.CodeNotFound, err)
	}
	_, err = front50.UpsertEntityTags(ctx, s, pipeline.Map{"entityRef": map[string]any{"entityType": "x"}, "tags": []any{}}, true, by)
	requireCode(t, pipeline.CodeInvalid, err)
	_, err = front50.UpsertEntityTags(ctx, s, given(`[{"value":1}]`), true, by)
	requireCode(t, pipeline.CodeInvalid, err)
	_, err = front50.UpsertEntityTags(ctx, s, given(`[{"name":"x","timestamp":1}]`), true, by)
	requireCode(t, pipeline.CodeInvalid, err)
	require.ErrorContains(t, err, "timestamp")
}

func documentPlugins(t *testing.T, s front50.Store) {
	ctx := t.Context()
	upsert := func(releases string) (pipeline.Map, error) {
		return front50.UpsertPlugin(ctx, s, parse[pipeline.Map](t, `{"id":"acme.hello","description":"d","releases":`+releases+`}`), by)
	}
	_, err := upsert(`[{"version":"1.0.0","requires":"orca>=1.0.0","url":"http://a","preferred":true}]`)
	require.NoError(t, err)
	doc, err := upsert(`[{"version":"2.0.0","requires":"deck>=1.0.0,gate<9.9.9","preferred":true}]`)
	require.NoError(t, err)
	require.Len(t, doc.List("releases"), 2)
	require.True(t, pipeline.AsMap(doc.List("releases")[0]).Bool("preferred"))
	require.False(t, pipeline.AsMap(doc.List("releases")[1]).Bool("preferred"), "preferred is set by a call of its own")
	doc, err = upsert(`[{"version":"2.0.0","requires":"deck>=1.0.0,gate<9.9.9","preferred":true}]`)
	require.NoError(t, err, "the same call again")
	require.Len(t, doc.List("releases"), 2)
	_, err = upsert(`[{"version":"1.0.0","url":"http://b"}]`)
	requireCode(t, pipeline.CodeInvalid, err)
	release, err := front50.PreferRelease(ctx, s, "acme.hello", "2.0.0", true, "ann")
	require.NoError(t, err)
	require.Equal(t, "ann", release["lastModifiedBy"])
	doc, err = s.Document(ctx, front50.KindPluginInfo, "acme.hello")
	require.NoError(t, err)
	require.False(t, pipeline.AsMap(doc.List("releases")[0]).Bool("preferred"))
	require.True(t, pipeline.AsMap(doc.List("releases")[1]).Bool("preferred"))
	_, err = front50.PutRelease(ctx, s, "acme.hello", pipeline.Map{"version": "2.0.0"}, false, by)
	requireCode(t, pipeline.CodeInvalid, err)
	_, err = front50.PutRelease(ctx, s, "acme.hello", pipeline.Map{"version": "3.0.0"}, true, by)
	requireCode(t, pipeline.CodeNotFound, err)
	_, err = front50.PutRelease(ctx, s, "acme.hello", pipeline.Map{"version": "3.0.0", "preferred": true}, false, by)
	require.NoError(t, err)
	doc, err = front50.DeleteRelease(ctx, s, "acme.hello", "1.0.0", by)
	require.NoError(t, err)
	require.Len(t, doc.List("releases"), 2)
	require.False(t, pipeline.AsMap(doc.List("releases")[0]).Bool("preferred"))
	_, err = front50.DeleteRelease(ctx, s, "acme.nope", "1.0.0", by)
	requireCode(t, pipeline.CodeNotFound, err)
	require.Len(t, front50.PluginsFor([]pipeline.Map{doc}, "GATE"), 1)
	require.Empty(t, front50.PluginsFor([]pipeline.Map{doc}, "orca"))
	for version, want := range map[string]string{"2.0.0": "2.0.0", "3.0.0": "2.0.0"} { // the first stays, whichever
		pinned, err := front50.PinPluginVersions(ctx, s, "gate", "eu", "gate-v1", pipeline.Map{"acme.hello": "2.0.0", "acme.nope": version}, by)
		require.NoError(t, err)
		require.Len(t, pinned, 1)
		require.Equal(t, want, pinned.Map("acme.hello").String("version"))
	}
}

func revisionsLoseNothing(t *testing.T, s front50.Store) {
	// Fewer than the revisions that one change is made again for.
	const writers = 8
	errs := make([]error, racers)
	race(func(i int) {
		if i >= writers {
			return
		}
		_, errs[i] = front50.UpsertEntityTags(t.Context(), s, pipeline.Map{"id": "x", "tags": []any{map[string]any{"name": fmt.Sprint(i), "value": int64(i)}}}, true, by)
	})
	doc, err := s.Document(t.Context(), front50.KindEntityTags, "x")
	require.NoError(t, err)
	for i := range writers {
		require.NoError(t, errs[i])
		require.Contains(t, tagNames(doc), fmt.Sprint(i))
	}
}

func documentRaces(t *testing.T, s front50.Store) {
	base := saveDocument(t, s, front50.KindProject, `{"id":"stale","name":"stale"}`)
	for name, write := range map[string]func(i int) error{
		"a new ID": func(i int) error {
			_, err := s.SaveDocument(t.Context(), front50.KindServiceAccount, pipeline.Map{"name": "x", "memberOf": []any{fmt.Sprint(i)}}, front50.DocumentOptions{MustNotExist: true})
			return err
		},
		"a new name": func(i int) error {
			_, err := s.SaveDocument(t.Context(), front50.KindProject, pipeline.Map{"name": "taken", "email": fmt.Sprint(i)}, front50.DocumentOptions{})
			return err
		},
		"a stale-checked save": func(i int) error {
			doc := base.Clone()
			doc["email"] = fmt.Sprint(i)
			_, err := s.SaveDocument(t.Context(), front50.KindProject, doc, front50.DocumentOptions{StaleCheck: true})
			return err
		},
	} {
		var won atomic.Int64
		errs := make([]error, racers)
		race(func(i int) {
			if errs[i] = write(i); errs[i] == nil {
				won.Add(1)
			}
		})
		require.Equal(t, int64(1), won.Load(), name)
		for _, err := range errs {
			if err != nil {
				requireCode(t, pipeline.CodeInvalid, err)
			}
		}
	}
}

func applicationLeavesNothing(t *testing.T, s front50.Store) {
	ctx := t.Context()
	saveApp(t, s, `{"name":"shop","email":"a@b.c","permissions":{"READ":["dev"]}}`)
	save(t, s, `{"id":"Mine","name":"Deploy","application":"shop"}`)
	save(t, s, `{"id":"Other","name":"Deploy","application":"other"}`)
	for _, doc := range []struct {
		kind *front50.Kind
		doc  string
	}{
		{front50.KindServiceAccount, `{"name":"mine` + pipeline.ManagedSuffix + `"}`},
		{front50.KindServiceAccount, `{"name":"other` + pipeline.ManagedSuffix + `"}`},
		{front50.KindServiceAccount, `{"name":"robot"}`},
		{front50.KindStrategy, `{"id":"s1","name":"S","application":"SHOP"}`},
		{front50.KindStrategy, `{"id":"s2","name":"S","application":"other"}`},
		{front50.KindNotification, `{"application":"Shop"}`},
		{front50.KindNotification, `{"application":"shop2"}`},
		{front50.KindProject, `{"id":"p1","name":"P1","config":{"applications":["Shop"]}}`},
		{front50.KindProject, `{"id":"p2","name":"P2","config":{"applications":["shop","other"]}}`},
		{front50.KindProject, `{"id":"p3","name":"P3"}`},
	} {
		saveDocument(t, s, doc.kind, doc.doc)
	}
	_, err := s.DeleteApplication(ctx, "Shop", "ann")
	require.NoError(t, err)
	left := []string{}
	for _, k := range front50.Kinds() {
		all, err := s.Documents(ctx, k)
		require.NoError(t, err)
		for _, doc := range all {
			left = append(left, k.Name+" "+k.ID(doc))
		}
	}
	require.Equal(t, []string{
		"project p2", "project p3", "strategy s2", "notification shop2",
		"service account other" + pipeline.ManagedSuffix, "service account robot",
	}, left)
	project, err := s.Document(ctx, front50.KindProject, "p2")
	require.NoError(t, err)
	require.Equal(t, []string{"other"}, project.Map("config").Strings("applications"))
	require.Equal(t, "ann", project["lastModifiedBy"])
	// The same name begins anew: with no permissions that it once had.
	require.NotContains(t, saveApp(t, s, `{"name":"shop","email":"a@b.c"}`), "permissions")
	require.NoError(t, s.DeletePipeline(ctx, "OTHER", by))
	_, err = s.Document(ctx, front50.KindServiceAccount, "other"+pipeline.ManagedSuffix)
	requireCode(t, pipeline.CodeNotFound, err)
}
