package storetest

import (
	"fmt"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/gennaker/gennaker/front50"
	"github.com/gennaker/gennaker/pipeline"
)

var pipelineCases = []testCase{
	{"pipeline/created and read", pipelineCreated},
	{"pipeline/every key and number form survives", pipelineWhole},
	{"pipeline/saved under an unknown ID", pipelineUpserted},
	{"pipeline/IDs differ without regard to case", pipelineIDCase},
	{"pipeline/must exist", pipelineMustExist},
	{"pipeline/refused", pipelineRefused},
	{"pipeline/name is unique in the application", pipelineNames},
	{"pipeline/moved to another application", pipelineMoved},
	{"pipeline/index is kept, sorted by and rewritten in lists", pipelineIndex},
	{"pipeline/cron triggers have IDs", pipelineCron},
	{"pipeline/stale save is refused", pipelineStale},
	{"pipeline/history", pipelineHistory},
	{"pipeline/deleted", pipelineDeleted},
	{"pipeline/documents belong to the caller", pipelineOwned},
}

func pipelineCreated(t *testing.T, s front50.Store) {
	given := parse[pipeline.Pipeline](t, `{"name":" Deploy to prod ","application":" shop ","stages":[],"lastModified":5,"index":null,"limitConcurrent":null}`)
	before := text(t, given)
	p, err := s.SavePipeline(t.Context(), given, front50.SaveOptions{By: by})
	require.NoError(t, err)
	require.Equal(t, before, text(t, given), "the argument is changed")
	require.Len(t, p.ID(), 36, "a UUID is given")
	requireText(t, `{"application":"shop","lastModifiedBy":"me@example.com","name":"Deploy to prod","schema":"1","stages":[],"triggers":[]}`, text(t, p, "id", "createTs", "updateTs"))
	require.Equal(t, p["createTs"], p["updateTs"])
	stamp(t, p)
	read, err := s.Pipeline(t.Context(), p.ID())
	require.NoError(t, err)
	require.Equal(t, text(t, p), text(t, read))
	list, err := s.Pipelines(t.Context(), "Shop")
	require.NoError(t, err)
	require.Len(t, list, 1)
	require.Equal(t, text(t, p), text(t, list[0], "index"))
	for _, nameOrID := range []string{"Deploy to prod", p.ID()} {
		for _, application := range []string{"shop", "Shop"} {
			found, err := s.FindPipeline(t.Context(), application, nameOrID)
			require.NoError(t, err)
			require.Equal(t, text(t, p), text(t, found))
			found["name"] = "changed" // the caller's own
		}
		_, err = s.FindPipeline(t.Context(), "other", nameOrID)
		requireCode(t, pipeline.CodeNotFound, err)
	}
	_, err = s.FindPipeline(t.Context(), "shop", "deploy to PROD")
	requireCode(t, pipeline.CodeNotFound, err)
	for _, id := range []string{"", "no-such", "a/b", "..", strings.Repeat("x", 300)} {
		_, err = s.Pipeline(t.Context(), id)
		requireCode(t, pipeline.CodeNotFound, err)
		_, err = s.FindPipeline(t.Context(), "shop", id)
		requireCode(t, pipeline.CodeNotFound, err)
	}
	none, err := s.Pipelines(t.Context(), "other")
	require.NoError(t, err)
	require.NotNil(t, none)
	require.Empty(t, none)
}

func pipelineWhole(t *testing.T, s front50.Store) {
	const doc = `{"appConfig":{},"application":"shop","big":9007199254740993,"custom":null,"expectedArtifacts":[{"id":"a","matchArtifact":{"type":"docker/image"}}],"huge":123456789012345678901234567890,"id":"11111111-2222-3333-4444-555555555555","name":"Ünïcode ⛵ / <b>&\"","schema":"v2","stages":[{"isNew":true,"name":"Wait","refId":"1","requisiteStageRefIds":[],"type":"wait","waitTime":30.0,"x":1e+30}],"tags":[{"name":"t","value":"v"}],"triggers":[{"enabled":true,"type":"webhook"}],"variables":[]}`
	p := save(t, s, doc)
	requireText(t, doc, text(t, p, "createTs", "updateTs", "lastModifiedBy"))
	read, err := s.Pipeline(t.Context(), p.ID())
	require.NoError(t, err)
	require.Equal(t, text(t, p), text(t, read))
	// What was read can be saved as it is.
	again, err := s.SavePipeline(t.Context(), read, front50.SaveOptions{By: by, StaleCheck: true})
	require.NoError(t, err)
	require.Equal(t, text(t, p, "updateTs"), text(t, again, "updateTs"))
}

func pipelineUpserted(t *testing.T, s front50.Store) {
	first := save(t, s, `{"id":"my-own-id","name":"p","application":"shop"}`)
	require.Equal(t, "my-own-id", first.ID())
	second := save(t, s, `{"id":"my-own-id","name":"renamed","application":"shop","stages":[]}`)
	require.Equal(t, first["createTs"], second["createTs"])
	require.Greater(t, stamp(t, second), stamp(t, first))
	list, err := s.Pipelines(t.Context(), "shop")
	require.NoError(t, err)
	require.Equal(t, []string{"renamed"}, names(list))
	empty := save(t, s, `{"id":"","name":"p","application":"shop"}`)
	require.NotEmpty(t, empty.ID(), "an empty ID is a missing one")
}

func pipelineIDCase(t *testing.T, s front50.Store) {
	p := save(t, s, `{"id":"ABC-Def","name":"p","application":"shop"}`)
	require.Equal(t, "ABC-Def", p.ID())
	for _, id := range []string{"ABC-Def", "abc-def"} {
		read, err := s.Pipeline(t.Context(), id)
		require.NoError(t, err)
		require.Equal(t, "ABC-Def", read.ID())
	}
	save(t, s, `{"id":"abc-def","name":"p","application":"shop","v":2}`)
	list, err := s.Pipelines(t.Context(), "")
	require.NoError(t, err)
	require.Len(t, list, 1)
}

func pipelineMustExist(t *testing.T, s front50.Store) {
	for _, doc := range []string{`{"id":"x","name":"p","application":"shop"}`, `{"name":"p","application":"shop"}`} {
		_, err := s.SavePipeline(t.Context(), parse[pipeline.Pipeline](t, doc), front50.SaveOptions{MustExist: true})
		requireCode(t, pipeline.CodeNotFound, err)
	}
	save(t, s, `{"id":"x","name":"p","application":"shop"}`)
	p, err := s.SavePipeline(t.Context(), parse[pipeline.Pipeline](t, `{"id":"x","name":"q","application":"shop"}`), front50.SaveOptions{MustExist: true})
	require.NoError(t, err)
	require.Equal(t, "anonymous", p["lastModifiedBy"])
}

func pipelineRefused(t *testing.T, s front50.Store) {
	for doc, code := range map[string]pipeline.Code{
		`{}`:                                pipeline.CodeUnprocessable,
		`{"name":"p"}`:                      pipeline.CodeUnprocessable,
		`{"application":"shop"}`:            pipeline.CodeUnprocessable,
		`{"name":" ","application":"shop"}`: pipeline.CodeUnprocessable,
		`{"name":"p","application":"shop","id":5}`:                                                              pipeline.CodeInvalid,
		`{"name":"p","application":"shop","id":"a/b"}`:                                                          pipeline.CodeInvalid,
		`{"name":"p","application":"shop","id":".."}`:                                                           pipeline.CodeInvalid,
		`{"name":"p","application":"shop","id":" a"}`:                                                           pipeline.CodeInvalid,
		`{"name":"p","application":"shop","id":"a\nb"}`:                                                         pipeline.CodeInvalid,
		`{"name":"p","application":"shop","stages":5}`:                                                          pipeline.CodeInvalid,
		`{"name":"p","application":"shop","triggers":{}}`:                                                       pipeline.CodeInvalid,
		`{"name":"p","application":"shop","triggers":["x"]}`:                                                    pipeline.CodeInvalid,
		`{"name":"p","application":"shop","stages":[{"refId":"1","type":"wait","requisiteStageRefIds":["1"]}]}`: pipeline.CodeInvalid,
	} {
		_, err := s.SavePipeline(t.Context(), parse[pipeline.Pipeline](t, doc), front50.SaveOptions{})
		requireCode(t, code, err)
	}
	all, err := s.Pipelines(t.Context(), "")
	require.NoError(t, err)
	require.Empty(t, all, "a refused pipeline is stored")
}

func pipelineNames(t *testing.T, s front50.Store) {
	p := save(t, s, `{"name":"Deploy","application":"shop"}`)
	for _, doc := range []string{
		`{"name":"Deploy","application":"shop"}`,
		`{"name":" dEPLOY ","application":"SHOP"}`,
		`{"id":"other","name":"Deploy","application":"shop"}`,
	} {
		_, err := s.SavePipeline(t.Context(), parse[pipeline.Pipeline](t, doc), front50.SaveOptions{})
		requireCode(t, pipeline.CodeInvalid, err)
		require.ErrorContains(t, err, "Deploy")
		require.ErrorContains(t, err, p.ID())
	}
	_, err := s.Pipeline(t.Context(), "other")
	requireCode(t, pipeline.CodeNotFound, err)
	save(t, s, `{"name":"Deploy","application":"shop2"}`)
	other := save(t, s, `{"name":"Other","application":"shop"}`)
	other["name"] = "DEPLOY"
	_, err = s.SavePipeline(t.Context(), other, front50.SaveOptions{})
	requireCode(t, pipeline.CodeInvalid, err)
	p["name"] = "deploy"
	_, err = s.SavePipeline(t.Context(), p, front50.SaveOptions{})
	require.NoError(t, err, "a pipeline may change the case of its own name")
}

func pipelineMoved(t *testing.T, s front50.Store) {
	p := save(t, s, `{"name":"Deploy","application":"from"}`)
	p["application"] = "to"
	_, err := s.SavePipeline(t.Context(), p, front50.SaveOptions{})
	require.NoError(t, err)
	left, err := s.Pipelines(t.Context(), "from")
	require.NoError(t, err)
	require.Empty(t, left)
	save(t, s, `{"name":"Deploy","application":"from"}`)
	_, err = s.SavePipeline(t.Context(), parse[pipeline.Pipeline](t, `{"name":"Deploy","application":"to"}`), front50.SaveOptions{})
	requireCode(t, pipeline.CodeInvalid, err)
}

func pipelineIndex(t *testing.T, s front50.Store) {
	for _, doc := range []string{
		`{"name":"zeta","application":"shop","index":3}`,
		`{"name":"none b","application":"shop"}`,
		`{"name":"NONE A","application":"shop"}`,
		`{"name":"beta","application":"shop","index":1}`,
		`{"name":"Alpha","application":"shop","index":1}`,
	} {
		save(t, s, doc)
	}
	kept := save(t, s, `{"id":"kept","name":"kept","application":"shop","index":7}`)
	require.Equal(t, int64(7), kept["index"])
	require.Equal(t, int64(7), save(t, s, `{"id":"kept","name":"kept","application":"shop"}`)["index"])
	require.Equal(t, int64(7), save(t, s, `{"id":"kept","name":"kept","application":"shop","index":null}`)["index"])
	list, err := s.Pipelines(t.Context(), "shop")
	require.NoError(t, err)
	require.Equal(t, []string{"Alpha", "beta", "zeta", "kept", "NONE A", "none b"}, names(list))
	for i, p := range list {
		require.Equal(t, int64(i), p["index"])
	}
	read, err := s.Pipeline(t.Context(), "kept")
	require.NoError(t, err)
	require.Equal(t, int64(7), read["index"], "lists rewrite what they answer, not what is stored")
	all, err := s.Pipelines(t.Context(), "")
	require.NoError(t, err)
	require.Equal(t, names(list), names(all))
	require.Equal(t, int64(7), all[3]["index"])
	require.NotContains(t, all[4], "index")
}

func pipelineCron(t *testing.T, s front50.Store) {
	ids := func(p pipeline.Pipeline) (out []string) {
		for _, e := range pipeline.Map(p).List("triggers") {
			out = append(out, pipeline.AsMap(e).String("id"))
		}
		return out
	}
	const triggers = `"triggers":[{"type":"cron","id":"mine"},{"type":"cron"},{"type":"git"},{"type":"git","id":"g"}]`
	fresh := ids(save(t, s, `{"name":"new","application":"shop",`+triggers+`}`))
	require.NotEqual(t, "mine", fresh[0], "a new pipeline, perhaps a copy, gets its own")
	require.Len(t, fresh[0], 36)
	require.Len(t, fresh[1], 36)
	require.NotEqual(t, fresh[0], fresh[1])
	require.Equal(t, []string{"", "g"}, fresh[2:])
	kept := ids(save(t, s, `{"id":"x","name":"known","application":"shop",`+triggers+`}`))
	require.Equal(t, "mine", kept[0])
	require.Len(t, kept[1], 36)
	regenerated := save(t, s, `{"id":"x","name":"known","application":"shop","regenerateCronTriggerIds":true,`+triggers+`}`)
	require.NotEqual(t, "mine", ids(regenerated)[0])
	require.NotContains(t, regenerated, "regenerateCronTriggerIds")
}

func pipelineStale(t *testing.T, s front50.Store) {
	check := front50.SaveOptions{By: by, StaleCheck: true}
	first := save(t, s, `{"id":"x","name":"p","application":"shop","v":1}`)
	second := first.Clone()
	second["v"] = int64(2)
	_, err := s.SavePipeline(t.Context(), second, check)
	require.NoError(t, err)
	third := first.Clone()
	third["v"] = int64(3)
	_, err = s.SavePipeline(t.Context(), third, check)
	requireCode(t, pipeline.CodeInvalid, err)
	require.ErrorContains(t, err, "stale")
	read, err := s.Pipeline(t.Context(), "x")
	require.NoError(t, err)
	require.Equal(t, int64(2), read["v"])
	_, err = s.SavePipeline(t.Context(), second, check)
	require.NoError(t, err, "the same save again loses nothing")
	delete(third, "updateTs")
	_, err = s.SavePipeline(t.Context(), third, check)
	require.NoError(t, err, "a document without a time is not checked")
	_, err = s.SavePipeline(t.Context(), second, front50.SaveOptions{})
	require.NoError(t, err, "nobody asked")
	_, err = s.SavePipeline(t.Context(), parse[pipeline.Pipeline](t, `{"id":"new","name":"q","application":"shop","updateTs":"5"}`), check)
	require.NoError(t, err, "nothing is stored")
}

func pipelineHistory(t *testing.T, s front50.Store) {
	_, err := s.PipelineHistory(t.Context(), "x", 0)
	requireCode(t, pipeline.CodeNotFound, err)
	for i := range 25 {
		save(t, s, fmt.Sprintf(`{"id":"x","name":"p","application":"shop","v":%d}`, i))
	}
	save(t, s, `{"id":"x2","name":"other","application":"shop"}`)
	for limit, want := range map[int]int{0: front50.DefaultHistory, 1: 1, 3: 3, 100: 25} {
		versions, err := s.PipelineHistory(t.Context(), "X", limit)
		require.NoError(t, err)
		require.Len(t, versions, want)
		for i, v := range versions {
			require.Equal(t, "x", v.ID())
			require.Equal(t, int64(24-i), v["v"])
			if i > 0 {
				require.Less(t, stamp(t, v), stamp(t, versions[i-1]))
			}
		}
	}
	require.NoError(t, s.DeletePipeline(t.Context(), "x", by))
	versions, err := s.PipelineHistory(t.Context(), "x", 2)
	require.NoError(t, err, "versions outlive deletion")
	require.Equal(t, int64(24), versions[0]["v"])
}

func pipelineDeleted(t *testing.T, s front50.Store) {
	requireCode(t, pipeline.CodeNotFound, s.DeletePipeline(t.Context(), "x", by))
	requireCode(t, pipeline.CodeNotFound, s.DeletePipeline(t.Context(), "", by))
	requireCode(t, pipeline.CodeNotFound, s.DeletePipeline(t.Context(), "a/b", by))
	save(t, s, `{"id":"x","name":"p / q?","application":"shop"}`)
	require.NoError(t, s.DeletePipeline(t.Context(), "X", by))
	_, err := s.Pipeline(t.Context(), "x")
	requireCode(t, pipeline.CodeNotFound, err)
	list, err := s.Pipelines(t.Context(), "shop")
	require.NoError(t, err)
	require.Empty(t, list)
	requireCode(t, pipeline.CodeNotFound, s.DeletePipeline(t.Context(), "x", by))
	save(t, s, `{"name":"p / q?","application":"shop"}`)
}

func pipelineOwned(t *testing.T, s front50.Store) {
	p := save(t, s, `{"id":"x","name":"p","application":"shop","stages":[{"refId":"1","type":"wait"}]}`)
	want := text(t, p)
	spoil := func(p pipeline.Pipeline) {
		pipeline.AsMap(first(t, p["stages"]))["type"] = "spoiled"
		p["name"] = "spoiled"
	}
	spoil(p)
	read, err := s.Pipeline(t.Context(), "x")
	require.NoError(t, err)
	requireText(t, want, text(t, read))
	spoil(read)
	for _, application := range []string{"", "shop"} {
		list, err := s.Pipelines(t.Context(), application)
		require.NoError(t, err)
		requireText(t, want, text(t, list[0], "index"))
		spoil(list[0])
	}
	versions, err := s.PipelineHistory(t.Context(), "x", 1)
	require.NoError(t, err)
	requireText(t, want, text(t, versions[0]))
	spoil(versions[0])
	read, err = s.Pipeline(t.Context(), "x")
	require.NoError(t, err)
	requireText(t, want, text(t, read))
}
