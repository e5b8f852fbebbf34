package pipeline

import (
	"fmt"
	"maps"
	"net/url"
	"slices"
	"strings"
)

// PreconfiguredWebhookAlias is what stages of preconfigured webhooks carry as
// their alias; their type is the webhook's own (reference: orca section 6.2).
const PreconfiguredWebhookAlias = "preconfiguredWebhook"

// PreconfiguredWebhook is a webhook stage that an operator has prepared, as the
// configuration writes it. What it holds of a stage overrides what the stage
// says itself.
type PreconfiguredWebhook Map

// MarshalJSON implements json.Marshaler.
func (w PreconfiguredWebhook) MarshalJSON() ([]byte, error) { return Map(w).MarshalJSON() }

// UnmarshalJSON implements json.Unmarshaler.
func (w *PreconfiguredWebhook) UnmarshalJSON(data []byte) error {
	return (*Map)(w).UnmarshalJSON(data)
}

// webhookStageFields are the keys that a preconfigured webhook gives to its
// stages, in Orca's order. Those of them that an operator has set are told to
// Deck, which leaves them out of its form.
var webhookStageFields = []string{
	"url", "customHeaders", "method", "payload", "failFastStatusCodes", "waitForCompletion", "statusUrlResolution",
	"statusUrlJsonPath", "statusJsonPath", "progressJsonPath", "successStatuses", "canceledStatuses", "terminalStatuses",
	"signalCancellation", "cancelEndpoint", "cancelMethod", "cancelPayload", "waitBeforeMonitor", "retryStatusCodes",
}

// webhookFields says what each key of a preconfigured webhook holds.
var webhookFields = map[string]string{
	"type": "text", "label": "text", "description": "text", "enabled": "true or false", "parameters": "a list of objects",
	"url": "text", "customHeaders": "headers", "sensitiveHeaders": "headers", "sensitiveHosts": "a list of texts",
	"parameterValues": "an object", "parameterData": "an object", "permissions": "lists of texts by name",
	"method": "text", "payload": "anything", "failFastStatusCodes": "a list of whole numbers", "waitForCompletion": "true or false",
	"statusUrlResolution": "text", "statusUrlJsonPath": "text", "statusJsonPath": "text", "progressJsonPath": "text",
	"successStatuses": "text", "canceledStatuses": "text", "terminalStatuses": "text", "signalCancellation": "true or false",
	"cancelEndpoint": "text", "cancelMethod": "text", "cancelPayload": "anything", "waitBeforeMonitor": "a whole number",
	"retryStatusCodes": "a list of whole numbers", "webhookRetryStatusCodes": "a list of whole numbers", "account": "text",
}

// Type is the stage type.
func (w PreconfiguredWebhook) Type() string { return Map(w).String("type") }

// Enabled reports whether stages of the type may run; absent is true.
func (w PreconfiguredWebhook) Enabled() bool {
	v, present := w["enabled"]
	return !present || v == nil || Map(w).Bool("enabled")
}

// Permitted lists the roles of which one is needed to READ (see it in Deck) or
// to WRITE (run it); none is everybody.
func (w PreconfiguredWebhook) Permitted(permission string) []string {
	return Map(w).Map("permissions").Strings(permission)
}

// SensitiveHeaders are the headers that are added to each call and never shown,
// each value a reference to a secret.
func (w PreconfiguredWebhook) SensitiveHeaders() map[string][]string {
	headers := Map(w).Map("sensitiveHeaders")
	out := make(map[string][]string, len(headers))
	for name := range headers {
		out[name] = headers.Strings(name)
	}
	return out
}

// SensitiveHosts are the hosts, or patterns of hosts, that get the sensitive
// headers: those that are named, else the host of the URL.
func (w PreconfiguredWebhook) SensitiveHosts() []string {
	if hosts := Map(w).Strings("sensitiveHosts"); len(hosts) > 0 {
		return hosts
	}
	raw := Map(w).String("url")
	// Parsing would trip over an expression behind the host, which does no harm.
	head, _, _ := strings.Cut(raw, "?")
	u, err := url.Parse(head)
	if err != nil || u.Hostname() == "" || strings.ContainsAny(u.Host, "${}") {
		return nil
	}
	return []string{u.Hostname()}
}

// Parameters are what the stage's form asks for.
func (w PreconfiguredWebhook) Parameters() []any { return Map(w).List("parameters") }

// PreconfiguredProperties lists the keys that the operator has set.
func (w PreconfiguredWebhook) PreconfiguredProperties() []string {
	out := []string{}
	for _, name := range webhookStageFields {
		if w[name] != nil {
			out = append(out, name)
		}
	}
	return out
}

// NoUserConfigurableFields reports whether nothing is left to the stage, by
// Orca's rule.
func (w PreconfiguredWebhook) NoUserConfigurableFields() bool {
	m := Map(w)
	switch {
	case m["waitForCompletion"] == nil:
		return false
	case m.Bool("waitForCompletion"):
		needed := len(webhookStageFields)
		if m.String("statusUrlResolution") != "webhookResponse" {
			needed--
		}
		return len(w.PreconfiguredProperties()) >= needed
	}
	return m["url"] != nil && m["customHeaders"] != nil && m["method"] != nil && m["payload"] != nil
}

// Override writes what the operator has set into a stage's context, and the
// defaults of parameters that the stage gives no value.
func (w PreconfiguredWebhook) Override(context Map) {
	own := Map(w).Clone()
	keys := append(slices.Clone(webhookStageFields), "parameterValues", "parameterData", "permissions", "webhookRetryStatusCodes", "account")
	for _, key := range keys {
		if own[key] != nil {
			context[key] = own[key]
		}
	}
	values := context.Map("parameterValues").Clone()
	for _, e := range w.Parameters() {
		p := AsMap(e)
		if _, given := values[p.String("name")]; !given && p["defaultValue"] != nil {
			if values == nil {
				values = Map{}
			}
			values[p.String("name")] = p["defaultValue"]
		}
	}
	if values != nil {
		context["parameterValues"] = map[string]any(values)
	}
}

// Shown returns the webhook without its sensitive headers.
func (w PreconfiguredWebhook) Shown() PreconfiguredWebhook {
	out := PreconfiguredWebhook(Map(w).Clone())
	delete(out, "sensitiveHeaders")
	return out
}

// Validate reports every key that is not known or holds what it cannot, and
// sensitive headers that would go to any host.
func (w PreconfiguredWebhook) Validate() error {
	var faults []string
	if strings.TrimSpace(w.Type()) == "" {
		faults = append(faults, "it has no type")
	}
	for _, key := range slices.Sorted(maps.Keys(w)) {
		want, known := webhookFields[key]
		if !known {
			faults = append(faults, fmt.Sprintf("%s is not a key of preconfigured webhooks", key))
		} else if w[key] != nil && !holds(w[key], want) {
			faults = append(faults, fmt.Sprintf("%s is not %s", key, want))
		}
	}
	names := map[string]bool{}
	for _, e := range w.Parameters() {
		name := AsMap(e).String("name")
		if name == "" || names[name] {
			faults = append(faults, "every parameter needs a name of its own")
		}
		names[name] = true
	}
	switch resolution := Map(w).String("statusUrlResolution"); resolution {
	case "", "getMethod", "locationHeader", "webhookResponse":
	default:
		faults = append(faults, fmt.Sprintf("statusUrlResolution is %q: use getMethod, locationHeader or webhookResponse", resolution))
	}
	if len(w.SensitiveHeaders()) > 0 && len(w.SensitiveHosts()) == 0 {
		faults = append(faults, "sensitiveHeaders need a url with a fixed host, or sensitiveHosts: else a pipeline could send them anywhere")
	}
	if len(faults) > 0 {
		return Errorf(CodeInvalid, "The preconfigured webhook '%s' is not valid: %s.", w.Type(), strings.Join(faults, "; "))
	}
	return nil
}

// holds reports whether a value is of a kind that webhookFields names.
func holds(v any, kind string) bool {
	each := func(ok func(any) bool) bool {
		list, isList := v.([]any)
		return isList && !slices.ContainsFunc(list, func(e any) bool { return !ok(e) })
	}
	isText := func(v any) bool { _, ok := v.(string); return ok }
	isNumber := func(v any) bool { _, ok := v.(int64); return ok }
	values := func(ok func(any) bool) bool {
		m := AsMap(v)
		for _, e := range m {
			if !ok(e) {
				return false
			}
		}
		return m != nil
	}
	switch kind {
	case "text":
		return isText(v)
	case "true or false":
		_, ok := v.(bool)
		return ok
	case "a whole number":
		return isNumber(v)
	case "a list of whole numbers":
		return each(isNumber)
	case "a list of texts":
		return each(isText)
	case "a list of objects":
		return each(func(e any) bool { return AsMap(e) != nil })
	case "an object":
		return AsMap(v) != nil
	case "lists of texts by name":
		return values(func(e any) bool { return holds(e, "a list of texts") })
	case "headers":
		return values(func(e any) bool { return isText(e) || holds(e, "a list of texts") })
	}
	return true
}
