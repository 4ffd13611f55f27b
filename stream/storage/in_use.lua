-- Shared by the scripts that change which snapshot scorers read.
local KEEP_EVERY_MS = 3600000
local KEEP_SNAPSHOTS = 20
-- Commands without effect that fail where a push to a list, and cutting it, would.
local function list_checks(key)
  return {{'LTRIM', key, 0, -1}, {'LPUSH', key, ''}, {'LTRIM', key, 1, -1}}
end
-- Commands without effect that fail where `put_in_use` would; then its own write of `meta` is to be tried.
local function in_use_checks(keys)
  local checks = list_checks(keys.kept)
  table.insert(checks, {'LREM', keys.kept, 0, ''})
  -- SET overwrites what is of another type, GET does not read it
  table.insert(checks, {'GET', keys.snapshot})
  table.insert(checks, {'SET', keys.snapshot, redis.call('GET', keys.snapshot) or '', 'XX'})
  return checks
end
-- Put a snapshot in use. The one before is kept if another contender made it, if an operator replaces it, or if none
-- was kept for an hour.
local function put_in_use(keys, name, version, snapshot, at_ms, decided)
  local present = redis.call('GET', keys.snapshot)
  if present and present ~= snapshot then
    local meta = redis.call('HMGET', keys.meta, 'name', 'kept_at_ms')
    if decided or meta[1] ~= name or at_ms - tonumber(meta[2] or '0') >= KEEP_EVERY_MS then
      redis.call('LREM', keys.kept, 0, present)
      redis.call('LPUSH', keys.kept, present)
      redis.call('LTRIM', keys.kept, 0, KEEP_SNAPSHOTS - 1)
      redis.call('HSET', keys.meta, 'kept_at_ms', at_ms)
    end
  end
  redis.call('SET', keys.snapshot, snapshot)
  redis.call('HSET', keys.meta, 'name', name, 'version', version)
end
