-- Write a budget that was computed from version ARGV[2], unless someone wrote in between.
-- KEYS: budget
-- ARGV: offset, expected version, field, value, ...
-- Returns: 1, or 0 when the version has moved on
if (redis.call('HGET', KEYS[1], 'version') or '0') ~= ARGV[2] then
  return 0
end
redis.call('HSET', KEYS[1], 'version', ARGV[2] + 1, 'written_at', clock(), unpack(ARGV, 3))
return 1
