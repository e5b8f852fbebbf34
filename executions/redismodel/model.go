// Package redismodel keeps the read model of executions in Redis, or in a
// Redis inside the process. Everything here may vanish at any moment; what has
// to come back comes from the owners ([executions.Service]).
//
// All keys begin with "gennaker:executions:".
//
//	x:<id>                        hash: the record; its full and its short form
//	                              are packed fields apart, so lists read only the
//	                              one and readers of the other pass it on
//	index:all:<TYPE>              sorted sets of IDs, newest first (the score is
//	index:app:<app>:<TYPE>        minus the build time); each also exists for
//	index:group:<group>           every status, with |<STATUS> appended
//	index:both:<app>:<group>
//	groups:<app>, groups          sets: the groups of one and of all applications
//	cover:<app>                   hash: complete, and what each group has let go
//	gone:<id>                     a deleted execution, refused for a day
//	log                           stream: names each change, see feed.go
//
// No key but that of a deleted execution expires, so that a Redis which evicts
// only expiring keys (or none) never loses half a record; what is old is let go
// together with its places in the indexes.
package redismodel

import (
	"context"
	"errors"
	"log/slog"
	"strconv"
	"strings"
	"sync"
	"time"

	"github.com/redis/go-redis/v9"

	"github.com/gennaker/gennaker/executions"
	"github.com/gennaker/gennaker/internal/packed"
	"github.com/gennaker/gennaker/pipeline"
)

const (
	prefix = "gennaker:executions:"
	// keepAlways is how many executions of a group stay whatever their age, so
	// that short lists of rarely run pipelines need no archive.
	keepAlways = 10
	// goneFor is how long a deleted execution is refused, in seconds.
	goneFor = 24 * 60 * 60
	// sweepEvery is how often what is old is let go everywhere.
	sweepEvery = time.Hour
)

var _ executions.ReadModel = (*Model)(nil)

// Model is the read model in one Redis. It is safe for concurrent use.
type Model struct {
	client    *redis.Client
	embedded  *Server
	breaker   *breaker
	codec     codec
	summaries summaries
	logger    *slog.Logger
	retention time.Duration
	cap       int
	feed      *feed
	life      context.Context // the model's own, which ends with Close
	stop      context.CancelFunc
	done      sync.WaitGroup
}

func open(client *redis.Client, embedded *Server, c Config, logger *slog.Logger) *Model {
	ctx, stop := context.WithCancel(context.Background()) //nolint:forbidigo // it ends with Close
	m := &Model{
		client: client, embedded: embedded, codec: newCodec(), logger: logger,
		breaker:   &breaker{client: client, timeout: c.Timeout, logger: logger, stop: make(chan struct{})},
		retention: c.Retention, cap: c.KeepPerPipeline, life: ctx, stop: stop,
	}
	m.feed = newFeed(m)
	m.done.Go(func() { m.sweepAlways(ctx) })
	return m
}

// Close ends the model and, when it is embedded, its Redis. Watches must have
// ended.
func (m *Model) Close() error {
	m.stop()
	m.breaker.close()
	err := m.client.Close() // which ends the read of the log, too
	m.done.Wait()
	if m.embedded != nil {
		m.embedded.Close()
	}
	return err
}

// Put implements [executions.ReadModel].
func (m *Model) Put(ctx context.Context, r executions.Record) (bool, error) {
	if away := m.breaker.isAway(); away != nil { // nothing is encoded for nobody
		return false, pipeline.Wrap(pipeline.CodeUnavailable, away, "Redis is away.")
	}
	e := r.Execution
	full, short, err := r.Packed()
	if err != nil {
		return false, err
	}
	ended := e.EndTime
	if ended == 0 {
		ended = r.PublishedAt
	}
	stored := 0
	err = m.breaker.do(ctx, func(ctx context.Context) error {
		stored, err = putScript.Run(ctx, m.client, nil,
			prefix, e.ID, r.Sequence, int64(r.PublishedAt), flag(r.Final),
			strings.ToLower(e.Application), string(e.Type), executions.GroupOf(e), string(e.Status),
			int64(e.BuildTime), int64(ended), full, short,
			m.cap, keepAlways, m.oldest(), e.Application,
		).Int()
		return err
	})
	return stored == 1, err
}

// Get implements [executions.ReadModel].
func (m *Model) Get(ctx context.Context, id string) (executions.Record, error) {
	values, err := m.fields(ctx, id, recordFields("full"))
	if err != nil {
		return executions.Record{}, err
	}
	r, ok := m.record(ctx, id, values, m.decode)
	if !ok {
		return executions.Record{}, missing(id)
	}
	return r, nil
}

// documentFields are the fields that [Model.Document] reads.
var documentFields = append(recordFields("full"), "type", "application", "status")

// Document implements [executions.ReadModel].
func (m *Model) Document(ctx context.Context, id string) (executions.Document, error) {
	values, err := m.fields(ctx, id, documentFields)
	if err != nil {
		return executions.Document{}, err
	}
	texts, r, ok := m.parse(ctx, id, values)
	if ok && !packed.Valid(texts[3]) {
		m.logger.ErrorContext(ctx, "a record in Redis cannot be read", "execution", id, "error", "it is no packed document")
		ok = false
	}
	if !ok {
		return executions.Document{}, missing(id)
	}
	return executions.Document{
		Record: r, ID: id, Type: pipeline.ExecutionType(texts[4]), Application: texts[5], Status: pipeline.Status(texts[6]), Packed: texts[3],
	}, nil
}

// fields reads fields of an execution's hash.
func (m *Model) fields(ctx context.Context, id string, names []string) (values []any, err error) {
	err = m.breaker.do(ctx, func(ctx context.Context) (err error) {
		values, err = m.client.HMGet(ctx, prefix+"x:"+id, names...).Result()
		return err
	})
	return values, err
}

func missing(id string) error {
	return pipeline.Errorf(pipeline.CodeNotFound, "The read model has no execution %s.", id)
}

// Delete implements [executions.ReadModel].
func (m *Model) Delete(ctx context.Context, id string) error {
	return m.breaker.do(ctx, func(ctx context.Context) error {
		return deleteScript.Run(ctx, m.client, nil, prefix, id, goneFor).Err()
	})
}

// Coverage implements [executions.ReadModel].
func (m *Model) Coverage(ctx context.Context, application string) (executions.Coverage, error) {
	var fields map[string]string
	err := m.breaker.do(ctx, func(ctx context.Context) (err error) {
		fields, err = m.client.HGetAll(ctx, prefix+"cover:"+strings.ToLower(application)).Result()
		return err
	})
	if err != nil {
		return executions.Coverage{}, err
	}
	c := executions.Coverage{Complete: fields["complete"] == "1", LetGo: map[string]pipeline.Millis{}}
	for field, value := range fields {
		group, ok := strings.CutPrefix(field, "g:")
		at, err := strconv.ParseInt(value, 10, 64)
		if ok && err == nil {
			c.LetGo[group] = pipeline.Millis(at)
		}
	}
	return c, nil
}

// Cover implements [executions.ReadModel]. Completeness is never taken back:
// only the loss of the store does that.
func (m *Model) Cover(ctx context.Context, application string, c executions.Coverage) error {
	if !c.Complete {
		return nil
	}
	args := []any{prefix, strings.ToLower(application)}
	for group, at := range c.LetGo {
		args = append(args, group, int64(at))
	}
	return m.breaker.do(ctx, func(ctx context.Context) error {
		return coverScript.Run(ctx, m.client, nil, args...).Err()
	})
}

// recordFields are the fields that [Model.record] reads; form is full or
// summary.
func recordFields(form string) []string { return []string{"seq", "at", "final", form} }

// record decodes the fields of a hash; false when there is none or it cannot be
// read, which counts as lost.
func (m *Model) record(ctx context.Context, id string, values []any, decode func(id, text string) (*pipeline.Execution, error)) (executions.Record, bool) {
	texts, r, ok := m.parse(ctx, id, values)
	if !ok {
		return executions.Record{}, false
	}
	e, err := decode(id, texts[3])
	if err != nil {
		m.logger.ErrorContext(ctx, "a record in Redis cannot be read", "execution", id, "error", err)
		return executions.Record{}, false
	}
	r.Execution = e
	return r, true
}

func (m *Model) decode(_, text string) (*pipeline.Execution, error) { return m.codec.decode(text) }

// decodeSummary is decode for short forms, which it remembers.
func (m *Model) decodeSummary(id, text string) (*pipeline.Execution, error) {
	if e := m.summaries.get(id, text); e != nil {
		return e, nil
	}
	e, err := m.codec.decode(text)
	if err == nil {
		m.summaries.put(id, text, e)
	}
	return e, err
}

// parse returns the fields of a hash as texts, and the record without its
// execution.
func (m *Model) parse(ctx context.Context, id string, values []any) ([]string, executions.Record, bool) {
	texts := make([]string, len(values))
	for i, v := range values {
		text, ok := v.(string)
		if !ok {
			return nil, executions.Record{}, false
		}
		texts[i] = text
	}
	seq, err1 := strconv.ParseInt(texts[0], 10, 64)
	at, err2 := strconv.ParseInt(texts[1], 10, 64)
	if err := errors.Join(err1, err2); err != nil {
		m.logger.ErrorContext(ctx, "a record in Redis cannot be read", "execution", id, "error", err)
		return nil, executions.Record{}, false
	}
	return texts, executions.Record{Sequence: seq, PublishedAt: pipeline.Millis(at), Final: texts[2] == "1"}, true
}

// oldest is the end time before which finished executions are let go.
func (m *Model) oldest() int64 { return time.Now().Add(-m.retention).UnixMilli() }

func flag(b bool) string {
	if b {
		return "1"
	}
	return "0"
}
