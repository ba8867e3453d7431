-- Have all that waits in a lane wait for a while longer: its receiver asked for it.
-- ARGV: offset, lane, ms
local now = clock()
local key = lane_key(ARGV[2])
local held = math.max(now + ARGV[3], tonumber(redis.call('GET', key .. ':paced') or 0))
redis.call('SET', key .. ':paced', held, 'PX', held - now)
reschedule(ARGV[2], now)
