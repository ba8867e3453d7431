-- Record a verified push with all its effects, once for each message id: the next poll of its import is due now, and the
-- push is queued for the rules. It settles nothing.
-- Arguments: `result` is '' for a push about an import, else the result of a message without an effect; `for_rules` is 1
-- if rules cover the workspace; `failed_before` is the number of pushes that could not be recorded before this one.
-- Further arguments: the queued push's field, value, ...
-- Returns: {result, 1 if the push was queued}
local seen, import, imports_due, imports_leased, awaited, awaited_types, proof, first, queued, pushes_due,
  counts, import_notes = unpack(KEYS)
local import_id, member, event, result, for_rules, remembered_for, first_kept, failed_before, stretched_prefix,
  notes_kept, notes_kept_for = unpack(ARGV, 1, 11)
local FIRST_FIELD = 12
local now = clock()
local push = {proof = proof, awaited = awaited, awaited_types = awaited_types, stretched = stretched_prefix,
  imports_due = imports_due, imports_leased = imports_leased}

local function counted(what, in_queue)
  redis.call('HINCRBY', counts, what .. ':' .. event, 1)
  redis.call('HSET', counts, 'last:' .. event, now)
  return {what, in_queue}
end
local function queue()
  redis.call('HSET', queued, 'at', now, 'first_at', redis.call('GET', first), unpack(ARGV, FIRST_FIELD))
  redis.call('ZADD', pushes_due, now, member)
end

count_failed_pushes(push, tonumber(failed_before), now)
if redis.call('EXISTS', seen) == 1 then
  return counted('duplicate', 0)
end
local in_queue = 0
if result == '' then
  local watched = mark_pushed(import, imports_due, imports_leased, import_id, now)
  if watched then
    add_notes(import_notes, {now .. ' push'}, notes_kept, notes_kept_for)
  end
  judge_push(push, import_id, now)
  redis.call('SET', first, now, 'NX', 'PX', first_kept) -- without rules too: they may be configured before a replay
  if for_rules == '1' then
    queue()
    in_queue = 1
  end
  result = watched and 'watched' or in_queue == 1 and 'for_rules' or 'unwatched'
end
redis.call('SET', seen, now, 'PX', remembered_for)
return counted(result, in_queue)
