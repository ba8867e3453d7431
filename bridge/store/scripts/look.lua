-- Everything a shift needs to know before it claims polls of a workspace.
-- KEYS: budget, imports due, imports leased
-- ARGV: offset
-- Returns: {now, polls in flight, score of the first due import or -1, budget fields and values}
local now = clock()
local in_flight = redis.call('ZCOUNT', KEYS[3], '(' .. now, '+inf')
local first = redis.call('ZRANGE', KEYS[2], 0, 0, 'WITHSCORES')
return {now, in_flight, tonumber(first[2] or -1), redis.call('HGETALL', KEYS[1])}
