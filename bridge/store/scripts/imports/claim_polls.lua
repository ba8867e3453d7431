-- Reserve budget and claim as many due imports, in one step. If more are due, poll_order.lua chooses.
-- Arguments: `version` is the expected version of the budget; `rules_least` and `rules_most` bound the imports that only
-- rules watch: they get `rules_least` places before all others, and further ones only if places are left; they have used
-- `rules_spent` polls before, which count until `rules_until`;
-- `probing_until` is 0 without a probe; `find_probe` is 1 to look for an import that can probe a failing workspace.
-- Returns: {now, 'stale'} when the budget has been overwritten; otherwise
--          {now, 'claimed', the fields and values of proof, {id, fence, due, tier, first_at, polls, faults,
--           reading_digest, absent, pushed_at, pushed_polls, by_rule, noted}...}
local budget, imports_due, imports_leased, fences, proof = unpack(KEYS)
local version, count, rules_least, rules_most, rules_spent, rules_until, lease, paced_from, step, probing_until,
  import_prefix, stretched_prefix, find_probe = unpack(ARGV)
local now = clock()

if (redis.call('HGET', budget, 'version') or '0') ~= version then
  return {now, 'stale'}
end
local lease_end = now + tonumber(lease)
redis.call('ZREMRANGEBYSCORE', imports_leased, '-inf', now)

local function choose()
  local explicit = most_urgent(imports_due, tonumber(count), now)
  local by_rules = most_urgent(imports_due, tonumber(rules_most), now, '1')
  local rules = math.min(#by_rules / 2, math.max(tonumber(rules_least), count - #explicit / 2))
  local chosen = {}
  for i = 1, 2 * rules do
    chosen[i] = by_rules[i]
  end
  for i = 1, math.min(#explicit, 2 * (count - rules)) do
    chosen[#chosen + 1] = explicit[i]
  end
  return chosen
end

local due = find_probe == '1' and probe(imports_due, imports_leased, import_prefix, now) or choose()
local reply, leased, rescheduled, stretched = {now, 'claimed', redis.call('HGETALL', proof)}, {}, {}, {}
local fence, claimed, claimed_by_rules = redis.call('INCRBY', fences, #due / 2) - #due / 2, 0, 0
for i = 1, #due, 2 do
  local id = due[i]
  fence = fence + 1
  local record = redis.call('HMGET', import_prefix .. id, 'state', 'first_at', 'polls', 'faults', 'reading_digest',
    'absent', 'pushed_at', 'pushed_polls', 'by_rule', 'type', 'noted')
  if record[1] == 'open' then
    redis.call('HSET', import_prefix .. id, 'fence', fence, 'poll_again', '')
    local tier, by_rule, type = tier_of(due[i + 1]), record[9] == '1' and 1 or 0, record[10]
    leased[#leased + 1] = lease_end
    leased[#leased + 1] = id
    rescheduled[#rescheduled + 1] = tier * TIER_SPAN + lease_end
    rescheduled[#rescheduled + 1] = id
    claimed, claimed_by_rules = claimed + 1, claimed_by_rules + by_rule
    if type and #reply[3] > 0 then
      stretched[type] = stretched[type] or {}
      table.insert(stretched[type], id)
    end
    reply[#reply + 1] = {id, fence, moment_of(due[i + 1]), tier % TIERS, tonumber(record[2]), tonumber(record[3]),
      tonumber(record[4]), record[5] or '', record[6] or '', tonumber(record[7] or -1), tonumber(record[8] or 0),
      by_rule, record[11] or ''}
  else
    redis.call('ZREM', imports_due, id)
  end
end
for type, ids in pairs(stretched) do
  redis.call('ZREM', stretched_prefix .. type, unpack(ids))
end
if claimed > 0 then
  redis.call('ZADD', imports_due, unpack(rescheduled))
  redis.call('ZADD', imports_leased, unpack(leased))
  redis.call('HINCRBY', budget, 'version', 1)
  redis.call('HINCRBY', budget, 'spent', claimed)
  redis.call('HINCRBY', budget, 'available', -claimed)
  redis.call('HSET', budget, 'written_at', now, 'paced_until', paced_from + claimed * step,
    'probing_until', probing_until)
  if claimed_by_rules > 0 then
    redis.call('HSET', budget, 'spent_by_rules', rules_spent + claimed_by_rules, 'rules_until', rules_until)
  end
end
return reply
