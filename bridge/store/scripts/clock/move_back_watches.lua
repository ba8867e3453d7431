-- After the clock was set back: bring back the deadlines of open watches that were accepted or checked before.
-- Further keys: the watches. Further arguments: their ids.
local expiring = unpack(KEYS, 1, 1)
local now = clock()
for i, id in ipairs(ARGV) do
  local watch = KEYS[1 + i]
  local state, created_at, grace_until, expires_at =
    unpack(redis.call('HMGET', watch, 'state', 'created_at', 'grace_until', 'expires_at'))
  if state == 'watching' then
    expires_at = tonumber(expires_at)
    local ahead = math.max(0, created_at - now)
    if ahead > 0 then
      expires_at = expires_at - ahead
      redis.call('HSET', watch, 'created_at', now, 'grace_until', grace_until - ahead, 'expires_at', expires_at)
    end
    redis.call('ZADD', expiring, 'XX', 'LT', math.max(now, expires_at), id)
  end
end
return now
