-- Bring back a lane's pace, which ends as far ahead as when it was set, and its turn: the clock was set back.
-- ARGV: offset, lane
local now = clock()
local paced, set_at = pace_of(ARGV[2])
if set_at > now then
  pace(ARGV[2], paced - set_at, now)
end
reschedule(ARGV[2], now)
