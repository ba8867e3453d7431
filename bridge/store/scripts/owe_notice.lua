-- Owe a delivery that belongs to no watch, and strike off what it tells of.
-- KEYS: delivery, untold
-- ARGV: offset, delivery id, lane, client, number of deliveries that it tells of, their ids, field, value, ...
-- Returns: now, or 0 when somebody has told of one of them already
local now = clock()
local told = tonumber(ARGV[5])
for i = 1, told do
  if not redis.call('ZSCORE', KEYS[2], ARGV[5 + i]) then
    return 0
  end
end
for i = 1, told do
  redis.call('ZREM', KEYS[2], ARGV[5 + i])
end
redis.call('HSET', KEYS[1], 'state', 'pending', 'owed_at', now, 'due', now, 'lane', ARGV[3], 'client', ARGV[4],
  unpack(ARGV, 6 + told))
list(ARGV[2], ARGV[4], 'pending')
owe(ARGV[3], ARGV[2], now, now)
return now
