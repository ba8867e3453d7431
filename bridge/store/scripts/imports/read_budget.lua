-- Read what a shift needs before it claims polls of a workspace.
-- Returns: {now, polls in flight, time of the first due import or -1, the same of those that only rules watch, number of
--           open imports, budget fields and values}
local budget, imports_due, imports_leased = unpack(KEYS)
local now = clock()
local in_flight = redis.call('ZCOUNT', imports_leased, '(' .. now, '+inf')
local function first_due(by_rule)
  local from, earliest = first_tier(by_rule), -1
  for _, first in ipairs(first_of_each_tier(imports_due, 1, from, from + RULES)) do
    local due = moment_of(first[2])
    earliest = earliest < 0 and due or math.min(earliest, due)
  end
  return earliest
end
return {now, in_flight, first_due('0'), first_due('1'), redis.call('ZCARD', imports_due), redis.call('HGETALL', budget)}
