-- Store a set of failed records, and check its use later. Storing it again renews its encryption.
-- Returns: 1
local record_set, record_sets = unpack(KEYS)
local member, encrypted, checked_every = unpack(ARGV)
redis.call('SET', record_set, encrypted)
redis.call('ZADD', record_sets, clock() + tonumber(checked_every), member)
return 1
