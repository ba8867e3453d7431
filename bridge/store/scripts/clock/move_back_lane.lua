-- After the clock was set back: move a lane's pause to the same distance from now, and reschedule the lane.
local lane = unpack(ARGV)
local now = clock()
local paced, set_at = pace_of(lane)
if set_at > now then
  pace(lane, paced - set_at, now)
end
reschedule(lane, now)
