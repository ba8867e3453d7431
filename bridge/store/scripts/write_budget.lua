-- Write a budget that was computed from `version`, unless it was overwritten meanwhile.
-- Further arguments: field, value, ...
-- Returns: 1, or 0 when it was overwritten
local budget = unpack(KEYS)
local version = unpack(ARGV, 1, 1)
local FIRST_FIELD = 2
if (redis.call('HGET', budget, 'version') or '0') ~= version then
  return 0
end
redis.call('HSET', budget, 'version', version + 1, 'written_at', clock(), unpack(ARGV, FIRST_FIELD))
return 1
