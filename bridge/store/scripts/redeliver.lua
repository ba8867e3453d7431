-- Owe an ended delivery again, from now on and with the whole schedule before it.
-- KEYS: delivery, watch, ended, untold
-- ARGV: offset, delivery id, watch id or '' (a notice's)
-- Returns: 'owed', or the state in which it can't be: 'pending', 'skipped', 'unknown'
local now = clock()
local id = ARGV[2]
local record = redis.call('HMGET', KEYS[1], 'state', 'lane', 'client')
local state = record[1]
if not state or state == 'pending' or state == 'skipped' then
  return state or 'unknown'
end
redis.call('HSET', KEYS[1], 'state', 'pending', 'owed_at', now, 'due', now, 'failures', 0, 'ended_at', '',
  'interrupted', '')
unlist(id, record[3], state)
list(id, record[3], 'pending')
owe(record[2], id, now, now)
redis.call('ZREM', KEYS[4], id)
if ARGV[3] == '' then
  redis.call('ZREM', KEYS[3], id)
else
  redis.call('HINCRBY', KEYS[2], 'pending', 1)
  redis.call('ZREM', KEYS[3], ARGV[3])
  redis.call('PUBLISH', 'rb:news', 'watch:' .. ARGV[3])
end
return 'owed'
