-- Make an ended delivery due again, now and with a whole new schedule.
-- Arguments: `watch_id` is '' for an operator notice.
-- Returns: 'queued', or the state that forbids it: 'pending', 'skipped', 'unknown'
local delivery, watch, ended, unreported = unpack(KEYS)
local id, watch_id = unpack(ARGV)
local now = clock()
local state, lane, client = unpack(redis.call('HMGET', delivery, 'state', 'lane', 'client'))
if not state or state == 'pending' or state == 'skipped' then
  return state or 'unknown'
end
redis.call('HSET', delivery, 'state', 'pending', 'queued_at', now, 'due', now, 'failures', 0, 'ended_at', '',
  'interrupted', '')
remove_from_index(id, client, state)
add_to_index(id, client, 'pending')
enqueue(lane, id, now, now)
redis.call('ZREM', unreported, id)
if watch_id == '' then
  redis.call('ZREM', ended, id)
else
  redis.call('HINCRBY', watch, 'pending', 1)
  redis.call('ZREM', ended, watch_id)
  redis.call('PUBLISH', 'rb:changes', 'watch:' .. watch_id)
end
return 'queued'
