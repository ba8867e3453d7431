-- The calls of a client in this minute. Shared by count_calls.lua and accept.lua.

-- Count calls: all of them, or none if fewer than `count` are left below `limit`.
-- Return 0 if they were counted, else the ms until the next minute.
local function count_calls(calls, limit, count, now)
  local minute = math.floor(now / 60000)
  local stored = redis.call('HMGET', calls, 'minute', 'counted')
  local counted = (stored[1] == tostring(minute) and tonumber(stored[2]) or 0) + tonumber(count)
  if counted > tonumber(limit) then
    return (minute + 1) * 60000 - now
  end
  redis.call('HSET', calls, 'minute', minute, 'counted', counted)
  return 0
end
