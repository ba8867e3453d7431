-- Reserve a lane's next turn for a test message, which is no delivery but obeys the lane's limits.
-- Returns: 0, or the ms until the lane is free
local lane = unpack(ARGV)
local now = clock()
local key = lane_key(lane)
local limit, spacing = lane_limits(lane)
local wait = paced_until(lane, now) - now
redis.call('ZREMRANGEBYSCORE', key .. ':leased', '-inf', now)
if wait <= 0 and redis.call('ZCARD', key .. ':leased') >= limit then
  wait = 1000
end
if wait > 0 then
  return wait
end
if spacing > 0 then
  pace(lane, spacing, now)
end
return 0
