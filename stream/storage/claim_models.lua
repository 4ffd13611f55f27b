-- Take the trainer's checkpoint over: every token handed out before is void from now on.
-- KEYS: checkpoint.  ARGV: worker.
-- Returns {token, learner or false, offset or false}.
-- What is there is read before anything is written. An epoch that was counted for nobody means nothing.
local learner, offset = redis.call('HGET', KEYS[1], 'learner'), redis.call('HGET', KEYS[1], 'offset')
local epoch = redis.call('HINCRBY', KEYS[1], 'epoch', 1)
local token = epoch .. ':' .. ARGV[1] .. ':0'
redis.call('HSET', KEYS[1], 'token', token)
return {token, learner, offset}
