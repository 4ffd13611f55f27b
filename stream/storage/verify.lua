-- Whose a partition is.
-- KEYS: meta.  Returns {token or false, seconds, microseconds of the server's clock}.
local time = redis.call('TIME')
return {redis.call('HGET', KEYS[1], 'token'), time[1], time[2]}
