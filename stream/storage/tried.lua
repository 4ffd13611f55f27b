-- Shared by the scripts that write: Redis does not undo what a script has written before it fails.
-- The first of these commands, which have no effect, that fails: an error to return, or nil.
local function first_failure(checks)
  for _, check in ipairs(checks) do
    local reply = redis.pcall(unpack(check))
    if type(reply) == 'table' and reply.err then
      return redis.error_reply(reply.err .. ': ' .. check[1] .. ' ' .. check[2])
    end
  end
end
