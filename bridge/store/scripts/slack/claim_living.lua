-- Claim living messages that are due, at most `count`: lease each and raise its fence. Posts come first; of them, those
-- whose lane is free: a delivery that is due in it goes before. Last edits come before other edits, and of each kind
-- those that have waited longest. While the app is paused, nothing is claimed.
-- Arguments: what is further ahead than `furthest` ms was due before the clock was set back, so it is due.
-- Returns: {now, time of the next claim or -1, {member, its queue, its due time, fence, fields and values}...}
local fences = unpack(KEYS)
local count, lease, furthest = unpack(ARGV)
local SCANNED = 100
local now = clock()
local reply = {now, -1}
count = tonumber(count)

local function due_in(queue, most)
  local due = redis.call('ZRANGEBYSCORE', queue, '-inf', now, 'WITHSCORES', 'LIMIT', 0, most)
  for _, each in ipairs(redis.call('ZRANGEBYSCORE', queue, '(' .. now + furthest, '+inf', 'WITHSCORES', 'LIMIT', 0, 1)) do
    due[#due + 1] = each
  end
  return due
end

local function claim(member, queue, due)
  local key = LIVING .. member
  local fence = redis.call('INCR', fences)
  redis.call('HSET', key, 'fence', fence, 'answer_by', now + lease)
  redis.call('ZADD', queue, now + lease, member)
  reply[#reply + 1] = {member, queue, math.min(due, now), fence, redis.call('HGETALL', key)}
end

local function room()
  return count - (#reply - 2)
end

-- Return when a lane may take a message that is no delivery.
local function free_at(lane)
  local key = lane_key(lane)
  redis.call('ZREMRANGEBYSCORE', key .. ':leased', '-inf', now)
  local deliveries = redis.call('ZCOUNT', key, '-inf', now) + redis.call('ZCARD', key .. ':leased')
  return math.max(now, paced_until(lane, now)) + 1000 * math.min(deliveries, 30)
end

local lanes = {}
local waiting = paced_until(POSTS, now) <= now and due_in(WAITING, SCANNED) or {}
for i = 1, #waiting, 2 do
  local member, due = waiting[i], tonumber(waiting[i + 1])
  local phase, lane = unpack(redis.call('HMGET', LIVING .. member, 'phase', 'lane'))
  if not phase then
    redis.call('ZREM', WAITING, member)
  elseif room() > 0 then
    if phase == 'waiting' then
      local at = lanes[lane] or free_at(lane)
      lanes[lane] = at + 1000
      if at > now then
        redis.call('ZADD', WAITING, at, member)
      else
        claim(member, WAITING, due)
      end
    else
      claim(member, WAITING, due) -- a worker died while it posted
    end
  end
end
for _, queue in ipairs(paced_until(EDITS, now) <= now and {ENDING, SHOWN} or {}) do
  local found = room() > 0 and due_in(queue, room()) or {}
  for i = 1, #found, 2 do
    if redis.call('EXISTS', LIVING .. found[i]) == 0 then
      redis.call('ZREM', queue, found[i])
    elseif room() > 0 then
      claim(found[i], queue, tonumber(found[i + 1]))
    end
  end
end

for queue, pace_name in pairs({[WAITING] = POSTS, [SHOWN] = EDITS, [ENDING] = EDITS}) do
  local first = redis.call('ZRANGE', queue, 0, 0, 'WITHSCORES')[2]
  local at = first and math.max(tonumber(first), paced_until(pace_name, now))
  if at and (reply[2] < 0 or at < reply[2]) then
    reply[2] = at
  end
end
return reply
