package gate

import (
	"bytes"
	"net/http"
	"regexp"
	"slices"
	"strings"

	"github.com/google/uuid"

	"github.com/gennaker/gennaker/pipeline"
	"github.com/gennaker/gennaker/workflows"
)

// received is the answer to a webhook (reference: gate section 3). Without an ID
// the event was understood and is of no interest, such as a ping.
type received struct {
	EventProcessed bool    `json:"eventProcessed"`
	EventID        *string `json:"eventId"`
}

// gitSources are the hosts of repositories whose calls are understood.
var gitSources = []string{"github", "gitlab", "bitbucket", "stash"}

// webhookEventRoutes take what happens elsewhere. Spinnaker leaves them open, since
// senders sign what they send, or know a secret that the trigger asks for.
func webhookEventRoutes() []route {
	const about = "The event is Temporal's once it is answered: it is not lost, and the same delivery counts once."
	return []route{
		{Method: "POST", Path: "/webhooks/{type}/{source}", Summary: "Take an event: webhook with any source, or git from github, gitlab, bitbucket or stash. " + about, Auth: authOpen, Request: pipeline.Map{}, Response: received{}, handle: takeWebhook},
		{Method: "POST", Path: "/webhooks/cdevents/{source}", Summary: "Take a CloudEvent, whose ID is in the header Ce-Id. " + about, Auth: authOpen, Request: pipeline.Map{}, Response: received{}, handle: takeCDEvent},
		{Method: "POST", Path: "/notifications/callbacks/{source}", Summary: "Always 404: no notification waits for an answer", Auth: authOpen, Response: pipeline.Map{}, handle: takeCallback},
	}
}

func takeWebhook(r *request) error {
	kind, source := r.param("type"), r.param("source")
	switch {
	case kind != "webhook" && kind != "git":
		return pipeline.Errorf(pipeline.CodeInvalid, "The webhook type %.60q is not known: use webhook, git or cdevents.", kind)
	case kind == "git" && !slices.Contains(gitSources, source):
		return pipeline.Errorf(pipeline.CodeInvalid, "The source %.60q is no git host that is known: use %s.", source, strings.Join(gitSources, ", "))
	}
	payload, err := r.object(true)
	if err != nil {
		return err
	}
	if kind == "git" && !isChange(source, r.Request.Header, payload) {
		return r.answer(http.StatusOK, received{})
	}
	return r.accept(workflows.Event{ID: deliveryOf(r.Request.Header), Type: kind, Source: source, Payload: payload})
}

func takeCDEvent(r *request) error {
	payload, err := r.object(true)
	if err != nil {
		return err
	}
	id := r.Request.Header.Get("Ce-Id")
	if id == "" || r.Request.Header.Get("Ce-Type") == "" {
		return pipeline.Errorf(pipeline.CodeInvalid, "The request is no CloudEvent: send the headers Ce-Id, Ce-Type, Ce-Source and Ce-Specversion.")
	}
	return r.accept(workflows.Event{ID: r.Request.Header.Get("Ce-Source") + "." + id, Type: "cdevents", Source: r.param("source"), Payload: payload})
}

func takeCallback(r *request) error {
	return pipeline.Errorf(pipeline.CodeNotFound, "No notification of %.60q waits for an answer.", r.param("source"))
}

// maxEventID bounds what becomes part of a workflow's ID.
const maxEventID = 250

var eventSource = regexp.MustCompile(`^[\pL\pN ._@:/+-]{1,200}$`)

// accept hands an event over and answers with its ID: the sender's, or else a new
// one.
func (r *request) accept(e workflows.Event) error {
	if !eventSource.MatchString(e.Source) {
		return pipeline.Errorf(pipeline.CodeInvalid, "The source %.60q cannot be taken: use letters, digits and . _ - @ : / + in at most 200 characters.", e.Source)
	}
	if !printable(e.ID, maxEventID) {
		e.ID = uuid.NewString()
	}
	e.ReceivedAt = pipeline.ToMillis(r.server.now())
	e.Headers = eventHeaders(r.Request.Header)
	if e.Payload == nil {
		e.Payload = pipeline.Map{}
	}
	if err := r.server.engine.Accept(r.ctx(), e); err != nil {
		return err
	}
	return r.answer(http.StatusOK, received{EventProcessed: true, EventID: &e.ID})
}

// deliveryOf is the sender's own ID of a delivery, empty when it gives none.
func deliveryOf(h http.Header) string {
	for _, name := range []string{"X-GitHub-Delivery", "X-Gitlab-Event-UUID", "X-Request-UUID", "X-Request-Id"} {
		if id := h.Get(name); id != "" {
			return id
		}
	}
	return ""
}

// eventHeaders are those that say what an event is and who signed it. Others may
// hold secrets.
func eventHeaders(h http.Header) map[string]string {
	const longest = 1000
	out := map[string]string{}
	for _, name := range []string{
		"X-Hub-Signature", "X-Hub-Signature-256", "X-Event-Key", "X-GitHub-Event", "X-GitHub-Delivery", "X-Gitlab-Event", "X-Gitlab-Event-UUID",
		"Ce-Id", "Ce-Source", "Ce-Type", "Ce-Specversion", "Ce-Time", "Ce-Subject", "Content-Type", "User-Agent",
	} {
		if v := h.Get(name); v != "" && len(v) <= longest {
			out[strings.ToLower(name)] = v
		}
	}
	return out
}

// isChange reports whether a call of a git host tells of a change, and not of its
// own set-up or of a branch that is gone (reference: echo section 3).
func isChange(source string, h http.Header, payload pipeline.Map) bool {
	gone := func(hash string) bool { return strings.HasPrefix(hash, "000000000") }
	switch source {
	case "github":
		return payload["hook_id"] == nil || payload["zen"] == nil
	case "stash":
		return !gone(firstMap(payload, "refChanges", "changes").String("toHash"))
	case "bitbucket":
		change := firstMap(payload, "changes")
		return len(payload) > 0 && h.Get("X-Event-Key") != "" && !bytes.HasPrefix([]byte(h.Get("X-Event-Key")), []byte("diagnostics:")) && !gone(change.String("toHash"))
	}
	return true
}

// firstMap is the first object in the first list that there is.
func firstMap(m pipeline.Map, keys ...string) pipeline.Map {
	for _, key := range keys {
		if list := m.List(key); len(list) > 0 {
			return pipeline.AsMap(list[0])
		}
	}
	return nil
}
