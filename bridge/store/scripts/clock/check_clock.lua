-- Store the current time, at most twice a minute, and detect that the clock was set back.
-- Arguments: `accept` is 1 to store an earlier time as well.
-- Returns: the ms by which the clock was set back, or 0
local latest = unpack(KEYS)
local accept = unpack(ARGV)
local TOLERANCE, INTERVAL = 1000, 30000
local now = clock()
local ahead = tonumber(redis.call('GET', latest) or 0) - now
if accept == '1' or ahead < -INTERVAL then
  redis.call('SET', latest, now)
  return 0
end
return ahead > TOLERANCE and ahead or 0
