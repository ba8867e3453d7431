-- Delete the ended delivery of a notice.
-- KEYS: ended, delivery, its attempts
-- ARGV: offset, delivery id
local record = redis.call('HMGET', KEYS[2], 'state', 'client')
if record[1] then
  unlist(ARGV[2], record[2], record[1])
end
redis.call('DEL', KEYS[2], KEYS[3])
return redis.call('ZREM', KEYS[1], ARGV[2])
