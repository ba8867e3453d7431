-- End a watch once: store its outcome and create its deliveries, or cancel it. A second call changes nothing.
-- If its batch is told in digests, a delivery to Slack waits for that of its lane, which is sent when all watches have
-- ended, or `batch_digest_after` ms after the first of them. The last watch is told alone if nothing waits.
-- Further keys: a key for each delivery, then for each history of ends. Arguments: `state` is 'settled' or 'cancelled';
-- `deliveries` and `fields` are numbers; `mark` and `entry` are the import's mark and end for the histories, each of which
-- keeps `ends_kept` for `ends_kept_for` ms. Further arguments: the watch's field, value, ..., then for each delivery: id, 'pending' or 'skipped', lane, the
-- time until which it is held or 0, number of further arguments, field, value, ...
-- Returns: 1, or 0 when the watch had ended already
local watch, expiring, ended, import, waiting, imports_due, settling, watching, watching_of_client, watches_in,
  watches_in_of_client = unpack(KEYS, 1, 11)
local watch_id, import_id, member, now, state, stretched_prefix, deliveries, fields, mark, entry, ends_kept,
  ends_kept_for, batch_digest_after = unpack(ARGV, 1, 13)
local FIRST_DELIVERY, FIRST_FIELD = 12, 14
now, fields = tonumber(now), tonumber(fields)
redis.call('SREM', waiting, watch_id)
if redis.call('SCARD', waiting) == 0 then
  -- No watch is left: polling ends, and a final import needs no settling.
  redis.call('ZREM', settling, member)
  local import_state, type = unpack(redis.call('HMGET', import, 'state', 'type'))
  if import_state == 'open' then
    redis.call('DEL', import, 'rb:notes:' .. member)
    redis.call('ZREM', imports_due, import_id)
    if type then
      redis.call('ZREM', stretched_prefix .. type, import_id)
    end
  end
end
if redis.call('HGET', watch, 'state') ~= 'watching' then
  return 0
end

for i = FIRST_DELIVERY + tonumber(deliveries), #KEYS do
  local counted = false -- by another watch of the import
  for _, each in ipairs(redis.call('LRANGE', KEYS[i], 0, -1)) do
    counted = counted or each:sub(1, #mark) == mark
  end
  if not counted then
    redis.call('LPUSH', KEYS[i], entry)
    redis.call('LTRIM', KEYS[i], 0, ends_kept - 1)
  end
  redis.call('PEXPIRE', KEYS[i], ends_kept_for)
end

local at = FIRST_FIELD + fields
local client, batch = unpack(redis.call('HMGET', watch, 'client', 'batch'))
local is_last, pending = batch and leave_batch(batch, watch_id, now), 0
local function is_gathered(lane)
  local is_alone = is_last and redis.call('EXISTS', 'rb:digest:' .. batch_digest(batch, lane)) == 0
  return string.sub(lane, 1, 5) == 'slack' and not is_alone
end
for i = 1, tonumber(deliveries) do
  local delivery = KEYS[FIRST_DELIVERY - 1 + i]
  local id, delivery_state, lane, held_until = ARGV[at], ARGV[at + 1], ARGV[at + 2], tonumber(ARGV[at + 3])
  local extra = tonumber(ARGV[at + 4])
  redis.call('HSET', delivery, 'state', delivery_state, 'queued_at', now, 'lane', lane,
    unpack(ARGV, at + 5, at + 4 + extra))
  add_to_index(id, client, delivery_state)
  if delivery_state == 'pending' then
    if held_until > 0 then
      hold(delivery, id, held_until)
    elseif batch and is_gathered(lane) then
      gather_in_batch(batch, delivery, id, lane, now + tonumber(batch_digest_after), now)
    else
      redis.call('HSET', delivery, 'due', now)
      enqueue(lane, id, now, now)
    end
    pending = pending + 1
  else
    redis.call('HSET', delivery, 'ended_at', now)
  end
  at = at + 5 + extra
end
if is_last then
  complete_batch(batch, now)
end
leave_living(redis.call('HGET', watch, 'living') or '', member, watch_id, state == 'settled', now)
redis.call('HSET', watch, 'state', state, 'settled_at', now, 'pending', pending,
  unpack(ARGV, FIRST_FIELD, FIRST_FIELD - 1 + fields))
redis.call('ZREM', expiring, watch_id)
redis.call('ZREM', 'rb:nudges:due', watch_id)
redis.call('ZREM', watching, watch_id)
redis.call('ZREM', watching_of_client, watch_id)
redis.call('ZADD', watches_in, 0, watch_id)
redis.call('ZADD', watches_in_of_client, 0, watch_id)
redis.call('PUBLISH', 'rb:changes', 'watch:' .. watch_id)
if pending == 0 then
  redis.call('ZADD', ended, now, watch_id)
end
return 1
