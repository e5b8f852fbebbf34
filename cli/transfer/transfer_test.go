package transfer_test

import (
	"context"
	"fmt"
	"slices"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/gennaker/gennaker/cli/transfer"
	"github.com/gennaker/gennaker/pipeline"
)

// object reads JSON.
func object(t *testing.T, text string) pipeline.Map {
	t.Helper()
	var m pipeline.Map
	require.NoError(t, m.UnmarshalJSON([]byte(text)))
	return m
}

// spinnaker is a Gate with some of everything.
func spinnaker(t *testing.T) *fake {
	t.Helper()
	f := newFake(t)
	f.applications["shop"] = object(t, `{"name":"shop","email":"a@b.c","cloudProviders":"kubernetes,aws","accounts":"prod","createTs":"1","updateTs":"5","description":null,
		"permissions":{"READ":["Dev","ops"],"WRITE":["ops"],"EXECUTE":[]},"instancePort":80}`)
	f.applications["blog"] = object(t, `{"name":"blog","email":"d@e.f","cloudProviders":"kubernetes"}`)
	f.applications["found"] = object(t, `{"name":"found","accounts":"prod","cloudProviders":"kubernetes"}`)
	f.configs["pipelineConfigs"] = []pipeline.Map{
		object(t, `{"id":"P-1","name":"Ship","application":"shop","stages":[{"type":"wait","refId":"1","waitTime":5}],"triggers":[],"updateTs":"9","lastModifiedBy":"x","disabled":null}`),
		object(t, `{"id":"P-2","name":"Roll / back","application":"shop","stages":[],"index":3}`),
		object(t, `{"id":"P-3","name":"Ship","application":"blog","stages":[],"ratio":1.0}`),
	}
	f.configs["strategyConfigs"] = []pipeline.Map{object(t, `{"id":"S-1","name":"Careful","application":"shop","strategy":true,"stages":[]}`)}
	f.notifications["shop"] = object(t, `{"application":"shop","email":[{"level":"application","address":"a@b.c","when":["pipeline.failed"]}],"lastModified":5}`)
	f.notifications["__GLOBAL"] = object(t, `{"email":[{"address":"all@b.c","when":["pipeline.failed"]}],"lastModified":5}`)
	f.projects = []pipeline.Map{object(t, `{"id":"J-1","name":"All","email":"a@b.c","config":{"applications":["shop"]},"createTs":1}`)}
	for _, v := range []string{
		`{"id":"tmpl","schema":"v2","tag":"stable","updateTs":"1","pipeline":{"name":"one"}}`,
		`{"id":"tmpl","schema":"v2","tag":"latest","updateTs":"2","pipeline":{"name":"two"}}`,
		`{"id":"tmpl","schema":"v2","updateTs":"2","pipeline":{"name":"two"}}`,
		`{"id":"tmpl","schema":"v2","tag":"latest","digest":"done","updateTs":"1","pipeline":{"name":"one"}}`,
		`{"id":"tmpl","schema":"v2","tag":"latest","digest":"dzero","updateTs":"0","pipeline":{"name":"zero"}}`,
		`{"id":"tmpl","schema":"v2","tag":"latest","digest":"dtwo","updateTs":"2","pipeline":{"name":"two"}}`,
	} {
		f.templates = append(f.templates, object(t, v))
	}
	return f
}

// gennaker is a Gate with nothing.
func gennaker(t *testing.T) *fake {
	t.Helper()
	f := newFake(t)
	f.configs["pipelineConfigs"], f.configs["strategyConfigs"] = []pipeline.Map{}, []pipeline.Map{}
	return f
}

func shown(r transfer.Report) string {
	var b strings.Builder
	for _, i := range r.Items {
		_, _ = fmt.Fprintf(&b, "%s %s/%s %s", i.Kind, i.Application, i.Name, i.Action)
		if i.Added+i.Removed > 0 {
			_, _ = fmt.Fprintf(&b, " +%d -%d", i.Added, i.Removed)
		}
		if i.Message != "" {
			b.WriteString(": " + i.Message)
		}
		b.WriteByte('\n')
	}
	return b.String()
}

const everything = `application /blog created
application /found left: It has no configuration of its own: only clusters are known of it.
application /shop created
template /tmpl created
template /tmpl:latest created
template /tmpl:stable created
template /tmpl@done created: A save of a version of the same content makes it.
template /tmpl@dtwo created: A save of a version of the same content makes it.
template /tmpl@dzero created
pipeline blog/Ship created
pipeline shop/Roll / back created
pipeline shop/Ship created
strategy shop/Careful created
notification /(of all applications) created
notification shop/shop created
project /All created
`

func TestImport(t *testing.T) {
	t.Parallel()
	from, to := spinnaker(t), gennaker(t)
	source, destination := from.open(), to.open()
	run := func(o transfer.Options) transfer.Report {
		t.Helper()
		r, err := transfer.Run(t.Context(), source, destination, o)
		require.NoError(t, err)
		return r
	}
	require.Equal(t, everything, shown(run(transfer.Options{})), "a dry run")
	require.Empty(t, to.saves)

	to.broken = 2 // it is tried again
	require.Equal(t, everything, shown(run(transfer.Options{Apply: true})))
	require.Empty(t, from.saves)
	require.Equal(t, []any{"Dev", "ops"}, to.applications["shop"].Map("permissions")["READ"])
	require.Equal(t, "P-1", to.configs["pipelineConfigs"][slices.IndexFunc(to.configs["pipelineConfigs"], func(m pipeline.Map) bool { return m.String("id") == "P-1" })].String("id"))
	require.Len(t, to.notifications["shop"].List("email"), 1, "those of all are not its own")
	require.Equal(t, "J-1", to.projects[0].String("id"))
	versions := map[string]string{}
	for _, v := range to.templates {
		versions[v.String("tag")+"@"+v.String("digest")] = v.Map("pipeline").String("name")
	}
	require.Equal(t, "one", versions["stable@"])
	require.Equal(t, "two", versions["latest@"], "latest is what it was, though each save moves it")
	require.Equal(t, "two", versions["@"])
	require.Equal(t, "zero", versions["latest@dzero"], "pipelines may ask for it by its digest")

	saved := len(to.saves)
	again := run(transfer.Options{Apply: true})
	require.Equal(t, len(again.Items), again.Count("", transfer.Left), shown(again))
	require.Len(t, to.saves, saved, "a second run changes nothing")

	// What changes there is brought over; what is here besides stays.
	from.configs["pipelineConfigs"][0]["stages"] = []any{map[string]any{"type": "wait", "refId": "1", "waitTime": int64(9)}}
	from.applications["shop"]["description"] = "Sells"
	to.applications["shop"]["note"] = "ours"
	to.applications["blog"]["permissions"] = map[string]any{"READ": []any{"dev"}}
	changed := run(transfer.Options{Apply: true})
	require.Equal(t, 2, changed.Count("", transfer.Changed), shown(changed))
	require.Contains(t, shown(changed), "pipeline shop/Ship changed +1 -1\n")
	require.Equal(t, "ours", to.applications["shop"].String("note"))
	require.Equal(t, "Sells", to.applications["shop"].String("description"))
	require.Len(t, to.saves, saved+2)
}

func TestImportGoesOnOverFailures(t *testing.T) {
	t.Parallel()
	from, to := spinnaker(t), gennaker(t)
	to.refuse = []string{"Ship", "blog"}
	to.configs["strategyConfigs"] = []pipeline.Map{object(t, `{"id":"other","name":"careful","application":"shop"}`)}
	r, err := transfer.Run(t.Context(), from.open(), to.open(), transfer.Options{Apply: true, AtOnce: 2})
	require.NoError(t, err)
	text := shown(r)
	require.Contains(t, text, "application /blog failed: No blog here.")
	require.NotContains(t, text, "pipeline blog/", "nothing can be saved into it")
	require.Contains(t, text, "pipeline shop/Ship failed: No Ship here.")
	require.Contains(t, text, "pipeline shop/Roll / back created")
	require.Contains(t, text, "strategy shop/Careful failed: the destination has a strategy of this name with the ID other")
	require.Equal(t, 3, r.Count("", transfer.Failed), text)
}

func TestImportOfSome(t *testing.T) {
	t.Parallel()
	from, to := spinnaker(t), gennaker(t)
	var done []transfer.Item
	r, err := transfer.Run(t.Context(), from.open(), to.open(), transfer.Options{
		Applications: []string{"Shop"}, Kinds: []transfer.Kind{transfer.Pipeline}, Done: func(i transfer.Item) { done = append(done, i) },
	})
	require.NoError(t, err)
	require.Equal(t, "pipeline shop/Roll / back created\npipeline shop/Ship created\n", shown(r))
	require.Len(t, done, 2)
	_, err = transfer.Run(t.Context(), from.open(), to.open(), transfer.Options{Applications: []string{"nope"}})
	require.ErrorContains(t, err, "no application nope")
	ctx, cancel := context.WithCancel(t.Context())
	cancel()
	_, err = transfer.Run(ctx, from.open(), to.open(), transfer.Options{Apply: true})
	require.ErrorIs(t, err, context.Canceled)
	require.Empty(t, to.saves)
}
