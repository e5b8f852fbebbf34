package gate_test

import (
	"net/http"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/gennaker/gennaker/pipeline"
)

func TestWebhooksAreHandedOver(t *testing.T) {
	t.Parallel()
	const none = "none"
	for name, tt := range map[string]struct {
		path, body string
		headers    []string
		status     int
		id         string // none is an event that is not taken; empty is a new one
	}{
		"of any source":               {"/webhooks/webhook/ci", `{"a":1}`, nil, 200, ""},
		"without a body":              {"/webhooks/webhook/ci", "", nil, 200, ""},
		"a delivery of GitHub":        {"/webhooks/git/github", `{"ref":"refs/heads/main"}`, []string{"X-GitHub-Delivery", "d-1", "Authorization", "secret"}, 200, "d-1"},
		"GitHub's ping":               {"/webhooks/git/github", `{"hook_id":1,"zen":"x"}`, nil, 200, none},
		"Bitbucket's ping":            {"/webhooks/git/bitbucket", `{}`, nil, 200, none},
		"Bitbucket's change":          {"/webhooks/git/bitbucket", `{"push":{}}`, []string{"X-Event-Key", "repo:push", "X-Request-UUID", "u-1"}, 200, "u-1"},
		"a branch that is gone":       {"/webhooks/git/stash", `{"refChanges":[{"toHash":"0000000000000000"}]}`, nil, 200, none},
		"a CloudEvent":                {"/webhooks/cdevents/tekton", `{}`, []string{"Ce-Id", "1", "Ce-Type", "t", "Ce-Source", "/s"}, 200, "/s.1"},
		"one that is none":            {"/webhooks/cdevents/tekton", `{}`, nil, 400, ""},
		"a host that is not known":    {"/webhooks/git/sourceforge", `{}`, nil, 400, ""},
		"a type that is not known":    {"/webhooks/carrier-pigeon/x", `{}`, nil, 400, ""},
		"broken JSON":                 {"/webhooks/webhook/ci", `{`, nil, 400, ""},
		"a list":                      {"/webhooks/webhook/ci", `[]`, nil, 400, ""},
		"an ID that cannot be one":    {"/webhooks/webhook/ci", `{}`, []string{"X-Request-Id", strings.Repeat("x", 300)}, 200, ""},
		"a source that cannot be one": {"/webhooks/webhook/a%0Ab", `{}`, nil, 400, ""},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			w := newWorld(t)
			out := w.do("POST", tt.path, tt.body, tt.headers...)
			require.Equal(t, tt.status, out.Code, out.Body.String())
			if tt.status != http.StatusOK || tt.id == none {
				require.Empty(t, w.engine.events)
				if tt.id == none {
					require.JSONEq(t, `{"eventProcessed":false,"eventId":null}`, out.Body.String())
				}
				return
			}
			require.Len(t, w.engine.events, 1)
			e := w.engine.events[0]
			require.Equal(t, map[string]any{"eventProcessed": true, "eventId": e.ID}, w.json(out))
			if tt.id != "" {
				require.Equal(t, tt.id, e.ID)
			}
			require.NotEmpty(t, e.ID)
			require.NotNil(t, e.Payload)
			require.Equal(t, pipeline.ToMillis(noon), e.ReceivedAt)
			require.NotContains(t, e.Headers, "authorization")
		})
	}
}

// TestWebhooksWhileTemporalIsAway: what could not be handed over is not answered as
// if it had been.
func TestWebhooksWhileTemporalIsAway(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	w.engine.fail = pipeline.Errorf(pipeline.CodeUnavailable, "Temporal does not answer.")
	require.Equal(t, http.StatusServiceUnavailable, w.do("POST", "/webhooks/webhook/ci", `{}`).Code)
}

func TestCronExpressions(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	for expression, want := range map[string]string{ // "" is not valid
		"0 0 10 ? * MON-FRI": "At 10:00 AM, Monday through Friday",
		"0 0/15 * * * ?":     "Every 15 minutes",
		"0 0 H * * ?":        "No description available for fuzzy cron expressions",
		"0 0 10 L * ? 2027":  "At 10:00 AM, on the last day of the month, only in 2027",
		"0 0 10 ? * 2":       "At 10:00 AM, only on Monday",
		"0 0 10 * * *":       "",
		"0 0 10 ? * ?":       "",
		"every monday":       "",
		"0 61 10 ? * MON":    "",
		"0 0 10 H * ?":       "",
	} {
		out := w.object(w.do("GET", "/cron/validate?expression="+strings.ReplaceAll(strings.ReplaceAll(expression, " ", "+"), "?", "%3F"), ""))
		require.Equal(t, want != "", out.Bool("valid"), "%s: %v", expression, out)
		require.Equal(t, want, out.String("description"), expression)
		require.Equal(t, want == "", out.String("message") != "", "%s: %v", expression, out)
	}
	require.Equal(t, http.StatusBadRequest, w.do("GET", "/cron/validate", "").Code)
	require.Equal(t, http.StatusRequestEntityTooLarge, w.do("GET", "/cron/validate?expression="+strings.Repeat("1", 600), "").Code)
}
