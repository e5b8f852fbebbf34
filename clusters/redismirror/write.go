package redismirror

import (
	"context"
	"errors"
	"maps"
	"slices"

	"github.com/redis/go-redis/v9"

	"github.com/gennaker/gennaker/clusters"
	"github.com/gennaker/gennaker/pipeline"
)

// turnScript gives leases out and takes them back. ARGV: prefix, worker, lease in
// milliseconds, 1 for accounts that are always wanted, accounts. It returns 1 or
// 0 for each account.
var turnScript = redis.NewScript(`
local prefix, worker, lease, always = ARGV[1], ARGV[2], ARGV[3], ARGV[4]
local held = {}
for i = 5, #ARGV do
  local account = ARGV[i]
  local leader = redis.call('GET', prefix .. 'leader:' .. account)
  local wanted = always == '1' or redis.call('EXISTS', prefix .. 'wanted:' .. account) == 1
  if wanted and (not leader or leader == worker) then
    redis.call('SET', prefix .. 'leader:' .. account, worker, 'PX', lease)
    held[#held + 1] = 1
  else
    if leader == worker then redis.call('DEL', prefix .. 'leader:' .. account) end
    held[#held + 1] = 0
  end
end
return held
`)

// Turn implements [clusters.MirrorWriter].
func (m *Mirror) Turn(ctx context.Context, worker string, accounts []string, always bool) (map[string]bool, error) {
	held := map[string]bool{}
	if len(accounts) == 0 {
		return held, nil
	}
	args := []any{prefix, worker, clusters.Lease.Milliseconds(), 0}
	if always {
		args[3] = 1
	}
	for _, a := range accounts {
		args = append(args, a)
	}
	err := m.conn.Do(ctx, func(ctx context.Context, c redis.UniversalClient) error {
		answers, err := turnScript.Run(ctx, c, nil, args...).Int64Slice()
		for i, answer := range answers {
			held[accounts[i]] = answer == 1
		}
		return err
	})
	return held, err
}

// releaseScript gives leases back. ARGV: prefix, worker, accounts.
var releaseScript = redis.NewScript(`
for i = 3, #ARGV do
  local key = ARGV[1] .. 'leader:' .. ARGV[i]
  if redis.call('GET', key) == ARGV[2] then redis.call('DEL', key) end
end
return 0
`)

// Release implements [clusters.MirrorWriter].
func (m *Mirror) Release(ctx context.Context, worker string, accounts []string) error {
	args := []any{prefix, worker}
	for _, a := range accounts {
		args = append(args, a)
	}
	return m.conn.Do(ctx, func(ctx context.Context, c redis.UniversalClient) error {
		return releaseScript.Run(ctx, c, nil, args...).Err()
	})
}

// writeScript writes for who holds the lease. ARGV: prefix, account, worker,
// generation, 1 when everything is written, seconds to keep, then operations:
// "set" key value, "del" key, "hset" key field value, "hdel" key field, "sadd"
// and "srem" key member, "keep" key. It returns 0; 1 when the mirror holds another generation, and nothing was written;
// -1 without the lease.
var writeScript = redis.NewScript(`
local prefix, account, worker, generation, whole, keep = ARGV[1], ARGV[2], ARGV[3], ARGV[4], ARGV[5], ARGV[6]
if redis.call('GET', prefix .. 'leader:' .. account) ~= worker then return -1 end
if whole ~= '1' and redis.call('GET', prefix .. 'generation:' .. account) ~= generation then return 1 end
local i = 7
while i <= #ARGV do
  local op, key = ARGV[i], prefix .. ARGV[i + 1]
  if op == 'set' then
    redis.call('SET', key, ARGV[i + 2], 'EX', keep)
    i = i + 3
  elseif op == 'del' then
    redis.call('DEL', key)
    i = i + 2
  elseif op == 'hset' then
    redis.call('HSET', key, ARGV[i + 2], ARGV[i + 3])
    i = i + 4
  elseif op == 'sadd' then
    redis.call('SADD', key, ARGV[i + 2])
    i = i + 3
  elseif op == 'keep' then
    redis.call('EXPIRE', key, keep)
    i = i + 2
  elseif op == 'srem' then
    redis.call('SREM', key, ARGV[i + 2])
    i = i + 3
  else
    redis.call('HDEL', key, ARGV[i + 2])
    i = i + 3
  end
end
return 0
`)

// Bounds of one exchange of a write.
const (
	batchArgs  = 4000
	batchBytes = 1 << 20
)

// batch gathers operations and sends them in pieces.
type batch struct {
	mirror  *Mirror
	ctx     context.Context //nolint:containedctx // it lives as long as one Write
	account string
	writing clusters.Writing
	args    []any
	bytes   int
}

// op adds an operation; a full batch is sent.
func (b *batch) op(op, key string, rest ...string) error {
	b.args = append(b.args, op, key)
	for _, r := range rest {
		b.args = append(b.args, r)
		b.bytes += len(r)
	}
	if len(b.args) < batchArgs && b.bytes < batchBytes {
		return nil
	}
	return b.send()
}

// errFresh ends a write whose mirror holds another generation.
var errFresh = errors.New("the mirror holds another generation")

func (b *batch) send() error {
	whole := "0"
	if b.writing.Whole {
		whole = "1"
	}
	args := append([]any{prefix, b.account, b.writing.Worker, b.writing.Status.Generation, whole, int64(keep.Seconds())}, b.args...)
	b.args, b.bytes = nil, 0
	answer := 0
	err := b.mirror.conn.Do(b.ctx, func(ctx context.Context, c redis.UniversalClient) (err error) {
		answer, err = writeScript.Run(ctx, c, nil, args...).Int()
		return err
	})
	switch {
	case err != nil:
		return err
	case answer < 0:
		return pipeline.Errorf(pipeline.CodeConflict, "Another worker leads account %q.", b.account)
	case answer > 0:
		return errFresh
	}
	return nil
}

// Write implements [clusters.MirrorWriter]. It is all or nothing to a reader,
// for whom the status, written last, says what is there: what is written again
// after a failure is the same.
func (m *Mirror) Write(ctx context.Context, account string, w clusters.Writing) (bool, error) {
	b := &batch{mirror: m, ctx: ctx, account: account, writing: w}
	err := b.all()
	if errors.Is(err, errFresh) {
		return true, nil
	}
	return false, err
}

func (b *batch) all() error {
	w, generation := b.writing, b.writing.Status.Generation
	apps, entries := appsKey(b.account, generation), "entries:"+b.account+":"+generation
	if w.Whole {
		if err := errors.Join(b.op("sadd", apps, ""), b.op("keep", apps), b.op("hset", entries, "", ""), b.op("keep", entries)); err != nil {
			return err
		}
	}
	for _, app := range slices.Sorted(maps.Keys(w.Slices)) {
		key := "slice:" + b.account + ":" + app
		if len(w.Slices[app].Records) == 0 {
			if err := errors.Join(b.op("srem", apps, app), b.op("del", key)); err != nil {
				return err
			}
			continue
		}
		document, err := encode(w.Slices[app])
		if err != nil {
			return err
		}
		if err := errors.Join(b.op("sadd", apps, app), b.op("set", key, generation+"\n"+document)); err != nil {
			return err
		}
	}
	for _, e := range w.Gone {
		if err := b.op("hdel", entries, field(e.Kind, e.Namespace, e.Name)); err != nil {
			return err
		}
	}
	for _, e := range w.Entries {
		if err := b.op("hset", entries, field(e.Kind, e.Namespace, e.Name), value(e)); err != nil {
			return err
		}
	}
	return b.rest()
}

// rest writes what tells readers of the other parts.
func (b *batch) rest() error {
	w := b.writing
	if w.Index != nil {
		document, err := encode(w.Index)
		if err != nil {
			return err
		}
		if err := b.op("set", "index:"+b.account, document); err != nil {
			return err
		}
	}
	status, err := encode(w.Status)
	if err != nil {
		return err
	}
	if w.Whole {
		if err := b.op("set", "generation:"+b.account, w.Status.Generation); err != nil {
			return err
		}
	}
	if err := b.op("set", "status:"+b.account, status); err != nil {
		return err
	}
	return b.send()
}
