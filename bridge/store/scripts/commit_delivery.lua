-- Record an attempt and what it made of its delivery, in one step and only under the claim's fence.
-- KEYS: delivery, its attempts, watch, ended, untold
-- ARGV: offset, delivery id, watch id or '', lane, fence, due or 0 (ended), 'ok', 'failing' or '' (of the lane),
--       the attempt (sealed) or '', attempts kept, state, field, value, ...
-- Returns: 1, or 0 when the fence has moved on or was used
local now = clock()
local id, lane, due = ARGV[2], ARGV[4], ARGV[6]
local record = redis.call('HMGET', KEYS[1], 'fence', 'state', 'client')
if record[1] ~= ARGV[5] or record[2] ~= 'pending' then
  return 0
end
local state = ARGV[10]
redis.call('HSET', KEYS[1], 'state', state, 'due', due == '0' and '' or due, 'scheduled_at', now, unpack(ARGV, 11))
redis.call('HDEL', KEYS[1], 'fence') -- used up: whoever repeats this, its reply having been lost, records nothing more
if ARGV[8] ~= '' then
  redis.call('LPUSH', KEYS[2], ARGV[8])
  redis.call('LTRIM', KEYS[2], 0, ARGV[9] - 1)
end
if ARGV[7] ~= '' then
  note(lane, ARGV[7])
end
redis.call('ZREM', lane_key(lane) .. ':leased', id)
if due ~= '0' then
  owe(lane, id, due, now)
  return 1
end
redis.call('ZREM', lane_key(lane), id)
reschedule(lane, now)
unlist(id, record[3], 'pending')
list(id, record[3], state)
redis.call('PUBLISH', 'rb:news', 'watch:' .. ARGV[3])
if ARGV[3] == '' then
  redis.call('ZADD', KEYS[4], now, id) -- a notice's: it belongs to no watch
  return 1
end
if state == 'abandoned' then
  redis.call('ZADD', KEYS[5], now, id)
end
if redis.call('HINCRBY', KEYS[3], 'pending', -1) <= 0 then
  redis.call('ZADD', KEYS[4], now, ARGV[3])
end
return 1
