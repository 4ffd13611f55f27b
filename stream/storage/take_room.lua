-- Count one message of a channel, if its budget and its rate have room for it, on both or none. Preceded by tried.lua.
-- KEYS: messages of the day, theoretical arrival time (ms) of the rate.
-- ARGV: most messages of the day so far (-1: any number), now (ms), ms for each message (0: any rate),
--       ms that a burst may run ahead, ttl of the day's count (s).
-- Returns {'' , 0}, or {'budget', 0}, or {'rate', when to ask again (ms)}.
local now, interval = tonumber(ARGV[2]), tonumber(ARGV[3])
local arrival = now
local checks = {}
if interval > 0 then
  local stored = redis.call('GET', KEYS[2]) or '0'
  arrival = math.max(tonumber(stored), now)
  local free_at = arrival - tonumber(ARGV[4])
  if free_at > now then
    return {'rate', free_at}
  end
  table.insert(checks, {'SET', KEYS[2], stored, 'XX', 'KEEPTTL'})
end
if tonumber(ARGV[1]) >= 0 then
  if tonumber(redis.call('GET', KEYS[1]) or '0') >= tonumber(ARGV[1]) then
    return {'budget', 0}
  end
  table.insert(checks, {'EXPIRE', KEYS[1], ARGV[5]})
end
local failed = first_failure(checks)
if failed then
  return failed
end
if tonumber(ARGV[1]) >= 0 then
  redis.call('INCR', KEYS[1])
  redis.call('EXPIRE', KEYS[1], ARGV[5])
end
if interval > 0 then
  local following = arrival + interval
  redis.call('SET', KEYS[2], string.format('%.0f', following), 'PX', following - now)
end
return {'', 0}
