package front50

import (
	"strconv"
	"strings"
	"time"

	"github.com/google/uuid"

	"github.com/gennaker/gennaker/pipeline"
)

// Clock tells the time; rooms take one so that tests can set it.
type Clock func() time.Time

// Rules holds the write rules that are the same in every room (reference:
// front50 section 4): pure functions from what is stored and what is given to
// what is to be stored. Rooms add locking and storage.
type Rules struct {
	now   Clock
	newID func() string
}

// NewRules returns rules that stamp documents by clock; nil is the real time.
func NewRules(clock Clock) Rules {
	if clock == nil {
		clock = time.Now
	}
	return Rules{now: clock, newID: uuid.NewString}
}

// Anonymous is the author of writes that name none (reference: front50
// section 3).
const Anonymous Author = "anonymous"

// author returns the value of lastModifiedBy.
func author(by Author) string {
	if name := strings.TrimSpace(string(by)); name != "" && name != pipeline.AnonymousUser {
		return name
	}
	return string(Anonymous)
}

// stamp returns the time for updateTs: now, but always later than the stored
// one, so that two writes within a millisecond or after a clock step differ.
func (r Rules) stamp(stored pipeline.Map) string {
	return strconv.FormatInt(r.stampBy(stored, "updateTs"), 10)
}

// stampBy is stamp for documents that keep the time under key.
func (r Rules) stampBy(stored pipeline.Map, key string) int64 {
	now := r.now().UnixMilli()
	if before, ok := stored.Int(key); ok && before >= now {
		now = before + 1
	}
	return now
}

// text returns a value as the string that Front50 writes for time stamps, which
// hand-written documents also hold as numbers; "" when there is none.
func text(v any) string {
	switch v := v.(type) {
	case string:
		return strings.TrimSpace(v)
	case int64:
		return strconv.FormatInt(v, 10)
	case float64:
		return strconv.FormatInt(int64(v), 10)
	}
	return ""
}

// Storable reports whether there can be a document of this name or ID at all.
func Storable(id string) bool { return strings.TrimSpace(id) != "" && CheckID(id) == nil }

// maxID bounds an ID, which becomes part of an object's key.
const maxID = 250

// CheckID reports why id cannot be part of an object's key, or nil.
//
// Errors: invalid.
func CheckID(id string) error {
	bad := len(strings.ToLower(id)) > maxID || id == "." || id == ".." || strings.TrimSpace(id) != id
	for _, c := range id {
		bad = bad || c < ' ' || c == '/' || c == '\\' || c == 0x7f || c == '\uFFFD'
	}
	if bad {
		return pipeline.Errorf(pipeline.CodeInvalid, "The id %q cannot be stored: use at most %d characters without slashes, control characters or spaces around them, or leave it out for a new one.", truncate(id, 80), maxID)
	}
	return nil
}

func truncate(s string, n int) string {
	if len(s) > n {
		return s[:n] + "…"
	}
	return s
}

// HistoryLimit returns the number of versions to answer for a requested limit.
func HistoryLimit(limit int) int {
	switch {
	case limit <= 0:
		return DefaultHistory
	case limit > MaxHistory:
		return MaxHistory
	}
	return limit
}
