-- Take a partition over: every token handed out before is void from now on.
-- KEYS: meta, outbox.  ARGV: worker.
-- Returns {token, state or false, outbox record...}.
local epoch = redis.call('HINCRBY', KEYS[1], 'epoch', 1)
local token = epoch .. ':' .. ARGV[1] .. ':0'
redis.call('HSET', KEYS[1], 'token', token)
local reply = redis.call('LRANGE', KEYS[2], 0, -1)
table.insert(reply, 1, redis.call('HGET', KEYS[1], 'state'))
table.insert(reply, 1, token)
return reply
