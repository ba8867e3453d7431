-- Delete an ended delivery that belongs to no watch: a notice or a digest.
-- Returns: 1, or 0 when it was deleted already
local ended, unreported, delivery, attempts, parts = unpack(KEYS)
local id = unpack(ARGV)
local record = redis.call('HMGET', delivery, 'state', 'client')
if record[1] then
  remove_from_index(id, record[2], record[1])
end
redis.call('DEL', delivery, attempts, parts)
redis.call('ZREM', unreported, id)
return redis.call('ZREM', ended, id)
