package s3store_test

import (
	"regexp"
	"strconv"
	"sync"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/gennaker/gennaker/front50"
	"github.com/gennaker/gennaker/internal/testkit"
	"github.com/gennaker/gennaker/pipeline"
	"github.com/gennaker/gennaker/pipeline/templates"
)

var marker = regexp.MustCompile(`^\{"lastModified":(\d{13})\}$`)

// markerTime returns the time in a change marker.
func markerTime(t *testing.T, body string) int64 {
	t.Helper()
	m := marker.FindStringSubmatch(body)
	require.NotNil(t, m, "marker %q", body)
	ms, err := strconv.ParseInt(m[1], 10, 64)
	require.NoError(t, err)
	return ms
}

func TestWritesSpinnakersLayout(t *testing.T) {
	t.Parallel()
	server := testkit.SharedMinIO(t)
	h, s := byHand(t, server), open(t, config(t, server))
	before := time.Now().UnixMilli()
	app := saveApp(t, s, `{"name":"Shop","email":"a@b.c","permissions":{"READ":["dev"]}}`)
	p := save(t, s, `{"id":"ABC-1","name":"Deploy","application":"shop","ratio":1.0}`)
	require.Equal(t, []string{
		"front50/applications/last-modified.json",
		"front50/applications/shop/application-metadata.json",
		"front50/applications/shop/application-permission.json",
		"front50/pipelines/abc-1/pipeline-metadata.json",
		"front50/pipelines/last-modified.json",
	}, h.keys())
	updated := app["updateTs"].(string)
	requireText(t, `{"createTs":"`+updated+`","email":"a@b.c","lastModifiedBy":"me","name":"SHOP","updateTs":"`+updated+`"}`,
		h.get("front50/applications/shop/application-metadata.json"))
	requireText(t, `{"lastModified":`+updated+`,"lastModifiedBy":"me","name":"SHOP","permissions":{"READ":["dev"]}}`,
		h.get("front50/applications/shop/application-permission.json"))
	updated = p["updateTs"].(string)
	requireText(t, `{"application":"shop","createTs":"`+updated+`","id":"ABC-1","lastModifiedBy":"me","name":"Deploy","ratio":1.0,"schema":"1","triggers":[],"updateTs":"`+updated+`"}`,
		h.get("front50/pipelines/abc-1/pipeline-metadata.json"))
	first := markerTime(t, h.get("front50/pipelines/last-modified.json"))
	require.GreaterOrEqual(t, first, before)

	// A deletion leaves the marker alone and the object's versions behind.
	require.NoError(t, s.DeletePipeline(t.Context(), "ABC-1", "me"))
	require.Equal(t, first, markerTime(t, h.get("front50/pipelines/last-modified.json")))
	_, err := s.DeleteApplication(t.Context(), "shop", "me")
	require.NoError(t, err)
	require.Equal(t, []string{"front50/applications/last-modified.json", "front50/pipelines/last-modified.json"}, h.keys())
}

func TestReadsWhatSpinnakerWrote(t *testing.T) {
	t.Parallel()
	server := testkit.SharedMinIO(t)
	h := byHand(t, server)
	// As Spinnaker's Front50 leaves a bucket: keys in lower case, stamps older
	// than the objects, other kinds of objects beside them.
	h.put("front50/applications/shop/application-metadata.json", `{"name":"SHOP","email":"a@b.c","createTs":"1500000000000","updateTs":1500000000000,"cloudProviders":["kubernetes"],"dataSources":{"enabled":[],"disabled":[]},"permissions":{"READ":["never counts"]},"instancePort":80}`)
	h.put("front50/applications/shop/application-permission.json", `{"name":"shop","lastModified":1,"permissions":{"READ":["Dev"],"WRITE":[]}}`)
	h.put("front50/applications/old/application-metadata.json", `{"email":"a@b.c"}`)
	h.put("front50/applications/old/application-permission.json", `{"name":"old","requiredGroupMembership":["Ops"]}`)
	h.put("front50/applications/locked/application-metadata.json", `{"name":"LOCKED","email":"a@b.c"}`)
	h.put("front50/applications/locked/application-permission.json", `not JSON`)
	h.put("front50/applications/last-modified.json", `{"lastModified":1500000000000}`)
	h.put("front50/pipelines/0f8b2f5e-aaaa-bbbb-cccc-1234567890ab/pipeline-metadata.json",
		`{"id":"0f8b2f5e-AAAA-bbbb-cccc-1234567890ab","name":"Deploy","application":"shop","schema":"1","index":2,"triggers":[],"stages":[{"type":"wait","refId":"1","waitTime":30.0}],"updateTs":"1500000000000","lastModifiedBy":"anonymous","custom":{"a":null}}`)
	h.put("front50/pipelines/other/pipeline-metadata.json", `{"id":"mismatch","name":"Other","application":"SHOP","index":1}`)
	h.put("front50/pipelines/broken/pipeline-metadata.json", `{"id":`)
	h.put("front50/pipelines/list/pipeline-metadata.json", `[]`)
	h.put("front50/pipelines/last-modified.json", `{"lastModified":1500000000000}`)
	h.put("front50/pipeline-strategies/s/pipeline-strategy-metadata.json", `{"id":"s","name":"S","application":"shop","strategy":true}`)
	h.put("front50/pipelines/readme.txt", `hello`)

	log := &lines{}
	s := openLogging(t, config(t, server), log)
	ctx := t.Context()
	apps, err := s.Applications(ctx)
	require.NoError(t, err)
	require.Len(t, apps, 3)
	require.Equal(t, "LOCKED", apps[0].Name())
	require.IsType(t, "", apps[0]["permissions"], "unreadable permissions must not seem to be none")
	require.Equal(t, "OLD", apps[1].Name())
	require.Equal(t, map[string]any{"READ": []any{"ops"}, "WRITE": []any{"ops"}}, apps[1]["permissions"])
	shop, err := s.Application(ctx, "shop")
	require.NoError(t, err)
	require.Equal(t, apps[2], shop)
	require.Equal(t, map[string]any{"READ": []any{"dev"}}, shop["permissions"])
	require.Equal(t, "kubernetes", shop["cloudProviders"])
	require.Equal(t, "1500000000000", shop["createTs"])
	written, ok := pipeline.Map(shop).Int("updateTs")
	require.True(t, ok)
	require.InDelta(t, time.Now().UnixMilli(), written, 120_000, "an object written without a stamp shows the time it was written")

	list, err := s.Pipelines(ctx, "shop")
	require.NoError(t, err)
	require.Len(t, list, 2)
	require.Equal(t, "other", list[0].ID(), "the ID is that of the key, by which it is found")
	require.Equal(t, "0f8b2f5e-AAAA-bbbb-cccc-1234567890ab", list[1].ID())
	require.IsType(t, float64(0), pipeline.AsMap(list[1]["stages"].([]any)[0])["waitTime"], "30.0 stays a decimal")
	require.Equal(t, map[string]any{"a": nil}, list[1]["custom"])
	for _, p := range list {
		_, err := s.Pipeline(ctx, p.ID())
		require.NoError(t, err)
	}
	_, err = s.Pipeline(ctx, "broken")
	require.Equal(t, pipeline.CodeNotFound, pipeline.CodeOf(err))
	require.Equal(t, 1, log.count("front50/pipelines/broken"))
	require.Equal(t, 1, log.count("front50/pipelines/list"))

	// Somebody else writes: object, then marker.
	h.put("front50/pipelines/new/pipeline-metadata.json", `{"id":"new","name":"New","application":"shop"}`)
	h.put("front50/pipelines/last-modified.json", `{"lastModified":1500000000001}`)
	require.Eventually(t, func() bool {
		list, err := s.Pipelines(ctx, "shop")
		return err == nil && len(list) == 3
	}, patience, 20*time.Millisecond)
	// Without the marker, a document that is asked for is found at once.
	h.put("front50/pipelines/quiet/pipeline-metadata.json", `{"id":"quiet","name":"Quiet","application":"shop"}`)
	p, err := s.Pipeline(ctx, "quiet")
	require.NoError(t, err)
	require.Equal(t, "Quiet", p.Name())
	// A broken object can be saved over.
	save(t, s, `{"id":"broken","name":"Mended","application":"shop"}`)
	_, err = s.Pipeline(ctx, "broken")
	require.NoError(t, err)
}

func TestBackgroundRefreshSeesDeletionsAndQuietWrites(t *testing.T) {
	t.Parallel()
	server := testkit.SharedMinIO(t)
	c := config(t, server)
	c.Refresh = 200 * time.Millisecond
	h, s := byHand(t, server), open(t, c)
	p := save(t, s, `{"name":"Deploy","application":"shop"}`)
	h.put("front50/applications/quiet/application-metadata.json", `{"name":"QUIET","email":"a@b.c"}`)
	h.remove("front50/pipelines/" + p.ID() + "/pipeline-metadata.json")
	require.Eventually(t, func() bool {
		list, err := s.Pipelines(t.Context(), "")
		apps, appsErr := s.Applications(t.Context())
		return err == nil && appsErr == nil && len(list) == 0 && len(apps) == 1
	}, patience, 20*time.Millisecond)
}

func TestHistoryShowsVersionsOfOthers(t *testing.T) {
	t.Parallel()
	server := testkit.SharedMinIO(t)
	h, s := byHand(t, server), open(t, config(t, server))
	save(t, s, `{"id":"x","name":"Deploy","application":"shop","v":1}`)
	h.put("front50/pipelines/x/pipeline-metadata.json", `{"id":"x","name":"Deploy","application":"shop","v":2,"updateTs":"1500000000000"}`)
	save(t, s, `{"id":"x","name":"Deploy","application":"shop","v":3}`)
	versions, err := s.PipelineHistory(t.Context(), "x", 0)
	require.NoError(t, err)
	require.Len(t, versions, 3)
	for i, v := range versions {
		require.Equal(t, int64(3-i), v["v"])
	}
	stamp, _ := pipeline.Map(versions[1]).Int("updateTs")
	require.InDelta(t, time.Now().UnixMilli(), stamp, 120_000)
}

func TestDeletedApplicationLeavesNothing(t *testing.T) {
	t.Parallel()
	server := testkit.SharedMinIO(t)
	h, s := byHand(t, server), open(t, config(t, server))
	saveApp(t, s, `{"name":"shop","email":"a@b.c"}`)
	save(t, s, `{"name":"Deploy","application":"shop"}`)
	h.put("front50/pipeline-strategies/s1/pipeline-strategy-metadata.json", `{"id":"s1","application":"SHOP"}`)
	h.put("front50/pipeline-strategies/s2/pipeline-strategy-metadata.json", `{"id":"s2","application":"other"}`)
	h.put("front50/notifications/shop/notification-metadata.json", `{"application":"shop"}`)
	h.put("front50/notifications/shop2/notification-metadata.json", `{"application":"shop2"}`)
	h.put("front50/projects/p1/project-metadata.json", `{"id":"p1","name":"P1","config":{"applications":["Shop"]}}`)
	h.put("front50/projects/p2/project-metadata.json", `{"id":"p2","name":"P2","config":{"applications":["shop","other"],"clusters":[]},"updateTs":5}`)
	h.put("front50/projects/p3/project-metadata.json", `{"id":"p3","name":"P3","config":{"applications":["other"]}}`)
	h.put("front50/projects/p4/project-metadata.json", `broken`)
	_, err := s.DeleteApplication(t.Context(), "shop", "me")
	require.NoError(t, err)
	require.Equal(t, []string{
		"front50/applications/last-modified.json",
		"front50/notifications/shop2/notification-metadata.json",
		"front50/pipeline-strategies/s2/pipeline-strategy-metadata.json",
		"front50/pipelines/last-modified.json",
		"front50/projects/last-modified.json",
		"front50/projects/p2/project-metadata.json",
		"front50/projects/p3/project-metadata.json",
		"front50/projects/p4/project-metadata.json",
	}, h.keys())
	require.Regexp(t, `^\{"config":\{"applications":\["other"\],"clusters":\[\]\},"id":"p2","lastModifiedBy":"me","name":"P2","updateTs":\d{13}\}$`, h.get("front50/projects/p2/project-metadata.json"))
	requireText(t, `{"id":"p3","name":"P3","config":{"applications":["other"]}}`, h.get("front50/projects/p3/project-metadata.json"))
}

// TestUnchangedObjectsAreNotLoadedAgain compares what a refresh costs: a store
// whose documents did not change reads none of them.
func TestUnchangedObjectsAreNotLoadedAgain(t *testing.T) {
	t.Parallel()
	server := testkit.SharedMinIO(t)
	wire := newWire(t, server.Endpoint)
	c := config(t, server)
	c.ObjectStore.Endpoint = wire.address
	s := open(t, c)
	for _, name := range []string{"a", "b", "c", "d"} {
		save(t, s, `{"id":"`+name+`","name":"`+name+`","application":"shop"}`)
	}
	require.Equal(t, 1, wire.requests("prefix=front50%2Fpipelines%2F"), "one's own writes cause no listing after that of the start")
	wire.forget()
	byHand(t, server).put("front50/pipelines/last-modified.json", `{"lastModified":1}`)
	require.Eventually(t, func() bool {
		_, err := s.Pipelines(t.Context(), "shop")
		return err == nil && wire.requests("prefix=front50%2Fpipelines%2F") == 1
	}, patience, 20*time.Millisecond)
	require.Zero(t, wire.requests("pipeline-metadata.json"))
	// Lists that come at the same time share a look at the marker, and read no document.
	wire.forget()
	const lists = 1000
	var done, ready sync.WaitGroup
	start := make(chan struct{})
	ready.Add(lists)
	for range lists {
		done.Go(func() {
			ready.Done()
			<-start
			if _, err := s.Pipelines(t.Context(), "shop"); err != nil {
				t.Errorf("list: %v", err)
			}
		})
	}
	ready.Wait()
	close(start)
	done.Wait()
	require.Less(t, wire.requests("last-modified.json"), lists/2)
	require.Zero(t, wire.requests("pipeline-metadata.json"))
	require.Zero(t, wire.requests("prefix="))
}

func TestTemplatesInSpinnakersLayout(t *testing.T) {
	t.Parallel()
	server := testkit.SharedMinIO(t)
	h, s := byHand(t, server), open(t, config(t, server))
	given := parse[templates.Template](t, `{"id":"Web","schema":"v2","metadata":{"name":"Web","description":"d","scopes":["global"]},"pipeline":{"stages":[]}}`)
	saved, err := s.SaveTemplate(t.Context(), given, front50.TemplateOptions{By: "me", Tag: "stable"})
	require.NoError(t, err)
	// The digest that Spinnaker's Front50 gives the same template.
	const digest = "df3ed43cb758d4dc9c0478be78f9fd4fae201c776c4e01e447c86b2f4b3b234b"
	require.Equal(t, []string{
		"front50/pipeline-templates/last-modified.json",
		"front50/pipeline-templates/web:latest/pipeline-template-metadata.json",
		"front50/pipeline-templates/web:stable/pipeline-template-metadata.json",
		"front50/pipeline-templates/web@sha256:" + digest + "/pipeline-template-metadata.json",
	}, h.keys())
	rest := `"id":"Web","lastModifiedBy":"me","metadata":{"description":"d","name":"Web","scopes":["global"]},"pipeline":{"stages":[]},"schema":"v2"`
	updated := saved["updateTs"].(string)
	requireText(t, `{`+rest+`,"tag":"stable","updateTs":"`+updated+`"}`, h.get("front50/pipeline-templates/web:stable/pipeline-template-metadata.json"))
	requireText(t, `{"digest":"`+digest+`",`+rest+`,"tag":"latest","updateTs":"`+updated+`"}`,
		h.get("front50/pipeline-templates/web@sha256:"+digest+"/pipeline-template-metadata.json"))
	markerTime(t, h.get("front50/pipeline-templates/last-modified.json"))
}

func TestReadsTemplatesThatSpinnakerWrote(t *testing.T) {
	t.Parallel()
	server := testkit.SharedMinIO(t)
	h := byHand(t, server)
	const rest = `"schema":"v2","metadata":{"name":"Web","description":"d","scopes":["global"]},"pipeline":{"stages":[]},"updateTs":"1500000000000"}`
	h.put("front50/pipeline-templates/web/pipeline-template-metadata.json", `{"id":"Web","tag":null,`+rest)
	h.put("front50/pipeline-templates/web:latest/pipeline-template-metadata.json", `{"id":"Web","tag":"latest",`+rest)
	h.put("front50/pipeline-templates/web@sha256:abc/pipeline-template-metadata.json", `{"id":"Web","tag":"latest","digest":"abc",`+rest)
	h.put("front50/pipeline-templates/old.one/pipeline-template-metadata.json", `{"id":"old.one","schema":"1","stages":[]}`)
	h.put("front50/pipeline-templates/broken/pipeline-template-metadata.json", `[]`)
	s := open(t, config(t, server))
	all, err := s.Templates(t.Context(), nil)
	require.NoError(t, err)
	var versions []string
	for _, e := range all {
		versions = append(versions, e.Reference().Version())
		read, err := s.Template(t.Context(), e.Reference().Version())
		require.NoError(t, err)
		require.Equal(t, e, read)
	}
	require.Equal(t, []string{"Web", "Web:latest", "Web@sha256:abc", "old.one"}, versions)
	_, err = s.Template(t.Context(), "broken")
	require.Equal(t, pipeline.CodeNotFound, pipeline.CodeOf(err))
}
