-- Read what a shift needs before it claims polls of a workspace.
-- Returns: {now, polls in flight, time of the first due import or -1, number of open imports, budget fields and values}
local budget, imports_due, imports_leased = unpack(KEYS)
local now = clock()
local in_flight = redis.call('ZCOUNT', imports_leased, '(' .. now, '+inf')
local first_due = -1
for _, first in ipairs(first_of_each_tier(imports_due, 1)) do
  local due = moment_of(first[2])
  first_due = first_due < 0 and due or math.min(first_due, due)
end
return {now, in_flight, first_due, redis.call('ZCARD', imports_due), redis.call('HGETALL', budget)}
