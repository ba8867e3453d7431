-- End a claim of a watch whose buttons were looked at. If something has changed since, it stays due.
-- Arguments: `leased_until` is the end of the claim's lease; `again_at` is the time of the next look, 0 for none.
-- Returns: 1, or 0 if it stays due
local due = unpack(KEYS)
local watch_id, leased_until, again_at = unpack(ARGV)
if tonumber(redis.call('ZSCORE', due, watch_id)) ~= tonumber(leased_until) then
  return 0
end
if again_at == '0' then
  redis.call('ZREM', due, watch_id)
else
  redis.call('ZADD', due, again_at, watch_id)
end
return 1
