-- Stands before the scripts that touch deliveries: the lanes in which they wait.
-- A lane holds what goes to one place. Its name begins with its kind, and the kind sets its limits:
-- Slack takes one message a second for each webhook and channel. Another receiver takes two at once until the first of
-- what waits has arrived, then ten; and one that failed last time a single one: many that hang hold up nobody else.
local AT_ONCE = {ok = 10, failing = 1}
local LANES = 'rb:lanes'
local function lane_key(lane)
  return 'rb:lane:' .. lane
end

local function lane_limits(lane)
  if string.sub(lane, 1, 5) == 'slack' then
    return 1, 1000
  end
  return AT_ONCE[redis.call('GET', lane_key(lane) .. ':last')] or 2, 0
end

-- Put a lane where its next delivery may be claimed: due, not before its pace, and with room among those under way.
local function reschedule(lane, now)
  local key = lane_key(lane)
  local head = redis.call('ZRANGE', key, 0, 0, 'WITHSCORES')
  if not head[1] then
    redis.call('ZREM', LANES, lane)
    redis.call('DEL', key .. ':last', key .. ':leased')
    return
  end
  local at = math.max(tonumber(head[2]), tonumber(redis.call('GET', key .. ':paced') or 0))
  redis.call('ZREMRANGEBYSCORE', key .. ':leased', '-inf', now)
  if redis.call('ZCARD', key .. ':leased') >= lane_limits(lane) then
    at = math.max(at, tonumber(redis.call('ZRANGE', key .. ':leased', 0, 0, 'WITHSCORES')[2]))
  end
  redis.call('ZADD', LANES, at, lane)
end

local function owe(lane, delivery_id, due, now)
  redis.call('ZADD', lane_key(lane), due, delivery_id)
  reschedule(lane, now)
end
