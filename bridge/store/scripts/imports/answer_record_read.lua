-- Store what Rally answered about the failed records of an import, unless the request is too old, and notify.
-- Further arguments: field, value, ...
-- Returns: 1 if it was stored, otherwise 0
local read, imports_leased = unpack(KEYS)
local leased_as, topic = unpack(ARGV, 1, 2)
local FIRST_FIELD = 3
redis.call('ZREM', imports_leased, leased_as)
local awaited = redis.call('EXISTS', read)
if awaited == 1 then
  redis.call('HSET', read, unpack(ARGV, FIRST_FIELD))
end
redis.call('PUBLISH', 'rb:changes', topic)
return awaited
