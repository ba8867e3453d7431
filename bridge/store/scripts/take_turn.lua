-- Take a lane's next turn outside of any delivery, for a test message: its pace holds for that, too.
-- ARGV: offset, lane
-- Returns: 0, or for how many ms the lane is not free
local now = clock()
local key = lane_key(ARGV[2])
local limit, spacing = lane_limits(ARGV[2])
local wait = paced_until(ARGV[2], now) - now
redis.call('ZREMRANGEBYSCORE', key .. ':leased', '-inf', now)
if wait <= 0 and redis.call('ZCARD', key .. ':leased') >= limit then
  wait = 1000
end
if wait > 0 then
  return wait
end
if spacing > 0 then
  pace(ARGV[2], spacing, now)
end
return 0
