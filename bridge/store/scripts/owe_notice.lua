-- Owe a delivery that belongs to no watch.
-- KEYS: delivery, deliveries due
-- ARGV: offset, delivery id, field, value, ...
local now = clock()
redis.call('HSET', KEYS[1], 'state', 'pending', 'settled_at', now, unpack(ARGV, 3))
redis.call('ZADD', KEYS[2], now, ARGV[2])
return now
