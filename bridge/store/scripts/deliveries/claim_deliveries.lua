-- Claim deliveries that are due, lane by lane: lease each and raise its fence. Doubtful lanes come first within their
-- bounds, so that healthy lanes cannot starve them and they cannot take more than their share.
-- Arguments: `doubtful` of the `count` may be from doubtful lanes; `per_client` bounds a client's doubtful deliveries
-- in progress. Further arguments: client, number in progress, ...
-- Returns: {now, time of the next claim or -1, {id, fence, fields and values, client of the doubtful lane or ''}...}
local fences = unpack(KEYS)
local count, lease, delivery_prefix, doubtful, per_client = unpack(ARGV, 1, 5)
local FIRST_CLIENT = 6
local now = clock()
local lease_end = now + tonumber(lease)
count, per_client = tonumber(count), tonumber(per_client)
doubtful = math.min(count, tonumber(doubtful))
local clients = (#ARGV + 1 - FIRST_CLIENT) / 2
local in_progress = {}
for i = FIRST_CLIENT, #ARGV, 2 do
  in_progress[ARGV[i]] = tonumber(ARGV[i + 1])
end
local reply = {now, -1}

-- Claim at most `most` deliveries of one lane; return the number claimed.
local function claim(lane, most, client)
  local key = lane_key(lane)
  local limit, spacing = lane_limits(lane)
  redis.call('ZREMRANGEBYSCORE', key .. ':leased', '-inf', now)
  local free = math.min(most, limit - redis.call('ZCARD', key .. ':leased'))
  local due = free > 0 and redis.call('ZRANGEBYSCORE', key, '-inf', now, 'LIMIT', 0, free) or {}
  local before = #reply
  for _, id in ipairs(due) do
    local record = delivery_prefix .. id
    local stored = redis.call('HMGET', record, 'state', 'fence')
    if stored[1] == 'pending' then
      local fence = redis.call('INCR', fences)
      -- An unused fence: the worker that claimed it last died, perhaps after sending.
      redis.call('HSET', record, 'fence', fence, 'interrupted', stored[2] and 1 or '')
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

-- Claim at most `most` deliveries from the due lanes of a queue; return the number claimed.
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
  return math.min(doubtful, per_client - (in_progress[client] or 0))
end

for _, client in ipairs(redis.call('ZRANGEBYSCORE', DOUBTFUL, '-inf', now, 'LIMIT', 0, doubtful + clients)) do
  local room = room_of(client)
  if room > 0 then
    local claimed = claim_from(doubtful_of(client), room, client)
    in_progress[client] = (in_progress[client] or 0) + claimed
    doubtful, count = doubtful - claimed, count - claimed
    local first = redis.call('ZRANGE', doubtful_of(client), 0, 0, 'WITHSCORES')
    if first[1] then
      redis.call('ZADD', DOUBTFUL, math.max(now, tonumber(first[2])), client)
    end
  end
end
claim_from(LANES, count, '')

-- The next claim is due with the first lane in good standing, or the first doubtful one within its client's bound.
local function sooner(at)
  if at and (reply[2] < 0 or tonumber(at) < reply[2]) then
    reply[2] = tonumber(at)
  end
end
sooner(redis.call('ZRANGE', LANES, 0, 0, 'WITHSCORES')[2])
local queues = redis.call('ZRANGE', DOUBTFUL, 0, #reply + clients, 'WITHSCORES')
for i = 1, #queues, 2 do
  if room_of(queues[i]) > 0 then
    sooner(queues[i + 1])
    break
  end
end
return reply
