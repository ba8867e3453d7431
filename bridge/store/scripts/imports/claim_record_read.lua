-- Reserve budget for one request to Rally about an import whose failed records are wanted.
-- For `kept_for` ms from now there is no other one.
-- Returns: 1, or 0 when the budget has been overwritten, or when the import was read within `kept_for`
local budget, imports_leased, wanted, read = unpack(KEYS)
local version, member, leased_as, lease, paced_until, probing_until, kept_for = unpack(ARGV)
local now = clock()
if (redis.call('HGET', budget, 'version') or '0') ~= version then
  return 0
end
if redis.call('ZREM', wanted, member) == 0 or redis.call('EXISTS', read) == 1 then
  return 0
end
redis.call('HSET', read, 'asked_at', now)
redis.call('PEXPIRE', read, kept_for)
redis.call('ZADD', imports_leased, now + tonumber(lease), leased_as)
redis.call('HINCRBY', budget, 'version', 1)
redis.call('HINCRBY', budget, 'spent', 1)
redis.call('HINCRBY', budget, 'available', -1)
redis.call('HSET', budget, 'written_at', now, 'paced_until', paced_until, 'probing_until', probing_until)
return 1
