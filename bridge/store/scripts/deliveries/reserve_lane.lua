-- Check that a lane may take a test message now; it is no delivery, but obeys the lane's limits. If it may, a Slack
-- lane is paused as after a delivery. In other lanes the message takes no place, so it does not delay deliveries.
-- Returns: 0 if it may; else the ms until the lane's pause ends, or 1000 while all its places are in use
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
