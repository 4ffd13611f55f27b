-- One step of the trainer, all or nothing.
-- KEYS: checkpoint, snapshot, learned set...
-- ARGV: expected token, new token, learner state, next offset, snapshot ('' = leave), ttl of learned sets (s),
--       then for each learned set: count, id...
-- Returns {1} or {0, stored token}.
local stored = redis.call('HGET', KEYS[1], 'token') or ''
if stored ~= ARGV[1] then
  return {0, stored}
end
local at = 7
for i = 3, #KEYS do
  local left = tonumber(ARGV[at])
  at = at + 1
  while left > 0 do
    local n = math.min(left, 4000)
    redis.call('SADD', KEYS[i], unpack(ARGV, at, at + n - 1))
    at = at + n
    left = left - n
  end
  redis.call('EXPIRE', KEYS[i], ARGV[6])
end
if ARGV[5] ~= '' then
  redis.call('SET', KEYS[2], ARGV[5])
end
redis.call('HSET', KEYS[1], 'token', ARGV[2], 'learner', ARGV[3], 'offset', ARGV[4])
return {1}
