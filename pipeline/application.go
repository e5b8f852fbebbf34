package pipeline

import (
	"regexp"
	"strings"
)

// Application is an application's document as Front50 stores it: attributes
// of any kind, of which name and email are required (reference: front50
// section 2).
type Application Map

// Name returns the application's name, trimmed. Names compare without regard
// to case.
func (a Application) Name() string { return strings.TrimSpace(Map(a).String("name")) }

// Email returns the owner's address.
func (a Application) Email() string { return strings.TrimSpace(Map(a).String("email")) }

// Clone returns a deep copy.
func (a Application) Clone() Application { return Application(Map(a).Clone()) }

// MarshalJSON implements json.Marshaler.
func (a Application) MarshalJSON() ([]byte, error) { return Map(a).MarshalJSON() }

// UnmarshalJSON implements json.Unmarshaler.
func (a *Application) UnmarshalJSON(data []byte) error { return (*Map)(a).UnmarshalJSON(data) }

// providerNames holds the name rule of each cloud provider (reference: gate
// section 2).
var providerNames = map[string]struct {
	pattern *regexp.Regexp
	max     int
	rule    string
}{
	"appengine":  {regexp.MustCompile(`^[a-z0-9]*$`), 58, "lower-case letters and digits"},
	"aws":        {regexp.MustCompile(`^[a-zA-Z_0-9.]*$`), 250, "letters, digits, dots and underscores"},
	"dcos":       {regexp.MustCompile(`^[a-z0-9]*$`), 127, "lower-case letters and digits"},
	"gce":        {regexp.MustCompile(`^([a-zA-Z][a-zA-Z0-9]*)?$`), 63, "letters and digits, beginning with a letter"},
	"kubernetes": {regexp.MustCompile(`^([a-zA-Z][a-zA-Z0-9-]*)$`), 63, "letters, digits and hyphens, beginning with a letter"},
	"openstack":  {regexp.MustCompile(`^[a-zA-Z_0-9.]*$`), 250, "letters, digits, dots and underscores"},
	"titus":      {regexp.MustCompile(`^[a-zA-Z_0-9.]*$`), 250, "letters, digits, dots and underscores"},
}

// anyName is what every application name must fit whatever its providers, so
// that it can stand in a URL, an object key and a search query.
var anyName = regexp.MustCompile(`^[\p{L}0-9_.-]+$`)

// CloudProviders returns the providers that the application names, from a
// comma-separated text or a list.
func (a Application) CloudProviders() []string {
	var parts []string
	switch v := a["cloudProviders"].(type) {
	case string:
		parts = strings.Split(v, ",")
	case []any:
		parts = Map(a).Strings("cloudProviders")
	}
	out := make([]string, 0, len(parts))
	for _, p := range parts {
		if p = strings.TrimSpace(p); p != "" {
			out = append(out, p)
		}
	}
	return out
}

// Validate reports what is wrong with the application as an [Error] with
// [CodeInvalid] whose details hold one message a fault, or nil.
func (a Application) Validate() error {
	var faults []string
	name := a.Name()
	switch {
	case name == "":
		faults = append(faults, "An application requires a name: set name.")
	case len(name) > 250:
		faults = append(faults, "The application name is "+itoa(len(name))+" characters long: use at most 250.")
	case !anyName.MatchString(name):
		faults = append(faults, "The application name '"+name+"' may hold only letters, digits, hyphens, dots and underscores.")
	default:
		for _, p := range a.CloudProviders() {
			rule, known := providerNames[p]
			if known && (!rule.pattern.MatchString(name) || len(name) > rule.max) {
				faults = append(faults, "The application name '"+name+"' does not fit the provider "+p+": use at most "+itoa(rule.max)+" characters, "+rule.rule+".")
			}
		}
	}
	if a.Email() == "" {
		faults = append(faults, "An application requires an owner: set email.")
	}
	if len(faults) == 0 {
		return nil
	}
	return &Error{Code: CodeInvalid, Message: strings.Join(faults, " "), Details: faults}
}
