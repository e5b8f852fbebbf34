// Package ids makes the identifiers of executions and stages. Both are ULIDs,
// as Spinnaker's are: 26 characters, sortable by time.
package ids

import (
	"crypto/rand"
	"crypto/sha256"
	"io"
	"sync"
	"time"

	"github.com/oklog/ulid/v2"
)

// entropy is shared so that IDs made within one millisecond still sort in the
// order in which they were made.
var (
	entropyMu sync.Mutex
	entropy   = ulid.Monotonic(rand.Reader, 0)
)

// NewExecutionID returns a new ULID for the moment now. IDs made by one process
// increase. It is safe for concurrent use and must not be called from workflow
// code, which has to be deterministic.
func NewExecutionID(now time.Time) string {
	entropyMu.Lock()
	defer entropyMu.Unlock()
	id, err := ulid.New(milliseconds(now), entropy)
	if err != nil {
		// The only error is that one millisecond used up the increments of its
		// random start; a fresh random value is as good.
		id = ulid.MustNew(milliseconds(now), rand.Reader)
	}
	return id.String()
}

// StageID returns the ID of the stage with the given refId: the timestamp of
// the execution's ID with 80 bits of the SHA-256 of both. Equal arguments give
// equal IDs, so workflow code may call it and a repeated start makes the same
// stages. An executionID that is no ULID gives the timestamp 0.
func StageID(executionID, refID string) string {
	h := sha256.New()
	// The zero byte keeps ("a", "bc") apart from ("ab", "c"). Writing to a hash
	// never fails.
	_, _ = io.WriteString(h, executionID+"\x00"+refID)
	var id ulid.ULID
	if execution, err := ulid.ParseStrict(executionID); err == nil {
		_ = id.SetTime(execution.Time()) // a parsed time is always in range
	}
	_ = id.SetEntropy(h.Sum(nil)[:10]) // 10 bytes are what a ULID takes
	return id.String()
}

// Valid reports whether s has the form of a ULID.
func Valid(s string) bool {
	_, err := ulid.ParseStrict(s)
	return err == nil
}

func milliseconds(t time.Time) uint64 {
	ms := ulid.Timestamp(t)
	if ms > ulid.MaxTime() {
		return 0
	}
	return ms
}

// Derive returns a ULID for the moment now whose entropy is made from parts:
// equal arguments give equal IDs, so workflow code may call it with its own
// clock.
func Derive(now time.Time, parts ...string) string {
	h := sha256.New()
	for _, p := range parts {
		_, _ = io.WriteString(h, p+"\x00")
	}
	var id ulid.ULID
	_ = id.SetTime(milliseconds(now)) // milliseconds is always in range
	_ = id.SetEntropy(h.Sum(nil)[:10])
	return id.String()
}
