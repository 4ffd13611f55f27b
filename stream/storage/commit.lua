-- One step of a partition, all or nothing.
-- KEYS: meta, timers, outbox, document..., those that expire last.
-- ARGV: expected token, new token, state, documents that expire, their ttl (s), outbox records to trim,
--       timers to set, timers to remove, records to append, stream time (ms), most due customers to return,
--       then documents..., (due, customer)..., customer..., record...
-- Returns {1, due customer...} or {0, stored token}.
local stored = redis.call('HGET', KEYS[1], 'token') or ''
if stored ~= ARGV[1] then
  return {0, stored}
end
local at = 12
-- unpack is limited by Lua's C stack
local most = 4000
local lasting = #KEYS - tonumber(ARGV[4])
for first = 4, lasting, most / 2 do
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
  redis.call('SET', KEYS[i], ARGV[at], 'EX', ARGV[5])
  at = at + 1
end
local function in_chunks(count, call)
  local left = count
  while left > 0 do
    local n = math.min(left, most)
    call(at, at + n - 1)
    at = at + n
    left = left - n
  end
end
in_chunks(tonumber(ARGV[7]) * 2, function(from, to)
  redis.call('ZADD', KEYS[2], unpack(ARGV, from, to))
end)
in_chunks(tonumber(ARGV[8]), function(from, to)
  redis.call('ZREM', KEYS[2], unpack(ARGV, from, to))
end)
if ARGV[6] ~= '0' then
  redis.call('LTRIM', KEYS[3], ARGV[6], -1)
end
in_chunks(tonumber(ARGV[9]), function(from, to)
  redis.call('RPUSH', KEYS[3], unpack(ARGV, from, to))
end)
redis.call('HSET', KEYS[1], 'token', ARGV[2], 'state', ARGV[3])
local due = redis.call('ZRANGEBYSCORE', KEYS[2], '-inf', '(' .. ARGV[10], 'LIMIT', 0, ARGV[11])
table.insert(due, 1, 1)
return due
