-- Take a partition over: every token handed out before is void from now on.
-- KEYS: meta, outbox, writing.  ARGV: worker.
-- Returns {token, state or false, seconds, microseconds of the server's clock, 1 if a step began and did not end else 0,
-- outbox record...}. What is there is read before anything is written: a wrong type changes nothing. Who claims is
-- written last, and an epoch that was counted for nobody means nothing.
local reply = redis.call('LRANGE', KEYS[2], 0, -1)
local stored = redis.call('HGET', KEYS[1], 'token') or ''
local writing = redis.call('GET', KEYS[3]) or ''
local time = redis.call('TIME')
if reply[#reply] == '' then
  -- of a step that Redis failed in while it tried what can fail
  redis.call('LTRIM', KEYS[2], 0, -2)
  table.remove(reply)
end
local epoch = redis.call('HINCRBY', KEYS[1], 'epoch', 1)
local token = epoch .. ':' .. ARGV[1] .. ':0'
local torn = stored ~= '' and string.sub(writing, 1, #stored + 1) == stored .. ' '
table.insert(reply, 1, torn and 1 or 0)
table.insert(reply, 1, time[2])
table.insert(reply, 1, time[1])
table.insert(reply, 1, redis.call('HGET', KEYS[1], 'state'))
redis.call('HSET', KEYS[1], 'token', token)
table.insert(reply, 1, token)
return reply
