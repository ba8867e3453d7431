-- After the clock was set back: move attempts that were scheduled or leased before, to the same distance from now.
-- Further keys: the deliveries. Further arguments: their ids.
-- Returns: the lanes of those that wait in one
local lease = unpack(ARGV, 1, 1)
local FIRST_ID = 2
local now = clock()
local lease_end = now + tonumber(lease)
local lanes = {}
for i, record in ipairs(KEYS) do
  local id = ARGV[FIRST_ID - 1 + i]
  local state, lane, due, queued_at, scheduled_at, held =
    unpack(redis.call('HMGET', record, 'state', 'lane', 'due', 'queued_at', 'scheduled_at', 'held'))
  if state == 'pending' then
    due, queued_at = tonumber(due or now), tonumber(queued_at)
    scheduled_at = math.max(queued_at, tonumber(scheduled_at or 0))
    if scheduled_at > now then
      due = now + math.max(0, due - scheduled_at)
      redis.call('HSET', record, 'due', due, 'queued_at', math.min(queued_at, now), 'scheduled_at', now)
    end
    if held then
      hold(record, id, due)
    else
      local key = lane_key(lane)
      local leased = tonumber(redis.call('ZSCORE', key .. ':leased', id) or 0)
      if leased > now then
        due = math.min(leased, lease_end)
        redis.call('ZADD', key .. ':leased', due, id)
      end
      redis.call('ZADD', key, 'XX', due, id) -- a part of a digest is in no lane
      lanes[#lanes + 1] = lane
    end
  end
end
return lanes
