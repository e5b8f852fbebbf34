package gate_test

import (
	"encoding/base64"
	"net/url"
	"strconv"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/gennaker/gennaker/pipeline"
)

func TestSearchExecutions(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	w.pipeline(`{"application":"shop","name":"one","id":"c1"}`)
	w.pipeline(`{"application":"shop","name":"two","id":"c2"}`)
	w.pipeline(`{"application":"bakery","name":"one","id":"c3"}`)
	add := func(id, application, config string, minute int, status pipeline.Status, trigger string) {
		x := &pipeline.Execution{ID: id, Application: application, PipelineConfigID: config, Status: status, BuildTime: pipeline.ToMillis(noon.Add(time.Duration(minute) * time.Minute)),
			Stages: []*pipeline.Stage{{ID: "s", RefID: "1", Type: "wait", Name: "W", Status: status, Context: pipeline.Map{"big": "x"}, Outputs: pipeline.Map{}, Tasks: []*pipeline.Task{}}}}
		require.NoError(t, x.Trigger.UnmarshalJSON([]byte(trigger)))
		w.execution(x)
	}
	add("e1", "shop", "c1", 1, pipeline.Succeeded, `{"type":"manual","user":"ines"}`)
	add("e2", "shop", "c2", 2, pipeline.Terminal, `{"type":"git","source":"github","project":"shop","slug":"web","branch":"main","hash":"abc","eventId":"ev-2"}`)
	add("e3", "shop", "c1", 3, pipeline.Running, `{"type":"docker","account":"hub","repository":"shop/web","tag":"1.2","artifacts":[{"type":"docker/image","name":"web","version":"1.2"},{"type":"docker/image","name":"web"}]}`)
	add("e4", "bakery", "c3", 4, pipeline.Succeeded, `{"type":"manual","user":"tess"}`)
	add("gone", "shop", "deleted", 5, pipeline.Succeeded, `{"type":"manual"}`)

	at := func(minute int) string {
		return strconv.FormatInt(noon.Add(time.Duration(minute)*time.Minute).UnixMilli(), 10)
	}
	trigger := func(subset string) string {
		return "trigger=" + url.QueryEscape(base64.StdEncoding.EncodeToString([]byte(subset)))
	}
	for _, tt := range []struct {
		name, application, query string
		want                     []string
	}{
		{"newest first, of stored pipelines", "shop", "", []string{"e3", "e2", "e1"}},
		{"all applications", "*", "", []string{"e4", "e3", "e2", "e1"}},
		{"an application whatever the case", "SHOP", "", []string{"e3", "e2", "e1"}},
		{"an unknown application", "nobody", "", []string{}},
		{"a pipeline by name", "shop", "pipelineName=one", []string{"e3", "e1"}},
		{"a pipeline's name is not a part of it", "shop", "pipelineName=on", []string{}},
		{"a type of trigger", "shop", "triggerTypes=git", []string{"e2"}},
		{"types of triggers", "shop", "triggerTypes=git,manual", []string{"e2", "e1"}},
		{"every type", "shop", "triggerTypes=*", []string{"e3", "e2", "e1"}},
		{"an event", "shop", "eventId=ev-2", []string{"e2"}},
		{"statuses", "*", "statuses=SUCCEEDED,RUNNING", []string{"e4", "e3", "e1"}},
		{"bounds hold what is at them", "*", "triggerTimeStartBoundary=" + at(2) + "&triggerTimeEndBoundary=" + at(3), []string{"e3", "e2"}},
		{"oldest first", "*", "reverse=true", []string{"e1", "e2", "e3", "e4"}},
		{"a page", "*", "startIndex=1&size=2", []string{"e3", "e2"}},
		{"a page of the oldest", "*", "reverse=true&startIndex=1&size=2", []string{"e2", "e3"}},
		{"a page beyond the end", "*", "startIndex=9", []string{}},

		{"a text of the trigger, whatever the case", "*", trigger(`{"user":"INES"}`), []string{"e1"}},
		{"a text as an expression", "*", trigger(`{"user":"(ines|tess)"}`), []string{"e4", "e1"}},
		{"an expression matches the whole text", "*", trigger(`{"user":"in"}`), []string{}},
		{"what is no expression is compared alone", "*", trigger(`{"user":"("}`), []string{}},
		{"all keys have to match", "*", trigger(`{"type":"manual","user":"tess"}`), []string{"e4"}},
		{"a key that is not there", "*", trigger(`{"master":"m"}`), []string{}},
		{"an empty subset", "*", trigger(`{}`), []string{"e4", "e3", "e2", "e1"}},
		{"elements of a list", "*", trigger(`{"artifacts":[{"name":"web"}]}`), []string{"e3"}},
		{"each element for itself, in any order", "*", trigger(`{"artifacts":[{"name":"web"},{"version":"1\\..*"}]}`), []string{"e3"}},
		{"no element for two", "*", trigger(`{"artifacts":[{"version":"1.2"},{"version":"1.2"}]}`), []string{}},
		{"an empty list is in every list", "*", trigger(`{"artifacts":[]}`), []string{"e4", "e3", "e2", "e1"}},
	} {
		t.Run(tt.name, func(t *testing.T) {
			t.Parallel()
			require.Equal(t, tt.want, names(t, w.get("/applications/"+tt.application+"/executions/search?"+tt.query), "id"))
		})
	}

	short := pipeline.AsMap(w.get("/applications/shop/executions/search?size=1").([]any)[0])
	full := pipeline.AsMap(w.get("/applications/shop/executions/search?size=1&expand=true").([]any)[0])
	require.Equal(t, map[string]any{}, pipeline.AsMap(short.List("stages")[0])["context"], "short unless it is asked for")
	require.Equal(t, map[string]any{"big": "x"}, pipeline.AsMap(full.List("stages")[0])["context"])
}

func TestSearchExecutionsRefuses(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	b64 := func(text string) string { return url.QueryEscape(base64.StdEncoding.EncodeToString([]byte(text))) }
	for query, want := range map[string]string{
		"triggerTimeStartBoundary=-1":                         "triggerTimeStartBoundary must be >= 0: triggerTimeStartBoundary=-1",
		"triggerTimeEndBoundary=-1":                           "triggerTimeEndBoundary must be >= 0: triggerTimeEndBoundary=-1",
		"triggerTimeStartBoundary=5&triggerTimeEndBoundary=4": "triggerTimeStartBoundary must be <= triggerTimeEndBoundary: triggerTimeStartBoundary=5, triggerTimeEndBoundary=4",
		"startIndex=-1":                                       "startIndex is \"-1\"",
		"size=0":                                              "size must be > 0: size=0",
		"size=1001":                                           "Use at most 1000",
		"statuses=DONE":                                       "which is no status",
		"reverse=perhaps":                                     "reverse",
		"trigger=%25":                                         "Failed to parse encoded trigger",
		"trigger=" + b64("[]"):                                "Failed to parse encoded trigger",
		"trigger=" + b64(`{"user":"`+strings.Repeat("x", 1001)+`"}`): "a text of 1001 bytes",
		"trigger=" + b64(`{"a":[`+strings.Repeat("1,", 200)+`1]}`):   "more than 200 values",
	} {
		out := w.do("GET", "/applications/shop/executions/search?"+query, "")
		require.Contains(t, []int{400, 413}, out.Code, query)
		require.Contains(t, w.object(out)["message"], want, query)
	}
}
