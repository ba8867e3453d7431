-- Reserve calls of a client for this minute: up to `wanted` of those left, but none if fewer than `needed` are left.
-- Returns: {number reserved, ms until the next minute}
local calls = unpack(KEYS)
local limit, wanted, needed = unpack(ARGV)
local now = clock()
local minute = math.floor(now / 60000)
local stored = redis.call('HMGET', calls, 'minute', 'reserved')
local reserved = stored[1] == tostring(minute) and tonumber(stored[2]) or 0
local more = math.min(tonumber(wanted), tonumber(limit) - reserved)
if more < tonumber(needed) then
  more = 0
end
redis.call('HSET', calls, 'minute', minute, 'reserved', reserved + more)
return {more, (minute + 1) * 60000 - now}
