-- Claim deliveries that are due: lease each, raise its fence.
-- KEYS: deliveries due, fence
-- ARGV: offset, count, lease, prefix of delivery keys
-- Returns: {now, score of the next due delivery or -1, {id, fence, fields and values}...}
local now = clock()
local lease_end = now + tonumber(ARGV[3])
local due = redis.call('ZRANGEBYSCORE', KEYS[1], '-inf', now, 'LIMIT', 0, ARGV[2])
local reply = {now, -1}
for _, id in ipairs(due) do
  local key = ARGV[4] .. id
  if redis.call('HGET', key, 'state') == 'pending' then
    local fence = redis.call('INCR', KEYS[2])
    redis.call('HSET', key, 'fence', fence)
    redis.call('ZADD', KEYS[1], lease_end, id)
    reply[#reply + 1] = {id, fence, redis.call('HGETALL', key)}
  else
    redis.call('ZREM', KEYS[1], id)
  end
end
local first = redis.call('ZRANGE', KEYS[1], 0, 0, 'WITHSCORES')
reply[2] = tonumber(first[2] or -1)
return reply
