-- Delete final imports whose reading answers no new watches any more, and for whose settling nobody waits.
-- KEYS: final
-- ARGV: offset, reuse, count, prefix of import keys, prefix of the keys of their waiting watches
-- Returns: how many were deleted
local now = clock()
local members = redis.call('ZRANGEBYSCORE', KEYS[1], '-inf', now - tonumber(ARGV[2]), 'LIMIT', 0, ARGV[3])
local deleted = 0
for _, member in ipairs(members) do
  local key = ARGV[4] .. member
  if redis.call('EXISTS', ARGV[5] .. member) == 0 then
    if redis.call('HGET', key, 'state') == 'final' then
      redis.call('DEL', key)
    end
    redis.call('ZREM', KEYS[1], member)
    deleted = deleted + 1
  end
end
return deleted
