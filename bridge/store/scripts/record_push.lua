-- Record a verified push with all its effects, once for each message id: the next poll of its import is due now, and the
-- push is queued for the rules. It settles nothing.
-- Arguments: `result` is '' for a push about an import, else the result of a message without an effect; `for_rules` is 1
-- if rules cover the workspace; `failed_before` is the number of pushes that could not be recorded before this one.
-- Further arguments: the queued push's field, value, ...
-- Returns: {result, 1 if the push was queued}
local seen, import, imports_due, imports_leased, awaited, awaited_types, proof, first, queued, pushes_due,
  stats = unpack(KEYS)
local import_id, member, event, result, for_rules, remembered_for, first_kept, failed_before = unpack(ARGV, 1, 8)
local FIRST_FIELD = 9
local MATCHED_WITHIN, AWAITED_FOR = 60000, 120000
local now = clock()

local function counted(what, in_queue)
  redis.call('HINCRBY', stats, what .. ':' .. event, 1)
  redis.call('HSET', stats, 'last:' .. event, now)
  return {what, in_queue}
end
local function poll_now()
  redis.call('HSET', import, 'pushed_at', now, 'asked_after_push', 0)
  local leased = redis.call('ZSCORE', imports_leased, import_id)
  if redis.call('ZSCORE', imports_due, import_id) and not (leased and tonumber(leased) > now) then
    local retry_at = tonumber(redis.call('HGET', import, 'retry_at') or 0)
    redis.call('ZADD', imports_due, 'LT', math.max(now, retry_at), import_id) -- in the first tier
  end
end
-- The import ended shortly before, and its push is late: `awaited` has the end plus AWAITED_FOR as its score.
local function match_late_push()
  local until_missed = redis.call('ZSCORE', awaited, import_id)
  if until_missed then
    local type = redis.call('HGET', awaited_types, import_id)
    if type and now <= until_missed - AWAITED_FOR + MATCHED_WITHIN then
      count_match(proof, type, now)
    end
    redis.call('ZREM', awaited, import_id)
    redis.call('HDEL', awaited_types, import_id)
  end
end
local function queue()
  redis.call('SET', first, now, 'NX', 'PX', first_kept)
  redis.call('HSET', queued, 'at', now, 'first_at', redis.call('GET', first), unpack(ARGV, FIRST_FIELD))
  redis.call('ZADD', pushes_due, now, member)
end

if tonumber(failed_before) > 0 then
  count_misses_of_all(proof, failed_before)
end
if redis.call('EXISTS', seen) == 1 then
  return counted('duplicate', 0)
end
local in_queue = 0
if result == '' then
  local watched = redis.call('HGET', import, 'state') == 'open'
  if watched then
    poll_now()
  end
  match_late_push()
  if for_rules == '1' then
    queue()
    in_queue = 1
  end
  result = watched and 'watched' or in_queue == 1 and 'for_rules' or 'unwatched'
end
redis.call('SET', seen, now, 'PX', remembered_for)
return counted(result, in_queue)
