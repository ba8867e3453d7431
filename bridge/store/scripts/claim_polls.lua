-- Reserve budget and claim as many due imports, in one step. If more are due, those with the highest lateness / √pause
-- are claimed.
-- Arguments: `version` is the expected version of the budget; `probing_until` is 0 without a probe; `find_probe` is 1 to
-- look for an import that can probe a failing workspace.
-- Returns: {now, 'stale'} when the budget has been overwritten; otherwise
--          {now, 'claimed', {id, fence, due, tier, first_at, polls, faults, mark, absent}...}
local budget, imports_due, imports_leased, fences = unpack(KEYS)
local version, count, lease, paced_from, step, probing_until, import_prefix, find_probe = unpack(ARGV)
local now = clock()

-- Return the ids and scores of the imports that are due, the most urgent first.
local function most_urgent(count)
  local lists, at, chosen = first_of_each_tier(imports_due, count), {}, {}
  local function urgency(n)
    local score = lists[n][at[n] + 1]
    local late = score and tier_of(score) == tier_of(lists[n][2]) and now - moment_of(score) or -1
    return late / 2 ^ (tier_of(lists[n][2]) / 2)
  end
  for n = 1, #lists do
    at[n] = 1
  end
  while #chosen < 2 * count do
    local most, highest
    for n = 1, #lists do
      local own = urgency(n)
      if own >= 0 and (not most or own > highest) then
        most, highest = n, own
      end
    end
    if not most then
      break
    end
    chosen[#chosen + 1] = lists[most][at[most]]
    chosen[#chosen + 1] = lists[most][at[most] + 1]
    at[most] = at[most] + 2
  end
  return chosen
end

-- Return the id and score of an import whose own polls did not fail, due or not; of any import if there is none among
-- the first of each tier.
local CANDIDATES = 1000 -- a client may have many imports that always fail
local function probe()
  local sound, any = {}, {}
  for _, list in ipairs(first_of_each_tier(imports_due, CANDIDATES)) do
    for i = 1, #list, 2 do
      local id, score = list[i], list[i + 1]
      local at = tier_of(score) == tier_of(list[2]) and moment_of(score)
      if at and tonumber(redis.call('ZSCORE', imports_leased, id) or 0) <= now then
        if not any[1] or at < moment_of(any[2]) then
          any = {id, score}
        end
        if (not sound[1] or at < moment_of(sound[2])) and redis.call('HGET', import_prefix .. id, 'faults') == '0' then
          sound = {id, score}
        end
      end
    end
  end
  return sound[1] and sound or any
end

if (redis.call('HGET', budget, 'version') or '0') ~= version then
  return {now, 'stale'}
end
local lease_end = now + tonumber(lease)
redis.call('ZREMRANGEBYSCORE', imports_leased, '-inf', now)
local due = find_probe == '1' and probe() or most_urgent(tonumber(count))
local reply, leased, rescheduled = {now, 'claimed'}, {}, {}
local fence = redis.call('INCRBY', fences, #due / 2) - #due / 2
for i = 1, #due, 2 do
  local id = due[i]
  fence = fence + 1
  local record = redis.call('HMGET', import_prefix .. id, 'state', 'first_at', 'polls', 'faults', 'mark', 'absent')
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
