-- Stands before every script. KEYS and ARGV are as the Python function of the same name documents them.
-- ARGV[1] is always the clock's offset in ms: 0, except in tests.
local function clock()
  local time = redis.call('TIME')
  return time[1] * 1000 + math.floor(time[2] / 1000) + tonumber(ARGV[1])
end
