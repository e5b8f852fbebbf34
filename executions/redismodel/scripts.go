package redismodel

import "github.com/redis/go-redis/v9"

// The scripts keep a record and its places in the indexes together. Each gets
// the key prefix as its first argument and makes key names itself, so the model
// needs one Redis (with replicas or Sentinel), not a cluster.

const scriptCommon = `
local P = ARGV[1]

-- tell names a change in the log.
local function tell(id, app, gone)
  redis.call('XADD', P .. 'log', 'MAXLEN', '~', ` + logLength + `, '*', 'x', id, 'a', app, 'd', gone)
end

local function places(app, kind, group)
  return {P .. 'index:all:' .. kind, P .. 'index:app:' .. app .. ':' .. kind,
    P .. 'index:group:' .. group, P .. 'index:both:' .. app .. ':' .. group}
end

local function about(id)
  return redis.call('HMGET', P .. 'x:' .. id, 'app', 'type', 'group', 'status', 'build', 'final', 'ended')
end

local function drop(id, f)
  for _, key in ipairs(places(f[1], f[2], f[3])) do
    redis.call('ZREM', key, id)
    redis.call('ZREM', key .. '|' .. f[4], id)
  end
  redis.call('DEL', P .. 'x:' .. id)
  if redis.call('EXISTS', P .. 'index:both:' .. f[1] .. ':' .. f[3]) == 0 then
    redis.call('SREM', P .. 'groups:' .. f[1], f[3])
  end
  if redis.call('EXISTS', P .. 'index:group:' .. f[3]) == 0 then
    redis.call('SREM', P .. 'groups', f[3])
  end
end

local function letgo(app, group, build)
  local key = P .. 'cover:' .. app
  local old = redis.call('HGET', key, 'g:' .. group)
  if not old or tonumber(old) < tonumber(build) then
    redis.call('HSET', key, 'g:' .. group, build)
  end
end

-- trim lets go finished and archived executions of a group: those beyond the
-- newest cap, and those beyond the newest keep that ended before a moment. It
-- returns how many; at most 100 a call.
local function trim(group, cap, keep, before)
  local key = P .. 'index:group:' .. group
  local count, gone = redis.call('ZCARD', key), 0
  if count <= keep then return 0 end
  local old = redis.call('ZRANGEBYSCORE', key, '(' .. (0 - before), '+inf')
  local from = count - #old
  if from > cap then
    old = redis.call('ZRANGE', key, cap, -1)
    from = cap
  end
  for i = #old, 1, -1 do
    local rank = from + i - 1
    if gone >= 100 or rank < keep then break end
    local f = about(old[i])
    if f[1] and f[6] == '1' and (rank >= cap or tonumber(f[7]) < before) then
      drop(old[i], f)
      letgo(f[1], group, f[5])
      gone = gone + 1
    end
  end
  return gone
end
`

var putScript = redis.NewScript(scriptCommon + `
local id, seq, at, final = ARGV[2], ARGV[3], ARGV[4], ARGV[5]
local app, kind, group, status = ARGV[6], ARGV[7], ARGV[8], ARGV[9]
local build, ended, full, summary = ARGV[10], ARGV[11], ARGV[12], ARGV[13]
local cap, keep, before = tonumber(ARGV[14]), tonumber(ARGV[15]), tonumber(ARGV[16])
local application = ARGV[17] -- as it is written; app is for comparing
local key = P .. 'x:' .. id

if redis.call('EXISTS', P .. 'gone:' .. id) == 1 then return 0 end
-- placed: the indexes hold the execution already, as they do while its status
-- stays; what else they go by never changes.
local placed = false
local old = redis.call('HMGET', key, 'seq', 'final', 'status')
if old[1] then
  local was, is = tonumber(old[1]), tonumber(seq)
  if was > is or (was == is and old[2] == '1' and final ~= '1') then return 0 end
  if was == is and old[2] == final and redis.call('HGET', key, 'full') == full then
    redis.call('HSET', key, 'at', at)
    return 1
  end
  placed = old[3] == status
  if not placed then
    local f = about(id)
    for _, place in ipairs(places(f[1], f[2], f[3])) do
      redis.call('ZREM', place .. '|' .. f[4], id)
    end
  end
end
redis.call('HSET', key, 'seq', seq, 'at', at, 'final', final, 'app', app, 'type', kind, 'group', group,
  'status', status, 'build', build, 'ended', ended, 'full', full, 'summary', summary,
  'application', application)
if not placed then
  for _, place in ipairs(places(app, kind, group)) do
    redis.call('ZADD', place, 0 - build, id)
    redis.call('ZADD', place .. '|' .. status, 0 - build, id)
  end
  redis.call('SADD', P .. 'groups:' .. app, group)
  redis.call('SADD', P .. 'groups', group)
end
tell(id, app, '0')
if final == '1' then trim(group, cap, keep, before) end
return 1
`)

var deleteScript = redis.NewScript(scriptCommon + `
local id = ARGV[2]
local f = about(id)
redis.call('SET', P .. 'gone:' .. id, '1', 'EX', ARGV[3])
tell(id, f[1] or '', '1')
if f[1] then drop(id, f) end
return 1
`)

// headScript returns the log's last position, and begins the log where there is
// none.
var headScript = redis.NewScript(`
local key = ARGV[1] .. 'log'
local last = redis.call('XREVRANGE', key, '+', '-', 'COUNT', 1)
if #last > 0 then return last[1][1] end
return redis.call('XADD', key, '*', 'x', '')
`)

// coverScript takes an application and pairs of group and build time.
var coverScript = redis.NewScript(scriptCommon + `
for i = 3, #ARGV, 2 do letgo(ARGV[2], ARGV[i], ARGV[i + 1]) end
redis.call('HSET', P .. 'cover:' .. ARGV[2], 'complete', '1')
return 1
`)

var trimScript = redis.NewScript(scriptCommon + `
return trim(ARGV[2], tonumber(ARGV[3]), tonumber(ARGV[4]), tonumber(ARGV[5]))
`)
