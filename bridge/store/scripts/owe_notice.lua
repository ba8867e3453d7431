-- Owe a delivery that belongs to no watch.
-- KEYS: delivery
-- ARGV: offset, delivery id, lane, field, value, ...
local now = clock()
redis.call('HSET', KEYS[1], 'state', 'pending', 'settled_at', now, 'due', now, 'lane', ARGV[3], unpack(ARGV, 4))
owe(ARGV[3], ARGV[2], now, now)
return now
