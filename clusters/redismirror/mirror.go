// Package redismirror keeps the mirror of clusters in Redis. All of it may be
// lost at any moment: the leader of an account notices and writes it again.
//
// All keys begin with "gennaker:clusters:" and expire when nobody keeps them.
//
//	wanted:<account>             somebody asks about the account
//	leader:<account>             the worker that watches it; a lease
//	generation:<account>         the watch whose records are here, whole
//	status:<account>             [clusters.Status], packed
//	index:<account>              [clusters.Index], packed
//	slice:<account>:<app>        the generation, a line feed, [clusters.Slice] packed
//	apps:<account>:<generation>  set of the applications that have a slice, and ""
//	entries:<account>:<generation>
//	                             hash: kind, namespace and name to the kind as it is spelt,
//	                             application and cluster; and "" to ""
//
// A Redis that is short of memory may drop single keys. What has a member or a
// field "" is there as it was written; where that is missing readers ask the
// owner.
package redismirror

import (
	"context"
	"encoding/json"
	"fmt"
	"strings"
	"time"

	"github.com/redis/go-redis/v9"

	"github.com/gennaker/gennaker/clusters"
	"github.com/gennaker/gennaker/internal/packed"
	"github.com/gennaker/gennaker/pipeline"
)

const (
	prefix = "gennaker:clusters:"
	// keep is how long keys live without a leader that writes them; it is longer
	// than a leader's pause between writing everything.
	keep = 90 * time.Minute
	// maxDocument bounds the JSON of one document.
	maxDocument = 256 << 20
)

// Conn is the way to Redis.
type Conn interface {
	// Do runs one exchange; redis.Nil or unavailable.
	Do(ctx context.Context, fn func(context.Context, redis.UniversalClient) error) error
}

// Mirror is the mirror in one Redis. It is safe for concurrent use.
type Mirror struct {
	conn    Conn
	decoded decoded
}

var (
	_ clusters.Mirror       = (*Mirror)(nil)
	_ clusters.MirrorWriter = (*Mirror)(nil)
)

// New returns the mirror over a connection, which the caller closes.
func New(c Conn) *Mirror { return &Mirror{conn: c} }

// Want implements [clusters.Mirror].
func (m *Mirror) Want(ctx context.Context, accounts []string) error {
	return m.conn.Do(ctx, func(ctx context.Context, c redis.UniversalClient) error {
		_, err := c.Pipelined(ctx, func(p redis.Pipeliner) error {
			for _, a := range accounts {
				p.Set(ctx, prefix+"wanted:"+a, "1", clusters.WantedFor)
			}
			return nil
		})
		return err
	})
}

// many reads several keys; absent ones are empty.
func (m *Mirror) many(ctx context.Context, keys []string) ([]string, error) {
	out := make([]string, len(keys))
	if len(keys) == 0 {
		return out, nil
	}
	err := m.conn.Do(ctx, func(ctx context.Context, c redis.UniversalClient) error {
		values, err := c.MGet(ctx, keys...).Result()
		if err != nil {
			return err
		}
		for i, v := range values {
			out[i], _ = v.(string)
		}
		return nil
	})
	return out, err
}

func keysOf(kind string, accounts []string) []string {
	keys := make([]string, len(accounts))
	for i, a := range accounts {
		keys[i] = prefix + kind + ":" + a
	}
	return keys
}

// Statuses implements [clusters.Mirror].
func (m *Mirror) Statuses(ctx context.Context, accounts []string) (map[string]clusters.Status, error) {
	values, err := m.many(ctx, statusKeys(accounts))
	if err != nil {
		return nil, err
	}
	return statuses(accounts, values), nil
}

// statusKeys are the keys of what tells how accounts are watched, two for each.
func statusKeys(accounts []string) []string {
	return append(keysOf("status", accounts), keysOf("leader", accounts)...)
}

// statuses decodes those that can be read; a damaged one counts as none.
func statuses(accounts, values []string) map[string]clusters.Status {
	out := map[string]clusters.Status{}
	for i, a := range accounts {
		var s clusters.Status
		if values[i] != "" && decode(values[i], &s) == nil {
			s.Held = s.Leader != "" && s.Leader == values[len(accounts)+i]
			out[a] = s
		}
	}
	return out
}

// Slices implements [clusters.Mirror].
func (m *Mirror) Slices(ctx context.Context, app string, accounts []string) (map[string]clusters.Slice, map[string]clusters.Status, error) {
	keys := statusKeys(accounts)
	for _, a := range accounts {
		keys = append(keys, sliceKey(a, app))
	}
	values, err := m.many(ctx, keys)
	if err != nil {
		return nil, nil, err
	}
	known := statuses(accounts, values)
	out := map[string]clusters.Slice{}
	var absent []string
	for i, a := range accounts {
		generation, document, found := strings.Cut(values[2*len(accounts)+i], "\n")
		if !found {
			if _, watched := known[a]; watched {
				absent = append(absent, a)
			}
			continue
		}
		if generation != known[a].Generation {
			delete(known, a) // a leader is writing everything, or has not yet
			continue
		}
		s, err := m.decoded.slice(sliceKey(a, app), document)
		if err != nil {
			delete(known, a) // the owner has it whole
			continue
		}
		out[a] = s
	}
	return out, known, m.confirm(ctx, app, absent, known)
}

// confirm takes those accounts out of known that should have a slice of the
// application, or of which it cannot be told.
func (m *Mirror) confirm(ctx context.Context, app string, absent []string, known map[string]clusters.Status) error {
	if len(absent) == 0 {
		return nil
	}
	return m.conn.Do(ctx, func(ctx context.Context, c redis.UniversalClient) error {
		whole, has := make([]*redis.BoolCmd, len(absent)), make([]*redis.BoolCmd, len(absent))
		_, err := c.Pipelined(ctx, func(p redis.Pipeliner) error {
			for i, a := range absent {
				key := prefix + appsKey(a, known[a].Generation)
				whole[i], has[i] = p.SIsMember(ctx, key, ""), p.SIsMember(ctx, key, strings.ToLower(app))
			}
			return nil
		})
		if err != nil {
			return err
		}
		for i, a := range absent {
			if !whole[i].Val() || has[i].Val() {
				delete(known, a)
			}
		}
		return nil
	})
}

func appsKey(account, generation string) string { return "apps:" + account + ":" + generation }

func sliceKey(account, app string) string {
	return prefix + "slice:" + account + ":" + strings.ToLower(app)
}

// Indexes implements [clusters.Mirror].
func (m *Mirror) Indexes(ctx context.Context, accounts []string) (map[string]clusters.Index, map[string]clusters.Status, error) {
	values, err := m.many(ctx, append(statusKeys(accounts), keysOf("index", accounts)...))
	if err != nil {
		return nil, nil, err
	}
	known := statuses(accounts, values)
	out := map[string]clusters.Index{}
	for i, a := range accounts {
		var index clusters.Index
		if decode(values[2*len(accounts)+i], &index) != nil {
			delete(known, a)
			continue
		}
		out[a] = index
	}
	return out, known, nil
}

// Find implements [clusters.Mirror].
func (m *Mirror) Find(ctx context.Context, account, namespace, fullName string) (string, bool, error) {
	k, ok := clusters.ParseName(namespace, fullName)
	if !ok {
		return "", false, nil
	}
	known, err := m.Statuses(ctx, []string{account})
	if err != nil {
		return "", false, err
	}
	var values []any
	err = m.conn.Do(ctx, func(ctx context.Context, c redis.UniversalClient) (err error) {
		values, err = c.HMGet(ctx, entriesKey(account, known[account].Generation), "", field(k.Kind, namespace, k.Name)).Result()
		return err
	})
	if err != nil {
		return "", false, err
	}
	if len(values) != 2 || values[0] == nil {
		return "", false, errLost
	}
	value, found := values[1].(string)
	_, rest, _ := strings.Cut(value, "\t")
	app, _, _ := strings.Cut(rest, "\t")
	return app, found, nil
}

// errLost says that a part of the mirror is gone.
var errLost = pipeline.Errorf(pipeline.CodeUnavailable, "A part of the mirror is lost.")

func entriesKey(account, generation string) string {
	return prefix + "entries:" + account + ":" + generation
}

// field is an object's place in the entries; the kind is in lower case.
func field(kind, namespace, name string) string {
	return strings.ToLower(kind) + "\t" + namespace + "\t" + name
}

// value is what stands there: the kind as it is spelt, application and cluster.
func value(e clusters.Entry) string { return e.Kind + "\t" + e.Application + "\t" + e.Cluster }

// scanned is how many entries one exchange of a search looks at.
const scanned = 2000

// Search implements [clusters.Mirror]. It goes through the entries piece by
// piece, so that Redis serves others meanwhile.
func (m *Mirror) Search(ctx context.Context, account, query string, limit int) ([]clusters.Entry, error) {
	query = strings.ToLower(query)
	known, err := m.Statuses(ctx, []string{account})
	if err != nil {
		return nil, err
	}
	key := entriesKey(account, known[account].Generation)
	seen := map[string]bool{}
	out := []clusters.Entry{}
	whole := false
	var cursor uint64
	for {
		var page []string
		err := m.conn.Do(ctx, func(ctx context.Context, c redis.UniversalClient) (err error) {
			page, cursor, err = c.HScan(ctx, key, cursor, "", scanned).Result()
			return err
		})
		if err != nil {
			return nil, err
		}
		for i := 0; i+1 < len(page); i += 2 {
			whole = whole || page[i] == ""
			e, ok := entry(page[i], page[i+1])
			if ok && !seen[page[i]] && len(out) < limit && e.Matches(account, query) {
				seen[page[i]] = true
				out = append(out, e)
			}
		}
		if cursor == 0 || len(out) >= limit {
			if !whole && cursor == 0 {
				return nil, errLost
			}
			clusters.SortEntries(out)
			return out, nil
		}
	}
}

func entry(field, value string) (clusters.Entry, bool) {
	f, v := strings.Split(field, "\t"), strings.Split(value, "\t")
	if len(f) != 3 || len(v) != 3 {
		return clusters.Entry{}, false
	}
	return clusters.Entry{Kind: v[0], Namespace: f[1], Name: f[2], Application: v[1], Cluster: v[2]}, true
}

func encode(v any) (string, error) {
	b, err := packed.Pack(v)
	if err != nil {
		return "", pipeline.Wrap(pipeline.CodeInternal, err, "A part of the mirror cannot be encoded.")
	}
	return string(b), nil
}

func decode(p string, into any) error {
	b, err := packed.Unpack(p, maxDocument)
	if err != nil {
		return err
	}
	if err := json.Unmarshal(b, into); err != nil {
		return fmt.Errorf("decode a part of the mirror: %w", err)
	}
	return nil
}
