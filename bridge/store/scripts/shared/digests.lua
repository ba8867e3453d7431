-- Precedes the scripts that end deliveries. A digest is a delivery whose message is about other deliveries, its parts.
-- They have no lane of their own meanwhile, and end with the digest.
-- The score of a part says how it ended: 0 if it has not.
local PART_SCORE = {abandoned = 1, delivered = 2}

-- End at most `most` parts of an ended digest; return whether all have ended. A digest that is delivered after a
-- redelivery also ends the parts that were abandoned with it.
local function end_parts(digest, state, most, now)
  local parts, score = 'rb:parts:' .. digest, PART_SCORE[state]
  local ids = redis.call('ZRANGEBYSCORE', parts, '-inf', '(' .. score, 'LIMIT', 0, most)
  for _, id in ipairs(ids) do
    local part = 'rb:delivery:' .. id
    local before, client, watch_id = unpack(redis.call('HMGET', part, 'state', 'client', 'watch'))
    if before == 'pending' or before == 'abandoned' then
      local watch = 'rb:watch:' .. watch_id
      redis.call('HSET', part, 'state', state, 'due', '', 'ended_at', now, 'gathered', '', 'digest', digest,
        'reason', 'in the digest ' .. digest)
      if state == 'abandoned' then
        revive_skipped_for(id, now)
      end
      redis.call('DEL', skipped_for(id))
      remove_from_index(id, client, before)
      add_to_index(id, client, state)
      redis.call('PUBLISH', 'rb:changes', 'watch:' .. watch_id)
      local pending = redis.call('HINCRBY', watch, 'pending', before == 'pending' and -1 or 0)
      if pending <= 0 then
        redis.call('ZADD', 'rb:watches:ended', now, watch_id)
      end
    end
    redis.call('ZADD', parts, score, id)
  end
  return #ids < most
end
