-- Keep a watch that was asked for in Slack, encrypted; after `accepted_after` ms a worker asks Slack. Until it is forgotten,
-- no other one is kept for the same channel and import: it would be told there twice.
-- Returns: 1, or 0 when another one is kept
local kept, wishes, wished = unpack(KEYS)
local watch_id, wish, accepted_after, wished_for = unpack(ARGV)
if not redis.call('SET', wished, watch_id, 'NX', 'PX', wished_for) and redis.call('GET', wished) ~= watch_id then
  return 0
end
redis.call('SET', kept, wish)
redis.call('ZADD', wishes, clock() + accepted_after, watch_id)
return 1
