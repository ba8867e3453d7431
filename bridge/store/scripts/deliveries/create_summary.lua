-- Create the delivery of a rule's closed summary, and forget the imports that it tells.
-- Arguments: `member` is 'id name'. Further arguments: the delivery's field, value, ...
-- Returns: 1, or 0 when it was created already
local delivery, summaries_closed, missed = unpack(KEYS)
local id, member, lane, client = unpack(ARGV, 1, 4)
local FIRST_FIELD = 5
local now = clock()
if redis.call('ZREM', summaries_closed, member) == 0 then
  return 0
end
redis.call('DEL', missed)
create_message(delivery, id, lane, client, now, unpack(ARGV, FIRST_FIELD))
return 1
