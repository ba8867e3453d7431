-- Reserve budget and claim as many due imports, in one step. When more are due, those with the greatest lateness / √pause
-- are claimed.
-- KEYS: budget, imports due, imports leased, fence
-- ARGV: offset, expected budget version, count, lease, paced from, step, probing until or 0, prefix of import keys,
--       1 to find a probe for a line at fault
-- Returns: {now, 'stale'} when the budget has moved on; else {now, 'claimed', {id, fence, due, tier, first_at, polls, faults, mark, absent}...}
local now = clock()

-- Return the ids and scores of the imports that are due, the most pressing first.
local function most_pressing(count)
  local lists, at, chosen = first_of_each_tier(KEYS[2], count), {}, {}
  local function pressure(n)
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
      local own = pressure(n)
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

-- Return the id and score of an import that was not at fault itself, due or not; of any where there is none such. It is
-- looked for among the first of each tier.
local LOOKED_AT = 1000 -- a client may have many imports that are always at fault
local function find_probe()
  local sound, any = {}, {}
  for _, list in ipairs(first_of_each_tier(KEYS[2], LOOKED_AT)) do
    for i = 1, #list, 2 do
      local id, score = list[i], list[i + 1]
      local at = tier_of(score) == tier_of(list[2]) and moment_of(score)
      if at and tonumber(redis.call('ZSCORE', KEYS[3], id) or 0) <= now then
        if not any[1] or at < moment_of(any[2]) then
          any = {id, score}
        end
        if (not sound[1] or at < moment_of(sound[2])) and redis.call('HGET', ARGV[8] .. id, 'faults') == '0' then
          sound = {id, score}
        end
      end
    end
  end
  return sound[1] and sound or any
end

if (redis.call('HGET', KEYS[1], 'version') or '0') ~= ARGV[2] then
  return {now, 'stale'}
end
local lease_end = now + tonumber(ARGV[4])
redis.call('ZREMRANGEBYSCORE', KEYS[3], '-inf', now)
local due = ARGV[9] == '1' and find_probe() or most_pressing(tonumber(ARGV[3]))
local reply, leased, due_again = {now, 'claimed'}, {}, {}
local fence = redis.call('INCRBY', KEYS[4], #due / 2) - #due / 2
for i = 1, #due, 2 do
  local id = due[i]
  fence = fence + 1
  local record = redis.call('HMGET', ARGV[8] .. id, 'state', 'first_at', 'polls', 'faults', 'mark', 'absent')
  if record[1] == 'open' then
    redis.call('HSET', ARGV[8] .. id, 'fence', fence)
    local tier = tier_of(due[i + 1])
    leased[#leased + 1] = lease_end
    leased[#leased + 1] = id
    due_again[#due_again + 1] = tier * TIER_SPAN + lease_end
    due_again[#due_again + 1] = id
    reply[#reply + 1] = {id, fence, moment_of(due[i + 1]), tier, tonumber(record[2]), tonumber(record[3]),
      tonumber(record[4]), record[5] or '', record[6] or ''}
  else
    redis.call('ZREM', KEYS[2], id)
  end
end
local claimed = #reply - 2
if claimed > 0 then
  redis.call('ZADD', KEYS[2], unpack(due_again))
  redis.call('ZADD', KEYS[3], unpack(leased))
  redis.call('HINCRBY', KEYS[1], 'version', 1)
  redis.call('HINCRBY', KEYS[1], 'spent', claimed)
  redis.call('HINCRBY', KEYS[1], 'available', -claimed)
  redis.call('HSET', KEYS[1], 'written_at', now, 'paced_until', ARGV[5] + claimed * ARGV[6], 'probing_until', ARGV[7])
end
return reply
