-- Delete the ended delivery of an operator notice.
-- Returns: 1, or 0 when it was deleted already
local ended, delivery, attempts = unpack(KEYS)
local id = unpack(ARGV)
local record = redis.call('HMGET', delivery, 'state', 'client')
if record[1] then
  remove_from_index(id, record[2], record[1])
end
redis.call('DEL', delivery, attempts)
return redis.call('ZREM', ended, id)
