package gate

import (
	"encoding/base64"
	"math"
	"net/http"
	"slices"
	"strconv"
	"strings"

	"golang.org/x/sync/errgroup"

	"github.com/gennaker/gennaker/executions"
	"github.com/gennaker/gennaker/pipeline"
)

const (
	// anyApplication and anyTrigger are the words for all of them.
	anyApplication, anyTrigger = "*", "*"
	// maxSearched bounds the executions that a search looks at. It asks for them in
	// rounds, each for some times as many as the one before: most searches find
	// enough among the newest, and the others soon look at as many as a list holds.
	maxSearched      = 10 * executions.MaxResults
	firstSearched    = 250
	searchedEachTime = 4
	// firstOfAll is firstSearched for all applications, which the archive is asked
	// about too: it is what one page of the archive's index tells.
	firstOfAll = 999
	// maxSearchSize bounds a page of a search.
	maxSearchSize = 1000
)

// execSearch is what a search asks for (reference: orca section 7).
type execSearch struct {
	query        executions.Query
	configs      map[string]bool
	triggerTypes []string
	eventID      string
	trigger      *triggerSubset
	start, size  int
	reverse      bool
	expand       bool
	// may tells which applications the caller may read.
	may func(application string) bool
}

// searchExecutions answers a page of the executions that a search finds, newest
// first.
func searchExecutions(r *request) error {
	s, err := r.readSearch()
	if err != nil {
		return err
	}
	if s.configs, err = r.searchedConfigs(); err != nil {
		return err
	}
	if s.may, err = r.applicationsToRead(); err != nil {
		return err
	}
	if len(s.configs) == 0 {
		return emptyList(r)
	}
	found, err := r.search(s)
	if err != nil {
		return err
	}
	if s.reverse {
		slices.Reverse(found)
	}
	page := found[min(s.start, len(found)):]
	page = page[:min(s.size, len(page))]
	if s.expand {
		if err := r.expand(page); err != nil {
			return err
		}
	}
	return r.answer(http.StatusOK, page)
}

// readSearch reads the query; a bound that cannot be is refused with Orca's words.
func (r *request) readSearch() (execSearch, error) {
	s := execSearch{query: executions.Query{Type: pipeline.TypePipeline, Summary: true}, eventID: r.query.Get("eventId")}
	from, err := moment(r, "triggerTimeStartBoundary", 0)
	if err != nil {
		return s, err
	}
	to, err := moment(r, "triggerTimeEndBoundary", math.MaxInt64)
	if err != nil {
		return s, err
	}
	if from > to {
		return s, pipeline.Errorf(pipeline.CodeInvalid, "triggerTimeStartBoundary must be <= triggerTimeEndBoundary: triggerTimeStartBoundary=%d, triggerTimeEndBoundary=%d", from, to)
	}
	s.query.From = pipeline.Millis(from)
	if to < math.MaxInt64 {
		s.query.To = pipeline.Millis(max(to, 1)) // 0 would be no bound
	}
	if s.start, err = integer(r.query, "startIndex", 0); err != nil {
		return s, err
	}
	if s.size, err = integer(r.query, "size", 10); err != nil {
		return s, err
	}
	if s.size == 0 || s.size > maxSearchSize {
		return s, pipeline.Errorf(pipeline.CodeInvalid, "size must be > 0: size=%d. Use at most %d.", s.size, maxSearchSize)
	}
	if s.query.Statuses, err = statuses(r.query, "statuses"); err != nil {
		return s, err
	}
	if s.reverse, err = boolean(r.query, "reverse", false); err != nil {
		return s, err
	}
	if s.expand, err = boolean(r.query, "expand", false); err != nil {
		return s, err
	}
	if types := list(r.query, "triggerTypes"); !slices.Equal(types, []string{anyTrigger}) {
		s.triggerTypes = types
	}
	if application := r.param("application"); application != anyApplication {
		s.query.Application = application
	}
	s.trigger, err = readTriggerSubset(r.query.Get("trigger"))
	return s, err
}

// moment reads a query parameter in milliseconds since 1970.
func moment(r *request, name string, def int64) (int64, error) {
	v := strings.TrimSpace(r.query.Get(name))
	if v == "" {
		return def, nil
	}
	n, err := strconv.ParseInt(v, 10, 64)
	if err != nil || n < 0 {
		return 0, pipeline.Errorf(pipeline.CodeInvalid, "%s must be >= 0: %s=%s", name, name, v)
	}
	return n, nil
}

// searchedConfigs are the IDs of the stored pipelines whose executions are looked
// at: those of the application, or of all, and with pipelineName only that one.
func (r *request) searchedConfigs() (map[string]bool, error) {
	application, name := r.param("application"), r.query.Get("pipelineName")
	if application == anyApplication {
		application = ""
	}
	all, err := r.server.configs(r.ctx(), application)
	if err != nil {
		return nil, err
	}
	out := map[string]bool{}
	for _, p := range all {
		if name == "" || p.Name() == name {
			out[p.ID()] = true
		}
	}
	return out, nil
}

// search returns the executions that match, newest first: all of them for a
// search that begins with the oldest, else enough for the page.
func (r *request) search(s execSearch) ([]*pipeline.Execution, error) {
	q := s.query
	// Of all applications the pipelines are told apart afterwards: a query that
	// names them would look for the home of each.
	if q.Application != "" && len(s.configs) <= maxIDs {
		for id := range s.configs {
			q.PipelineConfigIDs = append(q.PipelineConfigIDs, id)
		}
		slices.Sort(q.PipelineConfigIDs)
	}
	out := []*pipeline.Execution{}
	seen := map[string]bool{}
	first := firstSearched
	if q.Application == "" {
		first = firstOfAll
	}
	q.Limit = min(max(first, s.start+s.size), executions.MaxResults)
	if s.reverse {
		q.Limit = executions.MaxResults
	}
	for looked := 0; looked < maxSearched; looked += q.Limit {
		if looked > 0 {
			q.Limit = min(q.Limit*searchedEachTime, executions.MaxResults)
		}
		found, err := r.server.executions.List(r.ctx(), q)
		if err != nil {
			return nil, err
		}
		for _, e := range found {
			if err := r.ctx().Err(); err != nil {
				return nil, err
			}
			if !seen[e.ID] && s.matches(e) {
				out = append(out, e)
			}
			seen[e.ID] = true
		}
		if len(found) < q.Limit || !s.reverse && len(out) >= s.start+s.size {
			break
		}
		oldest := found[len(found)-1].BuildTime
		if oldest == q.To && q.Limit == executions.MaxResults {
			break // more of one moment than a list holds
		}
		q.To = oldest
	}
	return out, nil
}

func (s execSearch) matches(e *pipeline.Execution) bool {
	return s.configs[e.PipelineConfigID] && s.may(e.Application) &&
		(len(s.triggerTypes) == 0 || slices.Contains(s.triggerTypes, e.Trigger.Type)) &&
		(s.eventID == "" || e.Trigger.Other["eventId"] == s.eventID) &&
		s.trigger.matches(e.Trigger)
}

// expand replaces the short forms in a page by whole executions; one that was
// deleted meanwhile stays short.
func (r *request) expand(page []*pipeline.Execution) error {
	group, ctx := errgroup.WithContext(r.ctx())
	group.SetLimit(loads)
	for i, e := range page {
		group.Go(func() error {
			record, err := r.server.executions.Get(ctx, e.ID)
			switch {
			case err == nil:
				page[i] = record.Execution
			case pipeline.CodeOf(err) != pipeline.CodeNotFound:
				return err
			}
			return nil
		})
	}
	return group.Wait()
}

// readTriggerSubset reads the query parameter trigger: JSON in base64. An absent
// one matches every trigger.
func readTriggerSubset(encoded string) (*triggerSubset, error) {
	if encoded == "" {
		return &triggerSubset{}, nil
	}
	// A plus sign in a query that was not escaped arrives as a space.
	raw, err := base64.StdEncoding.DecodeString(strings.ReplaceAll(strings.TrimSpace(encoded), " ", "+"))
	if err != nil {
		return nil, pipeline.Errorf(pipeline.CodeInvalid, "Failed to parse encoded trigger: the query parameter trigger is not base64.")
	}
	v, err := pipeline.DecodeValue(raw)
	subset := pipeline.AsMap(v)
	if err != nil || subset == nil {
		return nil, pipeline.Errorf(pipeline.CodeInvalid, "Failed to parse encoded trigger: the query parameter trigger holds no JSON object.")
	}
	return newTriggerSubset(subset)
}
