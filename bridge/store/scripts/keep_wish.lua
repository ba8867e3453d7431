-- Keep a watch that was asked for in Slack, encrypted; after `accepted_after` ms the sweep accepts it.
local kept, wishes = unpack(KEYS)
local watch_id, wish, accepted_after = unpack(ARGV)
redis.call('SET', kept, wish)
redis.call('ZADD', wishes, clock() + accepted_after, watch_id)
