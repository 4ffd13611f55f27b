-- One step of a partition, all or nothing.
-- KEYS: meta, timers, outbox, document...
-- ARGV: expected token, new token, state, document ttl (s), outbox records to trim,
--       timers to set, timers to remove, records to append, stream time (ms), most due customers to return,
--       then documents..., (due, customer)..., customer..., record...
-- Returns {1, due customer...} or {0, stored token}.
local stored = redis.call('HGET', KEYS[1], 'token') or ''
if stored ~= ARGV[1] then
  return {0, stored}
end
local at = 11
for i = 4, #KEYS do
  redis.call('SET', KEYS[i], ARGV[at], 'EX', ARGV[4])
  at = at + 1
end
-- unpack is limited by Lua's C stack
local function in_chunks(count, chunk, call)
  local left = count
  while left > 0 do
    local n = math.min(left, chunk)
    call(at, at + n - 1)
    at = at + n
    left = left - n
  end
end
in_chunks(tonumber(ARGV[6]) * 2, 4000, function(from, to)
  redis.call('ZADD', KEYS[2], unpack(ARGV, from, to))
end)
in_chunks(tonumber(ARGV[7]), 4000, function(from, to)
  redis.call('ZREM', KEYS[2], unpack(ARGV, from, to))
end)
if ARGV[5] ~= '0' then
  redis.call('LTRIM', KEYS[3], ARGV[5], -1)
end
in_chunks(tonumber(ARGV[8]), 4000, function(from, to)
  redis.call('RPUSH', KEYS[3], unpack(ARGV, from, to))
end)
redis.call('HSET', KEYS[1], 'token', ARGV[2], 'state', ARGV[3])
local due = redis.call('ZRANGEBYSCORE', KEYS[2], '-inf', '(' .. ARGV[9], 'LIMIT', 0, ARGV[10])
table.insert(due, 1, 1)
return due
