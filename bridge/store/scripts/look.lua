-- Everything a shift needs to know before it claims polls of a workspace.
-- KEYS: budget, imports due, imports leased
-- ARGV: offset
-- Returns: {now, polls in flight, when the first import is due or -1, number of open imports, budget fields and values}
local now = clock()
local in_flight = redis.call('ZCOUNT', KEYS[3], '(' .. now, '+inf')
local first_due = -1
for _, first in ipairs(first_of_each_tier(KEYS[2], 1)) do
  local due = moment_of(first[2])
  first_due = first_due < 0 and due or math.min(first_due, due)
end
return {now, in_flight, first_due, redis.call('ZCARD', KEYS[2]), redis.call('HGETALL', KEYS[1])}
