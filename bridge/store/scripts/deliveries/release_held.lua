-- Release a held delivery: into its lane, or into a digest. A Slack lane gets at most `singles` single messages in
-- `singles_span` ms; the next ones are gathered, and so is everything after them until that digest is sent.
-- Callbacks are never gathered.
-- Arguments: `name` is that of the digest: the rule's own if `digest_due` is not '', else that of the flood guard.
-- Returns: 'released', 'gathered', 'gone' when it was released or skipped already; or 'flooding': it was released, but
--          the operator has to know that the lane had more than `calls` in `calls_span` ms
local delivery, digest = unpack(KEYS)
local id, name, digest_due, singles, singles_span, flood_digest_after, calls, calls_span = unpack(ARGV)
local now = clock()
local state, held, lane = unpack(redis.call('HMGET', delivery, 'state', 'held', 'lane'))
redis.call('ZREM', HELD, id)
if state ~= 'pending' or not held then
  return 'gone'
end
redis.call('HDEL', delivery, 'held')

local key = lane_key(lane)
local to_slack = string.sub(lane, 1, 5) == 'slack'
if to_slack and digest_due ~= '' then
  gather(delivery, id, name, digest_due, now)
  return 'gathered'
end
if to_slack and (redis.call('EXISTS', digest) == 1
  or too_frequent(key .. ':singles', id, tonumber(singles), tonumber(singles_span), now)) then
  gather(delivery, id, name, now + flood_digest_after, now)
  return 'gathered'
end
redis.call('HSET', delivery, 'due', now, 'reason', '')
enqueue(lane, id, now, now)
if not to_slack and too_frequent(key .. ':calls', id, tonumber(calls), tonumber(calls_span), now)
  and is_time_again(key .. ':flooded', tonumber(calls_span), now) then
  return 'flooding'
end
return 'released'
