-- Bring back a lane's pace and turn after its deliveries, the clock having been set back.
-- ARGV: offset, lane, by how many ms the clock was set back
local now = clock()
local paced = lane_key(ARGV[2]) .. ':paced'
local left = tonumber(redis.call('GET', paced) or 0) - ARGV[3] - now
if left > 0 then
  redis.call('SET', paced, now + left, 'PX', left)
else
  redis.call('DEL', paced)
end
reschedule(ARGV[2], now)
