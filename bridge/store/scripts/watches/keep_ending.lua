-- Keep how an open watch is to end, unless that is kept already. settle.lua carries it out once replicas have it.
-- Arguments: `ending` is '' to keep nothing new; after `left_over_after` ms the sweep carries it out.
-- Returns: how the watch is to end, or false
local watch, kept, endings = unpack(KEYS)
local watch_id, ending, left_over_after = unpack(ARGV)
if redis.call('HGET', watch, 'state') ~= 'watching' then
  redis.call('DEL', kept)
  redis.call('ZREM', endings, watch_id)
  return false
end
if ending ~= '' and redis.call('SET', kept, ending, 'NX') then
  redis.call('ZADD', endings, clock() + left_over_after, watch_id)
end
return redis.call('GET', kept)
