-- Precedes the scripts that hold deliveries of rules back, so that an explicit watch of the import can take precedence.
-- A held delivery is pending, but in no lane: `held` is 1 in its record, and its id is in HELD.
local HELD = 'rb:deliveries:held'

-- Hold a pending delivery; at `at` it is decided whether it is released or skipped.
local function hold(delivery, id, at)
  redis.call('HSET', delivery, 'held', 1, 'due', at, 'reason', 'held, as a watch may tell the same')
  redis.call('ZADD', HELD, at, id)
end

-- Return the key of the set of deliveries that were skipped because this one, of an explicit watch, tells the same.
local function skipped_for(id)
  return 'rb:deliveries:skipped_for:' .. id
end

-- Return whether a delivery was skipped because of one that is still pending.
local function may_be_revived(delivery)
  local state, other = unpack(redis.call('HMGET', delivery, 'state', 'skipped_for'))
  return state == 'skipped' and other and redis.call('HGET', 'rb:delivery:' .. other, 'state') == 'pending'
end

-- Make the deliveries pending that were skipped because of one that is now abandoned.
local function revive_skipped_for(id, now)
  for _, other in ipairs(redis.call('SMEMBERS', skipped_for(id))) do
    local delivery = 'rb:delivery:' .. other
    local state, client, watch_id = unpack(redis.call('HMGET', delivery, 'state', 'client', 'watch'))
    if state == 'skipped' then
      redis.call('HSET', delivery, 'state', 'pending', 'queued_at', now, 'ended_at', '', 'reason', '')
      redis.call('HDEL', delivery, 'skipped_for')
      remove_from_index(other, client, 'skipped')
      add_to_index(other, client, 'pending')
      hold(delivery, other, now)
      redis.call('HINCRBY', 'rb:watch:' .. watch_id, 'pending', 1)
      note_in_watch('rb:watch:' .. watch_id, now .. ' released ' .. other)
      redis.call('ZREM', 'rb:watches:ended', watch_id)
      redis.call('PUBLISH', 'rb:changes', 'watch:' .. watch_id)
    end
  end
end
