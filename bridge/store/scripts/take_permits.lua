-- Take permits of a client's for this minute: as many of `wished` as are left, but none when fewer than `needed` are.
-- Returns: {permits, ms until the minute ends}
local permits = unpack(KEYS)
local limit, wished, needed = unpack(ARGV)
local now = clock()
local minute = math.floor(now / 60000)
local record = redis.call('HMGET', permits, 'minute', 'taken')
local taken = record[1] == tostring(minute) and tonumber(record[2]) or 0
local given = math.min(tonumber(wished), tonumber(limit) - taken)
if given < tonumber(needed) then
  given = 0
end
redis.call('HSET', permits, 'minute', minute, 'taken', taken + given)
return {given, (minute + 1) * 60000 - now}
