-- Count the ends for which no push came in time, and go on bringing back polls that were put off before a miss. After the
-- clock was set back, nothing waits for the old time.
-- Returns: the number of ends and polls that were processed; if it reaches `count`, there may be more
local proof, awaited, awaited_types, imports_due, imports_leased = unpack(KEYS)
local stretched_prefix, count = unpack(ARGV)
local now = clock()
local push = {proof = proof, awaited = awaited, awaited_types = awaited_types, stretched = stretched_prefix,
  imports_due = imports_due, imports_leased = imports_leased}
local processed = 0

for _, id in ipairs(redis.call('ZRANGEBYSCORE', awaited, '(' .. now + AWAITED_FOR, '+inf', 'LIMIT', 0, count)) do
  redis.call('ZADD', awaited, now + AWAITED_FOR, id)
end
for _, id in ipairs(redis.call('ZRANGEBYSCORE', awaited, '-inf', now, 'LIMIT', 0, count)) do
  local type = redis.call('HGET', awaited_types, id)
  if type then
    count_misses(push, type, 1, 1, now)
  end
  redis.call('ZREM', awaited, id)
  redis.call('HDEL', awaited_types, id)
  processed = processed + 1
end
for _, type in ipairs(proof_types(push)) do
  local streak, last_match = unpack(redis.call('HMGET', proof, 'streak:' .. type, 'last_match:' .. type))
  if last_match and tonumber(last_match) > now then
    redis.call('HSET', proof, 'last_match:' .. type, now)
  end
  if tonumber(streak) < PROVEN_BY then
    processed = processed + bring_back(push, type, now)
  end
end
return processed
