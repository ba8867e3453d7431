-- Strike an import off the settling ones, unless someone waits for it: a watch may have come since the caller looked.
-- KEYS: settling, the import's waiting watches
-- ARGV: offset, settling member
-- Returns: how many were struck off
if redis.call('EXISTS', KEYS[2]) == 1 then
  return 0
end
return redis.call('ZREM', KEYS[1], ARGV[2])
