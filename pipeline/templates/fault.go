package templates

import (
	"strings"

	"github.com/gennaker/gennaker/pipeline"
)

// Severity says whether a [Fault] keeps a pipeline from running.
type Severity string

// The severities.
const (
	// Fatal faults keep the pipeline from running.
	Fatal Severity = "FATAL"
	// Warn faults do not.
	Warn Severity = "WARN"
)

// Fault is one thing that is wrong with a template or with a pipeline made from
// it, in the form in which Orca's plan answers it and Deck shows it.
type Fault struct {
	Severity Severity `json:"severity"`
	Message  string   `json:"message"`
	// Location is where: "template:..." or "configuration:...".
	Location string `json:"location,omitempty"`
	Cause    string `json:"cause,omitempty"`
	// Suggestion is the remedy.
	Suggestion string `json:"suggestion,omitempty"`
}

// String is the fault in one line.
func (f Fault) String() string {
	var b strings.Builder
	b.WriteString(f.Message)
	for _, part := range []string{f.Cause, f.Suggestion} {
		if part == "" {
			continue
		}
		if s := b.String(); strings.HasSuffix(s, ".") {
			b.WriteString(" ")
		} else {
			b.WriteString(": ")
		}
		b.WriteString(part)
	}
	return b.String()
}

// Error is a resolution that failed. It wraps a *pipeline.Error with the code
// invalid and one detail for each fault.
type Error struct {
	// Faults are all that was found, at least one of them [Fatal].
	Faults []Fault
}

// Message begins every refusal of a templated pipeline.
const Message = "Pipeline template is invalid"

// Error returns the message with every fault.
func (e *Error) Error() string {
	return Message + ": " + strings.Join(e.details(), " ")
}

// Unwrap returns the error as those read it who know no faults.
func (e *Error) Unwrap() error {
	return &pipeline.Error{Code: pipeline.CodeInvalid, Message: e.Error(), Details: e.details()}
}

func (e *Error) details() []string {
	out := make([]string, len(e.Faults))
	for i, f := range e.Faults {
		out[i] = f.String()
	}
	return out
}

// faults collects what is found on the way.
type faults []Fault

func (f *faults) add(fault Fault) {
	if fault.Severity == "" {
		fault.Severity = Fatal
	}
	*f = append(*f, fault)
}

// err returns the faults as an error when one of them is fatal.
func (f *faults) err() error {
	for _, fault := range *f {
		if fault.Severity == Fatal {
			return &Error{Faults: *f}
		}
	}
	return nil
}
