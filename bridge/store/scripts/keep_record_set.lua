-- Store a set of failed records, and check its use later.
-- Returns: 1, or 0 when it was stored already
local record_set, record_sets = unpack(KEYS)
local member, encrypted, checked_every = unpack(ARGV)
redis.call('ZADD', record_sets, clock() + tonumber(checked_every), member)
if redis.call('EXISTS', record_set) == 1 then
  return 0
end
redis.call('SET', record_set, encrypted)
return 1
