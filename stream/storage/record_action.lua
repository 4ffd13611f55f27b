-- Keep an action if it is newer than the latest of its kind. One that is read again changes nothing, so one that was
-- kept without a ttl would stay: that is tried first. Preceded by tried.lua.
-- KEYS: actions of the customer.  ARGV: kind, when it occurred (ms), record, ttl (s).
-- Returns 1 if it was kept, else 0.
local stored = redis.call('HGET', KEYS[1], 'at:' .. ARGV[1])
if stored and tonumber(stored) > tonumber(ARGV[2]) then
  return 0
end
if redis.call('HGET', KEYS[1], ARGV[1]) == ARGV[3] then
  return 0
end
local failed = first_failure({{'EXPIRE', KEYS[1], ARGV[4]}})
if failed then
  return failed
end
redis.call('HSET', KEYS[1], ARGV[1], ARGV[3], 'at:' .. ARGV[1], ARGV[2])
redis.call('EXPIRE', KEYS[1], ARGV[4])
return 1
