-- Take members of a due set whose time has come, and put them off by a lease, so that nobody else takes them meanwhile.
-- KEYS: due set
-- ARGV: offset, count, lease
-- Returns: {now, member...}
local now = clock()
local members = redis.call('ZRANGEBYSCORE', KEYS[1], '-inf', now, 'LIMIT', 0, ARGV[2])
for _, member in ipairs(members) do
  redis.call('ZADD', KEYS[1], now + tonumber(ARGV[3]), member)
end
return {now, unpack(members)}
