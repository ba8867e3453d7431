-- Release a held delivery into its lane.
-- Returns: 1, or 0 when it was released or skipped already
local delivery = unpack(KEYS)
local id = unpack(ARGV)
local now = clock()
local state, held, lane = unpack(redis.call('HMGET', delivery, 'state', 'held', 'lane'))
redis.call('ZREM', HELD, id)
if state ~= 'pending' or not held then
  return 0
end
redis.call('HDEL', delivery, 'held')
redis.call('HSET', delivery, 'due', now)
enqueue(lane, id, now, now)
return 1
