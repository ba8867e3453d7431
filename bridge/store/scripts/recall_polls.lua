-- Bring back polls and leases that lie further ahead than their pauses and the lease allow: the clock was set back.
-- KEYS: imports due, imports leased
-- ARGV: offset, lease, what the pauses of the first tier are shorter than, most of each tier at once, prefix of import keys
-- Returns: how many polls were brought back
local SLACK = 1000 -- a worker's clock may be a little ahead
local now, lease, shortest, count = clock(), tonumber(ARGV[2]), tonumber(ARGV[3]), ARGV[4]
local lease_end = now + lease
for _, id in ipairs(redis.call('ZRANGEBYSCORE', KEYS[2], '(' .. lease_end, '+inf')) do
  redis.call('ZADD', KEYS[2], lease_end, id)
end
local recalled = 0
for _, first in ipairs(first_of_each_tier(KEYS[1], 1)) do
  local tier = tier_of(first[2])
  local furthest = now + math.max(lease, shortest * 2 ^ tier) + SLACK
  local ids = redis.call('ZRANGEBYSCORE', KEYS[1], string.format('(%.0f', tier * TIER_SPAN + furthest),
    string.format('(%.0f', (tier + 1) * TIER_SPAN), 'LIMIT', 0, count)
  for _, id in ipairs(ids) do
    local leased = tonumber(redis.call('ZSCORE', KEYS[2], id) or 0)
    redis.call('ZADD', KEYS[1], tier * TIER_SPAN + math.max(now, leased), id)
    if tonumber(redis.call('HGET', ARGV[5] .. id, 'first_at') or 0) > now then
      redis.call('HSET', ARGV[5] .. id, 'first_at', now)
    end
  end
  recalled = recalled + #ids
end
return recalled
