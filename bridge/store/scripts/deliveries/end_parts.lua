-- End parts of digests that have ended, and that had too many parts for one step.
-- Returns: the number of digests that still have such parts
local digests_ending = unpack(KEYS)
local count, most = unpack(ARGV)
local now = clock()
for _, id in ipairs(redis.call('ZRANGE', digests_ending, 0, count - 1)) do
  local state = redis.call('HGET', 'rb:delivery:' .. id, 'state')
  local is_over = not state or state == 'pending' -- deleted; or redelivered, so that it ends again
  if is_over or end_parts(id, state, tonumber(most), now) then
    redis.call('ZREM', digests_ending, id)
  end
end
return redis.call('ZCARD', digests_ending)
