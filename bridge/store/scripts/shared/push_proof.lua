-- What pushes prove: how often one came when an import ended, by workspace and type. Precedes the scripts that need it.
-- KEYS are in the table `push`: `proof`, `awaited`, `awaited_types`, `imports_due`, `imports_leased`, and `stretched`, the
-- prefix before a type. Each type has these fields in `proof`: streak:<type> (matches since the last miss), matches:<type>,
-- misses:<type>, last_match:<type>, proven:<type> (1 after enough matches in a row), unpushed:<type> (ends without a push
-- since the last match) and told:<type> (1 after the operator was told of the silence).
local AWAITED_FOR = 120000 -- an end without a push for this long is a miss
local MATCHES_WITHIN = 60000 -- a push this long before or after an end is a match
local PROVEN_BY = 3 -- matches in a row
local MOST_TYPES = 20
local BROUGHT_BACK_AT_ONCE = 1000

-- Return the types that have numbers.
local function proof_types(push)
  local types = {}
  for _, field in ipairs(redis.call('HKEYS', push.proof)) do
    types[#types + 1] = string.match(field, '^streak:(.*)$')
  end
  return types
end

local function has_room(push, type)
  return redis.call('HEXISTS', push.proof, 'streak:' .. type) == 1 or #proof_types(push) < MOST_TYPES
end

-- Bring back the polls of a type that were put off because pushes were proven: they are due when they would be without.
-- A poll in progress is left to its commit. Return how many were brought back; there may be more.
local function bring_back(push, type, now)
  local stretched = push.stretched .. type
  local entries = redis.call('ZRANGE', stretched, 0, BROUGHT_BACK_AT_ONCE - 1, 'WITHSCORES')
  local dues, ids = {}, {}
  for i = 1, #entries, 2 do
    ids[#ids + 1] = entries[i]
    if tonumber(redis.call('ZSCORE', push.imports_leased, entries[i]) or 0) <= now then
      dues[#dues + 1] = entries[i + 1]
      dues[#dues + 1] = entries[i]
    end
  end
  if dues[1] then
    redis.call('ZADD', push.imports_due, 'XX', 'LT', unpack(dues))
  end
  if ids[1] then
    redis.call('ZREM', stretched, unpack(ids))
  end
  return #ids
end

-- Count a match: a push and an end belong together.
local function count_match(push, type, now)
  if not has_room(push, type) then
    return
  end
  redis.call('HINCRBY', push.proof, 'matches:' .. type, 1)
  redis.call('HSET', push.proof, 'last_match:' .. type, now, 'unpushed:' .. type, 0)
  if redis.call('HINCRBY', push.proof, 'streak:' .. type, 1) == PROVEN_BY then
    redis.call('HSET', push.proof, 'proven:' .. type, 1)
    redis.call('HDEL', push.proof, 'told:' .. type)
  end
end

-- Count misses: polling returns to its own schedule at once. `unpushed` is 1 for an end without a push.
local function count_misses(push, type, count, unpushed, now)
  if not has_room(push, type) then
    return
  end
  redis.call('HINCRBY', push.proof, 'misses:' .. type, count)
  redis.call('HSET', push.proof, 'streak:' .. type, 0)
  if unpushed > 0 and redis.call('HEXISTS', push.proof, 'proven:' .. type) == 1 then
    redis.call('HINCRBY', push.proof, 'unpushed:' .. type, unpushed)
  end
  bring_back(push, type, now)
end

-- Judge an import that was read unfinished and has now been read final. `pushed_at` is nil without a push; `first_since`
-- is whether this poll was the first that was begun after the push.
local function judge_end(push, import_id, type, pushed_at, first_since, now)
  local age = pushed_at and now - pushed_at
  if age and (first_since or age <= MATCHES_WITHIN) then
    count_match(push, type, now)
  elseif not age or age > AWAITED_FOR then
    redis.call('ZADD', push.awaited, now + AWAITED_FOR, import_id)
    redis.call('HSET', push.awaited_types, import_id, type)
  end
end

-- Judge a push: it may belong to an end that was read shortly before.
local function judge_push(push, import_id, now)
  local awaited_until = redis.call('ZSCORE', push.awaited, import_id)
  if not awaited_until then
    return
  end
  local type = redis.call('HGET', push.awaited_types, import_id)
  if type and awaited_until - now >= AWAITED_FOR - MATCHES_WITHIN then
    count_match(push, type, now)
  end
  redis.call('ZREM', push.awaited, import_id)
  redis.call('HDEL', push.awaited_types, import_id)
end

-- Count pushes that our own endpoint answered with a 5xx: misses of every type.
local function count_failed_pushes(push, failed, now)
  if failed > 0 then
    for _, type in ipairs(proof_types(push)) do
      count_misses(push, type, failed, 0, now)
    end
  end
end
