-- Take a part out of a digest that is not written yet: into its lane as a single message with a whole new schedule, or
-- back to be held, so that it is decided again what becomes of it.
-- Returns: 1, or 0 when it was taken out already
local delivery, parts = unpack(KEYS)
local id, lane, is_held = unpack(ARGV)
local now = clock()
if redis.call('ZREM', parts, id) == 0 or redis.call('HGET', delivery, 'state') ~= 'pending' then
  return 0
end
redis.call('HSET', delivery, 'gathered', '', 'reason', '', 'queued_at', now, 'due', now, 'scheduled_at', now)
if is_held == '1' then
  hold(delivery, id, now)
else
  enqueue(lane, id, now, now)
end
return 1
