-- Precedes the scripts that change a delivery's state: its index by state, and the same per client.
local function remove_from_index(id, client, state)
  redis.call('ZREM', 'rb:deliveries:in:' .. state, id)
  redis.call('ZREM', 'rb:deliveries:of:' .. client .. ':' .. state, id)
end

local function add_to_index(id, client, state)
  redis.call('ZADD', 'rb:deliveries:in:' .. state, 0, id)
  redis.call('ZADD', 'rb:deliveries:of:' .. client .. ':' .. state, 0, id)
end
