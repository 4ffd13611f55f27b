-- One step of the trainer, all or nothing. Preceded by in_use.lua and tried.lua.
-- KEYS: checkpoint, snapshot, candidates, meta, kept, learned set...
-- ARGV: expected token, new token, learner state, next offset, ttl of learned sets (s),
--       1 if scorers may get a new snapshot else 0, name of the automatic champion, wall time (ms), report,
--       number of candidates, then for each: name, version, snapshot,
--       then for each learned set: count, id...
-- Returns {1} or {0, stored token}.
local stored = redis.call('HGET', KEYS[1], 'token') or ''
if stored ~= ARGV[1] then
  return {0, stored}
end
local at = 11
local candidates = {}
for _ = 1, tonumber(ARGV[10]) do
  candidates[ARGV[at]] = {version = ARGV[at + 1], snapshot = ARGV[at + 2]}
  at = at + 3
end
-- Redis does not undo what a script has written before it fails: what can fail is tried first, without effect. An id
-- that is kept although the example was not learned would be an example that is lost.
local checks = {{'HSET', KEYS[1], 'token', stored}}
for i = 6, #KEYS do
  table.insert(checks, {'SREM', KEYS[i], ''})
  table.insert(checks, {'SADD', KEYS[i], ''})
  table.insert(checks, {'SREM', KEYS[i], ''})
  table.insert(checks, {'EXPIRE', KEYS[i], ARGV[5]})
end
local failed = first_failure(checks)
if failed then
  return failed
end
-- what scorers read can be written again; ids and checkpoint come last
if next(candidates) then
  redis.call('DEL', KEYS[3])
  for name, candidate in pairs(candidates) do
    redis.call('HSET', KEYS[3], name, candidate.snapshot, name .. ':version', candidate.version)
  end
  redis.call('HSET', KEYS[4], 'automatic', ARGV[7], 'report', ARGV[9])
  local decided = redis.call('HMGET', KEYS[4], 'pinned', 'frozen')
  if ARGV[6] == '1' and decided[2] ~= '1' then
    -- a contender that is gone cannot score, pinned or not
    local name = candidates[decided[1] or ''] and decided[1] or ARGV[7]
    local keys = {snapshot = KEYS[2], meta = KEYS[4], kept = KEYS[5]}
    put_in_use(keys, name, candidates[name].version, candidates[name].snapshot, tonumber(ARGV[8]), false)
  end
end
for i = 6, #KEYS do
  local left = tonumber(ARGV[at])
  at = at + 1
  while left > 0 do
    local n = math.min(left, 4000)
    redis.call('SADD', KEYS[i], unpack(ARGV, at, at + n - 1))
    at = at + n
    left = left - n
  end
  redis.call('EXPIRE', KEYS[i], ARGV[5])
end
redis.call('HSET', KEYS[1], 'token', ARGV[2], 'learner', ARGV[3], 'offset', ARGV[4])
return {1}
