-- Delete an ended watch with all that belongs to it.
-- KEYS: ended, all watches, the client's watches, then every key to delete
-- ARGV: offset, watch id
if redis.call('ZREM', KEYS[1], ARGV[2]) == 0 then
  return 0
end
redis.call('ZREM', KEYS[2], ARGV[2])
redis.call('ZREM', KEYS[3], ARGV[2])
for i = 4, #KEYS do
  redis.call('DEL', KEYS[i])
end
return 1
