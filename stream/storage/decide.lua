-- A decision of an operator, and its record, all or nothing. Preceded by in_use.lua.
-- KEYS: snapshot, candidates, meta, kept, decisions.
-- ARGV: action, name, version, snapshot, wall time (ms), record (JSON), most records kept.
--   promote (name): that contender scores from now on.   automatic: the contenders decide again.
--   freeze: the snapshot in use stays.                   unfreeze: it follows what is learned again.
--   rollback (name, version, snapshot): that snapshot scores, and stays.
-- Returns 1, or 0 if there is no such contender (or none at all yet).
local keys = {snapshot = KEYS[1], meta = KEYS[3], kept = KEYS[4]}
local action, name, at_ms = ARGV[1], ARGV[2], tonumber(ARGV[5])
local function candidate_in_use(chosen)
  local found = redis.call('HMGET', KEYS[2], chosen, chosen .. ':version')
  if not found[1] then
    return 0
  end
  put_in_use(keys, chosen, found[2], found[1], at_ms, true)
  return 1
end
local function automatic()
  return redis.call('HGET', KEYS[3], 'automatic') or ''
end
local done = 1
if action == 'promote' then
  done = candidate_in_use(name)
  if done == 1 then
    redis.call('HSET', KEYS[3], 'pinned', name, 'frozen', '')
  end
elseif action == 'automatic' then
  done = candidate_in_use(automatic())
  if done == 1 then
    redis.call('HSET', KEYS[3], 'pinned', '', 'frozen', '')
  end
elseif action == 'freeze' then
  redis.call('HSET', KEYS[3], 'frozen', '1')
elseif action == 'unfreeze' then
  local pinned = redis.call('HGET', KEYS[3], 'pinned') or ''
  if pinned == '' or candidate_in_use(pinned) == 0 then
    done = candidate_in_use(automatic())
  end
  if done == 1 then
    redis.call('HSET', KEYS[3], 'frozen', '')
  end
elseif action == 'rollback' then
  put_in_use(keys, name, ARGV[3], ARGV[4], at_ms, true)
  redis.call('HSET', KEYS[3], 'frozen', '1')
else
  return redis.error_reply('no such action: ' .. action)
end
if done == 1 then
  redis.call('LPUSH', KEYS[5], ARGV[6])
  redis.call('LTRIM', KEYS[5], 0, tonumber(ARGV[7]) - 1)
end
return done
