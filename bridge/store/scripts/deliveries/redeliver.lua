-- Make an ended delivery due again, now and with a whole new schedule. A part of a digest becomes a single message.
-- Arguments: `watch_id` is '' for a notice or a digest; `in_bulk` is 1 if only what is abandoned is meant, and an abandoned
-- digest stands for its parts; `by` is the client that asks for it.
-- Returns: 'queued', or what forbids it: the state, 'unknown', 'digest'
local delivery, watch, ended, unreported = unpack(KEYS)
local id, watch_id, in_bulk, by = unpack(ARGV)
local now = clock()
local state, lane, client, digest = unpack(redis.call('HMGET', delivery, 'state', 'lane', 'client', 'digest'))
if not state or state == 'pending' or state == 'skipped' then
  return state or 'unknown'
end
if in_bulk == '1' and state ~= 'abandoned' then
  return state
end
if digest then
  local of_digest = redis.call('HGET', 'rb:delivery:' .. digest, 'state')
  if in_bulk == '1' and (of_digest == 'abandoned' or of_digest == 'pending') then
    return 'digest'
  end
  redis.call('ZREM', 'rb:parts:' .. digest, id)
  redis.call('HDEL', delivery, 'digest')
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
  note_in_watch(watch, now .. ' redelivery ' .. id .. ' ' .. by)
  redis.call('ZREM', ended, watch_id)
  if state == 'abandoned' then
    redis.call('ZADD', 'rb:slack:end_buttons', now, watch_id) -- its button must go
  end
  redis.call('PUBLISH', 'rb:changes', 'watch:' .. watch_id)
end
return 'queued'
