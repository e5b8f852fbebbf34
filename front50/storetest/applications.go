package storetest

import (
	"context"
	"fmt"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/gennaker/gennaker/front50"
	"github.com/gennaker/gennaker/pipeline"
)

var applicationCases = []testCase{
	{"application/created and read", applicationCreated},
	{"application/merged", applicationMerged},
	{"application/null removes an attribute and keeps a named one", applicationNulls},
	{"application/replaced", applicationReplaced},
	{"application/must exist, must not exist", applicationMust},
	{"application/refused", applicationRefused},
	{"application/permissions are an object of their own", applicationPermissions},
	{"application/list is sorted and never nil", applicationList},
	{"application/history", applicationHistory},
	{"application/deleted with its pipelines", applicationDeleted},
	{"application/documents belong to the caller", applicationOwned},
	{"application/cancelled context", applicationCancelled},
}

func applicationCreated(t *testing.T, s front50.Store) {
	given := parse[pipeline.Application](t, `{"name":" Shop1 ","email":"team@example.com","cloudProviders":["kubernetes","aws"],
		"trafficGuards":[{"account":"prod","enabled":true}],"instancePort":80,"ratio":1.0,"big":123456789012345678901234567890,"emoji":"⛵ <b>"}`)
	before := text(t, given)
	previous, app, err := s.SaveApplication(t.Context(), given, by)
	require.NoError(t, err)
	require.Nil(t, previous)
	require.Equal(t, before, text(t, given), "the argument is changed")
	require.Equal(t, "SHOP1", app["name"])
	require.Equal(t, "kubernetes,aws", app["cloudProviders"])
	require.Equal(t, string(by), app["lastModifiedBy"])
	require.Equal(t, app["createTs"], app["updateTs"])
	stamp(t, app)
	requireText(t, `{"big":123456789012345678901234567890,"cloudProviders":"kubernetes,aws","email":"team@example.com","emoji":"⛵ <b>","instancePort":80,"name":"SHOP1","ratio":1.0,"trafficGuards":[{"account":"prod","enabled":true}]}`,
		text(t, app, "createTs", "updateTs", "lastModifiedBy"))
	for _, name := range []string{"shop1", "SHOP1", " Shop1 "} {
		read, err := s.Application(t.Context(), name)
		require.NoError(t, err)
		require.Equal(t, text(t, app), text(t, read))
	}
	_, err = s.Application(t.Context(), "other")
	requireCode(t, pipeline.CodeNotFound, err)
	require.ErrorContains(t, err, "Application not found")
	for _, name := range []string{"", "a/b", "..", "%2F", "ä ö"} {
		_, err = s.Application(t.Context(), name)
		requireCode(t, pipeline.CodeNotFound, err)
	}
	_, anonymous, err := s.SaveApplication(t.Context(), parse[pipeline.Application](t, `{"name":"x","email":"e"}`), "")
	require.NoError(t, err)
	require.Equal(t, "anonymous", anonymous["lastModifiedBy"])
}

func applicationMerged(t *testing.T, s front50.Store) {
	first := saveApp(t, s, `{"name":"shop","email":"a@b.c","description":"old","keep":{"a":[1]}}`)
	previous, app, err := s.SaveApplication(t.Context(), parse[pipeline.Application](t, `{"name":"SHOP","description":"new","createTs":"1","more":2}`), "somebody")
	require.NoError(t, err)
	require.Equal(t, text(t, first), text(t, previous))
	requireText(t, `{"description":"new","email":"a@b.c","keep":{"a":[1]},"lastModifiedBy":"somebody","more":2,"name":"SHOP"}`, text(t, app, "createTs", "updateTs"))
	require.Equal(t, first["createTs"], app["createTs"], "the time of creation is kept")
	require.Greater(t, stamp(t, app), stamp(t, first))
	read, err := s.Application(t.Context(), "shop")
	require.NoError(t, err)
	require.Equal(t, text(t, app), text(t, read))
}

func applicationNulls(t *testing.T, s front50.Store) {
	saveApp(t, s, `{"name":"shop","email":"a@b.c","description":"d","banner":"b"}`)
	app := saveApp(t, s, `{"name":"shop","email":null,"description":null,"banner":null}`)
	requireText(t, `{"description":"d","email":"a@b.c","name":"SHOP"}`, text(t, app, "createTs", "updateTs", "lastModifiedBy"))
}

func applicationReplaced(t *testing.T, s front50.Store) {
	first := saveApp(t, s, `{"name":"shop","email":"a@b.c","description":"d","permissions":{"READ":["r"]}}`)
	_, app, err := s.WriteApplication(t.Context(), parse[pipeline.Application](t, `{"name":"shop","email":"new@b.c"}`), front50.ApplicationOptions{By: by, Replace: true})
	require.NoError(t, err)
	requireText(t, `{"email":"new@b.c","name":"SHOP","permissions":{"READ":["r"]}}`, text(t, app, "createTs", "updateTs", "lastModifiedBy"))
	require.Equal(t, first["createTs"], app["createTs"])
	_, _, err = s.WriteApplication(t.Context(), parse[pipeline.Application](t, `{"name":"shop","description":"no owner"}`), front50.ApplicationOptions{By: by, Replace: true})
	requireCode(t, pipeline.CodeInvalid, err)
}

func applicationMust(t *testing.T, s front50.Store) {
	doc := parse[pipeline.Application](t, `{"name":"shop","email":"a@b.c"}`)
	_, _, err := s.WriteApplication(t.Context(), doc, front50.ApplicationOptions{MustExist: true})
	requireCode(t, pipeline.CodeNotFound, err)
	_, err = s.Application(t.Context(), "shop")
	requireCode(t, pipeline.CodeNotFound, err)
	previous, _, err := s.WriteApplication(t.Context(), doc, front50.ApplicationOptions{MustNotExist: true})
	require.NoError(t, err)
	require.Nil(t, previous)
	_, _, err = s.WriteApplication(t.Context(), parse[pipeline.Application](t, `{"name":"Shop","email":"z@b.c"}`), front50.ApplicationOptions{MustNotExist: true})
	requireCode(t, pipeline.CodeInvalid, err)
	read, err := s.Application(t.Context(), "shop")
	require.NoError(t, err)
	require.Equal(t, "a@b.c", read.Email())
}

func applicationRefused(t *testing.T, s front50.Store) {
	for _, doc := range []string{
		`{"email":"a@b.c"}`,
		`{"name":"","email":"a@b.c"}`,
		`{"name":"shop"}`,
		`{"name":"shop","email":" "}`,
		`{"name":"a/b","email":"a@b.c"}`,
		`{"name":"..","email":"a@b.c"}`,
		`{"name":"a b","email":"a@b.c"}`,
		`{"name":"my_app","email":"a@b.c","cloudProviders":"kubernetes"}`,
		`{"name":"shop","email":"a@b.c","permissions":[]}`,
		`{"name":"shop","email":"a@b.c","permissions":{"ADMIN":["x"]}}`,
		`{"name":"shop","email":"a@b.c","permissions":{"READ":"x"}}`,
		`{"name":"shop","email":"a@b.c","permissions":{"READ":[1]}}`,
	} {
		_, _, err := s.SaveApplication(t.Context(), parse[pipeline.Application](t, doc), by)
		requireCode(t, pipeline.CodeInvalid, err)
	}
	all, err := s.Applications(t.Context())
	require.NoError(t, err)
	require.Empty(t, all, "a refused application is stored")
}

func applicationPermissions(t *testing.T, s front50.Store) {
	app := saveApp(t, s, `{"name":"shop","email":"a@b.c","permissions":{"read":[" Dev ","dev","Ops"],"WRITE":[],"EXECUTE":null}}`)
	want := map[string]any{"READ": []any{"dev", "ops"}}
	require.Equal(t, want, app["permissions"])
	// An update without permissions keeps them, null as well.
	saveApp(t, s, `{"name":"shop","description":"d"}`)
	app = saveApp(t, s, `{"name":"shop","permissions":null}`)
	require.Equal(t, want, app["permissions"])
	read, err := s.Application(t.Context(), "shop")
	require.NoError(t, err)
	require.Equal(t, want, read["permissions"])
	all, err := s.Applications(t.Context())
	require.NoError(t, err)
	require.Equal(t, want, all[0]["permissions"])
	// Given ones replace them whole.
	app = saveApp(t, s, `{"name":"shop","permissions":{"WRITE":["ops"]}}`)
	require.Equal(t, map[string]any{"WRITE": []any{"ops"}}, app["permissions"])
	app = saveApp(t, s, `{"name":"shop","permissions":{}}`)
	require.Equal(t, map[string]any{}, app["permissions"])
	require.NotContains(t, saveApp(t, s, `{"name":"open","email":"a@b.c"}`), "permissions")
	// A new application of a deleted one's name starts without.
	_, err = s.DeleteApplication(t.Context(), "shop", by)
	require.NoError(t, err)
	require.NotContains(t, saveApp(t, s, `{"name":"shop","email":"a@b.c"}`), "permissions")
}

func applicationList(t *testing.T, s front50.Store) {
	all, err := s.Applications(t.Context())
	require.NoError(t, err)
	require.NotNil(t, all)
	require.Empty(t, all)
	for _, name := range []string{"b", "A", "c1", "C"} {
		saveApp(t, s, fmt.Sprintf(`{"name":%q,"email":"a@b.c"}`, name))
	}
	all, err = s.Applications(t.Context())
	require.NoError(t, err)
	got := make([]string, len(all))
	for i, a := range all {
		got[i] = a.Name()
	}
	require.Equal(t, []string{"A", "B", "C", "C1"}, got)
}

func applicationHistory(t *testing.T, s front50.Store) {
	_, err := s.ApplicationHistory(t.Context(), "shop", 0)
	requireCode(t, pipeline.CodeNotFound, err)
	for i := range 4 {
		saveApp(t, s, fmt.Sprintf(`{"name":"shop","email":"a@b.c","v":%d}`, i))
	}
	saveApp(t, s, `{"name":"shop2","email":"a@b.c","v":9}`)
	versions, err := s.ApplicationHistory(t.Context(), "Shop", 3)
	require.NoError(t, err)
	require.Len(t, versions, 3)
	for i, v := range versions {
		require.Equal(t, int64(3-i), v["v"])
		require.Equal(t, "SHOP", v["name"])
	}
	require.Greater(t, stamp(t, versions[0]), stamp(t, versions[1]))
}

func applicationDeleted(t *testing.T, s front50.Store) {
	previous, err := s.DeleteApplication(t.Context(), "shop", by)
	require.NoError(t, err, "a missing application is a success")
	require.Nil(t, previous)
	app := saveApp(t, s, `{"name":"shop","email":"a@b.c","permissions":{"READ":["r"]}}`)
	saveApp(t, s, `{"name":"shop2","email":"a@b.c"}`)
	one := save(t, s, `{"name":"one","application":"shop"}`)
	two := save(t, s, `{"name":"two","application":"SHOP"}`)
	other := save(t, s, `{"name":"one","application":"shop2"}`)
	previous, err = s.DeleteApplication(t.Context(), "Shop", by)
	require.NoError(t, err)
	require.Equal(t, text(t, app), text(t, previous))
	_, err = s.Application(t.Context(), "shop")
	requireCode(t, pipeline.CodeNotFound, err)
	for _, p := range []pipeline.Pipeline{one, two} {
		_, err = s.Pipeline(t.Context(), p.ID())
		requireCode(t, pipeline.CodeNotFound, err)
	}
	left, err := s.Pipelines(t.Context(), "")
	require.NoError(t, err)
	require.Len(t, left, 1)
	require.Equal(t, other.ID(), left[0].ID())
	// Pipelines without an application go as well.
	orphan := save(t, s, `{"name":"orphan","application":"nowhere"}`)
	_, err = s.DeleteApplication(t.Context(), "nowhere", by)
	require.NoError(t, err)
	_, err = s.Pipeline(t.Context(), orphan.ID())
	requireCode(t, pipeline.CodeNotFound, err)
}

func applicationOwned(t *testing.T, s front50.Store) {
	app := saveApp(t, s, `{"name":"shop","email":"a@b.c","deep":{"list":[{"a":1}]}}`)
	want := text(t, app)
	spoil := func(a pipeline.Application) {
		pipeline.AsMap(first(t, pipeline.AsMap(a["deep"])["list"]))["spoiled"] = true
		a["email"] = "spoiled"
	}
	spoil(app)
	read, err := s.Application(t.Context(), "shop")
	require.NoError(t, err)
	requireText(t, want, text(t, read))
	spoil(read)
	all, err := s.Applications(t.Context())
	require.NoError(t, err)
	requireText(t, want, text(t, all[0]))
	spoil(all[0])
	versions, err := s.ApplicationHistory(t.Context(), "shop", 1)
	require.NoError(t, err)
	requireText(t, want, text(t, versions[0]))
	spoil(versions[0])
	read, err = s.Application(t.Context(), "shop")
	require.NoError(t, err)
	requireText(t, want, text(t, read))
}

func applicationCancelled(t *testing.T, s front50.Store) {
	ctx, cancel := context.WithCancel(t.Context())
	cancel()
	_, _, err := s.SaveApplication(ctx, parse[pipeline.Application](t, `{"name":"shop","email":"a@b.c"}`), by)
	require.ErrorIs(t, err, context.Canceled)
	_, err = s.SavePipeline(ctx, parse[pipeline.Pipeline](t, `{"name":"p","application":"shop"}`), front50.SaveOptions{})
	require.ErrorIs(t, err, context.Canceled)
	_, err = s.Applications(ctx)
	require.ErrorIs(t, err, context.Canceled)
	_, err = s.Pipelines(ctx, "shop")
	require.ErrorIs(t, err, context.Canceled)
	all, err := s.Applications(t.Context())
	require.NoError(t, err)
	require.Empty(t, all)
}
