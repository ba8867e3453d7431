-- Claim digests whose message must be written. One that is due is closed: what is gathered later begins a new one.
-- Further arguments: the ids of the deliveries that digests which are closed now become.
-- Returns: {now, 'id name'...}
local digests_due, digests_closed = unpack(KEYS)
local lease = unpack(ARGV, 1, 1)
local FIRST_ID = 2
local now = clock()
local lease_end = now + tonumber(lease)
local reply = {now}
for _, member in ipairs(redis.call('ZRANGEBYSCORE', digests_closed, '-inf', now, 'LIMIT', 0, #ARGV)) do
  redis.call('ZADD', digests_closed, lease_end, member)
  reply[#reply + 1] = member
end
local due = redis.call('ZRANGEBYSCORE', digests_due, '-inf', now, 'LIMIT', 0, #ARGV + 1 - FIRST_ID)
for i, name in ipairs(due) do
  local id = ARGV[FIRST_ID - 1 + i]
  redis.call('ZREM', digests_due, name)
  if redis.call('EXISTS', 'rb:digest:' .. name) == 1 then
    redis.call('RENAME', 'rb:digest:' .. name, 'rb:parts:' .. id)
    redis.call('ZADD', digests_closed, lease_end, id .. ' ' .. name)
    reply[#reply + 1] = id .. ' ' .. name
  end
end
return reply
