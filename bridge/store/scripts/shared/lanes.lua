-- Precedes the scripts that schedule deliveries. A lane is the queue of all deliveries to one receiver.
-- Its name begins with its kind, which sets its limits: Slack takes one message a second for each webhook and channel.
-- Any other receiver takes two at once until the first waiting delivery has arrived, then ten; a single one while its
-- last attempt failed or it is slow to answer.
-- A lane is in good standing for a day after its receiver's last good answer. All others are doubtful: each waits in a
-- queue of the client that owns its first delivery, so that claims can bound them, in total and per client.
local AT_ONCE = {ok = 10, failing = 1}
local GOOD_FOR = 86400000
local LANES = 'rb:lanes'
local DOUBTFUL = 'rb:lanes:doubtful'
local function lane_key(lane)
  return 'rb:lane:' .. lane
end

local function doubtful_of(client)
  return DOUBTFUL .. ':' .. client
end

local function lane_limits(lane)
  if string.sub(lane, 1, 5) == 'slack' then
    return 1, 1000
  end
  return AT_ONCE[redis.call('GET', lane_key(lane) .. ':last')] or 2, 0
end

-- Pause a lane for `span` ms from now.
local function pace(lane, span, now)
  redis.call('SET', lane_key(lane) .. ':paced', now + span .. ' ' .. now, 'PX', span)
end

-- Return the end of a lane's pause, or 0, and when it was set.
local function pace_of(lane)
  local until_, set_at = string.match(redis.call('GET', lane_key(lane) .. ':paced') or '', '(%d+) (%d+)')
  return tonumber(until_ or 0), tonumber(set_at or 0)
end

-- Return the end of a lane's pause, or 0. One that was set in the future is ignored: the clock was set back.
local function paced_until(lane, now)
  local paced, set_at = pace_of(lane)
  return set_at <= now + 1000 and paced or 0
end

-- Record the result of a lane's last attempt: 'ok' or 'failing'.
local function set_last_result(lane, last)
  if last == 'ok' then
    redis.call('SET', lane_key(lane) .. ':last', last, 'PX', GOOD_FOR)
  else
    redis.call('SET', lane_key(lane) .. ':last', last)
  end
end

-- Remove a lane from its queue, which is LANES or that of a client.
local function leave_queue(lane, queue, client)
  redis.call('ZREM', queue, lane)
  if client ~= '' and redis.call('EXISTS', queue) == 0 then
    redis.call('ZREM', DOUBTFUL, client)
  end
end

-- Return a lane's queue and, if it is doubtful, the client that owns the queue; '' otherwise.
local function queue_of(lane, first)
  local last = redis.call('GET', lane_key(lane) .. ':last')
  if last == 'ok' or last == 'quiet' then
    return LANES, ''
  end
  local client = redis.call('HGET', 'rb:delivery:' .. first, 'client') or 'unknown'
  return doubtful_of(client), client
end

-- Update a lane's place in its queue: when its next delivery is due, not paused, and within the lane's limit.
local function reschedule(lane, now)
  local key = lane_key(lane)
  local head = redis.call('ZRANGE', key, 0, 0, 'WITHSCORES')
  local owner = redis.call('GET', key .. ':queue')
  if not head[1] then
    if owner then
      leave_queue(lane, owner == '' and LANES or doubtful_of(owner), owner)
    end
    redis.call('DEL', key .. ':queue', key .. ':leased')
    if redis.call('GET', key .. ':last') == 'ok' then
      redis.call('SET', key .. ':last', 'quiet', 'KEEPTTL')
    else
      redis.call('DEL', key .. ':last')
    end
    return
  end
  local at = math.max(tonumber(head[2]), paced_until(lane, now))
  redis.call('ZREMRANGEBYSCORE', key .. ':leased', '-inf', now)
  if redis.call('ZCARD', key .. ':leased') >= lane_limits(lane) then
    at = math.max(at, tonumber(redis.call('ZRANGE', key .. ':leased', 0, 0, 'WITHSCORES')[2]))
  end
  local queue, client = queue_of(lane, head[1])
  if owner ~= client then
    if owner then
      leave_queue(lane, owner == '' and LANES or doubtful_of(owner), owner)
    end
    redis.call('SET', key .. ':queue', client)
  end
  redis.call('ZADD', queue, at, lane)
  if client ~= '' then
    -- Not before now: a client that was just served goes behind those that wait.
    redis.call('ZADD', DOUBTFUL, 'LT', math.max(at, now), client)
  end
end

-- Add a delivery to its lane, to be attempted at `due`.
local function enqueue(lane, delivery_id, due, now)
  redis.call('ZADD', lane_key(lane), due, delivery_id)
  reschedule(lane, now)
end
