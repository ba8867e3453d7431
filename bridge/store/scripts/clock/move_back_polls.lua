-- After the clock was set back: bring back polls and leases that lie further ahead than the pauses and lease allow.
-- Arguments: `shortest` ms bounds the pauses of the first tier; `count` bounds the polls of each tier in one call.
-- Returns: the number of polls brought back
local imports_due, imports_leased = unpack(KEYS)
local lease, shortest, count, import_prefix = unpack(ARGV)
local SLACK = 1000 -- a worker's clock may be a little ahead
local now = clock()
local lease_end = now + tonumber(lease)
for _, id in ipairs(redis.call('ZRANGEBYSCORE', imports_leased, '(' .. lease_end, '+inf')) do
  redis.call('ZADD', imports_leased, lease_end, id)
end
local moved = 0
for _, first in ipairs(first_of_each_tier(imports_due, 1)) do
  local tier = tier_of(first[2])
  local furthest = now + math.max(tonumber(lease), tonumber(shortest) * 2 ^ (tier % TIERS)) + SLACK
  local ids = redis.call('ZRANGEBYSCORE', imports_due, string.format('(%.0f', tier * TIER_SPAN + furthest),
    string.format('(%.0f', (tier + 1) * TIER_SPAN), 'LIMIT', 0, count)
  for _, id in ipairs(ids) do
    local leased = tonumber(redis.call('ZSCORE', imports_leased, id) or 0)
    redis.call('ZADD', imports_due, tier * TIER_SPAN + math.max(now, leased), id)
    for _, moment in ipairs({'first_at', 'pushed_at'}) do
      if tonumber(redis.call('HGET', import_prefix .. id, moment) or 0) > now then
        redis.call('HSET', import_prefix .. id, moment, now)
      end
    end
  end
  moved = moved + #ids
end
return moved
