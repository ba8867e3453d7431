-- Take a lane's next turn outside of any delivery, for a test message: its pace holds for that, too.
-- ARGV: offset, lane
-- Returns: 0, or for how many ms the lane is not free
local now = clock()
local key = lane_key(ARGV[2])
local limit, spacing = lane_limits(ARGV[2])
local wait = tonumber(redis.call('GET', key .. ':paced') or 0) - now
redis.call('ZREMRANGEBYSCORE', key .. ':leased', '-inf', now)
if wait <= 0 and redis.call('ZCARD', key .. ':leased') >= limit then
  wait = 1000
end
if wait > 0 then
  return wait
end
if spacing > 0 then
  redis.call('SET', key .. ':paced', now + spacing, 'PX', spacing)
end
return 0
