-- Claim deliveries that are due, lane by lane: lease each, raise its fence.
-- KEYS: fence
-- ARGV: offset, count, lease, prefix of delivery keys
-- Returns: {now, score of the first lane or -1, {id, fence, fields and values}...}
local now = clock()
local count, lease_end = tonumber(ARGV[2]), now + tonumber(ARGV[3])
local reply = {now, -1}
for _, lane in ipairs(redis.call('ZRANGEBYSCORE', LANES, '-inf', now, 'LIMIT', 0, count)) do
  local room = count - (#reply - 2)
  if room <= 0 then
    break
  end
  local key = lane_key(lane)
  local limit, spacing = lane_limits(lane)
  redis.call('ZREMRANGEBYSCORE', key .. ':leased', '-inf', now)
  local free = math.min(room, limit - redis.call('ZCARD', key .. ':leased'))
  local due = free > 0 and redis.call('ZRANGEBYSCORE', key, '-inf', now, 'LIMIT', 0, free) or {}
  for _, id in ipairs(due) do
    local record = ARGV[4] .. id
    local stands = redis.call('HMGET', record, 'state', 'fence')
    if stands[1] == 'pending' then
      local fence = redis.call('INCR', KEYS[1])
      -- A fence that was not used up: whoever claimed it before died, perhaps after it had sent.
      redis.call('HSET', record, 'fence', fence, 'interrupted', stands[2] and 1 or '')
      redis.call('ZADD', key, lease_end, id)
      redis.call('ZADD', key .. ':leased', lease_end, id)
      reply[#reply + 1] = {id, fence, redis.call('HGETALL', record)}
    else
      redis.call('ZREM', key, id)
    end
  end
  if spacing > 0 and #due > 0 then
    redis.call('SET', key .. ':paced', now + spacing, 'PX', spacing)
  end
  reschedule(lane, now)
end
local first = redis.call('ZRANGE', LANES, 0, 0, 'WITHSCORES')
reply[2] = tonumber(first[2] or -1)
return reply
