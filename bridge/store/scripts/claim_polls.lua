-- Reserve budget and claim as many due imports, in one step.
-- KEYS: budget, imports due, imports leased, fence
-- ARGV: offset, expected budget version, count, lease, paced from, step, probing until or 0, prefix of import keys
-- Returns: {now, 'stale'} when the budget has moved on; else {now, 'claimed', {id, fence, due, first_at, polls, faults, mark}...}
local now = clock()
if (redis.call('HGET', KEYS[1], 'version') or '0') ~= ARGV[2] then
  return {now, 'stale'}
end
local lease_end = now + tonumber(ARGV[4])
redis.call('ZREMRANGEBYSCORE', KEYS[3], '-inf', now)
local due = redis.call('ZRANGEBYSCORE', KEYS[2], '-inf', now, 'WITHSCORES', 'LIMIT', 0, ARGV[3])
local reply, leases = {now, 'claimed'}, {}
local fence = redis.call('INCRBY', KEYS[4], #due / 2) - #due / 2
for i = 1, #due, 2 do
  local id = due[i]
  fence = fence + 1
  local record = redis.call('HMGET', ARGV[8] .. id, 'state', 'first_at', 'polls', 'faults', 'mark')
  if record[1] == 'open' then
    redis.call('HSET', ARGV[8] .. id, 'fence', fence)
    leases[#leases + 1] = lease_end
    leases[#leases + 1] = id
    reply[#reply + 1] = {id, fence, tonumber(due[i + 1]), tonumber(record[2]), tonumber(record[3]), tonumber(record[4]),
      record[5] or ''}
  else
    redis.call('ZREM', KEYS[2], id)
  end
end
local claimed = #reply - 2
if claimed > 0 then
  redis.call('ZADD', KEYS[2], unpack(leases))
  redis.call('ZADD', KEYS[3], unpack(leases))
  redis.call('HINCRBY', KEYS[1], 'version', 1)
  redis.call('HINCRBY', KEYS[1], 'spent', claimed)
  redis.call('HINCRBY', KEYS[1], 'available', -claimed)
  redis.call('HSET', KEYS[1], 'paced_until', ARGV[5] + claimed * ARGV[6], 'probing_until', ARGV[7])
end
return reply
