// Package s3audit keeps the audit log in an S3 bucket: objects of JSON lines, a
// few seconds of one process each, under audit/YYYY/MM/DD/HH/.
package s3audit

import (
	"bufio"
	"bytes"
	"cmp"
	"context"
	"encoding/json"
	"fmt"
	"log/slog"
	"slices"
	"strings"
	"sync"
	"time"

	"github.com/google/uuid"
	"github.com/minio/minio-go/v7"
	"golang.org/x/sync/errgroup"

	"github.com/gennaker/gennaker/fiat"
	"github.com/gennaker/gennaker/pipeline"
)

const (
	// root is the folder of the bucket, hourly the form of the folders below it.
	root   = "audit/"
	hourly = "2006/01/02/15/"
	daily  = "2006/01/02/"
	// flushEvery is how long an event may wait to be stored, maxBuffered how many
	// events wait while the store does not answer; the oldest then go.
	flushEvery  = 2 * time.Second
	maxBuffered = 100_000
	// callTimeout bounds one call of the object store.
	callTimeout = 15 * time.Second
	// reads is how many objects are read at once.
	reads = 16
	// DefaultLimit and MaxLimit bound the events of one answer.
	DefaultLimit, MaxLimit = 100, 1000
	// reach is how far back a query without a beginning looks.
	reach = 31 * 24 * time.Hour
	// sweepEvery is how often what is too old is deleted.
	sweepEvery = time.Hour
)

// Config says how long the audit log is kept.
type Config struct {
	// Retention is how long events are kept; 0 is for ever.
	Retention time.Duration `name:"retention" default:"2160h" help:"How long the audit log is kept in the bucket; 0 keeps it for ever."`
}

// Log is a fiat.Audit. It is safe for concurrent use.
type Log struct {
	client *minio.Client
	bucket string
	keep   time.Duration
	log    *slog.Logger
	now    func() time.Time

	mu     sync.Mutex
	events []fiat.Event
	// storing are events on their way.
	storing []fiat.Event
	failing bool
}

var _ fiat.Audit = (*Log)(nil)

// New returns a log over a bucket; [Log.Run] stores what it is given. A nil clock
// is the real time.
func New(client *minio.Client, bucket string, c Config, log *slog.Logger, now func() time.Time) *Log {
	if now == nil {
		now = time.Now
	}
	return &Log{client: client, bucket: bucket, keep: c.Retention, log: log, now: now}
}

// Record implements fiat.Audit.
func (l *Log) Record(e fiat.Event) {
	l.mu.Lock()
	defer l.mu.Unlock()
	if len(l.events) == maxBuffered {
		l.events = l.events[1:]
	}
	l.events = append(l.events, e)
}

// Run stores events until ctx ends, and then what is left.
func (l *Log) Run(ctx context.Context) {
	ticker := time.NewTicker(flushEvery)
	defer ticker.Stop()
	var swept time.Time
	for {
		select {
		case <-ctx.Done():
			l.flush(context.WithoutCancel(ctx))
			return
		case <-ticker.C:
		}
		l.flush(ctx)
		if l.keep > 0 && l.now().Sub(swept) >= sweepEvery {
			swept = l.now()
			if err := l.Sweep(ctx); err != nil && ctx.Err() == nil {
				l.log.Warn("old parts of the audit log could not be deleted", "bucket", l.bucket, "error", err)
			}
		}
	}
}

// flush stores what there is. What could not be stored waits for the next time.
func (l *Log) flush(ctx context.Context) {
	l.mu.Lock()
	l.storing, l.events = l.events, nil
	storing := l.storing
	l.mu.Unlock()
	if len(storing) == 0 {
		return
	}
	err := l.store(ctx, storing)
	l.mu.Lock()
	defer l.mu.Unlock()
	l.storing = nil
	if err != nil {
		l.events = append(storing, l.events...)
		l.events = l.events[max(0, len(l.events)-maxBuffered):]
		if !l.failing {
			l.log.Warn("the audit log cannot be stored and waits in memory", "bucket", l.bucket, "events", len(l.events), "error", err)
		}
	}
	l.failing = err != nil
}

// store writes an object for each hour.
func (l *Log) store(ctx context.Context, events []fiat.Event) error {
	byHour := map[string]*bytes.Buffer{}
	for _, e := range events {
		folder := e.Time.Time().UTC().Format(hourly)
		if byHour[folder] == nil {
			byHour[folder] = &bytes.Buffer{}
		}
		line, err := json.Marshal(e)
		if err != nil {
			return err
		}
		byHour[folder].Write(append(line, '\n'))
	}
	for folder, lines := range byHour {
		key := fmt.Sprintf("%s%s%013d-%s.jsonl", root, folder, l.now().UnixMilli(), uuid.NewString())
		call, cancel := context.WithTimeout(ctx, callTimeout)
		_, err := l.client.PutObject(call, l.bucket, key, lines, int64(lines.Len()), minio.PutObjectOptions{ContentType: "application/x-ndjson"})
		cancel()
		if err != nil {
			return err
		}
	}
	return nil
}

// Events implements fiat.Audit.
func (l *Log) Events(ctx context.Context, q fiat.AuditQuery) ([]fiat.Event, error) {
	if q.Limit <= 0 {
		q.Limit = DefaultLimit
	}
	q.Limit = min(q.Limit, MaxLimit)
	to := l.now()
	if q.To > 0 && q.To.Time().Before(to) {
		to = q.To.Time()
	}
	from := to.Add(-reach)
	if q.From > 0 && q.From.Time().After(from) {
		from = q.From.Time()
	}
	out := l.waiting(q)
	for day := to.UTC().Truncate(24 * time.Hour); !day.Before(from.UTC().Truncate(24*time.Hour)) && len(out) < q.Limit; day = day.Add(-24 * time.Hour) {
		hours, err := l.hours(ctx, day)
		if err != nil {
			return nil, err
		}
		for _, hour := range hours {
			if len(out) >= q.Limit {
				break
			}
			if hour > root+to.UTC().Format(hourly) || hour < root+from.UTC().Format(hourly) {
				continue
			}
			found, err := l.hour(ctx, hour, q)
			if err != nil {
				return nil, err
			}
			out = append(out, found...)
		}
	}
	slices.SortStableFunc(out, func(a, b fiat.Event) int { return cmp.Compare(b.Time, a.Time) })
	return out[:min(len(out), q.Limit)], nil
}

// waiting are selected events that are not stored yet.
func (l *Log) waiting(q fiat.AuditQuery) []fiat.Event {
	l.mu.Lock()
	defer l.mu.Unlock()
	out := []fiat.Event{}
	for _, e := range slices.Concat(l.storing, l.events) {
		if q.Matches(e) {
			out = append(out, e)
		}
	}
	return out
}

// hours lists the folders of a day's hours, the latest first.
func (l *Log) hours(ctx context.Context, day time.Time) ([]string, error) {
	var out []string
	for o := range l.client.ListObjects(ctx, l.bucket, minio.ListObjectsOptions{Prefix: root + day.Format(daily)}) {
		if o.Err != nil {
			return nil, l.unavailable(o.Err)
		}
		out = append(out, o.Key)
	}
	slices.Sort(out)
	slices.Reverse(out)
	return out, nil
}

// hour reads what a query selects of an hour.
func (l *Log) hour(ctx context.Context, folder string, q fiat.AuditQuery) ([]fiat.Event, error) {
	var keys []string
	for o := range l.client.ListObjects(ctx, l.bucket, minio.ListObjectsOptions{Prefix: folder, Recursive: true}) {
		if o.Err != nil {
			return nil, l.unavailable(o.Err)
		}
		if strings.HasSuffix(o.Key, ".jsonl") {
			keys = append(keys, o.Key)
		}
	}
	var mu sync.Mutex
	var out []fiat.Event
	group, ctx := errgroup.WithContext(ctx)
	group.SetLimit(reads)
	for _, key := range keys {
		group.Go(func() error {
			found, err := l.read(ctx, key, q)
			mu.Lock()
			defer mu.Unlock()
			out = append(out, found...)
			return err
		})
	}
	return out, group.Wait()
}

func (l *Log) read(ctx context.Context, key string, q fiat.AuditQuery) ([]fiat.Event, error) {
	object, err := l.client.GetObject(ctx, l.bucket, key, minio.GetObjectOptions{})
	if err != nil {
		return nil, l.unavailable(err)
	}
	defer func() { _ = object.Close() }() // read only
	var out []fiat.Event
	lines := bufio.NewScanner(object)
	lines.Buffer(nil, 1<<20)
	for lines.Scan() {
		var e fiat.Event
		if json.Unmarshal(lines.Bytes(), &e) == nil && q.Matches(e) { // a line that somebody else wrote is none
			out = append(out, e)
		}
	}
	if err := lines.Err(); err != nil {
		if minio.ToErrorResponse(err).Code == minio.NoSuchKey {
			return nil, nil // too old, and deleted meanwhile
		}
		return nil, l.unavailable(err)
	}
	return out, nil
}

// Sweep deletes what is older than the retention. Errors: unavailable.
func (l *Log) Sweep(ctx context.Context) error {
	limit := root + l.now().Add(-l.keep).UTC().Format(hourly)
	ctx, cancel := context.WithCancel(ctx) // ends the listing that is left half read
	defer cancel()
	old := make(chan minio.ObjectInfo)
	listed := make(chan error, 1)
	go func() {
		defer close(old)
		for o := range l.client.ListObjects(ctx, l.bucket, minio.ListObjectsOptions{Prefix: root, Recursive: true}) {
			if o.Err != nil {
				listed <- o.Err
				return
			}
			if o.Key >= limit { // keys are sorted by time
				break
			}
			old <- o
		}
		listed <- nil
	}()
	var first error
	for failed := range l.client.RemoveObjects(ctx, l.bucket, old, minio.RemoveObjectsOptions{}) {
		first = cmp.Or(first, failed.Err)
	}
	if err := <-listed; err != nil {
		return l.unavailable(err)
	}
	if first != nil {
		return l.unavailable(first)
	}
	return nil
}

func (l *Log) unavailable(err error) error {
	return pipeline.Wrap(pipeline.CodeUnavailable, err, "The audit log cannot be read from the bucket %s: %s.", l.bucket, err)
}
