-- Have all that waits in a lane wait for a while longer: its receiver asked for it.
-- ARGV: offset, lane, ms
local now = clock()
pace(ARGV[2], math.max(tonumber(ARGV[3]), paced_until(ARGV[2], now) - now), now)
reschedule(ARGV[2], now)
