-- Precedes every script. The first argument is the clock's offset in ms: 0 except in tests.
-- Each script names its keys and arguments in its `unpack(KEYS)` and `unpack(ARGV)` lines; bridge/store/calls/lua.py reads
-- the names from there.
local OFFSET = tonumber(table.remove(ARGV, 1))

-- Return the current time in ms.
local function clock()
  local time = redis.call('TIME')
  return time[1] * 1000 + math.floor(time[2] / 1000) + OFFSET
end
