-- Precedes the scripts that count which ends of imports had a push. A workspace's hash has, for each type of import as
-- Rally's answers name it: streak:<type>, matches:<type>, misses:<type>, last_match:<type>, unpushed:<type> (ends
-- without a push since the last match), told:<type> (1 after the operator was told).
local function count_match(proof, type, now)
  redis.call('HINCRBY', proof, 'streak:' .. type, 1)
  redis.call('HINCRBY', proof, 'matches:' .. type, 1)
  redis.call('HSET', proof, 'last_match:' .. type, now, 'unpushed:' .. type, 0, 'told:' .. type, 0)
end

-- Count misses of every type that was ever proven or missed: pushes that we failed to take may have been of any type.
local function count_misses_of_all(proof, misses)
  local stored = redis.call('HGETALL', proof)
  for i = 1, #stored, 2 do
    if string.sub(stored[i], 1, 7) == 'streak:' then
      redis.call('HSET', proof, stored[i], 0)
      redis.call('HINCRBY', proof, 'misses:' .. string.sub(stored[i], 8), misses)
    end
  end
end
