package storetest

import (
	"strings"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/gennaker/gennaker/front50"
	"github.com/gennaker/gennaker/pipeline"
	"github.com/gennaker/gennaker/pipeline/templates"
)

var templateCases = []testCase{
	{"template/saved under its ID, latest and its digest", templateSaved},
	{"template/saved under a tag", templateTagged},
	{"template/the same content has one digest", templateDigests},
	{"template/created once", templateCreated},
	{"template/refused", templateRefused},
	{"template/listed by scope", templateScopes},
	{"template/deleted unless used", templateDeleted},
	{"template/a pipeline's template must be there", templateOfPipeline},
	{"template/templated pipelines survive", templatedPipeline},
	{"template/documents belong to the caller", templateOwned},
}

const web = `{"id":"Web","schema":"v2","metadata":{"name":"Web","description":"d","owner":"a@b.c","scopes":["global"]},"protect":false,"variables":[{"name":"n","type":"int","defaultValue":5.0}],"pipeline":{"stages":[]},"custom":null}`

func saveTemplate(t *testing.T, s front50.Store, doc string, o front50.TemplateOptions) templates.Template {
	t.Helper()
	o.By = by
	saved, err := s.SaveTemplate(t.Context(), parse[templates.Template](t, doc), o)
	require.NoError(t, err)
	return saved
}

// versions lists the names of all stored versions, digests cut short.
func versions(t *testing.T, s front50.Store, scopes ...string) []string {
	t.Helper()
	all, err := s.Templates(t.Context(), scopes)
	require.NoError(t, err)
	require.NotNil(t, all)
	out := make([]string, len(all))
	for i, e := range all {
		out[i], _, _ = strings.Cut(e.Reference().Version(), "sha256")
	}
	return out
}

func templateSaved(t *testing.T, s front50.Store) {
	given := parse[templates.Template](t, web)
	before := text(t, given)
	saved, err := s.SaveTemplate(t.Context(), given, front50.TemplateOptions{By: by})
	require.NoError(t, err)
	require.Equal(t, before, text(t, given), "the argument is changed")
	stamp(t, saved)
	require.Equal(t, string(by), saved["lastModifiedBy"])
	requireText(t, text(t, given), text(t, saved, "updateTs", "lastModifiedBy"))
	require.Equal(t, []string{"Web", "Web:latest", "Web@"}, versions(t, s))
	digest, err := front50.TemplateDigest(given)
	require.NoError(t, err)
	for version, want := range map[string]templates.Reference{
		"web": {ID: "Web"}, "WEB:latest": {ID: "Web", Tag: "latest"}, "Web@sha256:" + digest: {ID: "Web", Tag: "latest", Digest: digest},
	} {
		read, err := s.Template(t.Context(), version)
		require.NoError(t, err, version)
		require.Equal(t, want, read.Reference())
		requireText(t, text(t, given), text(t, read, "updateTs", "lastModifiedBy", "tag", "digest"))
	}
	for _, version := range []string{"", "nope", "Web:stable", "Web@sha256:0", "a/b", "..", strings.Repeat("x", 300)} {
		_, err := s.Template(t.Context(), version)
		requireCode(t, pipeline.CodeNotFound, err)
	}
}

func templateTagged(t *testing.T, s front50.Store) {
	saveTemplate(t, s, web, front50.TemplateOptions{Tag: "stable"})
	require.Equal(t, []string{"Web:latest", "Web:stable", "Web@"}, versions(t, s))
	_, err := s.Template(t.Context(), "Web")
	requireCode(t, pipeline.CodeNotFound, err)
	own := strings.Replace(web, `"custom":null`, `"tag":"canary","digest":"old"`, 1)
	saved := saveTemplate(t, s, own, front50.TemplateOptions{})
	require.Equal(t, "Web:canary", saved.Reference().Version(), "the document's own tag")
	require.Equal(t, []string{"Web:canary", "Web:latest", "Web:stable", "Web@", "Web@"}, versions(t, s))
	latest := saveTemplate(t, s, web, front50.TemplateOptions{Tag: "latest"})
	require.Equal(t, "Web:latest", latest.Reference().Version())
	require.Equal(t, []string{"Web:canary", "Web:latest", "Web:stable", "Web@", "Web@"}, versions(t, s))
}

func templateDigests(t *testing.T, s front50.Store) {
	first := saveTemplate(t, s, web, front50.TemplateOptions{})
	again := saveTemplate(t, s, web, front50.TemplateOptions{})
	require.Greater(t, stamp(t, again), stamp(t, first))
	require.Equal(t, []string{"Web", "Web:latest", "Web@"}, versions(t, s))
	digest, err := front50.TemplateDigest(again)
	require.NoError(t, err)
	kept, err := s.Template(t.Context(), "Web@sha256:"+digest)
	require.NoError(t, err)
	require.Equal(t, first["updateTs"], kept["updateTs"], "the content is older than its last save")
	saveTemplate(t, s, strings.Replace(web, "5.0", "6", 1), front50.TemplateOptions{})
	require.Equal(t, []string{"Web", "Web:latest", "Web@", "Web@"}, versions(t, s))
	latest, err := s.Template(t.Context(), "Web:latest")
	require.NoError(t, err)
	require.Equal(t, int64(6), latest.Variables()[0].Default)
}

func templateCreated(t *testing.T, s front50.Store) {
	create := front50.TemplateOptions{MustNotExist: true}
	saveTemplate(t, s, web, create)
	_, err := s.SaveTemplate(t.Context(), parse[templates.Template](t, strings.Replace(web, "Web", "WEB", 1)), create)
	requireCode(t, pipeline.CodeInvalid, err)
	require.ErrorContains(t, err, "A pipeline template with the id WEB already exists")
	saveTemplate(t, s, web, front50.TemplateOptions{MustNotExist: true, Tag: "stable"})
	_, err = s.SaveTemplate(t.Context(), parse[templates.Template](t, web), front50.TemplateOptions{MustNotExist: true, Tag: "latest"})
	requireCode(t, pipeline.CodeInvalid, err)
}

func templateRefused(t *testing.T, s front50.Store) {
	for change, code := range map[string]pipeline.Code{
		`{"id":null}`: pipeline.CodeUnprocessable, `{"id":"  "}`: pipeline.CodeUnprocessable,
		`{"id":"a/b"}`: pipeline.CodeInvalid, `{"id":"a:b"}`: pipeline.CodeInvalid, `{"id":"a@b"}`: pipeline.CodeInvalid, `{"id":"a.b"}`: pipeline.CodeInvalid,
		`{"id":"` + strings.Repeat("x", 200) + `"}`: pipeline.CodeInvalid,
		`{"tag":"mine"}`: pipeline.CodeInvalid, `{"schema":"1"}`: pipeline.CodeInvalid, `{"metadata":{}}`: pipeline.CodeInvalid, `{"variables":[{"name":"a-b"}]}`: pipeline.CodeInvalid,
	} {
		doc := parse[templates.Template](t, web)
		for k, v := range parse[pipeline.Map](t, change) {
			doc[k] = v
		}
		_, err := s.SaveTemplate(t.Context(), doc, front50.TemplateOptions{})
		requireCode(t, code, err)
	}
	require.Empty(t, versions(t, s), "a refused template is stored")
}

func templateScopes(t *testing.T, s front50.Store) {
	for _, doc := range []string{
		`{"id":"a","schema":"v2","metadata":{"name":"a","description":"d","scopes":["Shop","other"]}}`,
		`{"id":"b","schema":"v2","metadata":{"name":"b","description":"d","scopes":["team-.*"]}}`,
		`{"id":"c","schema":"v2","metadata":{"name":"c","description":"d","scopes":["(broken"]}}`,
	} {
		saveTemplate(t, s, doc, front50.TemplateOptions{})
	}
	require.Len(t, versions(t, s), 9)
	require.Equal(t, []string{"a", "a:latest", "a@"}, versions(t, s, "shop"))
	require.Equal(t, []string{"b", "b:latest", "b@"}, versions(t, s, "team-a"))
	require.Empty(t, versions(t, s, "my-team-a"))
	require.Equal(t, []string{"a", "a:latest", "a@", "c", "c:latest", "c@"}, versions(t, s, "(broken", "OTHER"))
}

func templateDeleted(t *testing.T, s front50.Store) {
	require.NoError(t, s.DeleteTemplate(t.Context(), "Web", by), "a missing one is a success")
	require.NoError(t, s.DeleteTemplate(t.Context(), "a/b", by))
	saveTemplate(t, s, web, front50.TemplateOptions{})
	saveTemplate(t, s, strings.Replace(web, "Web", "Web2", 1), front50.TemplateOptions{})
	save(t, s, `{"id":"user","name":"P","application":"shop","type":"templatedPipeline","schema":"v2","template":{"reference":"spinnaker://web:latest"}}`)
	for _, version := range []string{"Web:latest", "web"} {
		err := s.DeleteTemplate(t.Context(), version, by)
		requireCode(t, pipeline.CodeInvalid, err)
		require.ErrorContains(t, err, "The following pipeline configs depend on this template: user")
	}
	require.NoError(t, s.DeleteTemplate(t.Context(), "Web2", by), "another template whose name begins the same")
	_, err := s.Template(t.Context(), "Web2")
	requireCode(t, pipeline.CodeNotFound, err)
	require.NoError(t, s.DeletePipeline(t.Context(), "user", by))
	require.NoError(t, s.DeleteTemplate(t.Context(), "WEB", by))
	require.Equal(t, []string{"Web2:latest", "Web2@", "Web:latest", "Web@"}, versions(t, s), "other versions stay")
}

func templateOfPipeline(t *testing.T, s front50.Store) {
	const v2 = `{"name":"P","application":"shop","type":"templatedPipeline","schema":"v2","template":{"reference":"spinnaker://web:stable"}}`
	const v1 = `{"name":"Q","application":"shop","type":"templatedPipeline","schema":"1","config":{"pipeline":{"template":{"source":"spinnaker://web"}}}}`
	for _, doc := range []string{v2, v1} {
		_, err := s.SavePipeline(t.Context(), parse[pipeline.Pipeline](t, doc), front50.SaveOptions{})
		requireCode(t, pipeline.CodeInvalid, err)
		require.ErrorContains(t, err, "Configured pipeline template not found")
	}
	saveTemplate(t, s, web, front50.TemplateOptions{Tag: "stable"})
	saveTemplate(t, s, web, front50.TemplateOptions{})
	save(t, s, v2)
	save(t, s, v1)
	for _, reference := range []string{"https://example.com/t.json", "spinnaker://${ trigger.parameters.t }"} {
		save(t, s, `{"name":"`+reference[:5]+`","application":"shop","type":"templatedPipeline","schema":"v2","template":{"reference":"`+reference+`"}}`)
	}
}

func templatedPipeline(t *testing.T, s front50.Store) {
	saveTemplate(t, s, web, front50.TemplateOptions{})
	const doc = `{"application":"shop","exclude":["triggers"],"id":"x","name":"P","notifications":[],"schema":"v2","stages":[{"inject":{"after":["1"]},"refId":"2","type":"wait"},{"refId":"3","requisiteStageRefIds":["1"],"type":"wait"}],"template":{"artifactAccount":"front50ArtifactCredentials","reference":"spinnaker://Web","type":"front50/pipelineTemplate"},"triggers":[{"enabled":true,"type":"git"}],"type":"templatedPipeline","variables":{"n":1.0,"text":"${ trigger.x }"}}`
	save(t, s, doc)
	read, err := s.Pipeline(t.Context(), "x")
	require.NoError(t, err)
	requireText(t, doc, text(t, read, "createTs", "updateTs", "lastModifiedBy"))
}

func templateOwned(t *testing.T, s front50.Store) {
	saved := saveTemplate(t, s, web, front50.TemplateOptions{})
	want := text(t, saved)
	spoil := func(d templates.Template) {
		pipeline.AsMap(first(t, d["variables"]))["name"] = "spoiled"
		d["schema"] = "spoiled"
	}
	spoil(saved)
	read, err := s.Template(t.Context(), "web")
	require.NoError(t, err)
	requireText(t, want, text(t, read))
	spoil(read)
	all, err := s.Templates(t.Context(), nil)
	require.NoError(t, err)
	for _, d := range all {
		spoil(d)
	}
	read, err = s.Template(t.Context(), "web")
	require.NoError(t, err)
	requireText(t, want, text(t, read))
}
