-- Create the delivery of a closed digest; or forget the digest if no part is left.
-- Arguments: `member` is 'id name'. Further arguments: the delivery's field, value, ...
-- Returns: 1, or 0 when nothing was created
local delivery, digests_closed, parts = unpack(KEYS)
local id, member, lane, client = unpack(ARGV, 1, 4)
local FIRST_FIELD = 5
local now = clock()
local count = redis.call('ZCARD', parts)
if redis.call('ZREM', digests_closed, member) == 0 or count == 0 then
  return 0
end
create_message(delivery, id, lane, client, now, 'parts', count, unpack(ARGV, FIRST_FIELD))
return 1
