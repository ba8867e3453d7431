-- Pause a lane for `span` ms, as its receiver requested; a longer pause that is already in effect stays.
local lane, span = unpack(ARGV)
local now = clock()
pace(lane, math.max(tonumber(span), paced_until(lane, now) - now), now)
reschedule(lane, now)
