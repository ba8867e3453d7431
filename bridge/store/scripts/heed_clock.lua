-- Note what time it is, twice a minute, unless it was later before: then the clock has been set back.
-- KEYS: the latest moment noted
-- ARGV: offset, 1 to note an earlier moment, too
-- Returns: by how many ms the clock has been set back, or 0
local TOLERATED, NOTED_EVERY = 1000, 30000
local now = clock()
local ahead = tonumber(redis.call('GET', KEYS[1]) or 0) - now
if ARGV[2] == '1' or ahead < -NOTED_EVERY then
  redis.call('SET', KEYS[1], now)
  return 0
end
return ahead > TOLERATED and ahead or 0
