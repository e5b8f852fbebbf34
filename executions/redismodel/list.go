package redismodel

import (
	"context"
	"slices"
	"strconv"
	"strings"

	"github.com/redis/go-redis/v9"

	"github.com/gennaker/gennaker/executions"
	"github.com/gennaker/gennaker/pipeline"
)

// Sizes of pipelined exchanges, so that each stays well within the timeout.
const (
	indexesAtOnce   = 500
	summariesAtOnce = 250
	recordsAtOnce   = 50
)

// List implements [executions.ReadModel]. It costs one exchange for the
// groups where configurations are counted, one for the indexes and one for
// every 250 summaries or 50 full records, however many there are to choose
// from.
func (m *Model) List(ctx context.Context, q executions.Query) ([]executions.Record, error) {
	indexes, err := m.indexes(ctx, q)
	if err != nil {
		return nil, err
	}
	ids, err := m.pick(ctx, q, indexes)
	if err != nil {
		return nil, err
	}
	records, err := m.fetch(ctx, ids, q.Summary)
	if err != nil {
		return nil, err
	}
	q.Summary = false // they are in the form asked for
	return q.Apply(records), nil
}

// indexes returns the sorted sets that hold what q selects, those of one group
// (or of no group) together.
func (m *Model) indexes(ctx context.Context, q executions.Query) ([][]string, error) {
	types := []pipeline.ExecutionType{pipeline.TypePipeline, pipeline.TypeOrchestration}
	if q.Type != "" {
		types = []pipeline.ExecutionType{q.Type}
	}
	// A pipeline that was moved has executions in two applications.
	place := "index:group:"
	if q.Application != "" {
		place = "index:both:" + strings.ToLower(q.Application) + ":"
	}
	var sets []string
	switch {
	case len(q.PipelineConfigIDs) > 0:
		for _, id := range q.PipelineConfigIDs {
			for _, t := range types {
				sets = append(sets, place+executions.Group(t, id, q.Application))
			}
		}
	case q.LimitPerConfig > 0:
		groups, err := m.groups(ctx, q.Application)
		if err != nil {
			return nil, err
		}
		for _, g := range groups {
			if kind, _, _ := strings.Cut(g, ":"); slices.Contains(types, pipeline.ExecutionType(kind)) {
				sets = append(sets, place+g)
			}
		}
	default:
		place = "index:all:"
		if q.Application != "" {
			place = "index:app:" + strings.ToLower(q.Application) + ":"
		}
		for _, t := range types {
			sets = append(sets, place+string(t))
		}
	}
	slices.Sort(sets)
	var out [][]string
	for _, set := range slices.Compact(sets) {
		if len(q.Statuses) == 0 {
			out = append(out, []string{prefix + set})
			continue
		}
		var byStatus []string
		for _, s := range q.Statuses {
			byStatus = append(byStatus, prefix+set+"|"+string(s))
		}
		out = append(out, byStatus)
	}
	return out, nil
}

func (m *Model) groups(ctx context.Context, application string) (groups []string, err error) {
	err = m.breaker.do(ctx, func(ctx context.Context) (err error) {
		key := prefix + "groups"
		if application != "" {
			key += ":" + strings.ToLower(application)
		}
		groups, err = m.client.SMembers(ctx, key).Result()
		return err
	})
	return groups, err
}

// pick reads the indexes and returns the IDs to fetch.
func (m *Model) pick(ctx context.Context, q executions.Query, indexes [][]string) ([]string, error) {
	bounds := &redis.ZRangeBy{Min: "-inf", Max: "+inf", Count: int64(q.BoundPerConfig())}
	if q.To != 0 {
		bounds.Min = strconv.FormatInt(-int64(q.To), 10)
	}
	if q.From != 0 {
		bounds.Max = strconv.FormatInt(-int64(q.From), 10)
	}
	type read struct {
		group int
		key   string
	}
	var reads []read
	for group, keys := range indexes {
		for _, key := range keys {
			reads = append(reads, read{group, key})
		}
	}
	byGroup := make([][]redis.Z, len(indexes))
	for chunk := range slices.Chunk(reads, indexesAtOnce) {
		answers := make([]*redis.ZSliceCmd, len(chunk))
		err := m.breaker.do(ctx, func(ctx context.Context) error {
			_, err := m.client.Pipelined(ctx, func(p redis.Pipeliner) error {
				for i, r := range chunk {
					answers[i] = p.ZRangeByScoreWithScores(ctx, r.key, bounds)
				}
				return nil
			})
			return err
		})
		if err != nil {
			return nil, err
		}
		for i, r := range chunk {
			byGroup[r.group] = append(byGroup[r.group], answers[i].Val()...)
		}
	}
	var all []redis.Z
	for _, group := range byGroup {
		slices.SortFunc(group, newestFirst)
		all = append(all, group[:min(len(group), q.BoundPerConfig())]...)
	}
	slices.SortFunc(all, newestFirst)
	all = all[:min(len(all), q.Bound())]
	ids := make([]string, len(all))
	for i, z := range all {
		ids[i], _ = z.Member.(string)
	}
	return ids, nil
}

func newestFirst(a, b redis.Z) int {
	switch {
	case a.Score < b.Score:
		return -1
	case a.Score > b.Score:
		return 1
	}
	return strings.Compare(a.Member.(string), b.Member.(string))
}

// fetch reads records; those that are gone by now are left out.
func (m *Model) fetch(ctx context.Context, ids []string, summary bool) ([]executions.Record, error) {
	form, size, decode := "full", recordsAtOnce, m.decode
	if summary {
		form, size, decode = "summary", summariesAtOnce, m.decodeSummary
	}
	records := make([]executions.Record, 0, len(ids))
	for chunk := range slices.Chunk(ids, size) {
		answers := make([]*redis.SliceCmd, len(chunk))
		err := m.breaker.do(ctx, func(ctx context.Context) error {
			_, err := m.client.Pipelined(ctx, func(p redis.Pipeliner) error {
				for i, id := range chunk {
					answers[i] = p.HMGet(ctx, prefix+"x:"+id, recordFields(form)...)
				}
				return nil
			})
			return err
		})
		if err != nil {
			return nil, err
		}
		for i, id := range chunk {
			if r, ok := m.record(ctx, id, answers[i].Val(), decode); ok {
				records = append(records, r)
			}
		}
	}
	return records, nil
}
