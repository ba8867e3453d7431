-- Store what a check of a watch has found, before anything is sent, and when the next check is due.
-- Arguments: `again_at` is 0 if there is none.
-- Returns: 1, or 0 when the watch has ended, or another check has stored its result since `before` was read
local watch, nudges_due = unpack(KEYS)
local watch_id, before, nudge_state, again_at = unpack(ARGV)
local state, stored = unpack(redis.call('HMGET', watch, 'state', 'nudge_state'))
if state ~= 'watching' then
  redis.call('ZREM', nudges_due, watch_id)
  return 0
end
if (stored or '') ~= before then
  return 0
end
redis.call('HSET', watch, 'nudge_state', nudge_state)
if again_at == '0' then
  redis.call('ZREM', nudges_due, watch_id)
else
  redis.call('ZADD', nudges_due, again_at, watch_id)
end
return 1
