package expr

import (
	"maps"
	"slices"

	"github.com/gennaker/gennaker/pipeline"
)

// SummaryKey is the key under which a document's failures are kept beside it.
const SummaryKey = "expressionEvaluationSummary"

// FailedEvaluation is the error that a stage with failures shows.
const FailedEvaluation = "Failed Expression Evaluation"

// Level says how bad a failure is.
type Level string

// The levels.
const (
	// LevelInfo: the expression gave null, so its text stays.
	LevelInfo Level = "INFO"
	// LevelError: the expression does not parse or failed while it was evaluated.
	LevelError Level = "ERROR"
)

// Result is one failure of an expression.
type Result struct {
	Level Level
	// Timestamp is in milliseconds since 1970.
	Timestamp int64
	// Description is Spinnaker's message, and a hint after it when there is one.
	Description string
	// ExceptionType is the Java exception that Spinnaker reports; empty for INFO.
	ExceptionType string
	// Position is the character of the expression where the fault is, or -1.
	Position int
	// Caret is the line of the fault with a caret under it, or empty.
	Caret string
	// Hint tells a person what to do, or is empty.
	Hint string
}

// Summary holds the failures of one evaluation, by expression.
type Summary struct {
	// Evaluated counts the templates.
	Evaluated int
	// Failures counts the failures, repeated ones too.
	Failures int

	now       int64
	attempted map[string]bool
	failures  map[string][]Result
}

func newSummary(now int64) *Summary { return &Summary{now: now} }

func (s *Summary) add(key string, r Result) {
	s.Failures++
	if s.failures == nil {
		s.failures = map[string][]Result{}
	}
	for _, have := range s.failures[key] {
		if have.Level == r.Level && have.Description == r.Description {
			return
		}
	}
	s.failures[key] = append(s.failures[key], r)
}

// Failed reports whether anything failed; INFO counts.
func (s *Summary) Failed() bool { return s != nil && len(s.failures) > 0 }

// Attempted reports whether an expression was evaluated, with success or not;
// the key is as in [Summary.Expressions].
func (s *Summary) Attempted(key string) bool { return s.attempted[key] }

func (s *Summary) attempt(key string) {
	s.Evaluated++
	if s.attempted == nil {
		s.attempted = map[string]bool{}
	}
	s.attempted[key] = true
}

// Expressions lists the expressions that failed, sorted.
func (s *Summary) Expressions() []string {
	return slices.Sorted(maps.Keys(s.failures))
}

// Results lists the failures of one expression.
func (s *Summary) Results(expression string) []Result { return s.failures[expression] }

// Descriptions lists all descriptions, for a stage's error details.
func (s *Summary) Descriptions() []string {
	var out []string
	for _, k := range s.Expressions() {
		for _, r := range s.failures[k] {
			out = append(out, r.Description)
		}
	}
	return out
}

// Add takes over the failures of another evaluation.
func (s *Summary) Add(other *Summary) {
	if other == nil {
		return
	}
	s.Evaluated += max(0, other.Evaluated)
	if s.attempted == nil && other.attempted != nil {
		s.attempted = map[string]bool{}
	}
	maps.Copy(s.attempted, other.attempted)
	before := s.Failures
	for _, k := range other.Expressions() {
		for _, r := range other.failures[k] {
			s.add(k, r)
		}
	}
	s.Failures = before + other.Failures
}

// Value is the summary as it stands under [SummaryKey] in a stage's context;
// position, caret and hint are there when they are known.
func (s *Summary) Value() pipeline.Map {
	out := make(pipeline.Map, len(s.failures))
	for _, k := range s.Expressions() {
		rows := make([]any, 0, len(s.failures[k]))
		for _, r := range s.failures[k] {
			row := map[string]any{"level": string(r.Level), "timestamp": r.Timestamp, "description": r.Description}
			if r.ExceptionType != "" {
				row["exceptionType"] = r.ExceptionType
			}
			if r.Position >= 0 {
				row["position"] = int64(r.Position)
			}
			if r.Caret != "" {
				row["caret"] = r.Caret
			}
			if r.Hint != "" {
				row["hint"] = r.Hint
			}
			rows = append(rows, row)
		}
		out[k] = rows
	}
	return out
}
