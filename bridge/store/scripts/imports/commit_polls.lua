-- Commit poll results, each only under its own fence and while its import is open.
-- Further keys: the import's key for each poll.
-- Arguments: `settle_by` is the time after which another worker may settle a final import; `push_expected` is 1 if Rally
-- pushes to this workspace. Further arguments, for each poll: import id, settling member, fence, score in the order of
-- polls or 0 (final), 1 to publish the change, the type as just read or '', the score without proven pushes or 0, the
-- matches in a row that allow the first score, number of further arguments, field, value, ..., number of notes, note, ...
-- Returns: a list of 1 (committed) or 0 (the fence has been replaced, or the import is no longer watched)
local imports_due, imports_leased, settling, final, proof, awaited, awaited_types = unpack(KEYS, 1, 7)
local settle_by, polls, push_expected, stretched_prefix, notes_prefix, notes_kept, notes_kept_for = unpack(ARGV, 1, 7)
local FIRST_IMPORT, at = 8, 8
local now = clock()
local push = {proof = proof, awaited = awaited, awaited_types = awaited_types,
  stretched = stretched_prefix, imports_due = imports_due, imports_leased = imports_leased}
local committed, rescheduled, released, stretched, changed = {}, {}, {}, {}, {}

-- Return the score of the next poll of an import that is not final; its new fields are written.
local function next_score(key, id, record, score, type, unstretched, streak)
  if record.poll_again ~= '' then
    local retry_at = tonumber(redis.call('HGET', key, 'retry_at') or 0)
    return math.min(score, math.max(math.min(now, record.poll_again), retry_at))
  end
  if unstretched == 0 then
    return score
  end
  if tonumber(redis.call('HGET', proof, 'streak:' .. type) or 0) < streak then
    return unstretched -- there was a miss since the claim
  end
  stretched[type] = stretched[type] or {}
  table.insert(stretched[type], first_tier(record.by_rule) + unstretched)
  table.insert(stretched[type], id)
  return score
end

for i = 1, tonumber(polls) do
  local id, member, fence, score, news, type, unstretched, streak, extra = unpack(ARGV, at, at + 8)
  local first_field, last_field = at + 9, at + 8 + extra
  local notes = tonumber(ARGV[last_field + 1])
  local key = KEYS[FIRST_IMPORT - 1 + i]
  local stored_fence, state, poll_again, by_rule, read_open, pushed_at, pushed_polls, polls_before, noted_under =
    unpack(redis.call('HMGET', key, 'fence', 'state', 'poll_again', 'by_rule', 'read_open', 'pushed_at', 'pushed_polls',
      'polls', 'noted_under'))
  committed[i] = 0
  if stored_fence == fence and state == 'open' then
    committed[i] = 1
    if score == '0' then
      redis.call('HSET', key, 'state', 'final', 'final_at', now, unpack(ARGV, first_field, last_field))
      redis.call('ZREM', imports_due, id)
      redis.call('ZADD', settling, settle_by, member)
      redis.call('ZADD', final, now, member)
      if push_expected == '1' and read_open == '1' and type ~= '' then
        local first_since = pushed_at and tonumber(polls_before) <= tonumber(pushed_polls)
        judge_end(push, id, type, tonumber(pushed_at), first_since, now)
      end
    else
      redis.call('HSET', key, unpack(ARGV, first_field, last_field))
      local record = {poll_again = poll_again, by_rule = by_rule}
      local due = next_score(key, id, record, tonumber(score), type, tonumber(unstretched), tonumber(streak))
      rescheduled[#rescheduled + 1] = first_tier(by_rule) + due
      rescheduled[#rescheduled + 1] = id
    end
    if notes > 0 and noted_under ~= fence then -- a commit may be repeated after a lost reply
      append_notes(notes_prefix .. member, {unpack(ARGV, last_field + 2, last_field + 1 + notes)}, notes_kept,
        notes_kept_for)
    end
    released[#released + 1] = id
    if news == '1' then
      changed[#changed + 1] = 'import:' .. member
    end
  elseif not stored_fence then
    released[#released + 1] = id
  end
  at = last_field + 2 + notes
end
if #rescheduled > 0 then
  redis.call('ZADD', imports_due, unpack(rescheduled))
end
for type, entries in pairs(stretched) do
  redis.call('ZADD', stretched_prefix .. type, unpack(entries))
end
if #changed > 0 then
  redis.call('PUBLISH', 'rb:changes', table.concat(changed, '\n'))
end
if #released > 0 then
  redis.call('ZREM', imports_leased, unpack(released))
end
return committed
