-- Stands before the scripts that change a delivery's state: the lists by state, for all and for each client.
local function unlist(id, client, state)
  redis.call('ZREM', 'rb:deliveries:in:' .. state, id)
  redis.call('ZREM', 'rb:deliveries:of:' .. client .. ':' .. state, id)
end

local function list(id, client, state)
  redis.call('ZADD', 'rb:deliveries:in:' .. state, 0, id)
  redis.call('ZADD', 'rb:deliveries:of:' .. client .. ':' .. state, 0, id)
end
