-- Take permits of a client's for this minute, as many as are left of those that are wished for, but none where fewer
-- are left than are needed.
-- KEYS: the client's count
-- ARGV: offset, limit a minute, permits wished for, permits needed
-- Returns: {permits, ms until the minute is over}
local now = clock()
local minute = math.floor(now / 60000)
local record = redis.call('HMGET', KEYS[1], 'minute', 'taken')
local taken = record[1] == tostring(minute) and tonumber(record[2]) or 0
local given = math.min(tonumber(ARGV[3]), tonumber(ARGV[2]) - taken)
if given < tonumber(ARGV[4]) then
  given = 0
end
redis.call('HSET', KEYS[1], 'minute', minute, 'taken', taken + given)
return {given, (minute + 1) * 60000 - now}
