-- Claim members of a due set whose time has come; a lease hides them from other workers.
-- Arguments: a member further ahead than `furthest` ms (or '': any distance is valid) was due before the clock was set
-- back, so it is due.
-- Returns: {now, member...}
local due = unpack(KEYS)
local count, lease, furthest = unpack(ARGV)
local now = clock()
local members = redis.call('ZRANGEBYSCORE', due, '-inf', now, 'LIMIT', 0, count)
if furthest ~= '' and #members < tonumber(count) then
  local beyond = '(' .. now + tonumber(furthest)
  for _, member in ipairs(redis.call('ZRANGEBYSCORE', due, beyond, '+inf', 'LIMIT', 0, count - #members)) do
    members[#members + 1] = member
  end
end
for _, member in ipairs(members) do
  redis.call('ZADD', due, now + tonumber(lease), member)
end
return {now, unpack(members)}
