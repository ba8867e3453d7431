-- Delete an ended watch with all that belongs to it.
-- KEYS: ended, about its import, the list that it ended in, the client's such list, untold, watch, then for each
--       delivery: its key and that of its attempts
-- ARGV: offset, watch id, client, the deliveries' ids
local watch_id, client = ARGV[2], ARGV[3]
if redis.call('ZREM', KEYS[1], watch_id) == 0 then
  return 0
end
for i = 2, 4 do
  redis.call('ZREM', KEYS[i], watch_id)
end
for i = 4, #ARGV do
  local key = KEYS[7 + 2 * (i - 4)]
  local state = redis.call('HGET', key, 'state')
  if state then
    unlist(ARGV[i], client, state)
  end
  redis.call('ZREM', KEYS[5], ARGV[i])
  redis.call('DEL', key, KEYS[8 + 2 * (i - 4)])
end
redis.call('DEL', KEYS[6])
return 1
