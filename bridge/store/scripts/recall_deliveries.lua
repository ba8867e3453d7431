-- Bring back the attempts that were put off, or leased, before the clock was set back: each as far ahead as it was then.
-- KEYS: a delivery for each id
-- ARGV: offset, lease, delivery ids
-- Returns: the lanes of those that are pending
local now = clock()
local lease_end = now + tonumber(ARGV[2])
local lanes = {}
for i, record in ipairs(KEYS) do
  local id = ARGV[2 + i]
  local stands = redis.call('HMGET', record, 'state', 'lane', 'due', 'owed_at', 'scheduled_at')
  if stands[1] == 'pending' then
    local lane, due, owed_at = stands[2], tonumber(stands[3] or now), tonumber(stands[4])
    local scheduled_at = math.max(owed_at, tonumber(stands[5] or 0))
    if scheduled_at > now then
      due = now + math.max(0, due - scheduled_at)
      redis.call('HSET', record, 'due', due, 'owed_at', math.min(owed_at, now), 'scheduled_at', now)
    end
    local key = lane_key(lane)
    local leased = tonumber(redis.call('ZSCORE', key .. ':leased', id) or 0)
    if leased > now then
      due = math.min(leased, lease_end)
      redis.call('ZADD', key .. ':leased', due, id)
    end
    redis.call('ZADD', key, due, id)
    lanes[#lanes + 1] = lane
  end
end
return lanes
