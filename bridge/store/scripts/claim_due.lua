-- Take members of a due set whose time has come, and put them off by a lease, so that nobody else takes them meanwhile.
-- KEYS: due set
-- ARGV: offset, count, lease, how far ahead (ms) a member may lie, or '': one further ahead was due before the clock was
--       set back, and is due
-- Returns: {now, member...}
local now = clock()
local members = redis.call('ZRANGEBYSCORE', KEYS[1], '-inf', now, 'LIMIT', 0, ARGV[2])
if ARGV[4] ~= '' and #members < tonumber(ARGV[2]) then
  local furthest = now + tonumber(ARGV[4])
  local ahead = redis.call('ZRANGEBYSCORE', KEYS[1], '(' .. furthest, '+inf', 'LIMIT', 0, ARGV[2] - #members)
  for _, member in ipairs(ahead) do
    members[#members + 1] = member
  end
end
for _, member in ipairs(members) do
  redis.call('ZADD', KEYS[1], now + tonumber(ARGV[3]), member)
end
return {now, unpack(members)}
