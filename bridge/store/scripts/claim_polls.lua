-- Reserve budget and claim as many due imports, in one step. If more are due, poll_order.lua chooses.
-- Arguments: `version` is the expected version of the budget; `probing_until` is 0 without a probe; `find_probe` is 1 to
-- look for an import that can probe a failing workspace.
-- Returns: {now, 'stale'} when the budget has been overwritten; otherwise
--          {now, 'claimed', {id, fence, due, tier, first_at, polls, faults, reading_digest, absent}...}
local budget, imports_due, imports_leased, fences = unpack(KEYS)
local version, count, lease, paced_from, step, probing_until, import_prefix, find_probe = unpack(ARGV)
local now = clock()

if (redis.call('HGET', budget, 'version') or '0') ~= version then
  return {now, 'stale'}
end
local lease_end = now + tonumber(lease)
redis.call('ZREMRANGEBYSCORE', imports_leased, '-inf', now)
local due = find_probe == '1' and probe(imports_due, imports_leased, import_prefix, now)
  or most_urgent(imports_due, tonumber(count), now)
local reply, leased, rescheduled = {now, 'claimed'}, {}, {}
local fence = redis.call('INCRBY', fences, #due / 2) - #due / 2
for i = 1, #due, 2 do
  local id = due[i]
  fence = fence + 1
  local record = redis.call('HMGET', import_prefix .. id, 'state', 'first_at', 'polls', 'faults', 'reading_digest',
    'absent')
  if record[1] == 'open' then
    redis.call('HSET', import_prefix .. id, 'fence', fence)
    local tier = tier_of(due[i + 1])
    leased[#leased + 1] = lease_end
    leased[#leased + 1] = id
    rescheduled[#rescheduled + 1] = tier * TIER_SPAN + lease_end
    rescheduled[#rescheduled + 1] = id
    reply[#reply + 1] = {id, fence, moment_of(due[i + 1]), tier, tonumber(record[2]), tonumber(record[3]),
      tonumber(record[4]), record[5] or '', record[6] or ''}
  else
    redis.call('ZREM', imports_due, id)
  end
end
local claimed = #reply - 2
if claimed > 0 then
  redis.call('ZADD', imports_due, unpack(rescheduled))
  redis.call('ZADD', imports_leased, unpack(leased))
  redis.call('HINCRBY', budget, 'version', 1)
  redis.call('HINCRBY', budget, 'spent', claimed)
  redis.call('HINCRBY', budget, 'available', -claimed)
  redis.call('HSET', budget, 'written_at', now, 'paced_until', paced_from + claimed * step,
    'probing_until', probing_until)
end
return reply
