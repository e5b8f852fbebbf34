package s3archive

import (
	"cmp"
	"fmt"
	"net/url"
	"slices"
	"strconv"
	"strings"

	"github.com/gennaker/gennaker/executions"
	"github.com/gennaker/gennaker/pipeline"
)

// farFuture is subtracted from, so that key order is newest first. It is in the
// year 2286.
const farFuture = 9_999_999_999_999

// entry is one execution as an index lists it; it is the last part of the key.
type entry struct {
	build       pipeline.Millis
	id          string
	sequence    int64
	status      pipeline.Status
	kind        pipeline.ExecutionType
	application string // in lower case
}

func entryOf(r executions.Record) entry {
	e := r.Execution
	return entry{e.BuildTime, e.ID, r.Sequence, e.Status, e.Type, strings.ToLower(e.Application)}
}

func (e entry) String() string {
	return fmt.Sprintf("%s.%d.%s.%s.%s", e.stem(), e.sequence, escape(string(e.status)), escape(string(e.kind)), escape(e.application))
}

// stem is what all entries of one execution have in common.
func (e entry) stem() string { return inverted(e.build) + "." + escape(e.id) }

func inverted(at pipeline.Millis) string {
	return fmt.Sprintf("%013d", farFuture-min(max(int64(at), 0), farFuture))
}

func parseEntry(s string) (entry, bool) {
	parts := strings.Split(s, ".")
	if len(parts) != 6 {
		return entry{}, false
	}
	inv, err1 := strconv.ParseInt(parts[0], 10, 64)
	id, err2 := url.PathUnescape(parts[1])
	sequence, err3 := strconv.ParseInt(parts[2], 10, 64)
	status, err4 := url.PathUnescape(parts[3])
	kind, err5 := url.PathUnescape(parts[4])
	application, err6 := url.PathUnescape(parts[5])
	for _, err := range []error{err1, err2, err3, err4, err5, err6} {
		if err != nil {
			return entry{}, false
		}
	}
	return entry{pipeline.Millis(farFuture - inv), id, sequence, pipeline.Status(status), pipeline.ExecutionType(kind), application}, true
}

// compareEntries is [executions.Compare].
func compareEntries(a, b entry) int {
	if c := cmp.Compare(b.build, a.build); c != 0 {
		return c
	}
	return cmp.Compare(a.id, b.id)
}

func (e entry) matches(q executions.Query) bool {
	return (len(q.Statuses) == 0 || slices.Contains(q.Statuses, e.status)) && (q.Type == "" || q.Type == e.kind) &&
		(q.Application == "" || executions.SameApplication(q.Application, e.application))
}

func bodyKey(id string) string { return Prefix + "by-id/" + escape(id) + "/execution.json" }

const allIndex = Prefix + "index/all/"

func applicationIndex(application string) string {
	return Prefix + "index/application/" + escape(strings.ToLower(application)) + "/"
}

func groupIndex(group string) string { return Prefix + "index/group/" + escape(group) + "/" }

// groupsOf lists the groups of an application as empty objects, or with "" of
// all applications.
func groupsOf(application string) string {
	if application == "" {
		return Prefix + "index/groups/"
	}
	return Prefix + "index/groups/" + escape(strings.ToLower(application)) + "/"
}

// places are the indexes that list an execution.
func places(application, group string) []string {
	return []string{allIndex, applicationIndex(application), groupIndex(group)}
}

// escape makes any text one part of a key.
func escape(s string) string { return strings.ReplaceAll(url.PathEscape(s), ".", "%2E") }
