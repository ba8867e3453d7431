-- Record an attempt and what it made of its delivery, in one step and only under the claim's fence.
-- KEYS: delivery, its attempts, deliveries due, watch, ended watches
-- ARGV: offset, delivery id, watch id or '', fence, due or 0 (ended), the attempt (sealed) or '', attempts kept, field, value, ...
-- Returns: 1, or 0 when the fence has moved on
local now = clock()
local record = redis.call('HMGET', KEYS[1], 'fence', 'state')
if record[1] ~= ARGV[4] or record[2] ~= 'pending' then
  return 0
end
redis.call('HSET', KEYS[1], unpack(ARGV, 8))
if ARGV[6] ~= '' then
  redis.call('LPUSH', KEYS[2], ARGV[6])
  redis.call('LTRIM', KEYS[2], 0, ARGV[7] - 1)
end
if ARGV[5] ~= '0' then
  redis.call('ZADD', KEYS[3], ARGV[5], ARGV[2])
  return 1
end
redis.call('ZREM', KEYS[3], ARGV[2])
if ARGV[3] == '' then
  redis.call('ZADD', KEYS[5], now, ARGV[2]) -- a notice's: it belongs to no watch
elseif redis.call('HINCRBY', KEYS[4], 'pending', -1) <= 0 then
  redis.call('ZADD', KEYS[5], now, ARGV[3])
end
return 1
