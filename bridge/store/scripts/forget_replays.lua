-- Delete kept answers that are past their time.
-- KEYS: all kept answers
-- ARGV: offset, how long an answer is kept (ms), count
-- Returns: how many were deleted
local now = clock()
local kept = redis.call('ZRANGEBYSCORE', KEYS[1], '-inf', now - tonumber(ARGV[2]), 'LIMIT', 0, ARGV[3])
for _, key in ipairs(kept) do
  redis.call('DEL', key)
  redis.call('ZREM', KEYS[1], key)
end
return #kept
