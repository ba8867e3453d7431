-- Skip a held delivery because the delivery of an explicit watch tells the same, if that one is pending or delivered.
-- While it is pending, the skipped one is remembered: it is revived if the other is abandoned.
-- Arguments: `explicit_id` is the id of the delivery `explicit`.
-- Returns: 1, or 0 when nothing was changed
local delivery, explicit, watch, ended = unpack(KEYS)
local id, watch_id, explicit_id, reason = unpack(ARGV)
local now = clock()
local state, held, client = unpack(redis.call('HMGET', delivery, 'state', 'held', 'client'))
local explicit_state = redis.call('HGET', explicit, 'state')
if state ~= 'pending' or not held or (explicit_state ~= 'pending' and explicit_state ~= 'delivered') then
  return 0
end
if explicit_state == 'pending' then
  redis.call('SADD', skipped_for(explicit_id), id)
  redis.call('HSET', delivery, 'skipped_for', explicit_id)
end
redis.call('ZREM', HELD, id)
redis.call('HDEL', delivery, 'held')
redis.call('HSET', delivery, 'state', 'skipped', 'due', '', 'ended_at', now, 'reason', reason)
remove_from_index(id, client, 'pending')
add_to_index(id, client, 'skipped')
if redis.call('HINCRBY', watch, 'pending', -1) <= 0 then
  redis.call('ZADD', ended, now, watch_id)
end
redis.call('PUBLISH', 'rb:changes', 'watch:' .. watch_id)
return 1
