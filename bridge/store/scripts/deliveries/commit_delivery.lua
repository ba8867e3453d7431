-- Record an attempt and its effect on the delivery, in one step and only under the claim's fence.
-- Arguments: `watch_id` is '' for a notice or a digest; `due` is 0 when the delivery has ended; `lane_result` is 'ok',
-- 'failing', or '' to leave the lane as it is; `attempt` is encrypted, or '' for none. Further arguments: field, value, ...
-- Returns: 1, or 0 when the fence has been replaced or used
local delivery, attempts, watch, ended, unreported = unpack(KEYS)
local id, watch_id, lane, fence, due, lane_result, attempt, attempts_kept, state = unpack(ARGV, 1, 9)
local FIRST_FIELD, PARTS_AT_ONCE, OPERATOR, FAILING = 10, 100, 'operator', 'rb:receivers:failing'
local now = clock()
local record = redis.call('HMGET', delivery, 'fence', 'state', 'client', 'parts')
if record[1] ~= fence or record[2] ~= 'pending' then
  return 0
end
redis.call('HSET', delivery, 'state', state, 'due', due == '0' and '' or due, 'scheduled_at', now,
  unpack(ARGV, FIRST_FIELD))
redis.call('HDEL', delivery, 'fence') -- used: a repetition after a lost reply records nothing more
if attempt ~= '' then
  redis.call('LPUSH', attempts, attempt)
  redis.call('LTRIM', attempts, 0, attempts_kept - 1)
end
if lane_result ~= '' then
  set_last_result(lane, lane_result)
end
-- Remember since when the receiver fails, and the most failures of one delivery; not for notices to the operator.
if lane_result == 'ok' then
  redis.call('HDEL', FAILING, lane)
elseif lane_result == 'failing' and record[3] ~= OPERATOR then
  local since, most = string.match(redis.call('HGET', FAILING, lane) or '', '^(%d+) (%d+) ')
  local failures = math.max(tonumber(most or 0), tonumber(redis.call('HGET', delivery, 'failures')))
  redis.call('HSET', FAILING, lane, (since or now) .. ' ' .. failures .. ' ' .. id)
end
redis.call('ZREM', lane_key(lane) .. ':leased', id)
if due ~= '0' then
  enqueue(lane, id, due, now)
  return 1
end
redis.call('ZREM', lane_key(lane), id)
reschedule(lane, now)
if redis.call('EXISTS', lane_key(lane)) == 0 then
  redis.call('HDEL', FAILING, lane)
end
remove_from_index(id, record[3], 'pending')
add_to_index(id, record[3], state)
if record[4] and not end_parts(id, state, PARTS_AT_ONCE, now) then
  redis.call('ZADD', 'rb:digests:ending', now, id)
end
redis.call('PUBLISH', 'rb:changes', 'watch:' .. watch_id)
if watch_id == '' then
  redis.call('ZADD', ended, now, id) -- it has no watch: its own retention begins
end
if state == 'abandoned' and record[3] ~= OPERATOR then
  redis.call('ZADD', unreported, now, id)
  revive_skipped_for(id, now)
end
redis.call('DEL', skipped_for(id))
if watch_id ~= '' and state == 'abandoned' then
  redis.call('HSET', watch, 'abandoned', 1)
end
-- The message about an end may need a button that sends again, or this is that message.
if watch_id ~= '' and redis.call('HEXISTS', watch, 'abandoned') == 1 then
  redis.call('ZADD', 'rb:slack:end_buttons', now, watch_id)
end
if watch_id ~= '' and redis.call('HINCRBY', watch, 'pending', -1) <= 0 then
  redis.call('ZADD', ended, now, watch_id)
end
return 1
