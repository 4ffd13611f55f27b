-- One step of a partition, all or nothing. Preceded by tried.lua.
-- Redis does not undo what a script has written before it fails, so everything that can fail is tried before the first
-- write: types and rights by commands without effect; a full memory, a full disk and a read-only server by the first
-- command that may write, for Redis refuses later ones of a script no more. A background fsync that fails in the middle
-- is left. Then `writing` names the step that began and did not end, for the next claim. The outbox is written first:
-- records of events that are read again are published again, and those of customers already written are not lost.
-- KEYS: meta, timers, outbox, writing, document..., those that expire last.
-- ARGV: expected token, new token, state, documents that expire, their ttl (s; 0: now), outbox records to trim,
--       timers to set, timers to remove, records to append, '(' and the stream time (ms), most due customers to return,
--       then record..., documents..., (due, customer)..., customer...
-- Returns {1, seconds, microseconds of the server's clock, due customer...} or {0, stored token}.
local stored = redis.call('HGET', KEYS[1], 'token') or ''
if stored ~= ARGV[1] then
  return {0, stored}
end
local checks = {
  {'ZADD', KEYS[2], 'XX', 0, ''},
  {'ZREM', KEYS[2], ''},
  {'ZRANGEBYSCORE', KEYS[2], 0, 0, 'LIMIT', 0, 0},
  {'LTRIM', KEYS[3], 0, -1},
  {'HSET', KEYS[1], 'token', stored},
  -- of what MSET and SET write next, which ends it
  {'EXPIRE', KEYS[4], 2147483647},
  -- names no step: the last check says that one begins
  {'MSET', KEYS[4], ''},
  {'SET', KEYS[4], stored .. ' ' .. ARGV[2]},
}
if ARGV[9] ~= '0' then
  table.insert(checks, 5, {'RPUSH', KEYS[3], ''})
  table.insert(checks, 6, {'LTRIM', KEYS[3], 0, -2})
end
local time = redis.call('TIME')
local failed = first_failure(checks)
if failed then
  return failed
end
local at = 12
-- unpack is limited by Lua's C stack
local most = 4000
local function in_chunks(count, call)
  local left = count
  while left > 0 do
    local n = math.min(left, most)
    call(at, at + n - 1)
    at = at + n
    left = left - n
  end
end
if ARGV[6] ~= '0' then
  redis.call('LTRIM', KEYS[3], ARGV[6], -1)
end
in_chunks(tonumber(ARGV[9]), function(from, to)
  redis.call('RPUSH', KEYS[3], unpack(ARGV, from, to))
end)
local lasting = #KEYS - tonumber(ARGV[4])
for first = 5, lasting, most / 2 do
  local written, n = {}, 0
  for i = first, math.min(first + most / 2 - 1, lasting) do
    written[n + 1], written[n + 2] = KEYS[i], ARGV[at]
    n = n + 2
    at = at + 1
  end
  -- also ends the ttl of a document whose customer has come back
  redis.call('MSET', unpack(written, 1, n))
end
for i = lasting + 1, #KEYS do
  if ARGV[5] == '0' then
    redis.call('EXPIRE', KEYS[i], 0)
  else
    redis.call('SET', KEYS[i], ARGV[at], 'EX', ARGV[5])
  end
  at = at + 1
end
in_chunks(tonumber(ARGV[7]) * 2, function(from, to)
  redis.call('ZADD', KEYS[2], unpack(ARGV, from, to))
end)
in_chunks(tonumber(ARGV[8]), function(from, to)
  redis.call('ZREM', KEYS[2], unpack(ARGV, from, to))
end)
redis.call('HSET', KEYS[1], 'token', ARGV[2], 'state', ARGV[3])
local due = redis.call('ZRANGEBYSCORE', KEYS[2], '-inf', ARGV[10], 'LIMIT', 0, ARGV[11])
table.insert(due, 1, time[2])
table.insert(due, 1, time[1])
table.insert(due, 1, 1)
return due
