-- Close the digests or summaries that are due, and claim those whose message must be written. What is gathered later
-- begins a new one.
-- Arguments: the prefixes of their keys before and after they are closed. Further arguments: the ids of the
-- deliveries that those which are closed now become.
-- Returns: {now, 'id name'...}
local due, closed = unpack(KEYS)
local lease, open_prefix, closed_prefix = unpack(ARGV, 1, 3)
local FIRST_ID = 4
local now = clock()
local lease_end = now + tonumber(lease)
local count = #ARGV + 1 - FIRST_ID
local reply = {now}
for _, member in ipairs(redis.call('ZRANGEBYSCORE', closed, '-inf', now, 'LIMIT', 0, count)) do
  redis.call('ZADD', closed, lease_end, member)
  reply[#reply + 1] = member
end
for i, name in ipairs(redis.call('ZRANGEBYSCORE', due, '-inf', now, 'LIMIT', 0, count)) do
  local id = ARGV[FIRST_ID - 1 + i]
  redis.call('ZREM', due, name)
  if redis.call('EXISTS', open_prefix .. name) == 1 then
    redis.call('RENAME', open_prefix .. name, closed_prefix .. id)
    redis.call('ZADD', closed, lease_end, id .. ' ' .. name)
    reply[#reply + 1] = id .. ' ' .. name
  end
end
return reply
