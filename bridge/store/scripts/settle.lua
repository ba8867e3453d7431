-- End a watch once: write its outcome and the deliveries it owes, or cancel it. The second time nothing changes.
-- KEYS: watch, expiring, ended, import, its waiting watches, imports due, settling, watching, the client's watching,
--       the list that it ends in, the client's such list, then a key for each delivery
-- ARGV: offset, watch id, import id, settling member, now, 'settled' or 'cancelled', number of deliveries,
--       number of watch arguments, field, value, ...,
--       then for each delivery: id, 'pending' or 'skipped', lane, number of further arguments, field, value, ...
-- Returns: 1, or 0 when the watch had ended already
local watch_id, import_id, member, now = ARGV[2], ARGV[3], ARGV[4], tonumber(ARGV[5])
redis.call('SREM', KEYS[5], watch_id)
if redis.call('SCARD', KEYS[5]) == 0 then
  -- Nobody waits any more: polling ends, and a final import needs no settling.
  redis.call('ZREM', KEYS[7], member)
  if redis.call('HGET', KEYS[4], 'state') == 'open' then
    redis.call('DEL', KEYS[4])
    redis.call('ZREM', KEYS[6], import_id)
  end
end
if redis.call('HGET', KEYS[1], 'state') ~= 'watching' then
  return 0
end

local at = 9 + tonumber(ARGV[8])
local client, pending = redis.call('HGET', KEYS[1], 'client'), 0
for i = 1, tonumber(ARGV[7]) do
  local id, state, lane, extra = ARGV[at], ARGV[at + 1], ARGV[at + 2], tonumber(ARGV[at + 3])
  redis.call('HSET', KEYS[11 + i], 'state', state, 'owed_at', now, 'lane', lane, unpack(ARGV, at + 4, at + 3 + extra))
  list(id, client, state)
  if state == 'pending' then
    redis.call('HSET', KEYS[11 + i], 'due', now)
    owe(lane, id, now, now)
    pending = pending + 1
  else
    redis.call('HSET', KEYS[11 + i], 'ended_at', now)
  end
  at = at + 4 + extra
end
redis.call('HSET', KEYS[1], 'state', ARGV[6], 'settled_at', now, 'pending', pending, unpack(ARGV, 9, 8 + tonumber(ARGV[8])))
redis.call('ZREM', KEYS[2], watch_id)
redis.call('ZREM', KEYS[8], watch_id)
redis.call('ZREM', KEYS[9], watch_id)
redis.call('ZADD', KEYS[10], 0, watch_id)
redis.call('ZADD', KEYS[11], 0, watch_id)
redis.call('PUBLISH', 'rb:news', 'watch:' .. watch_id)
if pending == 0 then
  redis.call('ZADD', KEYS[3], now, watch_id)
end
return 1
