-- Claim deliveries that are due, lane by lane: lease each, raise its fence. Doubtful lanes come first, as far as there
-- is room for them: what answers well can't keep them waiting for ever, and they take no more than their share.
-- KEYS: fence
-- ARGV: offset, count, lease, prefix of delivery keys, how many of the count may be of doubtful lanes, how many of these
--       one client may have under way, number of clients that have some under way, then for each: client, how many
-- Returns: {now, moment of the next claim or -1, {id, fence, fields and values, client of the doubtful lane or ''}...}
local now = clock()
local count, lease_end = tonumber(ARGV[2]), now + tonumber(ARGV[3])
local doubtful, of_one = math.min(count, tonumber(ARGV[5])), tonumber(ARGV[6])
local under_way = {}
for i = 1, tonumber(ARGV[7]) do
  under_way[ARGV[6 + 2 * i]] = tonumber(ARGV[7 + 2 * i])
end
local reply = {now, -1}

-- Claim from one lane, at most so many; return how many it was.
local function claim(lane, most, client)
  local key = lane_key(lane)
  local limit, spacing = lane_limits(lane)
  redis.call('ZREMRANGEBYSCORE', key .. ':leased', '-inf', now)
  local free = math.min(most, limit - redis.call('ZCARD', key .. ':leased'))
  local due = free > 0 and redis.call('ZRANGEBYSCORE', key, '-inf', now, 'LIMIT', 0, free) or {}
  local before = #reply
  for _, id in ipairs(due) do
    local record = ARGV[4] .. id
    local stands = redis.call('HMGET', record, 'state', 'fence')
    if stands[1] == 'pending' then
      local fence = redis.call('INCR', KEYS[1])
      -- A fence that was not used up: whoever claimed it before died, perhaps after it had sent.
      redis.call('HSET', record, 'fence', fence, 'interrupted', stands[2] and 1 or '')
      redis.call('ZADD', key, lease_end, id)
      redis.call('ZADD', key .. ':leased', lease_end, id)
      reply[#reply + 1] = {id, fence, redis.call('HGETALL', record), client}
    else
      redis.call('ZREM', key, id)
    end
  end
  if spacing > 0 and #due > 0 then
    pace(lane, spacing, now)
  end
  reschedule(lane, now)
  return #reply - before
end

-- Claim from the lanes of a queue that are due, at most so many; return how many it was.
local function claim_from(queue, most, client)
  local left = most
  for _, lane in ipairs(most > 0 and redis.call('ZRANGEBYSCORE', queue, '-inf', now, 'LIMIT', 0, most) or {}) do
    if left > 0 then
      left = left - claim(lane, left, client)
    end
  end
  return most - left
end

local function room_of(client)
  return math.min(doubtful, of_one - (under_way[client] or 0))
end

for _, client in ipairs(redis.call('ZRANGEBYSCORE', DOUBTFUL, '-inf', now, 'LIMIT', 0, doubtful + ARGV[7])) do
  local room = room_of(client)
  if room > 0 then
    local claimed = claim_from(doubtful_of(client), room, client)
    under_way[client] = (under_way[client] or 0) + claimed
    doubtful, count = doubtful - claimed, count - claimed
    local first = redis.call('ZRANGE', doubtful_of(client), 0, 0, 'WITHSCORES')
    if first[1] then
      redis.call('ZADD', DOUBTFUL, math.max(now, tonumber(first[2])), client)
    end
  end
end
claim_from(LANES, count, '')

-- The next claim is due with the first lane in good standing, or the first doubtful one for which there is room.
local function sooner(at)
  if at and (reply[2] < 0 or tonumber(at) < reply[2]) then
    reply[2] = tonumber(at)
  end
end
sooner(redis.call('ZRANGE', LANES, 0, 0, 'WITHSCORES')[2])
local queues = redis.call('ZRANGE', DOUBTFUL, 0, #reply + ARGV[7], 'WITHSCORES')
for i = 1, #queues, 2 do
  if room_of(queues[i]) > 0 then
    sooner(queues[i + 1])
    break
  end
end
return reply
