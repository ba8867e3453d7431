-- Delete an ended watch, its deliveries and their attempts, and their index entries. While one of its deliveries may be
-- revived, the watch is kept: its retention begins again.
-- Further keys, for each delivery: its key and that of its attempts. Further arguments: the delivery ids.
-- Returns: 1, or 0 when the watch was kept, or deleted already
local ended, watches_about, watches_in, watches_in_of_client, unreported, watch = unpack(KEYS, 1, 6)
local watch_id, client = unpack(ARGV, 1, 2)
local FIRST_DELIVERY, FIRST_ID = 7, 3
if redis.call('ZREM', ended, watch_id) == 0 then
  return 0
end
for i = FIRST_ID, #ARGV do
  if may_be_revived(KEYS[FIRST_DELIVERY + 2 * (i - FIRST_ID)]) then
    redis.call('ZADD', ended, clock(), watch_id)
    return 0
  end
end
redis.call('ZREM', watches_about, watch_id)
local label = redis.call('HGET', watch, 'label')
if label then
  redis.call('ZREM', 'rb:watches:labelled:' .. label, watch_id)
end
redis.call('ZREM', watches_in, watch_id)
redis.call('ZREM', watches_in_of_client, watch_id)
for i = FIRST_ID, #ARGV do
  local at = FIRST_DELIVERY + 2 * (i - FIRST_ID)
  local delivery, attempts = KEYS[at], KEYS[at + 1]
  local state = redis.call('HGET', delivery, 'state')
  if state then
    remove_from_index(ARGV[i], client, state)
  end
  redis.call('ZREM', unreported, ARGV[i])
  redis.call('DEL', delivery, attempts, skipped_for(ARGV[i]))
end
redis.call('ZREM', 'rb:slack:end_buttons', watch_id)
redis.call('DEL', watch)
return 1
