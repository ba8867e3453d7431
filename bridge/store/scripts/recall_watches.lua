-- Bring back the deadlines of open watches that were accepted, or looked at, before the clock was set back.
-- KEYS: expiring, then a watch for each id
-- ARGV: offset, watch ids
local now = clock()
for i = 2, #ARGV do
  local watch = redis.call('HMGET', KEYS[i], 'state', 'created_at', 'grace_until', 'expires_at')
  if watch[1] == 'watching' then
    local created_at, expires_at = tonumber(watch[2]), tonumber(watch[4])
    local ahead = math.max(0, created_at - now)
    if ahead > 0 then
      expires_at = expires_at - ahead
      redis.call('HSET', KEYS[i], 'created_at', now, 'grace_until', watch[3] - ahead, 'expires_at', expires_at)
    end
    redis.call('ZADD', KEYS[1], 'XX', 'LT', math.max(now, expires_at), ARGV[i])
  end
end
return now
