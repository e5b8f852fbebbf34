package redismodel

import (
	"sync"

	"github.com/gennaker/gennaker/pipeline"
)

const (
	// maxSummaries is how many decoded short forms are remembered, maxSummary the
	// longest packed one, in bytes: some 5 KB each in memory, and 50 MB when all are
	// of the longest.
	maxSummaries = 5000
	maxSummary   = 4 << 10
)

// summaries remembers decoded short forms: lists name the same executions again and
// again, and decoding is most of what they cost. What is remembered is never changed.
// The zero value is ready.
type summaries struct {
	mu   sync.Mutex
	byID map[string]summary
}

// summary is a short form, packed as Redis has it and decoded.
type summary struct {
	text      string
	execution *pipeline.Execution
}

// get returns the decoded form of text, nil when it is not remembered.
func (s *summaries) get(id, text string) *pipeline.Execution {
	s.mu.Lock()
	defer s.mu.Unlock()
	if known := s.byID[id]; known.text == text {
		return known.execution
	}
	return nil
}

func (s *summaries) put(id, text string, e *pipeline.Execution) {
	if len(text) > maxSummary {
		return
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.byID == nil || len(s.byID) >= maxSummaries {
		s.byID = map[string]summary{}
	}
	s.byID[id] = summary{text, e}
}
