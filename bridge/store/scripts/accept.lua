-- Store a watch, and have its import polled: a new import at once, one that is being polled as it stands; a final
-- one that is recent enough answers without a poll.
-- KEYS: watch, all watches, the client's watches, expiring, import, its waiting watches, imports due, settling, final,
--       budget
-- ARGV: offset, watch id, import id, settling member, grace, expires in, reuse (all ms), wish of a new import,
--       schema, field, value, ...
-- Returns: {now, 'new' | 'joined' | 'final' | 'known', score of the import's next poll or -1, its fields and values}
local now = clock()
local watch_id, import_id, member = ARGV[2], ARGV[3], ARGV[4]
local grace, expires_in, reuse = tonumber(ARGV[5]), tonumber(ARGV[6]), tonumber(ARGV[7])
if redis.call('EXISTS', KEYS[1]) == 1 then
  return {now, 'known', tonumber(redis.call('ZSCORE', KEYS[7], import_id) or -1), redis.call('HGETALL', KEYS[5])}
end

local record = {'schema', ARGV[9], 'state', 'watching', 'created_at', now,
  'grace_until', now + math.min(grace, expires_in), 'expires_at', now + expires_in}
for i = 10, #ARGV do
  record[#record + 1] = ARGV[i]
end
redis.call('HSET', KEYS[1], unpack(record))
redis.call('ZADD', KEYS[2], now, watch_id)
redis.call('ZADD', KEYS[3], now, watch_id)
redis.call('ZADD', KEYS[4], now + expires_in, watch_id)
redis.call('SADD', KEYS[6], watch_id)

local import = redis.call('HMGET', KEYS[5], 'state', 'final_at')
if import[1] == 'open' then
  return {now, 'joined', tonumber(redis.call('ZSCORE', KEYS[7], import_id) or -1), redis.call('HGETALL', KEYS[5])}
end
if import[1] == 'final' and now < tonumber(import[2]) + reuse then
  redis.call('ZADD', KEYS[8], now, member)
  return {now, 'final', -1, redis.call('HGETALL', KEYS[5])}
end
redis.call('DEL', KEYS[5])
redis.call('ZREM', KEYS[8], member)
redis.call('ZREM', KEYS[9], member)
redis.call('HSET', KEYS[5], 'schema', ARGV[9], 'state', 'open', 'first_at', now, 'polls', 0, 'faults', 0,
  'wish', ARGV[8])
redis.call('HINCRBY', KEYS[10], 'demand', ARGV[8])
redis.call('ZADD', KEYS[7], now, import_id)
return {now, 'new', now, redis.call('HGETALL', KEYS[5])}
