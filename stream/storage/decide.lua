-- A decision of an operator, and its record, all or nothing. Preceded by in_use.lua and tried.lua.
-- What is decided is read first, then all that can fail is tried, then it is written.
-- KEYS: snapshot, candidates, meta, kept, decisions.
-- ARGV: action, name, version, snapshot, wall time (ms), record (JSON), most records kept.
--   promote (name): that contender scores from now on.   automatic: the contenders decide again.
--   freeze: the snapshot in use stays.                   unfreeze: it follows what is learned again.
--   rollback (name, version, snapshot): that snapshot scores, and stays.
-- Returns 1, or 0 if there is no such contender (or none at all yet).
local keys = {snapshot = KEYS[1], meta = KEYS[3], kept = KEYS[4]}
local action, name = ARGV[1], ARGV[2]
local function candidate(chosen)
  local found = redis.call('HMGET', KEYS[2], chosen, chosen .. ':version')
  return found[1] and {name = chosen, version = found[2], snapshot = found[1]}
end
local meta = redis.call('HMGET', KEYS[3], 'automatic', 'pinned', 'frozen')
local automatic, pinned, frozen = meta[1] or '', meta[2] or '', meta[3] or ''
local chosen, decided
if action == 'promote' then
  chosen, decided = candidate(name), {'pinned', name, 'frozen', ''}
elseif action == 'automatic' then
  chosen, decided = candidate(automatic), {'pinned', '', 'frozen', ''}
elseif action == 'freeze' then
  decided = {'frozen', '1'}
elseif action == 'unfreeze' then
  chosen, decided = pinned ~= '' and candidate(pinned) or candidate(automatic), {'frozen', ''}
elseif action == 'rollback' then
  chosen, decided = {name = name, version = ARGV[3], snapshot = ARGV[4]}, {'frozen', '1'}
else
  return redis.error_reply('no such action: ' .. action)
end
if not chosen and action ~= 'freeze' then
  return 0
end
local checks = chosen and in_use_checks(keys) or {}
for _, check in ipairs(list_checks(KEYS[5])) do
  table.insert(checks, check)
end
-- last, for it is seen where there was nothing
table.insert(checks, {'HSET', KEYS[3], 'frozen', frozen})
local failed = first_failure(checks)
if failed then
  return failed
end
if chosen then
  put_in_use(keys, chosen.name, chosen.version, chosen.snapshot, tonumber(ARGV[5]), true)
end
redis.call('HSET', KEYS[3], unpack(decided))
redis.call('LPUSH', KEYS[5], ARGV[6])
redis.call('LTRIM', KEYS[5], 0, tonumber(ARGV[7]) - 1)
return 1
